"""What an agent reports is read strictly: what is wrong is named, and nothing is guessed."""

from typing import Any

import pytest

from sentinel.core.errors import ProtocolError
from sentinel.scheduling.lifecycle import Exited, Gone, Refused, Running, Starting
from sentinel.scheduling.reports import Kind, Leftover, Report, Waiting, report_from

HEAD: dict[str, Any] = {"token": "t", "job": "j", "attempt": 1}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"kind": "starting"}, Starting(token="t")),
        ({"kind": "running", "started_at": 5}, Running(token="t", started_at=5.0)),
        ({"kind": "running"}, Running(token="t")),
        (
            {"kind": "exited", "exit_code": 0, "signal": None, "why": "", "stopped": False, "ended_at": 7.5},
            Exited(token="t", exit_code=0, signal=None, ended_at=7.5),
        ),
        (
            {"kind": "exited", "exit_code": None, "signal": 15, "stopped": True, "why": "time limit"},
            Exited(token="t", exit_code=None, signal=15, stopped=True, why="time limit"),
        ),
        ({"kind": "exited"}, Exited(token="t", exit_code=None, signal=None)),
        ({"kind": "refused", "why": "no", "final": True}, Refused(token="t", why="no", final=True)),
        ({"kind": "refused"}, Refused(token="t", why="its node does not say why")),
        ({"kind": "gone", "why": "x\x1b[31m\ny"}, Gone(token="t", why="x [31m y")),
        ({"kind": "leftover", "gpu": "g", "pid": 9, "why": "w"}, Leftover(gpu="g", pid=9, why="w")),
        ({"kind": "waiting", "why": "chat"}, Waiting(why="chat")),
    ],
)
def test_each_kind(body: dict[str, Any], what: object) -> None:
    found = report_from(HEAD | body)
    assert found == Report(token="t", job="j", attempt=1, kind=Kind(body["kind"]), what=found.what)
    assert found.what == what


def test_gpus_may_be_said_with_any() -> None:
    assert report_from(HEAD | {"kind": "running", "gpus": ["a", "b", "a"]}).gpus == ("a", "b")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "object"),
        ({"kind": "sleeping"}, "kind is one of"),
        ({"kind": "starting", "why": "x"}, "no field 'why'"),
        ({"kind": "starting", "job": ""}, "job"),
        ({"kind": "starting", "job": 7}, "job"),
        ({"kind": "starting", "token": "x" * 201}, "token"),
        ({"kind": "starting", "attempt": 0}, "attempt"),
        ({"kind": "starting", "attempt": True}, "attempt"),
        ({"kind": "starting", "attempt": "1"}, "attempt"),
        ({"kind": "running", "started_at": "yesterday"}, "started_at"),
        ({"kind": "running", "started_at": float("nan")}, "started_at"),
        ({"kind": "running", "started_at": 1e300}, "started_at"),
        ({"kind": "exited", "exit_code": 256}, "exit_code"),
        ({"kind": "exited", "exit_code": -9}, "exit_code"),
        ({"kind": "exited", "signal": 0}, "signal"),
        ({"kind": "exited", "stopped": 1}, "stopped"),
        ({"kind": "refused", "final": "yes"}, "final"),
        ({"kind": "gone", "why": 5}, "why"),
        ({"kind": "leftover", "gpu": "g", "pid": -1}, "pid"),
        ({"kind": "starting", "gpus": "all"}, "gpus"),
        ({"kind": "starting", "gpus": [1]}, "gpus"),
    ],
)
def test_what_is_wrong_is_named(body: Any, named: str) -> None:
    with pytest.raises(ProtocolError, match=named):
        report_from(HEAD | body if isinstance(body, dict) else body)


def test_a_long_word_is_cut() -> None:
    what = report_from(HEAD | {"kind": "gone", "why": "x" * 5000}).what
    assert isinstance(what, Gone)
    assert len(what.why) == 2000
