"""Arrays, jobs on several nodes, and jobs that wait for others, as people submit, find and end them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.api.routes.submitting import MOST_ARRAY_BYTES
from sentinel.core.account import Account, Limits, Scope
from sentinel.core.identity import Role
from sentinel.core.job import AfterKind, ArrayTask, Cancel, Job, JobState
from sentinel.ports.store import JobFilter, Transaction
from sentinel.scheduling.account_desk import put_account
from sentinel.scheduling.gangs import parts_of
from sentinel.scheduling.lifecycle import Allocate, Exited, Input, PreemptAsked, Running, move
from sentinel.scheduling.writing import take_lease, write_move

JOBS = f"{V1}/jobs"
GOOD = {"command": ["true"], "cwd": "/"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with Api(logs=tmp_path / "logs") as api:
        yield api


@pytest.fixture
def ana(api: Api) -> str:
    return api.token("ana")


def ask(api: Api, token: str, what: str, **fields: object) -> Answer:
    method, _, path = what.partition(" ")
    return api.ask(method, f"{V1}/{path}", token=token, **fields)  # type: ignore[arg-type]


def told(api: Api, id: str, what: Input, source: str = "/controller") -> None:
    """`what` happens to the job."""

    def work(tx: Transaction) -> None:
        job = tx.job(id)
        assert job is not None
        made = move(job, what, api.clock.at)
        assert made is not None
        write_move(tx, made, source, api.clock.at)

    api.store.write(work)


def place(api: Api, id: str) -> None:
    """The gang on nodes n0, n1, …"""
    size = api.job(id).spec.nodes
    nodes = [api.node(f"n{n}", address=f"10.0.0.{n}") for n in range(size)]

    def work(tx: Transaction) -> None:
        gang = tx.job(id)
        assert gang is not None
        given = [(node, (f"GPU-{node.name}-0",)) for node in nodes]
        names, gpus = ",".join(node.name for node in nodes), tuple(gpu for _, (gpu,) in given)
        made = move(gang, Allocate(placement=None, node_name=names, gpus=gpus), api.clock.at)
        assert made is not None
        kept = write_move(tx, made, "/controller", api.clock.at)
        tokens = [f"t-{id}-{kept.attempt}-{n}" for n in range(size)]
        for part, environment in parts_of(kept, given, tokens, tx.environment(id), api.clock.at):
            tx.add_job(part, environment)
            take_lease(tx, part, api.clock.at)

    api.store.write(work)


def part_of(api: Api, id: str, rank: int) -> Job:
    return api.job(f"{id}.{api.job(id).attempt}.{rank}")


def runs(api: Api, id: str, rank: int) -> None:
    part = part_of(api, id, rank)
    assert part.placement is not None
    told(api, part.id, Running(token=part.placement.token, started_at=api.clock.at))


def ends(api: Api, id: str, rank: int, exit_code: int = 0) -> None:
    part = part_of(api, id, rank)
    assert part.placement is not None
    told(api, part.id, Exited(token=part.placement.token, exit_code=exit_code, signal=None))


# ------------------------------------------------------------------ arrays


def test_an_array_is_many_jobs(api: Api, ana: str) -> None:
    answer = ask(api, ana, "POST jobs", json={**GOOD, "array": "2,0,5-6%2", "environment": {"A": "b"}})
    assert answer.status == 201
    array = answer.json()
    id = array["id"]
    assert array == {
        "id": id,
        "array": {"id": id, "size": 4, "limit": 2},
        "jobs": [f"{id}_0", f"{id}_2", f"{id}_5", f"{id}_6"],
    }
    task = ask(api, ana, f"GET jobs/{id}_5").json()
    assert (task["id"], task["state"], task["owner"]) == (f"{id}_5", "QUEUED", "ana")
    assert task["array"] == {"id": id, "index": 5, "size": 4, "limit": 2}
    assert ask(api, ana, f"GET jobs/{id}_5/environment").json() == {
        "A": "b", "SENTINEL_ARRAY_ID": id, "SENTINEL_ARRAY_INDEX": "5", "SENTINEL_ARRAY_SIZE": "4",
    }  # fmt: skip


def test_the_same_key_makes_one_array(api: Api, ana: str) -> None:
    key = {"idempotency-key": "k"}
    body = {**GOOD, "array": "0-2"}
    first = ask(api, ana, "POST jobs", json=body, headers=key)
    again = ask(api, ana, "POST jobs", json=body, headers=key)
    other = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3"}, headers=key)
    single = ask(api, ana, "POST jobs", json=GOOD, headers=key)
    assert [one.status for one in (first, again, other, single)] == [201, 200, 409, 409]
    assert first.json() == again.json()
    with api.store.read() as reader:
        assert sum(reader.count_jobs(JobFilter(array=first.json()["id"])).values()) == 3


def test_an_array_is_shown_by_what_became_of_its_tasks(api: Api, ana: str) -> None:
    id = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3%2", "name": "sweep"}).json()["id"]
    ask(api, ana, f"POST jobs/{id}_1/cancel")
    for named in (id, id[:5], id.upper()):
        shown = ask(api, ana, f"GET jobs/{named}")
        assert shown.status == 200
        assert shown.json() == {
            "id": id,
            "array": {"id": id, "size": 4, "limit": 2},
            "name": "sweep",
            "owner": "ana",
            "submitted_at": shown.json()["submitted_at"],
            "states": {"QUEUED": 3, "CANCELED": 1},
        }


def test_the_tasks_of_an_array_are_listed(api: Api, ana: str) -> None:
    id = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3"}).json()["id"]
    api.submit(ana)
    found = ask(api, ana, f"GET jobs?array={id.upper()}").json()["items"]
    assert sorted(job["id"] for job in found) == [f"{id}_{n}" for n in range(4)]
    assert len(ask(api, ana, f"GET jobs?array={id}&state=QUEUED&limit=1").json()["items"]) == 1
    assert ask(api, ana, "GET jobs?array=zzzzzzzzzz").json()["items"] == []


def test_a_beginning_that_an_array_shares_with_a_job_names_neither(api: Api, ana: str) -> None:
    job = api.job(api.submit(ana)["id"])
    lone = replace(job, id="tw1n000000", submitted_at=job.submitted_at - 100)
    tasks = [
        replace(job, id=f"tw1n00000a_{n}", array=ArrayTask(id="tw1n00000a", index=n, size=20))
        for n in range(20)
    ]
    api.store.write(lambda tx: [tx.add_job(one, {}) for one in tasks])
    assert ask(api, ana, "GET jobs/tw1n").json()["id"] == "tw1n00000a"
    api.store.write(lambda tx: tx.add_job(lone, {}))
    refused = ask(api, ana, "GET jobs/tw1n")
    assert (refused.status, refused.json()["type"]) == (409, "ambiguous")
    assert ask(api, ana, "GET jobs/tw1n00000a").json()["id"] == "tw1n00000a"
    assert ask(api, ana, "GET jobs/tw1n000000").json()["id"] == "tw1n000000"


def test_what_needs_one_job_says_that_this_is_an_array(api: Api, ana: str) -> None:
    id = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3"}).json()["id"]
    for what in ("GET why", "GET logs", "GET environment", "GET events", "POST retry"):
        method, _, path = what.partition(" ")
        refused = ask(api, ana, f"{method} jobs/{id}/{path}")
        assert (refused.status, refused.json()["type"]) == (409, "array"), what
        assert f"sentinel job list --array {id}" in refused.json()["hint"]


def test_a_cancel_of_an_array_ends_all_its_tasks(api: Api, ana: str) -> None:
    id = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3"}).json()["id"]
    ask(api, ana, f"POST jobs/{id}_0/cancel")
    done = ask(api, ana, f"POST jobs/{id}/cancel", json={"why": "typo"})
    assert (done.status, done.json()) == (200, {"id": id, "jobs": [f"{id}_1", f"{id}_2", f"{id}_3"]})
    assert ask(api, ana, f"GET jobs/{id}").json()["states"] == {"CANCELED": 4}
    again = ask(api, ana, f"POST jobs/{id}/cancel")
    assert (again.status, again.json()["type"]) == (409, "already-ended")


def test_an_array_is_its_owners_and_its_tenants(api: Api, ana: str) -> None:
    id = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-3"}).json()["id"]
    assert ask(api, api.token("bob"), f"POST jobs/{id}/cancel").status == 403
    eve = api.token("eve", Role.ADMIN, tenant="other")
    for what in ("GET", "POST"):
        path = f"jobs/{id}" if what == "GET" else f"jobs/{id}/cancel"
        assert ask(api, eve, f"{what} {path}").status == 404
    assert ask(api, eve, f"GET jobs/{id[:4]}").status == 404
    assert ask(api, eve, f"GET jobs?array={id}").json()["items"] == []


def test_an_array_that_would_fill_the_disk_is_refused(api: Api, ana: str) -> None:
    big = {"A": "x" * (MOST_ARRAY_BYTES // 10_000)}
    refused = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-9999", "environment": big})
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "array")
    assert ask(api, ana, "POST jobs", json={**GOOD, "array": "0-99", "environment": big}).status == 201


# ------------------------------------------------------------------ jobs that wait for others


def test_a_job_waits_for_another(api: Api, ana: str) -> None:
    first = api.submit(ana)["id"]
    second = api.submit(ana, after=[{"job": first[:8]}, {"job": first, "kind": "any"}])
    assert second["after"] == [{"job": first, "kind": "ok"}, {"job": first, "kind": "any"}]
    assert api.job(second["id"]).after[0].kind is AfterKind.OK
    ask(api, ana, f"POST jobs/{first}/cancel")
    shown = ask(api, ana, f"GET jobs/{second['id']}").json()
    assert (shown["state"], shown["cancel"]["by"]) == ("CANCELED", "controller")
    assert first in shown["reason"]


def test_a_job_waits_for_an_array(api: Api, ana: str) -> None:
    array = ask(api, ana, "POST jobs", json={**GOOD, "array": "0-1"}).json()["id"]
    id = api.submit(ana, after=[{"job": array[:6], "kind": "any"}])["id"]
    ask(api, ana, f"POST jobs/{array}_0/cancel")
    assert ask(api, ana, f"GET jobs/{id}").json()["after"] != []
    ask(api, ana, f"POST jobs/{array}_1/cancel")
    assert ask(api, ana, f"GET jobs/{id}").json()["after"] == []


def test_what_cannot_be_waited_for(api: Api, ana: str) -> None:
    canceled = api.submit(ana)["id"]
    ask(api, ana, f"POST jobs/{canceled}/cancel")
    never = ask(api, ana, "POST jobs", json={**GOOD, "after": [{"job": canceled}]})
    assert (never.status, never.json()["type"]) == (409, "never-begins")
    assert canceled in never.json()["detail"]
    nobody = ask(api, ana, "POST jobs", json={**GOOD, "after": [{"job": "zzzzzzzzzz"}]})
    assert (nobody.status, nobody.json()["type"]) == (404, "no-such-job")
    eve = api.token("eve", tenant="other")
    assert ask(api, eve, "POST jobs", json={**GOOD, "after": [{"job": canceled}]}).status == 404
    over = ask(api, ana, "POST jobs", json={**GOOD, "after": [{"job": canceled, "kind": "any"}]})
    assert (over.status, over.json()["after"]) == (201, [])


def test_a_repeated_submit_is_answered_although_what_it_waited_for_is_over(api: Api, ana: str) -> None:
    first, key = api.submit(ana)["id"], {"idempotency-key": "k"}
    body = {**GOOD, "after": [{"job": first[:9]}]}
    once = ask(api, ana, "POST jobs", json=body, headers=key)
    ask(api, ana, f"POST jobs/{first}/cancel")
    again = ask(api, ana, "POST jobs", json=body, headers=key)
    assert (once.status, again.status) == (201, 200)
    assert again.json()["id"] == once.json()["id"]


def test_a_submit_over_the_quota_says_whose(api: Api, ana: str) -> None:
    account = Account(scope=Scope.USER, name="ana", limits=Limits(queued_jobs=2))
    api.store.write(lambda tx: put_account(tx, account, by="op", tenant="default", now=0.0))
    assert ask(api, ana, "POST jobs", json={**GOOD, "array": "0-1"}).status == 201
    for body in (GOOD, {**GOOD, "array": "0-9"}):
        refused = ask(api, ana, "POST jobs", json=body)
        assert (refused.status, refused.json()["type"]) == (409, "over-quota")
        assert "user ana may have 2 jobs" in refused.json()["detail"]


def test_a_job_counts_for_the_group_of_its_owner(api: Api, ana: str) -> None:
    root = api.token("root", Role.ADMIN)
    assert api.submit(ana)["account"] is None
    assert ask(api, root, "PATCH users/ana", json={"group": "vision"}).status == 200
    job = api.submit(ana)
    assert job["account"] == "vision"
    ask(api, root, "PATCH users/ana", json={"group": "speech"})
    ask(api, ana, f"POST jobs/{job['id']}/cancel")
    assert ask(api, ana, f"POST jobs/{job['id']}/retry").json()["account"] == "speech"


# ------------------------------------------------------------------ gangs


def test_a_gang_shows_its_parts(api: Api, ana: str) -> None:
    id = api.submit(ana, nodes=2)["id"]
    assert ask(api, ana, f"GET jobs/{id}").json()["parts"] == []
    place(api, id)
    runs(api, id, 1)
    shown = ask(api, ana, f"GET jobs/{id}").json()
    assert (shown["id"], shown["node"]) == (id, "n0,n1")
    assert shown["parts"] == [
        {"id": f"{id}.1.0", "rank": 0, "node": "n0", "state": "ALLOCATED", "exit_code": None},
        {"id": f"{id}.1.1", "rank": 1, "node": "n1", "state": "RUNNING", "exit_code": None},
    ]
    assert "parts" not in ask(api, ana, f"GET jobs/{id}.1.0").json()
    assert "parts" not in api.submit(ana)


def test_a_gang_is_found_though_its_parts_begin_as_it_does(api: Api, ana: str) -> None:
    id = api.submit(ana, nodes=2)["id"]
    place(api, id)
    for named in (id, id[:4], id[:9].upper()):
        assert ask(api, ana, f"GET jobs/{named}").json()["id"] == id
    part = ask(api, ana, f"GET jobs/{id}.1.1").json()
    assert part["part"] == {"of": id, "rank": 1, "size": 2}
    assert [job["id"] for job in ask(api, ana, "GET jobs").json()["items"]] == [id]
    parts = ask(api, ana, f"GET jobs?part_of={id}").json()["items"]
    assert sorted(job["id"] for job in parts) == [f"{id}.1.0", f"{id}.1.1"]
    assert ask(api, ana, f"GET jobs/{id}.1.7").status == 404
    assert ask(api, ana, f"GET jobs/{id}.1").status == 404


def test_a_gang_is_canceled_with_its_parts_and_its_parts_with_it(api: Api, ana: str) -> None:
    for name in ("{id}", "{id}.1.1"):
        id = api.submit(ana, nodes=2)["id"]
        place(api, id)
        assert ask(api, ana, f"POST jobs/{name.format(id=id)}/cancel").status == 200
        assert all(part_of(api, id, rank).cancel is not None for rank in range(2))
        for rank in range(2):
            part = part_of(api, id, rank)
            assert part.placement is not None
            gone = Exited(token=part.placement.token, exit_code=None, signal=15, stopped=True)
            told(api, part.id, gone)
        assert api.job(id).state is JobState.CANCELED


def test_a_part_is_no_job_to_wait_for_or_to_retry(api: Api, ana: str) -> None:
    id = api.submit(ana, nodes=2)["id"]
    place(api, id)
    for rank in range(2):
        runs(api, id, rank)
        ends(api, id, rank)
    assert api.job(id).state is JobState.SUCCEEDED
    refused = ask(api, ana, f"POST jobs/{id}.1.0/retry")
    assert (refused.status, refused.json()["type"], id in refused.json()["hint"]) == (409, "part", True)
    waits = ask(api, ana, "POST jobs", json={**GOOD, "after": [{"job": f"{id}.1.0"}]})
    assert (waits.status, waits.json()["errors"][0]["field"]) == (422, "after.0.job")
    again = ask(api, ana, f"POST jobs/{id}/retry").json()
    assert (again["spec"]["nodes"], again["part"]) == (2, None)


def test_each_rank_has_a_log(api: Api, ana: str) -> None:
    id = api.submit(ana, nodes=2)["id"]
    assert ask(api, ana, f"GET jobs/{id}/logs").body == b""
    place(api, id)
    api.state.logs.append(f"{id}.1.0", 1, 0, b"zero\n")
    api.state.logs.append(f"{id}.1.1", 1, 0, b"one\n")
    assert ask(api, ana, f"GET jobs/{id}/logs").body == b"zero\n"
    assert ask(api, ana, f"GET jobs/{id}/logs?rank=1").body == b"one\n"
    assert ask(api, ana, f"GET jobs/{id}.1.1/logs").body == b"one\n"
    assert ask(api, ana, f"GET jobs/{id}/logs?rank=1&attempt=1").headers["log-attempt"] == "1"
    beyond = ask(api, ana, f"GET jobs/{id}/logs?rank=2")
    assert (beyond.status, beyond.json()["type"]) == (404, "no-such-rank")
    assert ask(api, ana, f"GET jobs/{api.submit(ana)['id']}/logs?rank=1").status == 404
    assert ask(api, ana, f"GET jobs/{id}/logs?rank=-1").status == 422


def test_a_rank_is_followed_through_the_attempts_of_its_gang(api: Api, ana: str) -> None:
    id = api.submit(ana, nodes=2, retries=1)["id"]
    stream = api.open("GET", f"{JOBS}/{id}/logs?follow=true&rank=1", token=ana)
    assert stream.hear()["status"] == 200
    for attempt, exit_code in ((1, 3), (2, 0)):
        place(api, id)
        for rank in range(2):
            runs(api, id, rank)
        api.state.logs.append(f"{id}.{attempt}.1", 1, 0, b"try %d\n" % attempt, complete=True)
        api.loop.call_soon_threadsafe(api.hub.log_grew, f"{id}.{attempt}.1")
        assert next(stream.chunks()) == b"try %d\n" % attempt
        ends(api, id, 1, exit_code)
        ends(api, id, 0)
        assert api.job(id).state is (JobState.SUCCEEDED if attempt == 2 else JobState.QUEUED)
    assert b"".join(stream.chunks()) == b""


def test_its_node_is_told_at_once_of_a_job_that_is_to_make_room(api: Api, ana: str) -> None:
    api.node()
    id = api.submit(ana, preemptible=True)["id"]
    api.advance(id, JobState.RUNNING)
    api.settle()
    before = api.hub.mirror.revision
    told(api, id, PreemptAsked(cancel=Cancel(by="controller", at=api.clock.at, why="room for job x")))
    api.settle()
    assert api.hub.mirror.revision > before
    assert api.hub._revisions["id-n1"] == api.job(id).revision
    assert ask(api, ana, f"GET jobs/{id}").json()["preempt"]["why"] == "room for job x"


# ------------------------------------------------------------------ what may be sent


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"nodes": 0}, "nodes"),
        ({"nodes": 513}, "nodes"),
        ({"nodes": 512, "gpus": 9}, "nodes"),
        ({"nodes": 2, "pty": True}, "pty"),
        ({"nodes": 2, "node": "n1"}, "node"),
        ({"nodes": 2, "gpu_share": 0.5}, "gpu_share"),
        ({"gpus": 2, "gpu_share": 0.5}, "gpu_share"),
        ({"gpu_share": 0}, "gpu_share"),
        ({"gpu_share": 0.0001}, "gpu_share"),
        ({"gpu_share": 1.5}, "gpu_share"),
        ({"gpu_milli": 500}, "gpu_milli"),
        ({"gpu_model": "a100,,h100"}, "gpu_model"),
        ({"cpus": 0}, "cpus"),
        ({"memory_bytes": 0}, "memory_bytes"),
        ({"preemptible": 1}, "preemptible"),
        ({"checkpoint": "save"}, "checkpoint"),
        ({"checkpoint": ["a\0b"]}, "checkpoint"),
        ({"stop_signal": "KILL"}, "stop_signal"),
        ({"stop_signal": "SIGTERM"}, "stop_signal"),
        ({"retries": 101}, "retries"),
        ({"retry_codes": [0]}, "retry_codes"),
        ({"retry_codes": [256]}, "retry_codes"),
        ({"singleton": "yes"}, "singleton"),
        ({"image": "-v"}, "image"),
        ({"image": "a b"}, "image"),
        ({"image": "x\n"}, "image"),
        ({"image": "--privileged"}, "image"),
        ({"image": "ubuntu", "engine": "lxc"}, "engine"),
        ({"engine": "docker"}, "engine"),
        ({"mounts": ["/data"]}, "mounts"),
        ({"image": "ubuntu", "mounts": ["data"]}, "mounts"),
        ({"image": "ubuntu", "mounts": ["/a:b"]}, "mounts"),
        ({"image": "ubuntu", "mounts": ["/a:/b:rw"]}, "mounts"),
        ({"image": "ubuntu", "mounts": ["/a\0"]}, "mounts"),
        ({"setup": ["a\nb"]}, "setup"),
        ({"setup": [""]}, "setup"),
        ({"setup": ["x"] * 65}, "setup"),
        ({"after": [{"job": "abc"}]}, "after"),
        ({"after": [{"job": "abcdefghjk", "kind": "perhaps"}]}, "after"),
        ({"after": [{}]}, "after"),
        ({"after": [{"job": "abcdefghjk"}] * 257}, "after"),
        ({"array": ""}, "array"),
        ({"array": "9-0"}, "array"),
        ({"array": "0-10000"}, "array"),
        ({"array": "1,1"}, "array"),
        ({"array": 5}, "array"),
    ],
)
def test_what_cannot_be_is_refused_and_the_field_is_named(
    api: Api, ana: str, fields: dict[str, object], wrong: str
) -> None:
    answer = ask(api, ana, "POST jobs", json={**GOOD, **fields})
    assert answer.status == 422, answer.body
    assert any(one["field"].split(".")[0] == wrong for one in answer.json()["errors"]), answer.body
    with api.store.read() as reader:
        assert reader.count_jobs(JobFilter()) == {}


def test_all_that_can_be_asked_for_is_kept_as_it_was(api: Api, ana: str) -> None:
    asked = {
        "gpu_model": "h100,a100", "gpu_memory_bytes": 1 << 30, "cpus": 8, "memory_bytes": 1 << 36,
        "preemptible": True, "checkpoint": ["./save", "now"], "stop_signal": "USR1", "retries": 3,
        "retry_codes": [3, 75], "singleton": True, "image": "ghcr.io:443/a/b_c:x@sha256:" + "a" * 64,
        "engine": "podman", "mounts": ["/data", "/a:/b", "/c:/d:ro"], "setup": ["module load cuda"],
    }  # fmt: skip
    spec = api.submit(ana, gpu_share=0.25, **asked)["spec"]
    assert {name: spec[name] for name in asked} == asked
    assert (spec["gpu_milli"], spec["gpus"], spec["nodes"]) == (250, 1, 1)
    gang = api.submit(ana, nodes=512, gpus=8)["spec"]
    assert (gang["nodes"], gang["gpus"], gang["gpu_milli"]) == (512, 8, 1000)
    assert api.submit(ana, gpu_share=1, gpus=2)["spec"]["gpu_milli"] == 1000
