"""The node-facing calls in one process, where time stands still unless it is moved."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.api.in_process import Answer, Api
from tests.api.nodes.nodes_fixture import job, put

from sentinel.api.beats import forget_documents
from sentinel.api.log_store import LogDiskFull
from sentinel.api.peer import Peer
from sentinel.core.errors import UsageError
from sentinel.core.finding import NODE_FINDINGS, Finding, Layer, Severity, finding_json
from sentinel.core.identity import Role, TokenKind
from sentinel.core.job import IfLost, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import NodeState, Sharing
from sentinel.core.node_arbiter import (
    NODE_ARBITER,
    NodeArbiter,
    ServiceState,
    Standing,
    SteppingAside,
    node_arbiter_json,
)
from sentinel.ports.store import NewEvent

AGENT = "/api/v1/agent"
BODY = {"boot_id": "b", "agent_version": "1", "gpus": None, "held": None, "seen": 0}
FOUND = finding_json(
    Finding(
        component="xid",
        code="79",
        severity=Severity.CRITICAL,
        layer=Layer.HARDWARE,
        title="the card fell off the bus",
        cause="",
        next_step="",
    )
)
SAID = node_arbiter_json(
    NodeArbiter(
        standing=Standing.ANSWERS,
        services=(SteppingAside(name="chat", state=ServiceState.PAUSED, why="lease L1 of ana"),),
    )
)
JOINING = {"csr": "csr", "name": "gpu7", "boot_id": "b", "agent_version": "1"}


class Nodes(Api):
    """The API, asked by the peer that is set; nobody at first."""

    peer: Peer | None = None

    def __enter__(self) -> "Nodes":
        super().__enter__()
        inner = self.app

        async def asked_by_peer(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "state": {"peer": self.peer}}, receive, send)

        self.app = asked_by_peer  # type: ignore[assignment]
        return self

    def become(self, name: str = "gpu1", **fields: Any) -> str:
        """Asks as that node, which is made; its id."""
        node = self.node(name, **fields)
        self.peer = Peer(node=node.id, issued_at=self.clock.at, ends_at=self.clock.at + 3600)
        self.run(self.seen())
        return node.id

    async def seen(self) -> None:
        await self.hub._refresh()

    def post(self, path: str, json: Any) -> Answer:
        return self.ask("POST", AGENT + path, json=json)

    def place(self, node: str, state: JobState = JobState.ALLOCATED) -> None:
        put(self.store, replace(job(state=state, on=node), node="gpu1"), environment={"A": "1"})  # type: ignore[arg-type]
        self.run(self.seen())


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Nodes]:
    with Nodes(logs=tmp_path / "logs") as api:
        yield api


def problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["hint"] or status == 422
    return found


def test_a_certificate_that_has_ended(api: Nodes) -> None:
    api.become()
    assert api.post("/beat", BODY).status == 200
    api.clock.at += 3600
    assert problem(api.post("/beat", BODY), 403)["type"] == "certificate-ended"


def test_a_certificate_from_before_the_node_joined_anew(api: Nodes) -> None:
    id = api.become()
    api.store.write(lambda tx: tx.put_node(replace(tx.node(id), joined_at=api.clock.at + 1)))
    api.run(api.seen())
    assert problem(api.post("/beat", BODY), 403)["type"] == "node-replaced"


def test_a_node_that_is_not_in_memory_yet_is_looked_up(api: Nodes) -> None:
    api.peer = Peer(node=api.node().id, issued_at=api.clock.at, ends_at=api.clock.at + 1)
    assert api.ask("GET", f"{AGENT}/desired").json()["jobs"] == []
    api.peer = replace(api.peer, node="nobody")
    assert problem(api.ask("GET", f"{AGENT}/desired"), 403)["type"] == "no-such-node"


def test_a_first_beat_makes_a_node_up(api: Nodes) -> None:
    id = api.become(state=NodeState.SILENT)
    assert api.post("/beat", BODY).json() == {"lease_seconds": 60.0, "unknown": []}
    with api.store.read() as reader:
        node = reader.node(id)
        assert node is not None and node.state is NodeState.UP and node.gpus is None
        types = [event.type for event in reader.events(0, 100)]
    assert types == ["sentinel.node.up"]


def test_a_beat_says_what_its_node_is(api: Nodes) -> None:
    id = api.become(state=NodeState.SILENT)
    facts = {"address": "10.0.0.7", "cpus": 64, "memory_bytes": None, "sharing": "no"}
    gpu = {"uuid": "GPU-0", "index": 0, "model": "A", "memory_total_bytes": None, "blocked": None}
    for more in ({"facts": facts}, {"facts": None}, {}):
        assert api.post("/beat", {**BODY, "gpus": [{**gpu, "island": 0, "numa": 1}], **more}).status == 200
        with api.store.read() as reader:
            node = reader.node(id)
        assert node is not None and node.gpus is not None
        assert (node.address, node.cpus, node.memory_bytes, node.sharing) == (
            "10.0.0.7",
            64,
            None,
            Sharing.NO,
        )
        assert (node.gpus[0].island, node.gpus[0].numa) == (0, 1)
    problem(api.post("/beat", {**BODY, "facts": {"address": "x"}}), 422)


def test_a_beat_that_keeps_a_fenced_job_alive_is_answered_once_its_lease_is_renewed(api: Nodes) -> None:
    id = api.become()
    fenced = replace(job(state=JobState.RUNNING, on=id), spec=replace(job().spec, if_lost=IfLost.FENCE))
    put(api.store, fenced)
    gpus = fenced.gpus
    lease = JobLease(
        token="t1", job=fenced.id, attempt=1, node=id, gpus=gpus, owner="a", tenant="default", taken_at=1.0
    )
    api.store.write(lambda tx: tx.take_lease(lease))
    api.run(api.seen())
    assert api.post("/beat", {**BODY, "held": ["t1"]}).status == 200
    with api.store.read() as reader:
        assert reader.beats().leases == {"t1": 1}


def test_a_beat_that_says_nothing_new_writes_nothing(api: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    id = api.become()
    api.post("/beat", BODY)
    api.run(api.seen())

    def never(*_: object) -> None:
        raise AssertionError("a beat went to the store")

    monkeypatch.setattr(api.store, "submit", never)
    monkeypatch.setattr(api.store, "read", never)
    assert api.post("/beat", BODY).status == 200
    monkeypatch.undo()
    assert api.hub.renewals._nodes == {id: api.clock.at}


def test_workloads_are_written_when_they_are_others(api: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    api.become()
    one = {"id": "w", "origin": "host", "state": "running", "user": "bob"}
    api.post("/beat", {**BODY, "workloads": [one]})
    api.run(api.seen())
    written: list[object] = []
    submit = api.store.submit
    monkeypatch.setattr(api.store, "submit", lambda work: written.append(work) or submit(work))
    api.post("/beat", {**BODY, "workloads": [one]})
    assert written == []
    api.post("/beat", {**BODY, "workloads": []})
    assert len(written) == 1
    assert problem(api.post("/beat", {**BODY, "workloads": [{"id": "w"}]}), 422)


def kept_findings(api: Nodes, id: str) -> Any:
    with api.store.read() as reader:
        found = reader.document(NODE_FINDINGS, id)
    return None if found is None else found.data


def test_findings_are_written_when_they_are_others(api: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    id = api.become()
    api.post("/beat", BODY)
    assert kept_findings(api, id) is None, "an agent that tells none says nothing of them"
    written: list[object] = []
    submit = api.store.submit
    monkeypatch.setattr(api.store, "submit", lambda work: written.append(work) or submit(work))
    api.run(api.seen())
    for findings, writes in (([], 1), ([FOUND], 2), ([FOUND], 2), (None, 2), ([{**FOUND, "count": 2}], 3)):
        assert api.post("/beat", {**BODY, "findings": findings}).status == 200
        assert len(written) == writes
    assert kept_findings(api, id) == {"node": "gpu1", "findings": [{**FOUND, "count": 2}]}
    assert api.post("/beat", {**BODY, "findings": []}).status == 200
    assert kept_findings(api, id) == {"node": "gpu1", "findings": []}


def test_what_a_node_tells_is_kept_as_a_finding_and_as_no_more(api: Nodes) -> None:
    id = api.become()
    api.post("/beat", {**BODY, "findings": [{**FOUND, "id": "x", "title": "a\x1bb", "more": {"deep": []}}]})
    assert kept_findings(api, id) == {"node": "gpu1", "findings": [{**FOUND, "title": "a?b"}]}
    problem(api.post("/beat", {**BODY, "findings": [{**FOUND, "severity": "whim"}]}), 422)
    assert len(kept_findings(api, id)["findings"]) == 1


def test_with_a_node_its_findings_are_forgotten(api: Nodes) -> None:
    id = api.become()
    api.post("/beat", {**BODY, "findings": [FOUND]})
    api.store.write(lambda tx: forget_documents(tx, id))
    assert kept_findings(api, id) is None
    api.store.write(lambda tx: forget_documents(tx, id))


def test_what_an_arbiter_says_is_kept_and_written_when_it_is_other(
    api: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = api.become()
    written: list[object] = []
    api.post("/beat", BODY)
    api.run(api.seen())
    submit = api.store.submit
    monkeypatch.setattr(api.store, "submit", lambda work: written.append(work) or submit(work))
    for said, writes in ((SAID, 1), (SAID, 1), (None, 1), ({**SAID, "services": []}, 2)):
        assert api.post("/beat", {**BODY, "arbiter": said}).status == 200
        assert len(written) == writes
    monkeypatch.undo()
    with api.store.read() as reader:
        kept = reader.document(NODE_ARBITER, id)
    assert kept is not None and kept.data == {**SAID, "services": []}
    api.store.write(lambda tx: forget_documents(tx, id))
    with api.store.read() as reader:
        assert reader.document(NODE_ARBITER, id) is None
    problem(api.post("/beat", {**BODY, "arbiter": {**SAID, "standing": "whim"}}), 422)


def test_a_lost_job_that_is_held_runs_again(api: Nodes) -> None:
    id = api.become()
    lost = replace(job(state=JobState.LOST, on=id), started_at=1.0)
    put(api.store, lost)  # type: ignore[arg-type]
    take_lease(api, lost)
    api.run(api.seen())
    api.post("/beat", {**BODY, "held": ["t1"]})
    assert api.job(lost.id).state is JobState.RUNNING


def take_lease(api: Nodes, one: Any) -> None:
    lease = JobLease(
        token=one.placement.token,
        job=one.id,
        attempt=one.attempt,
        node=one.placement.node,
        gpus=one.placement.gpus,
        owner=one.owner,
        tenant=one.tenant,
        taken_at=0.0,
    )
    api.store.write(lambda tx: tx.take_lease(lease))


def test_environments_go_to_the_node_that_is_to_begin_and_once(api: Nodes) -> None:
    id = api.become()
    api.place(id)
    assert api.ask("GET", f"{AGENT}/desired").json()["jobs"][0]["environment"] == {"A": "1"}
    api.place(id, JobState.STARTING)
    assert api.ask("GET", f"{AGENT}/desired").json()["jobs"][0]["environment"] == {}
    api.become("gpu2")
    assert api.ask("GET", f"{AGENT}/desired").json()["jobs"] == []


def test_what_is_asked_wrongly(api: Nodes) -> None:
    api.become()
    for query in ("seen=x", "seen=-1", "wait=61", "wait=nan", "wait=-1", "more=1", "wait=inf", "seen=1e9"):
        assert problem(api.ask("GET", f"{AGENT}/desired?{query}"), 422)
    assert api.ask("GET", f"{AGENT}/beat").status == 405
    assert api.ask("POST", f"{AGENT}/logs/job/x", body=b"").status == 404


def test_a_full_disk_is_507_and_harms_nothing_else(api: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    id = api.become()
    api.place(id)

    def full(*_: object, **__: object) -> int:
        raise LogDiskFull("no room")

    monkeypatch.setattr(api.state.logs, "append", full)
    found = api.ask("POST", f"{AGENT}/logs/job0000001/1?offset=0", body=b"x")
    assert problem(found, 507)["type"] == "disk-full"
    assert api.post("/beat", BODY).status == 200


def test_logs_of_an_attempt_before_the_last_one(api: Nodes, tmp_path: Path) -> None:
    id = api.become()
    api.place(id)
    queued = replace(job(), attempt=2, node="gpu2")
    put(api.store, queued)  # type: ignore[arg-type]
    api.run(api.seen())
    api.hub._left.clear()  # as after a restart of the API
    path = f"{AGENT}/logs/job0000001/1?offset=0"
    assert problem(api.ask("POST", path, body=b"x"), 403)
    event = NewEvent(
        time=1.0,
        type="sentinel.job.allocated",
        subject="job0000001",
        data={"attempt": 1, "node": "gpu1"},
        tenant="default",
    )
    api.store.write(lambda tx: tx.add_event(event))
    assert api.ask("POST", path, body=b"x").json() == {"size": 1}


def test_who_may_let_machines_join(api: Nodes) -> None:
    token = api.token("root", Role.ADMIN, kind=TokenKind.JOIN, expires_at=api.clock.at + 60)

    def join(secret: str = token, **more: Any) -> Answer:
        return api.post("/join", {"token": secret, **JOINING, **more})

    assert join().status == 201
    api.clock.at += 60
    assert "expired" in problem(join(name="gpu8"), 401)["detail"]
    api.clock.at -= 60
    with api.store.read() as reader:
        user = reader.user("root")
    assert user is not None
    for changed in (replace(user, role=Role.OPERATOR), replace(user, disabled=True)):
        api.store.write(lambda tx, changed=changed: tx.put_user(changed))
        assert "no admin" in problem(join(name="gpu8"), 401)["detail"]
    api.store.write(lambda tx: tx.put_user(user))
    assert problem(join(api.token("root")), 401)
    assert problem(join(more=1), 422)
    assert problem(join(csr=7), 422)
    assert join(name="gpu8").status == 201
    with api.store.read() as reader:
        assert [node.name for node in reader.nodes()] == ["gpu7", "gpu8"]
        assert [event.type for event in reader.events(0, 10)] == ["sentinel.node.joined"] * 2


def test_a_bad_request_joins_nothing(api: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    token = api.token("root", Role.ADMIN, kind=TokenKind.JOIN)

    def refuse(*_: object, **__: object) -> bytes:
        raise UsageError("that is no request")

    monkeypatch.setattr(api.state.authority, "issue_node", refuse)
    assert problem(api.post("/join", {"token": token, **JOINING}), 422)
    with api.store.read() as reader:
        assert reader.nodes() == []


def test_an_agents_socket_without_its_client(api: Nodes) -> None:
    assert api.socket(f"{AGENT}/attach/nothing").hear()["type"] == "websocket.close"
    api.become()
    assert api.socket(f"{AGENT}/attach/nothing").hear()["type"] == "websocket.close"


def test_a_removed_node_has_no_findings(api: Nodes) -> None:
    id = api.become()
    api.post("/beat", {**BODY, "findings": [FOUND]})
    assert kept_findings(api, id) is not None
    assert api.ask("DELETE", "/api/v1/nodes/gpu1", token=api.token("root", Role.ADMIN)).status == 204
    assert kept_findings(api, id) is None
