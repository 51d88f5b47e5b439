"""What every source of a Slurm cluster owes its port: the fake, slurmrestd, the commands, both together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.slurm import SILENT, FakeSlurm
from tests.fakes.slurm_commands import SlurmCommands
from tests.fakes.slurmrestd import slurmrestd

from sentinel.core.slurm import Part
from sentinel.drivers.slurm.cli import CommandSource
from sentinel.drivers.slurm.first_answering import FirstAnswering
from sentinel.drivers.slurm.rest_address import rest_address
from sentinel.drivers.slurm.restd import RestSource
from sentinel.ports.slurm import SlurmSource

COMMAND = {Part.NODES: "scontrol", Part.JOBS: "squeue", Part.SCHEDULER: "sdiag"}
PATHS = {Part.NODES: "nodes", Part.JOBS: "jobs", Part.SCHEDULER: "diag"}


@dataclass
class Case:
    """A source of a cluster with one node, one job and statistics; `lose` makes a part fail."""

    source: SlurmSource
    lose: Callable[[Part], object]


def fake_case(_: Path) -> Iterator[Case]:
    fake = FakeSlurm()
    yield Case(fake, fake.lose)


def restd_case(folder: Path) -> Iterator[Case]:
    with slurmrestd(folder / "socket") as fake:
        fake.serve(
            "v0.0.40",
            nodes={"nodes": [{"name": "a", "state": ["IDLE"]}]},
            jobs={"jobs": [{"job_state": ["RUNNING"]}]},
            diag={"statistics": {"jobs_started": 1}},
        )

        def lose(part: Part) -> None:
            fake.answers[f"/slurm/v0.0.40/{PATHS[part]}"] = (500, b"no")

        yield Case(RestSource(rest_address(fake.url)), lose)


def commands_case(folder: Path) -> Iterator[Case]:
    commands = SlurmCommands(folder)
    commands.prints("scontrol", b"NodeName=a State=IDLE\n")
    commands.prints("squeue", b"m 1|RUNNING|p|ann|x\n")
    commands.prints("sdiag", b"Server thread count: 1\n")
    source = CommandSource(commands.environment, mark=lambda: "m")
    yield Case(source, lambda part: commands.prints(COMMAND[part], b"", status=1))


def both_case(folder: Path) -> Iterator[Case]:
    silent = FakeSlurm(SILENT)
    for case in commands_case(folder):
        yield Case(FirstAnswering((silent, case.source)), case.lose)


@pytest.fixture(params=[fake_case, restd_case, commands_case, both_case])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from request.param(tmp_path)


def test_all_parts_are_read_and_told_of(case: Case) -> None:
    reading = case.source.read()
    assert reading.answered
    assert reading.nodes and reading.jobs and reading.scheduler is not None
    assert [one.part for one in reading.asked if one.error is None] == list(Part)


def test_it_can_be_read_again(case: Case) -> None:
    assert case.source.read() == case.source.read()


@pytest.mark.parametrize("part", list(Part))
def test_a_part_that_is_lost_is_unknown_and_says_why(case: Case, part: Part) -> None:
    case.source.read()
    case.lose(part)
    reading = case.source.read()
    assert getattr(reading, part.value) is None
    assert all(getattr(reading, other.value) is not None for other in Part if other is not part)
    assert any(one.part is part and one.error for one in reading.asked)


def test_nothing_is_raised_when_all_are_lost(case: Case) -> None:
    for part in Part:
        case.lose(part)
    reading = case.source.read()
    assert not reading.answered
    assert {one.part for one in reading.asked if one.error} == set(Part)
