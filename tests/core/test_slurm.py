"""Slurm's words: states, arrays, GPUs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.slurm import array_tasks, gpus_of, job_state, node_state


@pytest.mark.parametrize(
    ("words", "state", "usable"),
    [
        (("IDLE",), "idle", True),
        (("idle",), "idle", True),
        (("MIXED",), "mixed", True),
        (("ALLOCATED",), "allocated", True),
        (("alloc",), "allocated", True),
        (("DOWN",), "down", False),
        (("down*",), "down", False),
        (("IDLE", "DRAIN"), "drained", False),
        (("idle", "DRAIN"), "drained", False),
        (("drain*",), "drained", False),
        (("DOWN", "DRAIN"), "drained", False),
        (("MIXED", "DRAIN"), "draining", False),
        (("IDLE", "DRAIN", "COMPLETING"), "draining", False),
        (("ALLOCATED", "FAIL"), "failing", False),
        (("IDLE", "FAIL"), "fail", False),
        (("IDLE", "MAINTENANCE"), "maint", False),
        (("IDLE", "MAINTENANCE", "DRAIN"), "drained", False),
        (("DOWN", "MAINTENANCE"), "down", False),
        (("IDLE", "NOT_RESPONDING"), "idle", False),
        (("idle*",), "idle", False),
        (("IDLE", "COMPLETING"), "completing", True),
        (("IDLE", "PLANNED"), "planned", True),
        (("MIXED", "PLANNED"), "mixed", True),
        (("IDLE", "RESERVED"), "reserved", True),
        (("idle~",), "powered_down", True),
        (("IDLE", "CLOUD", "POWERING_UP"), "powering_up", True),
        (("IDLE", "INVALID_REG"), "invalid", False),
        (("ERROR",), "error", False),
        (("UNKNOWN",), "unknown", False),
        (("what", "ever"), "unknown", False),
        ((), "unknown", False),
    ],
)
def test_a_node_is_in_one_state(words: tuple[str, ...], state: str, usable: bool) -> None:
    assert node_state(words) == (state, usable)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("RUNNING",), "running"),
        (("COMPLETED", "COMPLETING"), "completing"),
        (("RUNNING", "CONFIGURING"), "configuring"),
        (("PENDING", "REQUEUED"), "requeued"),
        (("OUT_OF_MEMORY",), "out_of_memory"),
        (("",), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_job_is_in_one_state(words: tuple[str, ...], state: str) -> None:
    assert job_state(words) == state


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("7-8%1", 2),
        ("[7-8%1]", 2),
        ("3-40%2]", 38),
        ("1-57:2", 29),
        ("0", 1),
        ("1,3,5-7", 5),
        ("0x1F", 5),
        ("1-5,7,...", None),
        ("1-5,7...", None),
        ("9-1", None),
        ("1-5:0", None),
        ("", None),
        ("0xzz", None),
        ("1-99999999999999", None),
    ],
)
def test_tasks_of_an_array_are_counted_or_unknown(text: str, tasks: int | None) -> None:
    assert array_tasks(text) == tasks


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("", {}),
        ("(null)", {}),
        ("N/A", {}),
        ("gpu:h100:4", {"h100": 4}),
        ("gpu:h100:2,gpu:h200:4", {"h100": 2, "h200": 4}),
        ("gpu:h100:2(IDX:0-1),gpu:h200:0(IDX:N/A)", {"h100": 2, "h200": 0}),
        ("gpu:gen:8(S:0-1)", {"gen": 8}),
        ("gpu:a:3(IDX:0,2,5),mps:a:400(a:0/400)", {"a": 3}),
        ("gpu:4", {"": 4}),
        ("gpu", {"": 1}),
        ("gpu:tesla", {"tesla": 1}),
        ("gpu:tesla:no_consume:2", {"tesla": 2}),
        ("gpu:nvidia_a100_1g.5gb:7", {"nvidia_a100_1g.5gb": 7}),
        ("cpu=4,mem=2G,gres/gpu=3,gres/gpu:a100=2", {"": 3, "a100": 2}),
        ("gres:gpu:2", {"": 2}),
        ("gpu_mem:80G,shard:8", {}),
        ("gpu:a:b:c", None),
        ("gpu:a:-1", None),
    ],
)
def test_gpus_by_type(gres: str, gpus: dict[str, int] | None) -> None:
    assert gpus_of(gres) == gpus


@given(st.text(alphabet="gpu:=/,()%-0x19[]*~. aB\n", max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    gpus_of(text)
    array_tasks(text)
    node_state(text.split("+"))
    job_state((text,))
