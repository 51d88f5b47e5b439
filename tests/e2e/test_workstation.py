"""The main job from end to end: research gets the GPUs, inference steps aside and comes back."""

import re
import signal
import socket
import sys
import time

from tests.e2e.workstation import GIB, Workstation, always, eventually

PROBE = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    print(os.environ["CUDA_VISIBLE_DEVICES"], "UP" if s.connect_ex(sys.argv[1]) == 0 else "DOWN")
sys.exit(7)
"""


def test_research_has_the_gpus_while_it_runs_and_inference_is_back_after(arbiter: Workstation) -> None:
    assert arbiter.answers()
    done = arbiter.run("sentinel-request", "--", sys.executable, "-c", PROBE, f"{arbiter.folder}/chat.sock")
    assert done.code == 7, done
    assert re.fullmatch(r"GPU-[0-9a-f-]+,GPU-[0-9a-f-]+ DOWN\n", done.out), done
    assert done.err == ""
    arbiter.heals()
    assert arbiter.answers()


def test_status_says_who_has_what_and_what_was_freed(arbiter: Workstation) -> None:
    client = arbiter.granted("--name", "thesis")
    status = arbiter.status()
    assert status["state"] == "RESEARCH"
    (lease,) = status["leases"]
    assert (lease["pid"], lease["holder"], lease["command"]) == (client.pid, "thesis", "sleep 60")
    assert lease["gpu_indices"] == [0, 1]
    (service,) = status["services"]
    assert (service["state"], service["rung"], service["freed_bytes"]) == ("paused", "stop", 40 * GIB)
    assert lease["id"] in service["why"]


def test_inference_returns_only_after_the_last_of_two(arbiter: Workstation) -> None:
    first, second = arbiter.granted(), arbiter.granted()
    first.kill()
    eventually(lambda: len(arbiter.status()["leases"]) == 1, "one lease ended")
    always(lambda: not arbiter.answers(), 0.5, "inference stays away for the second")
    second.kill()
    arbiter.heals()


def test_it_comes_back_after_the_delay_not_before(workstation: Workstation) -> None:
    workstation.configure(arbiter="resume_delay = 0.8")
    workstation.start()
    workstation.ready()
    client = workstation.granted()
    ended = time.monotonic()
    client.kill()
    eventually(lambda: workstation.status()["state"] == "RESUMING", "RESUMING")
    assert "comes back in" in workstation.service_now()["why"]
    eventually(workstation.answers)
    assert 0.8 <= time.monotonic() - ended < 3


def test_only_the_service_on_the_gpu_asked_for_steps_aside(workstation: Workstation) -> None:
    workstation.configure(workstation.service("a", gpus="[0]"), workstation.service("b", gpus="[1]"))
    workstation.start()
    workstation.ready()
    workstation.granted("--gpu-ids", "1")
    assert workstation.is_now("paused", name="b")
    assert workstation.answers("a")
    assert workstation.starts("a") == workstation.starts("a")[:1]


def test_exclusive_requests_wait_their_turn_in_order(arbiter: Workstation) -> None:
    first = arbiter.granted("--gpus", "2")
    marks = arbiter.folder / "order"
    waiting = []
    for n in range(3):
        waiting.append(arbiter.request("--gpus", "2", "--", "sh", "-c", f"echo {n} >> {marks}"))
        eventually(lambda n=n: len(arbiter.status()["queue"]) == n + 1, f"{n + 1} wait")
    why = arbiter.status()["queue"][0]["why"]
    assert "held by lease" in why
    assert not marks.exists()
    first.kill()
    assert [w.wait(8) for w in waiting] == [0, 0, 0]
    assert marks.read_text().split() == ["0", "1", "2"]


def test_the_plain_protocol_as_first_clients_speak_it(arbiter: Workstation) -> None:
    def ask(message: bytes) -> dict[str, object]:
        with arbiter.connect() as client:
            return client.ask(message)

    assert ask(b'{"cmd": "status"}')["state"] == "IDLE"  # no newline
    got = ask(b'{"cmd": "acquire", "holder": "old"}\n')
    assert got["ok"] is True
    assert len(got["gpus"]) == 2  # pyright: ignore[reportArgumentType]
    assert not arbiter.answers()
    assert ask(b'{"cmd": "release", "holder": "other"}')["released"] is False
    assert ask(b'{"cmd": "release", "holder": "old"}')["released"] is True
    assert ask(b'{"cmd": "release", "holder": "old"}')["ok"] is True  # cleaning up twice is fine
    arbiter.heals()


def test_a_plain_client_that_shuts_its_side_down_still_gets_its_answer(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        client.send(b'{"cmd": "acquire", "holder": "nc"}')
        client.sock.shutdown(socket.SHUT_WR)
        assert client.receive()["ok"] is True


def test_stopping_without_a_lease_ends_well_and_ends_what_it_ran(arbiter: Workstation) -> None:
    assert arbiter.stop() == 0
    assert not arbiter.answers()
    assert "stopped" in arbiter.journal()


def test_stopping_with_a_lease_says_so_and_the_next_start_takes_up_from_there(arbiter: Workstation) -> None:
    client = arbiter.granted()
    lease = arbiter.status()["leases"][0]["id"]
    assert arbiter.stop() == 0
    assert client.poll() is None, "research is never touched"
    assert re.search(rf"chat stays paused for lease {lease}", arbiter.journal())
    arbiter.start()
    assert [le["id"] for le in arbiter.status()["leases"]] == [lease]
    assert len(arbiter.starts()) == 1, "inference was not started beside research"
    client.send_signal(signal.SIGTERM)
    arbiter.heals()
