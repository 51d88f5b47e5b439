"""The public traces and samples: read whole, and replayed where that is quick."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.cluster import cluster_of, read_cluster
from sentinel.simulation.replay.engine import replay
from sentinel.simulation.replay.figures import figures_of
from sentinel.simulation.replay.reading.formats import read_trace
from sentinel.simulation.replay.trace import LimitRule, Limits, Trace, fitted

pytestmark = pytest.mark.data


@pytest.fixture
def data() -> Path:
    return Path(os.environ["SENTINEL_REAL_DATA"])


@pytest.fixture
def traces(data: Path) -> Path:
    return data / "3_cluster_traces"


def test_philly_is_read_whole(traces: Path) -> None:
    jobs = read_trace(traces / "philly_2017" / "philly.csv.gz").jobs
    assert len(jobs) > 50_000
    assert {job.gpus for job in jobs} == {1, 2, 4, 8, 12, 16, 24, 32}
    assert all(before.submit <= after.submit for before, after in pairwise(jobs))


def test_hundred_jobs_of_elasticflow_do_not_wait_on_as_many_gpus(traces: Path) -> None:
    found = read_trace(traces / "elasticflow_jobs" / "fig10_logs" / "dlas-gpu" / "job.csv")
    cluster = cluster_of("16x8")
    figures = figures_of(replay(fitted(found, cluster, Limits(rule=LimitRule.NONE)).jobs, cluster))
    assert figures.completion is not None
    assert figures.completion.mean < 51_046
    assert figures.waiting is not None
    assert figures.waiting.max == 0


def test_a_log_without_times_says_where(traces: Path) -> None:
    with pytest.raises(UsageError, match="line 2, column executed_time: '-9223372036854771727'"):
        read_trace(traces / "elasticflow_jobs" / "fig10_logs" / "themis" / "job.csv")


def test_openb_on_its_own_nodes(traces: Path) -> None:
    folder = traces / "openb_2023"
    cluster = read_cluster(folder / "openb_node_list_all_node.csv.gz")
    assert cluster.gpus == 6212
    found = read_trace(folder / "openb_pod_list_default.csv.gz")
    assert len(found.jobs) == 8152
    fit = fitted(Trace(jobs=found.jobs[:400]), cluster, Limits())
    ran = replay(fit.jobs, cluster).ran
    assert all(one.first == one.job.submit for one in ran), "they ran there"


def test_sacct_samples(data: Path) -> None:
    folder = data / "7_slurm" / "gcm_cli"
    found = read_trace(folder / "sample-sacct-fake-line-break.txt")
    assert {(job.gpus, job.nodes, job.run) for job in found.jobs} >= {(8, 128, 79396.0)}
    assert len(read_trace(folder / "sample-sacct-output-invalid-utf8.txt").jobs) == 2
    with pytest.raises(UsageError, match="1 had a broken line"):
        read_trace(folder / "sample-sacct-output-with-invalid-lines.txt")


def test_every_answer_of_slurmdb_is_understood(data: Path) -> None:
    files = sorted((data / "7_slurm" / "slurmweb_slurmrestd").glob("*/*/slurmdb-job-*.json"))
    ended = 0
    for path in files:
        try:
            ended += len(read_trace(path).jobs)
        except UsageError as error:
            assert "no job in it that began and ended" in error.message
    assert len(files) > 50
    assert ended > 20
