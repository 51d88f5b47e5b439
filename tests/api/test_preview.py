"""What would become of a job: said ahead as `why` says it afterwards, and nothing is kept of it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.api import explainer
from sentinel.core.clock import rfc3339
from sentinel.core.identity import Role
from sentinel.core.job import JobState

JOB = {"command": ["true"], "cwd": "/"}


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def preview(api: Api, token: str | None = None, **fields: Any) -> Answer:
    return api.ask("POST", f"{V1}/jobs/preview", token=token or api.token("ana"), json={**JOB, **fields})


def said(api: Api, token: str | None = None, **fields: Any) -> dict[str, Any]:
    answer = preview(api, token, **fields)
    assert answer.status == 200, answer.body
    return answer.json()


def test_where_gpus_are_free_it_starts_now(api: Api) -> None:
    api.node()
    found = said(api, gpus=2)
    assert (found["starts_now"], found["blocking"]) == (True, "nothing")
    assert found["estimated_start"] == rfc3339(api.clock.at)
    assert found["would_start_now_if"] == []


def test_where_they_are_not_it_says_when_and_what_would_help(api: Api) -> None:
    api.node()
    ana = api.token("ana")
    runs = api.submit(ana, time_limit=600)["id"]
    api.advance(runs, JobState.RUNNING)
    found = said(api, gpus=2)
    assert (found["starts_now"], found["blocking"]) == (False, "gpus-busy")
    assert found["held_by"][0]["job"] == runs
    assert found["estimated_start"] is not None and found["basis"]
    assert [one["change"] for one in found["would_start_now_if"]] == [{"gpus": 1}]
    assert said(api)["starts_now"] is True


def test_it_says_what_why_says_once_it_is_submitted(api: Api) -> None:
    api.node()
    ben = api.token("ben")
    api.advance(api.submit(ben, time_limit=600)["id"], JobState.RUNNING)
    api.submit(ben, gpus=2)
    api.clock.at += 1
    for fields in ({"gpus": 2}, {"gpus": 3}, {"node": "nowhere"}, {"gpu_model": "H100"}):
        before = said(api, **fields)
        id = api.submit(api.token("ana"), **fields)["id"]
        after = api.ask("GET", f"{V1}/jobs/{id}/why", token=ben).json()
        del after["id"], after["state"]
        assert before.pop("starts_now") is (after["blocking"] == "nothing")
        assert before == after, fields
        api.ask("POST", f"{V1}/jobs/{id}/cancel", token=api.token("ana"))


def test_nothing_is_kept_of_it(api: Api) -> None:
    api.node()
    ana = api.token("ana")
    with api.store.read() as reader:
        before = reader.revision()
    for _ in range(3):
        assert said(api, gpus=2)["starts_now"] is True
    with api.store.read() as reader:
        assert reader.revision() == before
    assert api.ask("GET", f"{V1}/jobs", token=ana).json()["items"] == []
    assert list(api.hub.mirror.jobs) == []


def test_it_follows_what_happens(api: Api) -> None:
    api.node()
    assert said(api, gpus=2)["starts_now"] is True
    api.advance(api.submit(api.token("ben"))["id"], JobState.RUNNING)
    assert said(api, gpus=2)["starts_now"] is False


def test_a_queue_that_takes_long_to_play_forward_is_played_for_a_while_only(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.node(gpus=1)
    ben = api.token("ben")
    api.advance(api.submit(ben, time_limit=60)["id"], JobState.RUNNING)
    for _ in range(5):
        api.clock.at += 1
        api.submit(ben, time_limit=60)
    api.clock.at += 1
    fields: dict[str, Any] = {"time_limit": 60, "priority": -1}
    assert said(api, ben, **fields)["estimated_start"] is not None

    at = iter(range(100))  # a second a step: the first is played
    monkeypatch.setattr(api.state, "boottime", lambda: next(at) * 0.6)
    found = said(api, ben, **fields)
    assert found["estimated_start"] is None
    assert found["basis"].startswith("not within ")


def test_limits_count(api: Api) -> None:
    api.node()
    root = api.token("root", Role.ADMIN)
    api.token("ana")
    limits = {"limits": {"running_gpus": 1}}
    answer = api.ask("PUT", f"{V1}/accounts/user/ana", token=root, json=limits)
    assert answer.status < 300, answer.body
    found = said(api, gpus=2)
    assert (found["starts_now"], found["blocking"]) == (False, "quota")


def test_a_job_that_waits_for_another(api: Api) -> None:
    api.node()
    first = api.submit(api.token("ana"))["id"]
    found = said(api, after=[{"job": first}])
    assert (found["starts_now"], found["blocking"]) == (False, "dependency")
    assert preview(api, after=[{"job": "zzzzzzzzzz"}]).status == 404
    api.advance(first, JobState.SUCCEEDED)
    assert said(api, after=[{"job": first}])["starts_now"] is True
    assert preview(api, after=[{"job": first, "kind": "notok"}]).json()["type"] == "never-begins"


def test_an_array_is_judged_by_its_first_task(api: Api) -> None:
    api.node(gpus=1)
    assert said(api, array="0-9%2")["starts_now"] is True


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"priority": 5}, 403, "priority"),
        ({"notify": ["nobody:end"]}, 409, "no-such-channel"),
        ({"gpus": 0}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
        ({"array": "9-0"}, 422, "invalid"),
    ],
)
def test_it_is_refused_for_what_submitting_is(
    api: Api, fields: dict[str, Any], status: int, kind: str
) -> None:
    found = preview(api, **fields)
    submitted = api.ask("POST", f"{V1}/jobs", token=api.token("ana"), json={**JOB, **fields})
    assert (found.status, found.json()["type"]) == (status, kind)
    assert (submitted.status, submitted.json()) == (found.status, found.json())


def test_when_too_many_ask_they_are_told_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.node()
    ana = api.token("ana")
    asked, go = threading.Event(), threading.Event()
    real = explainer.Reasons

    def slow(*arguments: Any) -> Any:
        asked.set()
        assert go.wait(10)
        return real(*arguments)

    monkeypatch.setattr(explainer, "MOST_WAITING", 1)
    monkeypatch.setattr(explainer, "Reasons", slow)
    answers: list[Answer] = []
    first = threading.Thread(target=lambda: answers.append(preview(api, ana)))
    first.start()
    assert asked.wait(10)
    refused = preview(api, ana)
    go.set()
    first.join(10)
    assert (refused.status, refused.json()["type"], refused.headers["retry-after"]) == (503, "busy", "1")
    assert [answer.status for answer in answers] == [200]
    assert preview(api, ana).status == 200


# ------------------------------------------------------------------ the command that lets a machine join


def test_the_command_that_lets_a_machine_join(api: Api) -> None:
    root = api.token("root", Role.ADMIN)
    answer = api.ask("POST", f"{V1}/nodes/join-command", token=root, headers={"host": "gpus.test:8443"})
    found = answer.json()
    assert (answer.status, found["url"]) == (201, "https://gpus.test:8443")
    command, _, token = found["command"].rpartition(" ")
    assert command == "sentinel agent join https://gpus.test:8443 --token"
    assert token.startswith(f"snj_{found['token_id']}_") and token.endswith(api.state.authority.fingerprint)
    assert found["expires_at"] == rfc3339(api.clock.at + 86400)
    kept = api.ask("GET", f"{V1}/tokens", token=root).json()["items"]
    assert [one["kind"] for one in kept if one["id"] == found["token_id"]] == ["join"]


@pytest.mark.parametrize("host", ["a;reboot", "$(id)", "a b", "x`y`"])
def test_no_host_becomes_part_of_a_command_that_is_none(api: Api, host: str) -> None:
    root = api.token("root", Role.ADMIN)
    answer = api.ask("POST", f"{V1}/nodes/join-command", token=root, headers={"host": host})
    # What is no host at all, the framework replaces by the address that was called.
    assert answer.status == 422 or answer.json()["url"] == "https://test"


def test_why_of_a_job_that_waits_is_worked_out_beside_the_event_loop(api: Api) -> None:
    ana = api.token("ana", Role.MEMBER)
    id = api.submit(ana, gpus=1)["id"]
    before = api.state.explainer._copy
    answer = api.ask("GET", f"/api/v1/jobs/{id}/why", token=ana).json()
    assert (answer["id"], answer["state"], answer["blocking"]) == (id, "QUEUED", "no-node")
    assert before is None and api.state.explainer._copy is not None
    assert api.state.explainer._copy.revision == api.hub.mirror.revision
