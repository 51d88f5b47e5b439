"""Looks at Slurm again and again: what is kept of them, and what is told."""

import threading

from tests.fakes.slurm import CLUSTER, SILENT, FakeSlurm

from sentinel.cli.local.slurm_exporter.sampling import SlurmSampler
from sentinel.core.slurm import Part, SlurmReading


def test_a_failed_look_replaces_the_one_before() -> None:
    clock = iter([10.0, 11.5, 20.0, 20.5])
    fake, told = FakeSlurm(), list[str]()
    sampler = SlurmSampler(fake, told.append, lambda: next(clock))
    assert sampler.watch.age(0.0) is None
    sampler.take()
    assert (sampler.watch.reading, sampler.watch.taken, sampler.watch.duration) == (CLUSTER, 10.0, 1.5)
    fake.reading = SILENT
    sampler.take()
    assert (sampler.watch.reading, sampler.watch.taken, sampler.watch.failures) == (SILENT, 20.0, 1)


def test_trouble_is_told_once_and_so_is_its_end() -> None:
    fake, told = FakeSlurm(), list[str]()
    sampler = SlurmSampler(fake, told.append)
    sampler.take()
    fake.lose(Part.JOBS)
    sampler.take()
    sampler.take()
    fake.reading = CLUSTER
    sampler.take()
    sampler.take()
    assert told == ["lost", "Slurm answers again"]
    assert sampler.watch.failures == 0, "something answered"


class Hanging(FakeSlurm):
    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()

    def read(self) -> SlurmReading:
        self.begun.set()
        self.go.wait(10)
        return super().read()


def test_nobody_waits_for_a_look_that_hangs() -> None:
    hanging = Hanging()
    sampler = SlurmSampler(hanging, print)
    sampler.start(3600)
    assert hanging.begun.wait(10)
    assert sampler.watch.reading is None
    sampler.stop()
    hanging.go.set()
    for thread in threading.enumerate():
        if thread.name == "slurm":
            thread.join(10)
    assert hanging.reads == 1, "after the stop it looks no more"
    assert sampler.watch.reading == CLUSTER
