"""Nodes and a real controller, over TLS: who may join, who may speak for whom, and what is said."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.controller import GPUS, Controller, Node, eventually, refused
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from sentinel.client.connection import Connection
from sentinel.client.tls import client_context
from sentinel.core.errors import ApiUnavailable
from sentinel.drivers.certificates.authority import open_authority
from sentinel.drivers.certificates.request import new_key, signing_request, validity


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with Controller(tmp_path_factory.mktemp("controller")) as running:
        yield running


@pytest.fixture(scope="module")
def node(controller: Controller) -> Node:
    node = Node(controller)
    node.beat()
    return node


def report(given: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    return {"token": given["token"], "job": given["job"], "attempt": given["attempt"], "kind": kind, **more}


def exited(given: dict[str, Any]) -> dict[str, Any]:
    more = {"exit_code": 0, "signal": None, "why": "", "stopped": False, "started_at": 1.0, "ended_at": 2.0}
    return report(given, "exited", **more)


def test_a_job_from_submit_to_its_end(controller: Controller, node: Node) -> None:
    id = controller.submit()
    given = node.given(id)
    assert given["want"] == "run" and given["state"] == "ALLOCATED" and given["spec"]["command"] == ["true"]
    assert given["environment"] == {"SECRET": "s3cret"} and len(given["gpus"]) == 1
    assert node.beat(held=[given["token"], "nobodys"])["unknown"] == ["nobodys"]
    assert node.report(report(given, "starting"), report(given, "running", started_at=1.0)) == ["applied"] * 2
    assert controller.job(id)["state"] == "RUNNING"
    assert eventually(lambda: node.given(id)["state"] == "RUNNING")
    assert node.given(id)["environment"] == {}
    assert node.report(exited(given), exited(given)) == ["applied", "known"]
    assert controller.job(id)["state"] == "SUCCEEDED"
    assert eventually(lambda: not node.desired()["jobs"])
    assert node.report(report({**given, "token": "other"}, "running", started_at=1.0)) == ["fenced"]
    assert node.report(report({**given, "job": "0" * 10}, "starting")) == ["unknown"]


def test_a_poll_is_answered_when_something_is_to_do(controller: Controller, node: Node) -> None:
    seen = eventually(lambda: node.desired())["revision"]
    with node.connected() as connection:
        time.sleep(0.1)
        id = controller.submit()
        began = time.monotonic()
        answer = connection.ask("GET", f"/api/v1/agent/desired?seen={seen}&wait=20").json()
        assert time.monotonic() - began < 2
    [given] = answer["jobs"]
    assert given["job"] == id
    controller.ask("POST", f"/api/v1/jobs/{id}/cancel", json={"why": "changed my mind"})
    answer = node.desired(answer["revision"], 20)
    assert (answer["jobs"][0]["want"], answer["jobs"][0]["why"]) == ("stop", "changed my mind")
    assert node.report(report(given, "refused", why="stopped", final=False)) == ["applied"]
    assert controller.job(id)["state"] == "CANCELED"


def test_what_a_beat_tells_is_shown(controller: Controller, node: Node) -> None:
    gpus = [GPUS[0] | {"blocked": {"kind": "unmanaged", "why": "ollama of bob"}}, GPUS[1]]
    workload = {"id": "w1", "origin": "docker", "state": "running", "user": "bob", "name": "x"}
    sample = {"uuid": "GPU-0", "utilization_percent": 50.0, "memory_used_bytes": 1, "power_watts": None}
    node.beat(gpus=gpus, workloads=[workload], samples=[sample])
    shown = controller.ask("GET", "/api/v1/nodes/gpu1").json()
    assert shown["gpus"][0]["blocked"]["why"] == "ollama of bob" and shown["state"] == "up"
    assert shown["samples"][0]["utilization_percent"] == 50.0
    [found] = controller.ask("GET", "/api/v1/workloads").json()["items"]
    assert found["name"] == "x"
    node.beat(workloads=None)
    assert len(controller.ask("GET", "/api/v1/workloads").json()["items"]) == 1
    node.beat(workloads=[])
    assert controller.ask("GET", "/api/v1/workloads").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/beat", {"boot_id": "b"}),
        ("/beat", []),
        ("/reports", {"reports": {}}),
        ("/reports", {"reports": [{"kind": "nonsense"}]}),
        ("/reports", {"reports": [], "more": 1}),
        ("/beat?x=1", {}),
        ("/renew", {"csr": "nonsense"}),
        ("/renew", {}),
    ],
)
def test_what_is_no_message_is_refused(node: Node, path: str, body: Any) -> None:
    assert refused(lambda: node.ask("POST", path, json=body)).status == 422


def test_bodies_that_are_no_json_or_too_big(node: Node) -> None:
    for body in (b"", b"{", b"[" * 100_000, b'{"seen": NaN}'):
        assert refused(lambda body=body: node.ask("POST", "/beat", body=body)).status == 422
    assert refused(lambda: node.ask("POST", "/beat", body=b"x" * (1 << 20) + b"x")).status == 413


def test_logs_are_its_own_alone(controller: Controller, node: Node) -> None:
    id = controller.submit()
    given = node.given(id)
    path = f"/logs/{id}/{given['attempt']}"
    assert node.ask("POST", f"{path}?offset=0", body=b"hello\n").json() == {"size": 6}
    assert node.ask("POST", f"{path}?offset=6", body=b"world\n").json() == {"size": 12}
    assert controller.ask("GET", f"/api/v1/jobs/{id}/logs").body == b"hello\nworld\n"
    other = Node(controller, "gpu2")
    assert refused(lambda: other.ask("POST", path, body=b"lies")).status == 403
    assert refused(lambda: node.ask("POST", f"/logs/{id}/7", body=b"lies")).status == 403
    assert refused(lambda: node.ask("POST", "/logs/0000000000/1", body=b"x")).status == 404
    assert refused(lambda: node.ask("POST", "/logs/..%2F..%2Fpki/1", body=b"x")).status in (404, 422)
    assert refused(lambda: node.ask("POST", f"{path}?offset=-1", body=b"x")).status == 422
    assert node.report(exited(given)) == ["applied"]
    assert node.ask("POST", f"{path}?offset=12&complete=true", body=b"!").json() == {"size": 13}
    answer = controller.ask("GET", f"/api/v1/jobs/{id}/logs")
    assert (answer.body, answer.headers["log-complete"]) == (b"hello\nworld\n!", "true")
    assert refused(lambda: other.ask("POST", path, body=b"lies")).status == 403


def test_a_node_speaks_for_itself_alone(controller: Controller, node: Node) -> None:
    id = controller.submit()
    given = node.given(id)
    other = Node(controller, "gpu3")
    assert other.report(exited(given)) == ["fenced"]
    assert other.beat(gpus=[], held=[given["token"]])["unknown"] == [given["token"]]
    assert controller.job(id)["state"] == "ALLOCATED"
    assert node.report(report(given, "running", started_at=1.0), exited(given)) == ["applied"] * 2


def test_a_job_that_the_node_does_not_have_is_queued_again(controller: Controller, node: Node) -> None:
    id = controller.submit()
    given = node.given(id)
    node.report(report(given, "running", started_at=1.0))
    node.beat(held=[], seen=0)
    assert controller.job(id)["state"] == "RUNNING"
    seen = node.desired()["revision"]
    node.beat(held=None, seen=seen)
    assert controller.job(id)["state"] == "RUNNING"
    node.beat(held=[], seen=seen)
    again = eventually(lambda: (one := node.given(id)) and one["attempt"] == 2 and one)
    assert node.report(report(given, "running", started_at=1.0)) == ["fenced"]
    node.report(report(again, "running", started_at=1.0), exited(again))
    assert controller.job(id)["state"] == "SUCCEEDED"


def test_without_a_certificate_nobody_is_a_node(controller: Controller) -> None:
    error = refused(lambda: controller.ask("GET", "/api/v1/agent/desired"))
    assert error.status == 401 and "join" in error.hint
    for path in ("/beat", "/reports", "/renew", "/logs/0123456789/1"):
        assert (
            refused(lambda path=path: controller.ask("POST", f"/api/v1/agent{path}", json={})).status == 401
        )


def test_a_certificate_of_another_authority_is_refused(controller: Controller, tmp_path: Path) -> None:
    key = new_key()
    node = Node(controller, "gpu4")
    node.key = key
    node.certificate = open_authority(tmp_path).issue_node(signing_request(key, "x"), node.id)
    with pytest.raises(ApiUnavailable):
        node.desired()


def test_the_servers_own_certificate_is_no_nodes(controller: Controller) -> None:
    node = Node(controller, "gpu5")
    pki = controller.data / "pki"
    node.certificate, node.key = (pki / "server.pem").read_bytes(), (pki / "server.key").read_bytes()
    with pytest.raises(ApiUnavailable):
        node.desired()


def test_a_certificate_is_no_token(controller: Controller, node: Node) -> None:
    with node.connected() as connection:
        assert refused(lambda: connection.ask("GET", "/api/v1/jobs")).status == 401


def test_a_removed_node_has_to_join_again(controller: Controller) -> None:
    node = Node(controller, "gpu6")
    node.desired()
    with node.connected() as connection:
        connection.ask("GET", "/api/v1/agent/desired")
        controller.ask("DELETE", "/api/v1/nodes/gpu6")
        error = eventually(lambda: refused(lambda: connection.ask("GET", "/api/v1/agent/desired")))
        assert (error.status, error.kind) == (403, "no-such-node") and "join again" in error.hint
    for ask in (node.beat, node.desired, lambda: node.report()):
        assert refused(ask).status == 403
    again = Node(controller, "gpu6")
    assert again.id != node.id
    again.beat(gpus=[])
    assert refused(node.beat).status == 403


def test_who_joins_in_the_place_of_a_silent_node_replaces_it(controller: Controller) -> None:
    old = Node(controller, "gpu7")
    old.desired()
    time.sleep(0.01)
    new = Node(controller, "gpu7")
    assert new.id == old.id
    new.desired()
    assert eventually(lambda: refused(old.desired).kind == "node-replaced")
    new.beat(gpus=[])
    error = refused(lambda: Node(controller, "gpu7"))
    assert (error.status, error.kind) == (409, "node-up")


def test_a_certificate_is_renewed(controller: Controller) -> None:
    node = Node(controller, "gpu8")
    before = node.certificate
    time.sleep(1.1)
    csr = signing_request(node.key, "x").decode()
    node.certificate = node.ask("POST", "/renew", json={"csr": csr}).json()["certificate"].encode()
    assert validity(node.certificate)[1] > validity(before)[1]
    node.desired()


def test_join_tokens(controller: Controller) -> None:
    token = controller.join_token()
    assert token.rpartition("_")[2] == open_authority(controller.data / "pki").fingerprint
    wrong = token[:20] + ("0" if token[20] != "0" else "1") + token[21:]
    for bad in ("", "nonsense", controller.environment["SENTINEL_TOKEN"], wrong):
        error = refused(lambda bad=bad: Node(controller, "gpu9", token=bad or "x"))
        assert error.status == 401 and not (bad and bad in str(error))
    [id] = [
        one["id"] for one in controller.ask("GET", "/api/v1/tokens").json()["items"] if one["id"] in token
    ]
    controller.ask("DELETE", f"/api/v1/tokens/{id}")
    assert "revoked" in str(refused(lambda: Node(controller, "gpu9", token=token)))
    assert refused(lambda: controller.ask("GET", "/api/v1/nodes/gpu9")).status == 404


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 64, "a\n", "é"])
def test_a_nodes_name_is_a_name(controller: Controller, name: str) -> None:
    token = controller.join_token()
    assert refused(lambda: Node(controller, name, token=token)).status == 422


def test_a_terminal_through_the_controller(controller: Controller, node: Node) -> None:
    id = controller.submit(pty=True)
    given = node.given(id)
    node.report(report(given, "running", started_at=1.0))
    url = controller.url.replace("https", "wss")
    headers = {"Authorization": f"Bearer {controller.environment['SENTINEL_TOKEN']}"}
    plain = client_context(ca_file=controller.environment["SENTINEL_CA"])
    seen = node.desired()["revision"]
    with connect(f"{url}/api/v1/jobs/{id}/attach", ssl=plain, additional_headers=headers) as client:
        [wanted] = node.desired(seen, 10)["attach"]
        assert (wanted["job"], wanted["attempt"]) == (id, 1)
        path = f"{url}/api/v1/agent/attach/{wanted['session']}"
        with pytest.raises(InvalidStatus):
            connect(path, ssl=plain)
        other = Node(controller, "gpu10")
        with pytest.raises(InvalidStatus):
            connect(path, ssl=other.context())
        with connect(path, ssl=node.context()) as agent:
            client.send(b"ls\n")
            assert agent.recv(10) == b"ls\n"
            agent.send(b"x" * 100_000)
            assert client.recv(10) == b"x" * 100_000
            client.send('{"resize": [24, 80]}')
            assert agent.recv(10) == '{"resize": [24, 80]}'
            agent.send('{"exit": 0}')
            agent.close()
            assert client.recv(10) == '{"exit": 0}'
            with pytest.raises(ConnectionClosed):
                client.recv(10)
    assert eventually(lambda: node.desired()["attach"] == [] or None) is True
    node.report(exited(given))


def test_heads_have_an_end(controller: Controller) -> None:
    context = client_context(ca_file=controller.environment["SENTINEL_CA"])
    headers = {f"X-{number}": "x" * 1000 for number in range(300)}
    connection = Connection(controller.url, context=context, headers=headers)
    with pytest.raises(ApiUnavailable):
        connection.ask("GET", "/api/v1/health")
    connection.close()


def test_beats_renew_leases_within_two_seconds(controller: Controller, node: Node) -> None:
    from sentinel.drivers.stores.opening import open_store

    id = controller.submit()
    given = node.given(id)
    node.beat(held=[given["token"]])
    store = open_store(f"sqlite:///{controller.data}/controller.db", migrate=False)

    def renewed() -> bool:
        with store.read() as reader:
            return reader.beats().leases.get(given["token"], 0) > 0

    assert eventually(renewed, 3)
    store.close()
    node.report(report(given, "running", started_at=1.0), exited(given))
