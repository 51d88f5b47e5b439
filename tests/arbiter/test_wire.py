"""The protocol as a client meets it: what core/codec.py documents, spoken to the real arbiter."""

import json
import socket
import time
from typing import Any

import pytest
from tests.e2e.workstation import Workstation, eventually


def test_many_messages_a_connection_each_answered_in_order(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        for _ in range(20):
            client.send({"v": 1, "cmd": "status"})
            client.send({"v": 1, "cmd": "release", "lease": "L0"})
        kinds = ["status" in client.receive() for _ in range(40)]
    assert kinds == [True, False] * 20


def test_a_lease_of_a_connection_ends_with_it(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        answer = arbiter.acquire(client)
        assert answer["event"] == "granted"
        assert answer["inherited"] is False
        assert [g["index"] for g in answer["gpus"]] == [0, 1]
        assert answer["gpus"][0]["devices"] == [answer["gpus"][0]["uuid"]]
        assert not arbiter.answers()
    arbiter.heals()


def test_release_ends_a_lease_and_another_may_be_asked_for_on_the_same_connection(
    arbiter: Workstation,
) -> None:
    with arbiter.connect() as client:
        for _ in range(2):
            lease = arbiter.acquire(client)["lease"]
            assert client.ask({"v": 1, "cmd": "release", "lease": lease}) == {"v": 1, "ok": True}
            assert arbiter.status()["leases"] == []


def test_a_refusal_closes_nothing_the_connection_may_ask_again(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpus", "2")
    with arbiter.connect() as client:
        refused = arbiter.acquire(client, wait_seconds=0)
        assert (refused["event"], refused["code"]) == ("refused", "busy")
        assert refused["holders"][-1]["what"].startswith("lease ")
        holder.kill()
        eventually(lambda: not arbiter.status()["leases"], "it is free")
        again = arbiter.acquire(client)
        assert again.get("event") == "granted", again


def test_asking_again_for_the_same_is_answered_with_the_same_lease(arbiter: Workstation) -> None:
    with arbiter.connect() as client, arbiter.connect() as other:
        lease = arbiter.acquire(client)["lease"]
        again = arbiter.acquire(other)
        assert (again["lease"], again["inherited"]) == (lease, True)
    arbiter.heals()


def test_one_who_must_wait_hears_why_and_then_the_last_word(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpus", "2")
    with arbiter.connect() as client:
        waiting = client.ask({"v": 1, "cmd": "acquire", "binding": "connection"})
        assert waiting["event"] == "waiting"
        assert "held by lease" in waiting["why"]
        twice = client.ask({"v": 1, "cmd": "acquire"})
        assert (twice["ok"], twice["code"]) == (False, "bad-request")
        assert "status" in client.ask({"v": 1, "cmd": "status"}), "it may ask other things meanwhile"
        holder.kill()
        assert client.last_word()["event"] == "granted"


def test_one_who_hangs_up_while_waiting_has_given_up_its_place(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    with arbiter.connect() as client:
        assert client.ask({"v": 1, "cmd": "acquire"})["event"] == "waiting"
        assert len(arbiter.status()["queue"]) == 1
    eventually(lambda: not arbiter.status()["queue"], "the place is given up")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"{}\n", "cmd is one of"),
        (b"\n\n{}\n", "cmd is one of"),
        (b'{"v":1}\n', "cmd is one of"),
        (b'{"cmd":"nope"}\n', "cmd is one of"),
        (b"[1,2]\n", "JSON object"),
        (b"\x00\xff\n", "not JSON"),
        (b"GET / HTTP/1.1\r\n\r\n", "not JSON"),
        (b'{"v":1,"cmd":"acquire","gpus":2}\n', "no field 'gpus'"),
        (b'{"v":9,"cmd":"status"}\n', "version 9"),
        (b"x" * 70_000, "at most 65536 bytes"),
        (b'{"cmd":"status"} {"cmd":"status"}\n', "not JSON"),
    ],
)
def test_what_is_no_message_is_answered_with_the_reason(
    arbiter: Workstation, message: bytes, said: str
) -> None:
    started = time.monotonic()
    with arbiter.connect() as client:
        answer = client.ask(message)
    assert (answer["ok"], answer["code"]) == (False, "bad-request")
    assert said in answer["error"]
    assert time.monotonic() - started < 1


def test_a_message_that_ends_half_way_is_said_to(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        client.send(b'{"cmd":')
        client.sock.shutdown(socket.SHUT_WR)
        assert client.receive()["code"] == "bad-request"


def test_after_a_wrong_field_the_connection_goes_on(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        assert client.ask({"v": 1, "cmd": "acquire", "count": 0})["code"] == "bad-request"
        assert client.ask({"v": 1, "cmd": "status"})["ok"] is True


def test_messages_after_an_empty_object_in_one_packet_are_answered_too(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        assert client.ask(b'{}\n{"v":1,"cmd":"status"}\n')["ok"] is False
        assert client.receive()["ok"] is True


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_plain_protocol_with_and_without_a_newline(arbiter: Workstation, end: bytes) -> None:
    with arbiter.connect() as client:
        client.send(b'{"cmd": "status"}' + end)
        assert client.receive()["state"] == "IDLE"


def test_a_plain_message_in_two_halves(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        client.send(b'{"cmd": "sta')
        time.sleep(0.05)
        client.send(b'tus"}')
        assert client.receive()["ok"] is True


def test_a_plain_release_without_a_name_leaves_other_programs_leases_alone(arbiter: Workstation) -> None:
    """A lease of the plain protocol is bound to process, user and holder; this one is none of it."""
    arbiter.granted()
    with arbiter.connect() as client:
        assert client.ask(b'{"cmd": "release"}')["released"] is False
    assert len(arbiter.status()["leases"]) == 1


def test_a_plain_acquire_whose_client_hung_up_is_held_by_its_process(arbiter: Workstation) -> None:
    code = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(os.environ["SENTINEL_SOCKET"]); s.sendall(b'{"cmd": "acquire", "holder": "x"}')
print("hung up", flush=True); sys.stdin.readline()
"""
    process = arbiter.python(code, stdin=-1)
    assert process.stdout.readline()
    eventually(lambda: [le["pid"] for le in arbiter.status()["leases"]] == [process.pid], "its lease")
    process.communicate("\n", timeout=5)
    arbiter.heals()


# ------------------------------------------------------------------ watch and status


def states(client: Any, until: str) -> list[str]:
    seen: list[str] = []
    while not seen or seen[-1] != until:
        state = client.receive()["status"]["state"]
        if not seen or seen[-1] != state:
            seen.append(state)
    return seen


def test_watch_tells_every_change_and_now_and_then_without_one(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        client.send({"v": 1, "cmd": "watch"})
        assert client.receive()["status"]["state"] == "IDLE"
        holder = arbiter.granted()
        assert states(client, "RESEARCH")[-1] == "RESEARCH"
        holder.kill()
        assert states(client, "IDLE")[-2:] == ["RESUMING", "IDLE"] or arbiter.status()["state"] == "IDLE"
        started = time.monotonic()
        client.receive()
        client.receive()
        assert time.monotonic() - started < 3


def test_sentinel_status_for_programs(arbiter: Workstation) -> None:
    done = arbiter.run("sentinel-status", "--json")
    assert (done.code, done.err) == (0, "")
    status = json.loads(done.out)
    assert status["state"] == "IDLE"
    assert status["arbiter"]["socket"] == str(arbiter.socket)


def test_sentinel_status_for_people(arbiter: Workstation) -> None:
    arbiter.granted("--name", "thesis")
    done = arbiter.run("sentinel-status")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("RESEARCH  lease L1-")
    assert "\x1b" not in done.out
    assert "Simulated GPU" in done.out


def test_sentinel_status_watches_until_its_reader_has_seen_enough(arbiter: Workstation) -> None:
    watching = arbiter.popen("sentinel-status", "--watch", "--json")
    assert json.loads(watching.stdout.readline())["state"] == "IDLE"
    arbiter.granted()
    eventually(lambda: json.loads(watching.stdout.readline())["state"] == "RESEARCH", "told")
    watching.stdout.close()
    assert watching.wait(5) == 0
    assert watching.stderr.read() == ""


def test_sentinel_status_without_an_arbiter_is_69(workstation: Workstation) -> None:
    done = workstation.run("sentinel-status", "--json")
    assert (done.code, done.out) == (69, "")
    assert done.err.count("\n") == 1
