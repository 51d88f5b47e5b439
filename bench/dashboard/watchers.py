"""Many who follow the fleet's stream, in one process beside the measured controller. Run by `streams`.

    python -m bench.dashboard.watchers URL CA_FILE COUNT SECONDS < token

Each has a connection of its own and takes gzip, as browsers do. Prints "watching" once all have the whole,
and at the end one line of JSON: messages and bytes a watcher, and what went wrong.
"""

import asyncio
import json
import ssl
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Watched:
    """What one of them heard. `late`: seconds between two messages, at most."""

    messages: int = 0
    rows: int = 0
    bytes: int = 0
    ids: set[str] = field(default_factory=set[str])
    late: float = 0.0


async def watch(url: str, context: ssl.SSLContext, token: str, ready: asyncio.Event) -> Watched:
    """Until it is cancelled, or the stream ends."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context, limit=1 << 22)
    head = f"GET /api/v1/fleet/stream HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
    writer.write(f"{head}Accept-Encoding: gzip\r\n\r\n".encode())
    watched, rest, at = Watched(), "", time.monotonic()
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer.partition(b"\r\n")[0].decode())
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while size := int(await reader.readline(), 16):
            chunk = (await reader.readexactly(size + 2))[:-2]
            watched.bytes += size
            rest += unpacking.decompress(chunk).decode()
            *events, rest = rest.split("\n\n")
            for event in events:
                _heard(watched, dict(line.split(": ", 1) for line in event.split("\n")))
                now = time.monotonic()
                watched.late, at = max(watched.late, now - at), now
                ready.set()
    except asyncio.CancelledError:
        pass
    finally:
        writer.close()
    return watched


def _heard(watched: Watched, event: Mapping[str, str]) -> None:
    watched.messages += 1
    watched.ids.add(event["id"])
    if event["event"] == "delta":
        watched.rows += event["data"].count("{") - 1


async def _all(url: str, ca: str, token: str, count: int, seconds: float) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=ca)
    ready = [asyncio.Event() for _ in range(count)]
    tasks = [asyncio.create_task(watch(url, context, token, one)) for one in ready]
    await asyncio.wait_for(asyncio.gather(*(one.wait() for one in ready)), 30)
    print("watching", flush=True)
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    watched = [one for one in found if isinstance(one, Watched)]
    return {
        "failed": [str(one) for one in found if not isinstance(one, Watched)][:3],
        "messages": min((one.messages for one in watched), default=0),
        "rows": min((one.rows for one in watched), default=0),
        "kilobytes": round(max((one.bytes for one in watched), default=0) / 1000, 1),
        "longest_pause": round(max((one.late for one in watched), default=0.0), 2),
        "encodings": len(set[str]().union(*(one.ids for one in watched))),
    }


def main() -> int:
    url, ca, count, seconds = sys.argv[1:]
    token = sys.stdin.readline().strip()
    print(json.dumps(asyncio.run(_all(url, ca, token, int(count), float(seconds)))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
