"""GET /api/v1/slurm: what the watch kept, and never what is too old."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.api.in_process import V1, Api
from tests.fakes.slurm import CLUSTER, SILENT, FakeSlurm

from sentinel.api.slurm_shapes import SlurmShape
from sentinel.core.identity import Role
from sentinel.server.observing import SlurmConfig
from sentinel.server.slurm_watch import SlurmWatch


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def slurm() -> FakeSlurm:
    return FakeSlurm()


def watch(api: Api, slurm: FakeSlurm) -> SlurmWatch:
    config = SlurmConfig(enabled=True)
    return SlurmWatch(config, api.store, api.history, api.clock, lambda _: slurm, measured=api.clock)


def shown(api: Api) -> dict[str, Any]:
    answer = api.ask("GET", f"{V1}/slurm", token=api.token("eve", Role.VIEWER))
    assert answer.status == 200, answer.body
    SlurmShape.model_validate(answer.json(), strict=True)
    return answer.json()


def test_none_is_watched(api: Api) -> None:
    answer = api.ask("GET", f"{V1}/slurm", token=api.token("eve", Role.VIEWER))
    assert (answer.status, answer.json()["type"]) == (404, "no-slurm")
    assert "[slurm]" in answer.json()["hint"]


def test_what_was_seen_last(api: Api, slurm: FakeSlurm) -> None:
    watch(api, slurm).look()
    api.clock.at += 20
    found = shown(api)
    assert (found["age"], found["stale"], found["source"], found["error"]) == (20, False, "restd", None)
    assert found["at"] == "2027-01-15T08:00:00.000Z"
    assert found["nodes"] == {"mixed": 1, "drained": 1, "idle": 1}
    assert found["queue"]["by_user"]["bob"] == {"pending": 1}
    assert found["scheduler"]["server_threads"] == 3


def test_what_is_too_old_is_said_and_not_shown(api: Api, slurm: FakeSlurm) -> None:
    watching = watch(api, slurm)
    watching.look()
    api.clock.at += 90
    assert shown(api)["nodes"] is not None
    api.clock.at += 0.2
    found = shown(api)
    assert found["stale"] and found["age"] == pytest.approx(90.2)
    assert all(found[part] is None for part in ("nodes", "cpus", "gpus", "queue", "scheduler", "source"))
    assert "log" in found["error"]
    slurm.reading = SILENT
    watching.look()
    assert shown(api)["error"] == "it is down"


def test_a_cluster_that_never_answered(api: Api, slurm: FakeSlurm) -> None:
    slurm.reading = SILENT
    watch(api, slurm).look()
    found = shown(api)
    assert (found["at"], found["age"], found["stale"], found["nodes"]) == (None, None, True, None)


def test_parts_that_are_unknown(api: Api, slurm: FakeSlurm) -> None:
    slurm.reading = replace(CLUSTER, jobs=None, scheduler=None, version=None)
    watch(api, slurm).look()
    found = shown(api)
    assert found["queue"] is None and found["scheduler"] is None and found["nodes"] is not None
