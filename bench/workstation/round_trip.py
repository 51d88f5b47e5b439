"""How long an acquire takes when nothing has to make room for it."""

import statistics
import time

from bench.figure import Figure, spread
from bench.workstation.arbiter import NOTHING_TO_EVICT, Client, arbiter

TARGET_MS = 3.0
ACQUIRE = {"v": 1, "cmd": "acquire", "sharing": "shared", "binding": "connection"}


def measure(quick: bool) -> list[Figure]:
    """From connecting to the bytes of the grant; a connection and a lease each time."""
    took: list[float] = []
    with arbiter(NOTHING_TO_EVICT) as running:
        for _ in range(50 if quick else 1000):
            began = time.perf_counter()
            with Client(running.socket_path) as client:
                lease = client.acquire(ACQUIRE)
                took.append((time.perf_counter() - began) * 1000)
                client.release(lease)
    return [
        Figure(
            name="acquire round trip, p50",
            value=round(statistics.median(took), 3),
            unit="ms",
            target=TARGET_MS,
            how="connect, ask, granted; nothing to evict, each lease released before the next",
            detail=spread(took),
        )
    ]
