"""What stands before every route: bodies have a limit, answers are counted, and have headers that keep
browsers from mischief.

Plain ASGI: the framework's own base class for this costs as much as a route. Installed by `make_app`.
"""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentinel.api.problems import Problem, problem_response
from sentinel.api.request_counts import RequestCounts

MOST_BODY = 1 << 20
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
TOO_BIG = f"a body has at most {MOST_BODY} bytes"


class Protection:
    """Refuses bodies over `most` bytes, whether their length is told or they come in chunks."""

    def __init__(self, app: ASGIApp, most: int = MOST_BODY, counts: RequestCounts | None = None) -> None:
        self._app = app
        self._most, self._counts = most, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._counts is not None:
                    self._counts.note(scope["method"], message["status"])
                headers = message["headers"] = list(message.get("headers", ()))
                have = {name for name, _ in headers}
                headers += [header for header in _HEADERS if header[0] not in have]
            await send(message)

        if _told_length(scope) > self._most:
            await _refuse(scope, receive, protected)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            if message["type"] == "http.request":
                got += len(message.get("body", b""))
                if got > self._most:
                    # The framework passes this one on from wherever it reads.
                    raise HTTPException(413, TOO_BIG, {"Connection": "close"})
            return message

        try:
            await self._app(scope, counted, protected)
        except ClientDisconnect:
            return  # it hung up in the middle of its request: nobody to answer, and no defect


def _told_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(413, TOO_BIG, kind="too-big", hint="send less", headers={"Connection": "close"})
    await problem_response(problem)(scope, receive, send)
