"""Many simulated agents in one process: each joins, keeps a long poll open and beats. Run by `agents`.

    python -m bench.queue.herd URL CA_FILE COUNT SECONDS INTERVAL < join token

A node of eight GPUs each, with a client certificate of its own, over the protocol of docs/queue.md. Prints
"joined" once all have, and at the end one line of JSON: beats sent, those that failed, how long they took.
"""

import asyncio
import json
import random
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.figure import spread
from sentinel.client.connection import Connection
from sentinel.drivers.certificates.request import new_key, signing_request

GPUS = 8


@dataclass(slots=True)
class Herd:
    """What all of them share, and what they count."""

    host: str
    port: int
    interval: float
    until: float
    taken: list[float] = field(default_factory=list[float])
    failed: int = 0
    polls: int = 0


def join(url: str, ca: str, token: str, count: int, folder: Path) -> list[ssl.SSLContext]:
    """A context with a certificate of its own for each. One key serves all: it is their load that counts."""
    plain = ssl.create_default_context(cafile=ca)
    key = new_key()
    (folder / "key.pem").write_bytes(key)
    csr = signing_request(key, "bench").decode()
    contexts: list[ssl.SSLContext] = []
    connection = Connection(url, context=plain)
    for number in range(count):
        who = {"name": f"node{number}", "boot_id": "b", "agent_version": "bench"}
        asked = {"token": token, "csr": csr, **who}
        answer = connection.ask("POST", "/api/v1/agent/join", json=asked).json()
        (folder / "cert.pem").write_text(answer["certificate"])
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        contexts.append(context)
    connection.close()
    return contexts


async def agent(herd: Herd, context: ssl.SSLContext, number: int) -> None:
    """One node: beats at its own moment of the interval, with a long poll beside."""
    await asyncio.sleep(random.random() * herd.interval)
    poll = asyncio.create_task(_poll(herd, context))
    reader, writer = await asyncio.open_connection(herd.host, herd.port, ssl=context)
    body = json.dumps(_beat(number)).encode()
    while time.monotonic() < herd.until:
        began = time.perf_counter()
        status, _ = await _ask(reader, writer, "POST", "/api/v1/agent/beat", body)
        herd.taken.append(1000 * (time.perf_counter() - began))
        herd.failed += status != 200
        await asyncio.sleep(max(0.0, herd.interval - (time.perf_counter() - began)))
    poll.cancel()
    writer.close()


async def _poll(herd: Herd, context: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection(herd.host, herd.port, ssl=context)
    seen = 0
    while True:
        path = f"/api/v1/agent/desired?seen={seen}&wait=25"
        status, answer = await _ask(reader, writer, "GET", path, b"")
        if status != 200:
            herd.failed += 1
            return
        herd.polls += 1
        seen = json.loads(answer)["revision"]


def _beat(number: int) -> dict[str, Any]:
    gpus = [
        {
            "uuid": f"GPU-{number}-{index}",
            "index": index,
            "model": "H100",
            "memory_total_bytes": 80 << 30,
            "blocked": None,
        }
        for index in range(GPUS)
    ]
    samples = [
        {
            "uuid": f"GPU-{number}-{index}",
            "utilization_percent": 50.0,
            "memory_used_bytes": 1 << 30,
            "temperature_celsius": 50.0,
            "power_watts": 300.0,
        }
        for index in range(GPUS)
    ]
    return {
        "boot_id": "b",
        "agent_version": "bench",
        "gpus": gpus,
        "held": [],
        "seen": 0,
        "workloads": None,
        "samples": samples,
    }


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: bytes
) -> tuple[int, bytes]:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def run(herd: Herd, contexts: list[ssl.SSLContext]) -> None:
    """All of them, until the time is over."""
    await asyncio.gather(*(agent(herd, context, number) for number, context in enumerate(contexts)))


def main(url: str, ca: str, count: int, seconds: float, interval: float) -> None:
    token = sys.stdin.readline().strip()
    with tempfile.TemporaryDirectory() as folder:
        contexts = join(url, ca, token, count, Path(folder))
    print("joined", flush=True)
    address = urlsplit(url)
    herd = Herd(
        host=str(address.hostname),
        port=address.port or 443,
        interval=interval,
        until=time.monotonic() + interval + seconds,
    )
    asyncio.run(run(herd, contexts))
    beats = {"beats": len(herd.taken), "failed": herd.failed, "polls": herd.polls, "ms": spread(herd.taken)}
    print(json.dumps(beats), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
