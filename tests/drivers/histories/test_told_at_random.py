"""The embedded history, told at random: out of order, overlapping and again, and reopened."""

import math
import random
from array import array
from pathlib import Path

import pytest
from tests.drivers.histories.cases import Clock, begun, of

from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Aggregate, Selector, reduced
from sentinel.drivers.histories.embedded import EmbeddedHistory

HOUR = 3600
START = 1_700_000_000 // HOUR * HOUR
END = START + 3 * HOUR
METRIC = "gpu_temperature_celsius"
CARDS = [of("a", "0"), of("a", "1")]


class Told:
    """A history, and what it must know: of each series and millisecond the last value told."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.chance = path, random.Random(seed)
        self.clock = Clock(END)
        self.history = self.open()
        self.known: dict[int, dict[int, float]] = {0: {}, 1: {}}
        self.batches: list[Batch] = []
        self.begun: list[Batch] = []  # told in part

    def open(self) -> EmbeddedHistory:
        return EmbeddedHistory(str(self.path), clock=self.clock)

    def step(self) -> None:
        match self.chance.choice(["tell", "tell", "begin", "go on", "go on", "again", "fold", "reopen"]):
            case "tell":
                self.tell(self.some())
            case "begin":
                whole = self.some()
                self.begun.append(whole)
                self.tell(begun(whole, self.chance.randrange(1, len(whole.times) + 1)))
            case "go on" if self.begun:
                self.tell(self.begun.pop(self.chance.randrange(len(self.begun))))
            case "again" if self.batches:
                # Whatever it was answered before, it is told as it was.
                self.tell(self.chance.choice(self.batches))
            case "fold":
                self.clock.now += self.chance.choice([60, 1200, HOUR])
                self.history.purge(self.clock.now)
            case "reopen":
                self.history.close()
                self.history = self.open()
            case _:
                pass

    def some(self) -> Batch:
        first = self.chance.randrange(0, 3 * HOUR - 700)
        grain = self.chance.choice([1, 10, 0.37])
        count = self.chance.randrange(1, 60)
        times = [START + (first + nth * grain) // grain * grain for nth in range(count)]
        if self.chance.random() < 0.3:
            self.chance.shuffle(times)
        columns = tuple(
            Column(
                metric=METRIC,
                labels=labels,
                values=array(
                    "f", [self.chance.choice([math.nan, self.chance.randrange(800) / 8]) for _ in times]
                ),
            )
            for labels in CARDS[: self.chance.choice([1, 2])]
        )
        return Batch(node="a", sequence=self.chance.randrange(2**40), times=tuple(times), columns=columns)

    def tell(self, batch: Batch) -> None:
        if self.history.append([batch]).kept:
            self.batches.append(batch)
            for nth, column in enumerate(batch.columns):
                for at, value in zip(batch.times, column.values, strict=True):
                    if value == value:
                        self.known[nth][round(at * 1000)] = value

    def check(self) -> None:
        for step in (30, 60, 420, HOUR):
            for how in Aggregate:
                found = self.history.query(Selector(metric=METRIC), START, END, step, how)
                assert {one.labels for one in found} == {CARDS[nth] for nth in (0, 1) if self.known[nth]}
                for one in found:
                    known = sorted(self.known[CARDS.index(one.labels)].items())
                    for at, value in one.points:
                        within = [v for t, v in known if at * 1000 <= t < (at + step) * 1000]
                        wanted = reduced(within, how)
                        assert value == (
                            None if wanted is None else pytest.approx(wanted, rel=1e-4, abs=1e-3)
                        )


@pytest.mark.parametrize("seed", range(8))
def test_it_knows_what_it_was_told_last(tmp_path: Path, seed: int) -> None:
    told = Told(tmp_path / "history.db", seed)
    for _ in range(3):
        for _ in range(8):
            told.step()
        told.check()
    told.clock.now += 2 * HOUR
    told.history.purge(told.clock.now)
    told.check()
    told.history.close()
