"""What one core does with the samples of 1,000 nodes: CPU seconds for each second of data.

An hour as agents send it: of each node a row every ten seconds, and the open minute, longer each time, after
each row. Its series are those that the agent makes of a reading of 8 cards, with what of each card somebody
holds; its values move as cards' do. They go the controller's way from the body of a request on: gathered,
decoded, kept (on the disk before they are answered), and the hour folded. Of the nodes a part is simulated,
as each of them costs the same; the agents' own work is not counted.

Then the same rate of batches through a real controller, HTTP, TLS and all its processes included, by a few
nodes that send as many as a thousand would.
"""

import asyncio
import resource
import tempfile
import time
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

from bench.figure import Figure, percentile
from bench.history.cards import GPUS, INTERVAL, METRICS, pool
from bench.process_time import cpu_seconds
from bench.queue.controller import server
from sentinel.agent.link.joining import Machine, join
from sentinel.agent.record.columns import columns_of, row_of
from sentinel.agent.record.door import Door
from sentinel.api.sample_intake import SampleIntake
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason
from sentinel.core.sample_batch import Batch, Column, Named, encode
from sentinel.core.series import labels_from
from sentinel.drivers.certificates import request
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.levels import HOUR
from sentinel.telemetry.sample import Owner, Sample, Watch

NODES, PART, PART_QUICK = 1000, 200, 10
ROWS = 6
TOGETHER = 5
"""Batches that come while one is gathered for, when a thousand nodes send every ten seconds."""
SECONDS, SECONDS_QUICK, SENDERS = 30.0, 5.0, 10
START = 1_790_000_000 // HOUR * HOUR
CORES_AT_MOST = 1.0
_HELD = ("gpu_held", "gpu_held_idle", "gpu_held_power_watts")
_CONSTANT = 7.0
_OFFSETS = 997


class _Clock:
    def __init__(self) -> None:
        self.now = float(START)

    def __call__(self) -> float:
        return self.now


def measure(quick: bool) -> list[Figure]:
    nodes = PART_QUICK if quick else PART
    plain, full = simulated_cards(), [with_everything(one) for one in simulated_cards()]
    return [
        _figure("", plain, nodes, CORES_AT_MOST),
        _figure(", every sensor and 18 NVLinks", full, max(1, nodes // 5), None),
        _served(plain, SECONDS_QUICK if quick else SECONDS),
    ]


# ------------------------------------------------------------------ what is sent


def simulated_cards() -> list[Gpu]:
    """As the simulated source reads them, each with a process of somebody's."""
    source = open_source(f"simulated:{GPUS}", full=True)
    try:
        cards = source.read().gpus
    finally:
        source.close()
    one = GpuProcess(pid=1, kind=ProcessKind.COMPUTE, memory_bytes=2**33)
    return [replace(card, processes=(one,)) for card in cards]


def with_everything(card: Gpu) -> Gpu:
    """The same with a value for each sensor that there is."""
    links = tuple(
        NvLink(
            link=nth, active=True, replay_errors=0, recovery_errors=0, crc_flit_errors=0, crc_data_errors=0
        )
        for nth in range(18)
    )
    named = dict.fromkeys(GpuSensors.__dataclass_fields__, 1)
    special = {
        "throttle_reasons": frozenset[ThrottleReason](),
        "throttle_seconds": dict.fromkeys(ThrottleReason, 1.0),
        "fans_percent": (),
        "nvlinks": links,
    }
    return replace(card, sensors=GpuSensors(**{**named, **special}))  # pyright: ignore[reportArgumentType]


def series_of(node: int, cards: Sequence[Gpu]) -> list[Named]:
    """The series of that node, in the order in which its agent sends them."""
    mine = tuple(replace(card, uuid=f"GPU-{node:08x}-0000-0000-0000-{card.index:012x}") for card in cards)
    sample = Sample(
        node="host",
        at=0.0,
        boottime=0.0,
        reading=GpuReading(source="simulated", gpus=mine),
        owners={1: Owner(user=f"user{node % 7}")},
        duration=0.01,
    )
    held = [
        (metric, labels_from({**dict(labels), "user": f"user{node % 7}", "origin": "queue"}), 1.0)
        for name, labels, _ in columns_of(sample)
        if name == "gpu_up"
        for metric in _HELD
    ]
    sources: dict[str, bool | None] = {"gpus": True, "proc": True, "docker": True}
    name = f"node-{node:04d}"
    row = row_of(name, Watch(node="host", sample=sample), sources, held, at=0.0, now=0.0, oldest=3.0)
    return sorted(row.values)


@cache
def _values(metric: str) -> "array[float]":
    """As long as needed: the metric's of `cards`, or one that stays the same."""
    found = pool(metric) if metric in METRICS else array("f", (_CONSTANT,))
    return found * (1 + (ROWS * 60 + _OFFSETS * GPUS) // len(found))


class Node:
    """Sends what its cards measure."""

    def __init__(self, number: int, cards: Sequence[Gpu]) -> None:
        self.name, self.series = f"node-{number:04d}", series_of(number, cards)
        self._offsets = [(number + nth) % _OFFSETS for nth in range(len(self.series))]

    def body(self, minute: int, rows: int, start: float = START) -> bytes:
        """The open minute after so many rows."""
        at = minute % 60 * ROWS
        columns = tuple(
            Column(metric=metric, labels=labels, values=_values(metric)[at + offset : at + offset + rows])
            for (metric, labels), offset in zip(self.series, self._offsets, strict=True)
        )
        times = tuple(start + 60.0 * minute + INTERVAL * nth for nth in range(rows))
        return encode(Batch(node=self.name, sequence=minute, times=times, columns=columns))


# ------------------------------------------------------------------ what is measured


async def _hour(
    history: EmbeddedHistory, nodes: Sequence[Node], clock: _Clock
) -> tuple[float, int, list[float]]:
    """CPU seconds, bytes sent, and milliseconds that each group took."""
    intake = SampleIntake(history, gather=0.0)
    worked, sent, took = 0.0, 0, list[float]()
    for minute in range(60):
        for rows in range(1, ROWS + 1):
            clock.now = START + 60 * minute + INTERVAL * rows
            for first in range(0, len(nodes), TOGETHER):
                told = [(one.name, one.body(minute, rows)) for one in nodes[first : first + TOGETHER]]
                sent += sum(len(body) for _, body in told)
                began, cpu = time.perf_counter(), time.process_time()
                await asyncio.gather(*(intake.keep(name, body) for name, body in told))
                worked += time.process_time() - cpu
                took.append((time.perf_counter() - began) * 1000)
    return worked, sent, took


def _figure(what: str, cards: Sequence[Gpu], part: int, target: float | None) -> Figure:
    clock = _Clock()
    nodes = [Node(nth, cards) for nth in range(part)]
    with tempfile.TemporaryDirectory(prefix="sentinel-history-") as folder:
        history = EmbeddedHistory(str(Path(folder) / "history.db"), clock=clock)
        keeping, sent, took = asyncio.run(_hour(history, nodes, clock))
        clock.now = START + 3 * HOUR
        cpu = time.process_time()
        for _ in range(1 + part // 64):
            history.purge(clock.now)
        folding = time.process_time() - cpu
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
        history.close()
    share = NODES / part
    series = len(nodes[0].series)
    return Figure(
        name=f"history: {NODES} nodes of {GPUS} GPUs ingested{what}",
        value=(keeping + folding) * share / HOUR,
        unit="cores",
        target=target,
        how=f"CPU seconds a second of data, without HTTP; an hour of {part} nodes, {series} series of each "
        f"every {INTERVAL:g} s, each open minute sent {ROWS} times: {keeping:.1f} s to keep it, "
        f"{folding:.1f} s to fold it",
        detail={
            "nodes": part,
            "series_of_a_node": series,
            "batches": part * 60 * ROWS,
            "bytes_sent": sent,
            "bytes_on_disk": size,
            "group_p99_ms": round(percentile(took, 99), 1),
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
    )


# ------------------------------------------------------------------ through a controller


def _served(cards: Sequence[Gpu], seconds: float) -> Figure:
    with (
        server() as one,
        one.client() as client,
        tempfile.TemporaryDirectory(prefix="sentinel-node-") as name,
    ):
        nodes = [Node(nth, cards) for nth in range(SENDERS)]
        doors = [
            _joined(Path(name) / node.name, one.url, client.create_token("bench", kind="join")["token"], node)
            for node in nodes
        ]
        before = cpu_seconds(one.pid)
        time.sleep(seconds)
        idle = cpu_seconds(one.pid) - before
        with ThreadPoolExecutor(SENDERS) as threads:
            before, began = cpu_seconds(one.pid), time.monotonic()
            sent = list(threads.map(_send, nodes, doors, [seconds] * SENDERS))
            took, spent = time.monotonic() - began, cpu_seconds(one.pid) - before
        for door in doors:
            door.close()
    rate = sum(sent) / took
    return Figure(
        name=f"history: as of {NODES} nodes, HTTP and TLS included",
        value=spent / took / rate * NODES / INTERVAL,
        unit="cores",
        target=CORES_AT_MOST,
        how=f"CPU seconds a second of all processes of the controller over {took:.0f} s, at {rate:.0f} "
        f"batches a second, by {SENDERS} nodes; {idle / seconds:.3f} with no batch at all",
        detail={"batches": sum(sent), "batches_a_second": round(rate, 1)},
    )


def _joined(folder: Path, url: str, token: str, node: Node) -> Door:
    machine = Machine(name=node.name, boot_id="b", version="1")
    return Door(folder, join(folder, url, token, machine, request).membership)


def _send(node: Node, door: Door, seconds: float) -> int:
    """At the pace of a hundred nodes."""
    pause = INTERVAL / (NODES / SENDERS)
    start, began = time.time() - HOUR, time.monotonic()
    for nth in count():
        due = began + nth * pause
        if due >= began + seconds:
            return nth
        time.sleep(max(0.0, due - time.monotonic()))
        door.samples(node.body(nth // ROWS, nth % ROWS + 1, start))
    raise AssertionError
