"""What a full health round costs beyond the sample: 8 cards, 40 processes each, ten minutes of history.

The cards are the stand-in's, read by the real driver; the sample itself is not counted. With the round goes
the look at the node (its disks, memory and every process in /proc), which the agent needs no more than once
a minute; both are told apart in the detail.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

from bench.figure import Figure, percentile, spread
from bench.telemetry.full_node import CARDS, PROCESSES, full_node, surroundings
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.node.pressure import PressureReader
from sentinel.health.history import APART, WINDOW, History
from sentinel.health.round import look
from sentinel.health.standing import Standing
from sentinel.health.view import HealthView
from sentinel.ports.node_pressure import NodePressure

ROUNDS, TARGET_MS = 300, 10.0
_BEGAN = 1_800_000_000.0


def measure(quick: bool) -> list[Figure]:
    """In processor time: nothing in a round waits, and what else goes on here is not the round's."""
    with full_node() as nvml:
        os.environ.update(surroundings(nvml))
        nvml.load_here()
        source = open_source("nvml", full=True)
        try:
            reading = source.read()
        finally:
            source.close()
        return [_figure(reading, 30 if quick else ROUNDS)]


def _figure(reading: GpuReading, rounds: int) -> Figure:
    history, now = History(), _BEGAN
    while now < _BEGAN + WINDOW:
        history = history.after(now, reading)
        now += APART
    node = PressureReader((Path("/"), Path("/tmp")))
    pids = [one.pid for gpu in reading.gpus for one in gpu.processes or ()]
    inventory = Inventory(
        node="bench", scanned_at=now, boot_id="", sources={"gpus": SourceReport(state=SourceState.OK)}
    )
    standing = Standing()
    judging: list[float] = []
    looking: list[float] = []
    for _ in range(rounds):
        now += 1.0
        began = time.process_time()
        pressure = node.read(pids, now)
        between = time.process_time()
        standing, history = _round(reading, history, standing, inventory, pressure, now)
        judging.append((time.process_time() - between) * 1000)
        looking.append((between - began) * 1000)
    both = [one + other for one, other in zip(judging, looking, strict=True)]
    return Figure(
        name="health round beyond the sample",
        value=percentile(both, 99),
        unit="ms",
        target=TARGET_MS,
        how=f"99th percentile of {rounds}, CPU time: {CARDS} GPUs with {PROCESSES} processes each,"
        f" {len(standing.findings)} findings standing; with the look at the node",
        detail={"judging": spread(judging), "node": spread(looking)},
    )


def _round(
    reading: GpuReading,
    history: History,
    standing: Standing,
    inventory: Inventory,
    pressure: NodePressure,
    now: float,
) -> tuple[Standing, History]:
    seen = HealthView(
        now=now,
        reading=reading,
        earlier=history.earlier,
        known=history.known,
        inventory=replace(inventory, scanned_at=now),
        pressure=pressure,
    )
    standing, _ = standing.after(look(seen), "bench")
    return standing, history.after(now, reading)
