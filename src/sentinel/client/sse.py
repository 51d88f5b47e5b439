"""Server-sent events, read from bytes as they come (HTML standard, 9.2.6). Pure.

Called by `client.following` and `client.waiting`.
"""

from dataclasses import dataclass

_LONGEST = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One of them. `id` as it was sent last, None before any was."""

    id: str | None
    type: str
    data: str


class EventParser:
    """Takes pieces of any size, gives the events that they complete. ValueError for a line without end."""

    __slots__ = ("_data", "_id", "_rest", "_type")

    def __init__(self) -> None:
        self._rest = b""
        self._data = list[str]()
        self._type = ""
        self._id: str | None = None

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that end in `piece`."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _LONGEST:
            raise ValueError("a line of the event stream does not end")
        found: list[ServerEvent] = []
        for line in lines:
            event = self._line(line.removesuffix(b"\r").decode(errors="replace"))
            if event is not None:
                found.append(event)
        return found

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            data, kind = self._data, self._type
            self._data, self._type = [], ""
            if not data:
                return None
            return ServerEvent(id=self._id, type=kind or "message", data="\n".join(data))
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None
