"""A real Slurm in history and API: looked at by the watch's duty, by its commands and its slurmrestd."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.in_process import V1, Api, Clock
from tests.components.slurm import GPUS, Slurm
from tests.components.slurmrestd import Slurmrestd, SlurmWithTokens

from sentinel.core.clock import wall
from sentinel.core.identity import Role
from sentinel.core.series import Selector
from sentinel.drivers.slurm.cli import CommandSource
from sentinel.drivers.slurm.rest_address import rest_address
from sentinel.drivers.slurm.restd import RestAccess, RestSource
from sentinel.ports.slurm import SlurmSource
from sentinel.server.observing import SlurmConfig
from sentinel.server.slurm_watch import SlurmWatch

pytestmark = [pytest.mark.real, pytest.mark.root]

USER = "games"
PATIENCE = 20.0


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with SlurmWithTokens.running() as running:
        job = running.submit("sleep 600", "--gres=gpu:3", user=USER)
        running.await_state(job, "RUNNING", timeout=PATIENCE)
        running.submit("true", "--hold", user=USER)
        yield running


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(clock=Clock(wall())) as api:
        yield api


def by_commands(slurm: Slurm) -> SlurmSource:
    return CommandSource(slurm.env, timeout=PATIENCE)


def shown(api: Api, source: SlurmSource) -> dict[str, Any]:
    SlurmWatch(
        SlurmConfig(enabled=True), api.store, api.history, api.clock, lambda _: source, measured=api.clock
    ).look()
    answer = api.ask("GET", f"{V1}/slurm", token=api.token("eve", Role.VIEWER))
    assert answer.status == 200, answer.body
    return answer.json()


def check(api: Api, found: dict[str, Any], source: str) -> None:
    assert (found["stale"], found["error"], found["source"]) == (False, None, source)
    assert found["version"] is None or found["version"].startswith("22.05.")  # text does not say it
    assert found["nodes"] == {"mixed": 1}
    assert found["gpus"] == [{"type": "h100", "total": GPUS, "allocated": 3, "idle": GPUS - 3, "down": 0}]
    assert found["queue"]["by_user"] == {USER: {"running": 1, "pending": 1}}
    assert found["scheduler"]["server_threads"] >= 1

    def newest(metric: str, **matches: tuple[str, ...]) -> list[float]:
        latest = api.history.latest(Selector(metric=metric, matches=matches), api.clock(), 60)
        return [value for _, _, value in latest]

    assert newest("slurm_up") == [1.0]
    assert newest("slurm_gpus", type=("h100",), state=("allocated",)) == [3.0]
    assert newest("slurm_jobs_by_user", user=(USER,), state=("pending",)) == [1.0]
    assert newest("slurm_scheduler_jobs_submitted_total")[0] >= 2


def test_by_its_commands(api: Api, slurm: Slurm) -> None:
    check(api, shown(api, by_commands(slurm)), "cli")


def test_by_slurmrestd(api: Api, slurm: Slurm) -> None:
    with Slurmrestd.running(slurm) as restd:
        source = RestSource(rest_address(restd.url), RestAccess(), timeout=PATIENCE)
        check(api, shown(api, source), "restd")


def test_a_slurm_that_does_not_answer(api: Api, slurm: Slurm) -> None:
    env = {**slurm.env, "SLURM_CONF": "/nonexistent/slurm.conf"}
    found = shown(api, CommandSource(env, timeout=PATIENCE))
    assert found["stale"] and found["nodes"] is None and found["error"]
    latest = api.history.latest(Selector(metric="slurm_up"), api.clock(), 60)
    assert [value for _, _, value in latest] == [0.0]
