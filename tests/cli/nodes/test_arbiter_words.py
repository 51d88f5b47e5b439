"""What `sentinel node show` says of the node's arbiter."""

from typing import Any

from tests.cli.nodes.test_nodes import EVIL, NOW, a_node

from sentinel.cli.nodes.arbiter_words import arbiter_lines

SINCE = "2023-11-14T22:10:00Z"
CHAT = {
    "name": "chat", "state": "paused", "how": "stop", "why": "lease L1 of ana (train)", "since": SINCE,
    "gpus": ["GPU-0", "GPU-1"], "freed_bytes": 1,
}  # fmt: skip
LEASE = {"id": "L1", "user": "ana", "gpus": ["GPU-0"], "since": SINCE, "command": "train", "job": None}
REQUEST = {"user": "bob", "why": "GPU 0, held by ana", "since": None, "command": "eval", "job": None}


def said(**changes: Any) -> dict[str, Any]:
    found = {"node": "gpu-01", "standing": "answers", "why": "", "services": [], "leases": [], "waiting": []}
    return {**found, "hold": None, **changes}


def lines(arbiter: dict[str, Any], **node: Any) -> list[str]:
    return arbiter_lines(arbiter, a_node(**node), NOW, 100, colours=False)


def test_what_steps_aside_for_whom_and_who_waits() -> None:
    assert lines(said(services=[CHAT], leases=[LEASE], waiting=[REQUEST])) == [
        "",
        "SERVICE  STATE     FOR  GPUS  WHY",
        "chat     paused  3 min  0,1   lease L1 of ana (train)",
        "",
        "LEASE  USER    FOR  GPUS  COMMAND",
        "L1     ana   3 min  0     train",
        "",
        "WAITS  FOR  COMMAND  WHY",
        "bob      ?  eval     GPU 0, held by ana",
    ]


def test_jobs_of_the_queue_are_shown_with_the_gpus_alone() -> None:
    assert lines(said(leases=[{**LEASE, "job": "j1"}], waiting=[{**REQUEST, "job": "j2"}])) == []


def test_silence_a_hold_and_old_news_are_said() -> None:
    assert lines(said(standing="silent", why="no answer")) == ["", "Arbiter  does not answer: no answer"]
    held = lines(said(hold={"by": "root", "why": "new cable", "since": None}))
    assert held == ["", "Arbiter  inference is kept off the GPUs by root: new cable"]
    assert "said this last" in lines(said(services=[CHAT]), state="silent")[1]
    assert lines(said(standing="none")) == lines(said(standing="unknown")) == []


def test_a_gpu_that_the_node_does_not_have_is_unknown() -> None:
    assert " ?  " in lines(said(services=[{**CHAT, "gpus": ["GPU-9"]}]))[2]


def test_hostile_names_break_no_line() -> None:
    hostile = said(
        services=[{**CHAT, "name": EVIL, "why": EVIL}],
        leases=[{**LEASE, "user": EVIL, "command": EVIL}],
        hold={"by": EVIL, "why": EVIL, "since": None},
    )
    assert all(line.isprintable() for line in lines(hostile))
