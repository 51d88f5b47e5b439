"""JSON of Slurm that nobody has collected: odd shapes, hostile texts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.drivers.slurm import json_answer as ja

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NODE = {"name": "n", "state": ["IDLE"], "cpus": 4, "alloc_cpus": 1, "gres": "gpu:a:2", "gres_used": "gpu:a:1"}


def node(**more: Any) -> Any:
    (found,) = ja.nodes_from({"nodes": [NODE | more]})
    return found


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (2.5, 2.5),
        ({"set": True, "infinite": False, "number": 0}, 0),
        ({"set": False, "infinite": False, "number": 0}, None),
        ({"set": False, "infinite": True, "number": 0}, None),
        ({"set": True, "infinite": True, "number": 9}, None),
        (None, None),
        ("5", None),
        (True, None),
        (float("nan"), None),
        (10**400, None),
        ({}, None),
    ],
)
def test_numbers_come_in_two_shapes(value: Any, number: float | None) -> None:
    assert ja.number(value) == number


def test_what_is_missing_is_unknown_and_not_zero() -> None:
    (found,) = ja.nodes_from({"nodes": [{"name": "n"}]})
    assert (found.state, found.usable) == ("unknown", False)
    assert found.cpus is found.cpus_allocated is found.gpus is found.gpus_allocated is None
    assert node(gres_used="").gpus_allocated is None
    assert node(gres_used="gpu:a:odd:1").gpus_allocated is None
    (job,) = ja.jobs_from({"jobs": [{}]})
    assert (job.state, job.partition, job.user, job.account, job.tasks) == ("unknown", None, None, None, 1)
    stats = ja.scheduler_from({"statistics": {"jobs_started": 3}})
    assert stats.jobs_started == 3
    assert stats.jobs_failed is stats.cycle_last is None


def test_without_gres_in_use_tres_may_tell() -> None:
    assert node(gres_used="", tres_used="cpu=1,gres/gpu=1").gpus_allocated == {"a": 1}
    two = {"gres": "gpu:a:2,gpu:b:2", "gres_used": ""}
    assert node(**two, tres_used="cpu=1,gres/gpu=1").gpus_allocated is None
    assert node(**two, tres_used="gres/gpu=3,gres/gpu:a=1,gres/gpu:b=2").gpus_allocated == {"a": 1, "b": 2}


def test_jobs_without_a_name_have_their_uid() -> None:
    (job,) = ja.jobs_from({"jobs": [{"user_id": 1000, "job_state": "RUNNING"}]})
    assert job.user == "1000"


def test_a_waiting_array_is_as_many_jobs_as_it_has_tasks() -> None:
    rows = [{"job_state": ["PENDING"], "array_task_string": text} for text in ("1-57:2", "1-5,9,...")]
    assert [job.tasks for job in ja.jobs_from({"jobs": rows})] == [29, None]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no JSON"),
        (b"Unable to find", "no JSON"),
        (b"[]", "no object"),
        (b'{"errors": [{"error": "Protocol authentication error", "error_number": 1007}]}', "(1007)"),
        (b'{"errors": ["no"]}', "no"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
)
def test_what_is_no_answer_says_so(raw: bytes, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        ja.parsed(raw)
    assert said in str(refused.value)


@pytest.mark.parametrize("answer", [{}, {"nodes": None}, {"nodes": {"a": 1}}, {"nodes": ["a"]}])
def test_a_list_that_is_none_is_no_empty_cluster(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nodes"):
        ja.nodes_from(answer)


def test_sinfo_that_groups_nodes_is_not_understood() -> None:
    row = {"nodes": {"nodes": ["a", "b"]}, "node": {"state": ["IDLE"]}}
    with pytest.raises(ValueError, match="-N"):
        ja.nodes_from({"sinfo": [row]})


def test_invalid_utf8_becomes_text() -> None:
    raw = b'{"jobs": [{"account": "caf\xe9", "user_name": "\\ud800", "job_state": ["RUNNING"]}]}'
    (job,) = ja.jobs_from(ja.parsed(raw))
    assert job.account == "caf\ufffd"


@given(st.dictionaries(st.sampled_from(sorted(NODE)), ODD), st.text(max_size=30))
def test_no_node_is_too_odd(more: dict[str, Any], text: str) -> None:
    node(**more)
    node(gres=text, gres_used=text, state=text)


@given(st.dictionaries(st.sampled_from(["job_state", "user_name", "user_id", "array_task_string"]), ODD))
def test_no_job_is_too_odd(job: dict[str, Any]) -> None:
    ja.jobs_from({"jobs": [job]})


@given(st.dictionaries(st.sampled_from(["jobs_started", "bf_cycle_last", "rpcs_by_user"]), ODD), ODD)
def test_no_statistics_are_too_odd(stats: dict[str, Any], meta: Any) -> None:
    ja.scheduler_from({"statistics": stats})
    ja.version_from({"meta": meta})
    assert json.dumps(NODE)
