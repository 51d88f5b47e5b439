"""Who speaks to the supervisor: agents that come, go and repeat themselves, and peers that mean no good."""

import os
import socket
import subprocess
import time

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.supervisor.wire import MOST_LINE


def test_a_launch_told_twice_is_launched_once(node: Supervised, agent: Agent) -> None:
    message = node.message("sh", "-c", "echo once >>ran; sleep 0.2")
    agent.say(**message)
    agent.say(**message)
    agent.until(message["token"], "running")
    agent.say(**message)
    assert agent.ended(message["token"])["exit_code"] == 0
    agent.say(**message)
    agent.say(cmd="forget", tokens=[message["token"]])
    agent.events.clear()
    agent.say(**message)
    assert agent.ended(message["token"])["exit_code"] == 0
    agent.events.clear()
    other = node.restart()
    other.say(**message)
    assert other.ended(message["token"])["exit_code"] == 0
    assert (node.folder / "ran").read_text() == "once\n"


def test_commands_about_what_is_not_known_change_nothing(node: Supervised, agent: Agent) -> None:
    agent.say(cmd="forget", tokens=["never"])
    agent.say(cmd="renew", fences={"never": 5.0})
    agent.say(cmd="attach", token="never")
    assert agent.receive()["event"] == "error"
    assert agent.receive() == {}
    again = node.connect()
    assert again.records == {}


def test_a_stop_that_overtakes_its_launch_keeps_it_from_beginning(node: Supervised, agent: Agent) -> None:
    message = node.message("touch", "begun")
    agent.say(cmd="stop", token=message["token"], why="canceled", grace=1)
    event = agent.ended(message["token"])
    assert (event["event"], event["why"], event["final"]) == ("refused", "canceled", False)
    for peer in (agent, node.restart()):
        if peer is not agent:
            peer.say(**message)
            assert peer.ended(message["token"])["event"] == "refused"
    assert not (node.folder / "begun").exists()


def test_what_still_runs_is_not_forgotten(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60")
    agent.until(token, "running")
    agent.say(cmd="forget", tokens=[token])
    assert node.connect().records[token]["phase"] == "running"


def test_a_stop_of_what_has_ended_tells_its_end_again(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "exit 4")
    agent.ended(token)
    agent.events.clear()
    agent.say(cmd="stop", token=token, why="canceled", grace=1)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"]) == (4, False)


def test_a_new_agent_takes_over_and_finds_everything(node: Supervised, agent: Agent) -> None:
    ended = node.launch(agent, "sh", "-c", "exit 3")
    agent.ended(ended)
    lives = node.launch(agent, "sleep", "60")
    running = agent.until(lives, "running")
    refused = node.launch(agent, "no-such")
    agent.ended(refused)
    agent.say(cmd="forget", tokens=[refused])
    other = node.connect()
    assert agent.receive() == {}
    assert other.records[ended]["exit_code"] == 3
    assert other.records[lives] == {
        "job": "job2",
        "attempt": 1,
        "token": lives,
        "gpus": ["GPU-1"],
        "phase": "running",
        "pid": running["pid"],
        "started_at": running["started_at"],
    }
    assert set(other.records) == {ended, lives}
    assert other.hello["pid"] == node.process.pid if node.process else False


def test_what_happened_while_nobody_listened_is_in_the_records(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 0.3; exit 5")
    agent.until(token, "running")
    agent.close()
    time.sleep(0.6)
    assert node.connect().records[token]["exit_code"] == 5


def test_an_agent_that_does_not_say_hello_may_nothing(node: Supervised, agent: Agent) -> None:
    stranger = node.connect(hello=False)
    stranger.say(**node.message("touch", "begun"))
    assert stranger.receive()["event"] == "error"
    assert stranger.receive() == {}
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    assert not (node.folder / "begun").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\0\xff\xfe\n",
        b"{}\n",
        b"[" * 10_000 + b"\n",
        b'{"cmd": "hello", "v": 1, "x": ' + b"9" * 5000 + b"}\n\xff\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * (MOST_LINE + 2),
        b'{"cmd":"end","jobs":"yes"}\n',
        b'{"cmd":"renew","fences":{"a":1e999}}\n',
    ],
)
def test_hostile_bytes_are_answered_and_hung_up_on(node: Supervised, agent: Agent, data: bytes) -> None:
    stranger = node.connect(hello=False)
    stranger.sock.sendall(data)
    while answer := stranger.receive():
        last = answer
    assert last["event"] == "error"
    again = node.connect()
    assert again.ended(node.launch(again, "true"))["exit_code"] == 0


def test_a_message_in_many_parts_and_many_in_one(node: Supervised, agent: Agent) -> None:
    import json

    messages = [node.message("true") for _ in range(5)]
    data = b"".join(json.dumps(one).encode() + b"\n" for one in messages)
    for start in range(0, 200, 7):
        agent.sock.sendall(data[start : start + 7])
        time.sleep(0.001)
    agent.sock.sendall(data[203:])
    for one in messages:
        assert agent.ended(one["token"])["exit_code"] == 0


def test_an_agent_that_does_not_listen_holds_nobody_up(node: Supervised, agent: Agent) -> None:
    agent.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    tokens = [node.launch(agent, "true") for _ in range(200)]
    for token in tokens:
        agent.say(cmd="stop", token=token, why="x" * 1000, grace=0)
    other = node.connect()
    last = node.launch(other, "true")
    assert other.ended(last)["exit_code"] == 0


def test_many_connections_are_no_trouble(node: Supervised, agent: Agent) -> None:
    idle = [node.connect(hello=False) for _ in range(30)]
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    for one in idle:
        one.close()
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0


def test_the_socket_is_its_owners(node: Supervised, agent: Agent) -> None:
    assert node.socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.root
def test_other_users_are_not_let_in(node: Supervised, agent: Agent) -> None:
    node.socket.chmod(0o666)
    node.dir.chmod(0o755)
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        ' s.sendall(b\'{"cmd": "hello", "v": 1}\\n\'); print(s.recv(100))'
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", code, str(node.socket)],
        user="nobody",
        cwd="/",
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "hello" not in done.stdout
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0


def test_told_to_end_it_leaves_its_jobs_and_a_successor_has_them(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 1; exit 6")
    agent.until(token, "running")
    agent.say(cmd="end", jobs=False)
    assert node.process
    assert node.process.wait(10) == 0
    assert not node.socket.exists()
    assert node.processes(token)
    assert node.start().records[token]["phase"] == "running"


def test_told_to_end_with_its_jobs_it_ends_when_they_have(node: Supervised, agent: Agent) -> None:
    polite = node.launch(agent, "sleep", "60")
    deaf = node.launch(agent, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done", grace=0.3)
    eventually(lambda: "ready" in node.log())
    with Agent(node.socket, hello=False) as other:
        other.say(cmd="end", jobs=True)
        assert agent.ended(polite)["stopped"]
        late = node.launch(agent, "true")
        assert agent.ended(late)["event"] == "refused"
        assert agent.ended(deaf)["signal"] == 9
        assert other.receive() == {}
    assert node.process
    assert node.process.wait(10) == 0
    assert not node.processes()
    records = node.start().records
    assert {records[t]["why"] for t in (polite, deaf)} == {"the supervisor was told to end, with its jobs"}


def test_its_own_files_are_its_owners(node: Supervised, agent: Agent) -> None:
    agent.ended(node.launch(agent, "true"))
    for path in [node.dir, *node.dir.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert os.environ["PATH"] not in (node.dir / "journal").read_text()
