"""500 clients at once for the same GPUs: is each served, in order, and how fast?"""

import contextlib
import selectors
import time

from bench.figure import Figure, percentile
from bench.workstation.arbiter import NOTHING_TO_EVICT, PATIENCE, BenchmarkError, Client, arbiter, granted

CLIENTS = 500
EXCLUSIVE = {"v": 1, "cmd": "acquire", "sharing": "exclusive", "count": 2, "binding": "connection"}


def measure(quick: bool) -> list[Figure]:
    """One client holds both GPUs while the crowd queues up; then each is served and lets go at once."""
    size = 50 if quick else CLIENTS
    with contextlib.ExitStack() as opened:
        running = opened.enter_context(arbiter(NOTHING_TO_EVICT))
        first = opened.enter_context(Client(running.socket_path))
        lease = first.acquire(EXCLUSIVE)
        crowd = [opened.enter_context(Client(running.socket_path)) for _ in range(size)]
        began = time.perf_counter()
        for index, client in enumerate(crowd):
            client.send(EXCLUSIVE | {"holder": f"client {index}"})  # by another name, or it inherits
        first.release(lease)
        order, waits = serve(crowd, began)
    total = waits[-1]
    misplaced = sum(place != index for place, index in enumerate(order))
    return [
        Figure(
            name=f"{size} clients at once, not served in order",
            value=float(misplaced + size - len(order)),
            unit="",
            target=0.0,
            how="each asks for both GPUs and lets go when it has them; order is that of asking",
            detail={"served": len(order), "misplaced": misplaced},
        ),
        Figure(
            name=f"{size} clients at once, all served after",
            value=round(total, 1),
            unit="ms",
            how="from the first request to the last grant",
            detail={"p50_wait": round(percentile(waits, 50), 1), "p99_wait": round(percentile(waits, 99), 1)},
        ),
    ]


def serve(crowd: list[Client], began: float) -> tuple[list[int], list[float]]:
    """Who was granted, in the order of the grants, and the milliseconds since `began` of each."""
    order: list[int] = []
    waits: list[float] = []
    with selectors.DefaultSelector() as ready:
        for index, client in enumerate(crowd):
            ready.register(client, selectors.EVENT_READ, (index, client))
        while len(order) < len(crowd):
            events = ready.select(PATIENCE)
            if not events:
                raise BenchmarkError(
                    f"after {len(order)} of {len(crowd)} grants nothing came for {PATIENCE:g} s"
                )
            for key, _ in events:
                index, client = key.data
                for reply in client.pump():
                    if lease := granted(reply):
                        order.append(index)
                        waits.append((time.perf_counter() - began) * 1000)
                        ready.unregister(client)
                        client.send({"v": 1, "cmd": "release", "lease": lease})
    return order, waits
