"""What one core does with the samples of 1,000 nodes: CPU seconds for each second of data.

An hour of all of them: 12 metrics of 8 GPUs every ten seconds, a batch a node and minute, handed to the
history as the controller gathers them, 17 at once. Counted: decoding, keeping (each on the disk), and folding
the hour. The making of the batches is the agents' work and not counted.
"""

import resource
import tempfile
import time
from pathlib import Path

from bench.figure import Figure, percentile
from bench.history.cards import GPUS, INTERVAL, METRICS, batch
from sentinel.core.sample_batch import decode, encode
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.levels import HOUR

NODES, NODES_QUICK = 1000, 50
TOGETHER = 17
START = 1_790_000_000 // HOUR * HOUR
CORES_AT_MOST = 1.0


class _Clock:
    def __init__(self) -> None:
        self.now = float(START)

    def __call__(self) -> float:
        return self.now


def measure(quick: bool) -> list[Figure]:
    nodes = NODES_QUICK if quick else NODES
    clock = _Clock()
    keeping, sent, took = 0.0, 0, list[float]()
    with tempfile.TemporaryDirectory(prefix="sentinel-history-") as folder:
        history = EmbeddedHistory(str(Path(folder) / "history.db"), clock=clock)
        for minute in range(60):
            at = START + minute * 60
            clock.now = at + 60
            for first in range(0, nodes, TOGETHER):
                raw = [encode(batch(node, at, 6)) for node in range(first, min(first + TOGETHER, nodes))]
                sent += sum(map(len, raw))
                began, cpu = time.perf_counter(), time.process_time()
                history.append([decode(one) for one in raw])
                keeping += time.process_time() - cpu
                took.append((time.perf_counter() - began) * 1000)
        clock.now = START + 3 * HOUR
        cpu = time.process_time()
        for _ in range(1 + nodes // 64):
            history.purge(clock.now)
        folding = time.process_time() - cpu
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
        history.close()
    share = NODES / nodes
    return [
        Figure(
            name=f"history: {NODES} nodes of {GPUS} GPUs ingested",
            value=(keeping + folding) * share / HOUR,
            unit="cores",
            target=CORES_AT_MOST,
            how=f"CPU seconds a second of data; an hour of {nodes} nodes, {len(METRICS)} metrics every "
            f"{INTERVAL:g} s: {keeping:.1f} s to keep it, {folding:.1f} s to fold it",
            detail={
                "nodes": nodes,
                "bytes_sent": sent,
                "bytes_on_disk": size,
                "append_p99_ms": round(percentile(took, 99), 1),
                "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            },
        )
    ]
