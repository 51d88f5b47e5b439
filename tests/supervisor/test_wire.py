"""What the agent may say, and what becomes of what it may not."""

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import ProtocolError
from sentinel.supervisor.wire import (
    MOST_FRAME,
    Attach,
    End,
    Forget,
    Hello,
    Launch,
    Renew,
    StopIt,
    Unusable,
    command_from,
    frame,
    frames_in,
)

LAUNCH: dict[str, Any] = {
    "cmd": "launch",
    "job": "j1",
    "attempt": 1,
    "token": "t1",
    "owner": "alice",
    "gpus": ["GPU-1"],
    "spec": {"command": ["true"], "cwd": "/"},
    "environment": {"A": "b=c"},
    "begin_by": 5.0,
    "fence_at": None,
}


def read(**message: Any) -> object:
    return command_from(json.dumps(message).encode())


def launch(**changes: Any) -> object:
    return read(**{**LAUNCH, **changes})


def spec(**changes: Any) -> object:
    return launch(spec={**LAUNCH["spec"], **changes})


def test_each_command() -> None:
    assert read(cmd="hello", v=1) == Hello()
    assert read(cmd="stop", token="t", why="canceled", grace=3) == StopIt(token="t", why="canceled", grace=3)
    assert read(cmd="stop", token="t", why="", grace=3, preempt=True) == StopIt(
        token="t", why="", grace=3, preempt=True
    )
    assert read(cmd="renew", fences={"t": 4.5}) == Renew(fences={"t": 4.5})
    assert read(cmd="forget", tokens=["t", "u"]) == Forget(tokens=("t", "u"))
    assert read(cmd="attach", token="t") == Attach(token="t")
    assert read(cmd="end", jobs=True) == End(jobs=True)
    found = launch()
    assert isinstance(found, Launch)
    assert (found.job, found.gpus, found.spec.command) == ("j1", ("GPU-1",), ("true",))
    assert found.environment == {"A": "b=c"}


def test_a_gangs_part_has_dots_in_its_id() -> None:
    found = launch(job="abc123.1.0")
    assert isinstance(found, Launch)
    assert found.job == "abc123.1.0"


def test_an_environment_is_never_shown() -> None:
    assert "b=c" not in repr(launch())
    found = launch(environment={"SECRET": 5})
    assert isinstance(found, Unusable)
    assert "SECRET" in found.why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"spec": None}, "spec is an object"),
        ({"spec": {"cwd": "/"}}, "spec is none: 'command'"),
        ({"spec": {"command": "true", "cwd": "/", "if_lost": "x"}}, "spec is none"),
        ({"owner": None}, "owner is text"),
        ({"gpus": [1]}, "gpus is a list of texts"),
        ({"environment": {"A=B": "c"}}, "no variable"),
        ({"environment": {"": "c"}}, "no variable"),
        ({"environment": {"A": "c\0d"}}, "no variable"),
        ({"environment": {"A": None}}, "no variable"),
        ({"begin_by": "soon"}, "begin_by is a number"),
        ({"begin_by": float("nan")}, "begin_by is a number"),
        ({"fence_at": -1}, "fence_at is a number"),
    ],
)
def test_a_launch_that_says_whose_it_is_and_no_more_can_be_refused(changes: dict[str, Any], why: str) -> None:
    found = launch(**changes)
    assert isinstance(found, Unusable)
    assert (found.token, found.job, found.attempt) == ("t1", "j1", 1)
    assert why in found.why


@pytest.mark.parametrize(
    "changes",
    [
        {"command": []},
        {"command": [""]},
        {"command": ["a\0b"]},
        {"command": [1]},
        {"cwd": "relative"},
        {"cwd": "/a\0b"},
        {"cwd": 5},
        {"umask": 0o1000},
        {"umask": "022"},
        {"grace": -1},
        {"grace": 1e9},
        {"time_limit": 0},
        {"time_limit": "10m"},
        {"pty": 1},
        {"limits": ["nofile"]},
        {"limits": {"nofile": "many"}},
        {"limits": {"nofile": -2}},
        {"stop_signal": "SIGTERM"},
        {"stop_signal": "NONE"},
        {"stop_signal": 15},
        {"checkpoint": [1]},
        {"setup": ["a\0b"]},
        {"mounts": [None]},
        {"image": ""},
        {"image": 5},
        {"image": "-v"},
        {"image": "--privileged"},
        {"image": "a b"},
        {"image": "docker-archive:/root/secret.tar"},
        {"image": "dir:/root"},
        {"image": "oci:root/layout"},
        {"image": "../image"},
        {"image": "box", "engine": "lxc"},
        {"image": "box", "engine": ["docker"]},
    ],
)
def test_a_spec_that_cannot_be_launched(changes: dict[str, Any]) -> None:
    assert isinstance(spec(**changes), Unusable)


@pytest.mark.parametrize(
    "image",
    [
        "box",
        "localhost/box",
        "nvcr.io/nvidia/pytorch:24.05-py3",
        "registry.example:5000/team/a__b/c-d.e:v1",
        "ubuntu@sha256:" + "0" * 64,
        "docker:dind",
    ],
)
def test_names_of_images(image: str) -> None:
    assert isinstance(
        spec(image=image, engine="podman", stop_signal="USR1", setup=["a"], mounts=["/a"]), Launch
    )


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"cmd": "reboot"},
        {"cmd": ["hello"]},
        {"cmd": "hello", "v": 2},
        {"cmd": "hello"},
        {**LAUNCH, "job": "../../etc/passwd"},
        {**LAUNCH, "job": ""},
        {**LAUNCH, "attempt": 0},
        {**LAUNCH, "attempt": True},
        {**LAUNCH, "attempt": "1"},
        {**LAUNCH, "token": "a b"},
        {**LAUNCH, "token": None},
        {"cmd": "stop", "token": "t", "why": "x", "grace": None},
        {"cmd": "stop", "token": "t", "why": "x", "grace": 1, "preempt": "yes"},
        {**LAUNCH, "job": ".."},
        {**LAUNCH, "job": ".a"},
        {"cmd": "renew", "fences": [1]},
        {"cmd": "renew", "fences": {"t": "x"}},
        {"cmd": "forget", "tokens": "t"},
        {"cmd": "end"},
        {"cmd": "end", "jobs": 1},
    ],
)
def test_what_is_no_message(message: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read(**message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(LAUNCH)), json_values)
def test_nothing_in_a_field_breaks_us(key: str, value: Any) -> None:
    with contextlib.suppress(ProtocolError):
        command_from(json.dumps({**LAUNCH, key: value}).encode())


SPEC_FIELDS = (
    "command cwd umask grace time_limit pty limits if_lost gpus name"
    " stop_signal checkpoint setup mounts image engine"
).split()


@given(st.sampled_from(SPEC_FIELDS), json_values)
def test_nothing_in_a_spec_breaks_us(key: str, value: Any) -> None:
    assert isinstance(spec(**{key: value}), Launch | Unusable)


@given(st.lists(st.tuples(st.sampled_from([b"d", b"r", b"x"]), st.binary(max_size=40))), st.integers(1, 7))
def test_frames_survive_being_cut_anywhere(frames: list[tuple[bytes, bytes]], part: int) -> None:
    stream = b"".join(frame(kind, data) for kind, data in frames)
    buffer, found = bytearray(), list[tuple[bytes, bytes]]()
    for start in range(0, len(stream), part):
        buffer += stream[start : start + part]
        found += frames_in(buffer)
    assert found == frames
    assert not buffer


def test_a_frame_that_is_too_long_is_refused_before_it_comes() -> None:
    with pytest.raises(ProtocolError):
        list(frames_in(bytearray(struct.pack("!cI", b"d", MOST_FRAME + 1))))
