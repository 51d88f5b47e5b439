"""Answers that come bit by bit, and whose end means something. Used by routes.events and routes.logs."""

from starlette.responses import StreamingResponse
from starlette.types import Send

from sentinel.core.errors import SentinelError


class Interrupted(SentinelError):
    """There would be more, but not now: the controller is being stopped, or the asker may not any more."""


class Stream(StreamingResponse):
    """Interrupted, it is cut without the mark of an end. So whoever reads it asks again and hears why,
    instead of taking a part for the whole."""

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for chunk in self.body_iterator:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except Interrupted:
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
