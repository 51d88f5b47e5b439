"""The metrics of a Slurm cluster: what they are called, what is added up, and what has no series."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.slurm import CLUSTER, SILENT

from sentinel.core.slurm import RpcStats, SchedulerStats, SlurmJob, SlurmNode, SlurmReading
from sentinel.telemetry.slurm_metrics import not_ready, render
from sentinel.telemetry.slurm_watch import SlurmWatch

STALE = 60.0
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def shown(reading: SlurmReading | None, *, age: float = 1.0, most: int = 512) -> Series:
    watch = SlurmWatch(reading=reading, taken=None if reading is None else 100.0, duration=0.2, failures=4)
    body, kind = render("", watch, 100.0 + age, stale_after=STALE, most_series=most)
    assert kind.startswith("text/plain")
    found: Series = {}
    for family in text_string_to_metric_families(body.decode()):
        assert family.documentation
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, "a series is there twice"
            found[key] = sample.value
    return found


def of(series: Series, name: str) -> dict[tuple[str, ...], float]:
    """Label values, in the order of the labels' names → value."""
    return {tuple(value for _, value in key[1]): found for key, found in series.items() if key[0] == name}


def test_nodes_cpus_and_gpus() -> None:
    series = shown(CLUSTER)
    assert of(series, "slurm_nodes") == {("mixed",): 1, ("drained",): 1, ("idle",): 1}
    assert of(series, "slurm_cpus") == {("allocated",): 3, ("idle",): 17, ("other",): 8}
    gpus = of(series, "slurm_gpus")  # state, type
    assert gpus == {
        ("allocated", "h100"): 3,
        ("idle", "h100"): 6,
        ("other", "h100"): 3,
        ("allocated", ""): 0,
        ("idle", ""): 0,
        ("other", ""): 1,
    }
    assert of(series, "slurm_gpus_configured") == {("h100",): 12, ("",): 1}
    assert of(series, "slurm_info") == {("22.05.8",): 1}


def test_the_queue() -> None:
    series = shown(CLUSTER)
    assert of(series, "slurm_jobs") == {("gpu", "running"): 1, ("gpu", "pending"): 30, ("cpu", "pending"): 1}
    assert of(series, "slurm_jobs_by_user") == {
        ("physics", "running", "ann"): 1,
        ("physics", "pending", "ann"): 30,
        ("", "pending", "bob"): 1,
    }
    assert of(series, "slurm_job_arrays_uncounted") == {(): 0}


def test_the_scheduler() -> None:
    series = shown(CLUSTER)
    assert of(series, "slurm_scheduler_jobs_started_total") == {(): 7}
    assert of(series, "slurm_scheduler_last_cycle_seconds") == {(): 0.5}
    assert of(series, "slurm_scheduler_stats_reset_timestamp_seconds") == {(): 1000}
    assert of(series, "slurm_rpcs_total") == {("PING",): 9}
    assert of(series, "slurm_rpc_duration_seconds_total") == {}, "unknown"
    assert of(series, "slurm_scheduler_jobs_failed_total") == {}, "unknown"


def test_how_it_stands() -> None:
    series = shown(CLUSTER)
    assert of(series, "slurm_up") == {(): 1}
    assert of(series, "slurm_source_up") == {
        ("nodes", "restd"): 1,
        ("jobs", "restd"): 1,
        ("scheduler", "restd"): 1,
    }
    assert of(series, "slurm_sample_age_seconds") == {(): 1}
    assert of(series, "slurm_sample_failures_total") == {(): 4}


@pytest.mark.parametrize(
    ("reading", "age"), [(SILENT, 1.0), (CLUSTER, STALE + 1)], ids=["it failed", "it is too old"]
)
def test_nothing_old_is_shown(reading: SlurmReading, age: float) -> None:
    series = shown(reading, age=age)
    assert of(series, "slurm_up") == {(): 0}
    about_itself = ("slurm_up", "slurm_source_up", "slurm_sample_")
    assert [key for key in series if not key[0].startswith(about_itself)] == []


def test_before_the_first_look_nothing_is_said_of_slurm() -> None:
    series = shown(None)
    assert of(series, "slurm_up") == {}
    assert of(series, "slurm_nodes") == {}


def test_a_part_that_failed_has_no_series_and_the_others_have() -> None:
    series = shown(replace(CLUSTER, jobs=None))
    assert of(series, "slurm_jobs") == of(series, "slurm_job_arrays_uncounted") == {}
    assert of(series, "slurm_nodes") != {}
    assert of(series, "slurm_up") == {(): 1}


def test_a_sum_with_something_unknown_in_it_is_unknown() -> None:
    odd = SlurmNode(name="odd", state="idle", usable=True, cpus=4, gpus={"v100": 4})
    assert CLUSTER.nodes is not None
    series = shown(replace(CLUSTER, nodes=(*CLUSTER.nodes, odd)))
    assert of(series, "slurm_cpus") == {("other",): 8}, "there, all is known"
    assert of(series, "slurm_nodes")[("idle",)] == 2
    gpus = of(series, "slurm_gpus")
    assert gpus[("allocated", "h100")] == 3
    assert ("allocated", "v100") not in gpus and ("idle", "v100") not in gpus
    assert of(series, "slurm_gpus_configured")[("v100",)] == 4
    unknown = SlurmNode(name="odd", state="idle", usable=True)
    series = shown(replace(CLUSTER, nodes=(*CLUSTER.nodes, unknown)))
    assert of(series, "slurm_gpus") == of(series, "slurm_gpus_configured") == {}


def test_an_array_cut_short_makes_its_sum_unknown_and_is_told() -> None:
    jobs = (
        SlurmJob(state="pending", partition="gpu", user="ann", tasks=None),
        SlurmJob(state="pending", partition="gpu", user="bob"),
    )
    series = shown(replace(CLUSTER, jobs=jobs))
    assert of(series, "slurm_jobs") == {}
    assert of(series, "slurm_jobs_by_user") == {("", "pending", "bob"): 1}
    assert of(series, "slurm_job_arrays_uncounted") == {(): 1}


def test_series_are_bounded_and_none_is_lost() -> None:
    jobs = [
        SlurmJob(state="pending", partition="p", user=f"u{n}", account="a", tasks=n + 1) for n in range(9)
    ]
    jobs += [SlurmJob(state="running", partition=f"p{n}", user=f"u{n}", account="a") for n in range(5)]
    series = shown(replace(CLUSTER, jobs=tuple(jobs)), most=3)
    by_user = of(series, "slurm_jobs_by_user")
    assert by_user == {
        ("a", "pending", "u8"): 9,
        ("a", "pending", "u7"): 8,
        ("a", "pending", "u6"): 7,
        ("(other)", "pending", "(other)"): 21,
        ("(other)", "running", "(other)"): 5,
    }
    by_state = of(series, "slurm_jobs")
    assert len(by_state) == 4 and sum(by_state.values()) == 50
    rpcs = tuple(RpcStats(name=f"R{n}", count=n) for n in range(9))
    series = shown(replace(CLUSTER, scheduler=SchedulerStats(rpcs=rpcs)), most=3)
    assert set(of(series, "slurm_rpcs_total")) == {("R8",), ("R7",), ("R6",)}


def test_hostile_names_make_one_series_and_no_broken_line() -> None:
    names = ('a"b\\', "x\ny", "x\ry", "\ud800", "\x1b[2J", "l" * 1000)
    jobs = tuple(SlurmJob(state="running", partition="p", user=name, account=name) for name in names)
    series = shown(replace(CLUSTER, jobs=jobs))
    by_user = of(series, "slurm_jobs_by_user")
    assert by_user[("x?y", "running", "x?y")] == 2
    assert by_user[('a"b\\', "running", 'a"b\\')] == 1
    assert max(len(part) for key in by_user for part in key) == 128
    assert sum(by_user.values()) == 6


def test_openmetrics_when_asked_for() -> None:
    watch = SlurmWatch(reading=CLUSTER, taken=1.0)
    accept = "application/openmetrics-text; version=1.0.0"
    body, kind = render(accept, watch, 2.0, stale_after=STALE)
    assert kind.startswith("application/openmetrics-text") and body.endswith(b"# EOF\n")


def test_ready_when_slurm_answers() -> None:
    def why(reading: SlurmReading | None, now: float = 2.0) -> str | None:
        watch = SlurmWatch(reading=reading, taken=None if reading is None else 1.0)
        return not_ready(watch, now, stale_after=STALE)

    assert why(CLUSTER) is None
    assert why(None) == "Slurm has not been asked yet"
    assert why(SILENT) == "it is down"
    assert why(CLUSTER, 100.0) == "the newest look at Slurm is 99 s old"
