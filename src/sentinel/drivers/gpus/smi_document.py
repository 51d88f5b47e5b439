"""An XML document as a tree, read so that a hostile file can do no harm.

Called by `smi_xml`. Straight on expat, because ElementTree hides the hooks that this needs: entity
declarations are refused (a few lines of them can ask for gigabytes), references that only a DTD could
explain are refused, no DTD is ever fetched, and size, depth and number of elements are capped. What
`nvidia-smi` itself writes, `<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">`, is fine.
"""

from collections.abc import Iterator

from sentinel.core.errors import UsageError

MAX_BYTES = 64 * 2**20
_MAX_DEPTH = 64
_MAX_ELEMENTS = 1_000_000  # a card with every supported clock spelled out has some 8,000


class Node:
    """An element. Text is gathered only where an element has no children."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""

    def all(self, tag: str) -> Iterator["Node"]:
        """The children called `tag`."""
        return (child for child in self.children if child.tag == tag)

    def at(self, path: str) -> "Node | None":
        """The first descendant by a path like "mig_mode/current_mig"."""
        node: Node | None = self
        for tag in path.split("/"):
            node = next(node.all(tag), None) if node else None
        return node

    def value(self, *paths: str) -> str | None:
        """The text at the first of `paths` that exists and is not "N/A"."""
        found: str | None = None
        for path in paths:
            node = self.at(path)
            if node is None:
                continue
            found = node.text.strip()
            if found.strip("[]") != "N/A":
                break
        return found


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_DEPTH:
            raise UsageError("it has too many elements, or nests them too deep")
        node = Node(tag, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        node = self._open[-1]
        if not node.children:
            node.text += data

    def entity(self, name: str, *_: object) -> None:
        raise UsageError(f"it declares the entity {name[:40]!r}, which nvidia-smi never does")

    def unexplained(self, name: str, _parameter: bool) -> None:
        raise UsageError(f"undefined entity {name[:40]!r}")


def parse_document(data: bytes) -> Node:
    """The root of the XML in `data`. Raises UsageError, saying where, for anything that is not XML."""
    # The arbiter must stay small, and never reads XML on most machines.
    from xml.parsers import expat

    if len(data) > MAX_BYTES:
        raise UsageError(f"it is larger than {MAX_BYTES >> 20} MiB")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.EntityDeclHandler = builder.entity
    parser.SkippedEntityHandler = builder.unexplained
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise UsageError(f"{what} (line {error.lineno}, column {error.offset + 1})") from None
    except (LookupError, ValueError) as error:
        raise UsageError(f"its encoding cannot be read ({error})") from None
    assert builder.root is not None
    return builder.root
