"""Each format is read from a small file of our own, and one that is broken says where."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sentinel.core.errors import UsageError
from sentinel.core.job import Job, JobSpec, JobState, Rank
from sentinel.core.job_json import job_json
from sentinel.simulation.replay.reading.formats import read_trace
from sentinel.simulation.replay.trace import Trace, TraceJob

SACCT = "JobID|User|Account|Submit|Start|End|State|Timelimit|NNodes|AllocTRES"
OPENB = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,"
    "qos,pod_phase,creation_time,deletion_time,scheduled_time"
)
PHILLY = "timestamp,duration,num_gpus,gpu_time,cluster"
ELASTICFLOW = "time,job_id,num_gpu,submit_time,start_time,end_time,ddl,executed_time,JCT"


def written(folder: Path, text: str, name: str = "trace") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def only(trace: Trace) -> TraceJob:
    (job,) = trace.jobs
    return job


# ------------------------------------------------------------------ ours


def ours(id: str = "j1", **more: Any) -> dict[str, Any]:
    spec = JobSpec(command=("x",), cwd="/", gpus=2, nodes=3, priority=5, time_limit=600.0, gpu_model="h100")
    known: dict[str, Any] = {
        "owner": "ada",
        "account": "vision",
        "submitted_at": 1000.0,
        "started_at": 1060.0,
        "ended_at": 1100.5,
        "state": JobState.SUCCEEDED,
    }
    return job_json(Job(id=id, spec=spec, **(known | more)))


def ours_spec(**more: Any) -> dict[str, Any]:
    return ours()["spec"] | more


def test_our_own_export_as_a_list_and_one_a_line(tmp_path: Path) -> None:
    queued = ours("j2", started_at=None, ended_at=None, state=JobState.QUEUED)
    running = ours("j3", ended_at=None, state=JobState.RUNNING)
    part = ours("j1.1.0", part=Rank(of="j1", rank=0, size=3))
    found = [ours(), queued, running, part]
    whole = read_trace(written(tmp_path, json.dumps(found, indent=2)))
    assert whole == read_trace(written(tmp_path, "\n".join(map(json.dumps, found))))
    assert whole.left_out == {"never began": 1, "had not ended": 1, "were parts of a gang": 1}
    assert only(whole) == TraceJob(
        id="j1",
        owner="ada",
        group="vision",
        submit=1000.0,
        run=40.5,
        gpus=2,
        nodes=3,
        limit=600.0,
        priority=5,
        model="h100",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"started_at": "yesterday"}, "job 1: .*started_at: 'yesterday' is no time"),
        ({"spec": {"command": ["x"]}}, "job 1: "),
        ({"ended_at": "1970-01-01T00:00:00Z"}, "ended_at is before started_at"),
        ({"spec": ours_spec(gpus="8")}, "spec.gpus: a whole number from 0 to 4096, not '8'"),
        ({"spec": ours_spec(nodes=0)}, "spec.nodes: a whole number from 1"),
        ({"spec": ours_spec(time_limit="1h")}, "spec.time_limit: a number above 0, or null"),
        ({"spec": ours_spec(gpu_model=3)}, "spec.gpu_model: text"),
        ({"spec": ours_spec(gpu_milli=1.5)}, "spec.gpu_milli: a whole number"),
    ],
)
def test_an_export_of_ours_that_is_broken(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_trace(written(tmp_path, json.dumps([ours() | change])))


def test_what_is_missing_in_a_line_is_named(tmp_path: Path) -> None:
    whole = ours()
    del whole["owner"]
    text = json.dumps(ours("j0")) + "\n" + json.dumps(whole)
    with pytest.raises(UsageError, match=r"line 2: .*'owner' is missing"):
        read_trace(written(tmp_path, text))


# ------------------------------------------------------------------ sacct


def test_sacct(tmp_path: Path) -> None:
    rows = [
        SACCT,
        "7|ada|ml|2026-01-01T00:00:00|2026-01-01T01:00:00|2026-01-02T01:00:00|COMPLETED|1-12:00:00|4|"
        "billing=9,cpu=320,gres/gpu=32,gres/gpu:a100=32,mem=1600G,node=4",
        "7.batch|||2026-01-01T00:00:00|2026-01-01T01:00:00|2026-01-02T01:00:00|COMPLETED||1|cpu=80",
        "8_3|bob||2026-01-01T00:00:10|2026-01-01T00:00:10|2026-01-01T00:00:20|TIMEOUT|UNLIMITED|1|gres/gpu:h100=1",
        "9|bob||2026-01-01T00:00:10|Unknown|Unknown|PENDING|10:00|1|",
        "10|bob||2026-01-01T00:00:10|2026-01-01T00:00:12|Unknown|RUNNING|10:00|1|gres/gpu=1,node=1",
        "11|bob||2026-01-01T00:00:20|2026-01-01T00:00:22|2026-01-01T00:00:15|CANCELLED by 0|10:00|1|",
    ]
    found = read_trace(written(tmp_path, "\n".join(rows) + "\n"))
    assert found.left_out == {"never began": 2, "had not ended": 1}
    first, second = found.jobs
    assert first == TraceJob(
        id="7",
        owner="ada",
        group="ml",
        submit=1767225600.0,
        run=86400.0,
        gpus=8,
        nodes=4,
        limit=36 * 3600.0,
        model="a100",
        cpus=80,
        memory_bytes=400 << 30,
    )
    assert (second.id, second.gpus, second.model, second.limit, second.run) == ("8_3", 1, "h100", None, 10.0)


def test_sacct_with_another_divider_and_names_with_line_breaks(tmp_path: Path) -> None:
    head = SACCT.replace("AllocTRES", "JobName|AllocTRES").replace("|", "|#")
    row = (
        "7|ada||2026-01-01T00:00:00|2026-01-01T00:00:00|2026-01-01T00:01:00|F|05:00|1|a\nb|gres/gpu=2,node=1"
    )
    whole = read_trace(written(tmp_path, head + "\n" + row.replace("|", "|#") + "\n"))
    assert (only(whole).gpus, only(whole).limit) == (2, 300.0)


def test_a_broken_line_of_sacct_is_counted_and_the_next_one_is_whole(tmp_path: Path) -> None:
    row = "7|ada||2026-01-01T00:00:00|2026-01-01T00:00:00|2026-01-01T00:01:00|F|30|1|gres/gpu=2,node=1"
    found = read_trace(written(tmp_path, f"{SACCT}\nname|oddly|cut\n{row}\ncut|at the end"))
    assert found.left_out == {"had a broken line": 2}
    assert only(found).limit == 1800.0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "7|a||soon|2026-01-01T00:00:00|2026-01-01T00:01:00|F|30|1|",
            "line 2, column Submit: 'soon': a time like",
        ),
        (
            "7|a||2026-01-01T00:00:00|2026-01-01T00:00:00|2026-01-01T00:01:00|F|long|1|",
            "column Timelimit: 'long'",
        ),
        (
            "7|a||2026-01-01T00:00:00|2026-01-01T00:00:00|2026-01-01T00:01:00|F|1|1|gres/gpu=many",
            "column AllocTRES: .*'many' is no number",
        ),
        ("7|a||2026-01-01T00:00:00|x|y|z|F|long|1|2|3", "line 2: 12 fields where line 1 names 10"),
    ],
)
def test_a_row_of_sacct_that_is_wrong(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_trace(written(tmp_path, f"{SACCT}\n{row}\n"))


def test_sacct_without_a_column_says_what_to_export(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column Submit, Start; export with `sacct"):
        read_trace(written(tmp_path, "JobID|State|End\n"))


def slurm_job(**more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "job_id": 18,
        "user": "ada",
        "account": "ml",
        "allocation_nodes": 2,
        "array": {"job_id": 0, "task_id": {"set": False, "infinite": False, "number": 0}},
        "state": {"current": ["COMPLETED"]},
        "time": {
            "submission": 100,
            "start": 110,
            "end": 170,
            "limit": {"set": True, "infinite": False, "number": 5},
        },
        "tres": {
            "allocated": [
                {"type": "cpu", "name": "", "count": 64},
                {"type": "mem", "name": "", "count": 2048},
                {"type": "energy", "name": "", "count": -2},
                {"type": "node", "name": "", "count": 2},
                {"type": "gres", "name": "gpu", "count": 16},
                {"type": "gres", "name": "gpu:h100", "count": 16},
            ]
        },
    }
    return known | more


def test_sacct_as_json(tmp_path: Path) -> None:
    task = slurm_job(array={"job_id": 20, "task_id": {"set": True, "infinite": False, "number": 4}})
    older = slurm_job(job_id=19, time={"submission": 1, "start": 2, "end": 3, "limit": 7})
    waits = slurm_job(job_id=21, time={"submission": 1, "start": 0, "end": 0})
    found = read_trace(written(tmp_path, json.dumps({"jobs": [slurm_job(), task, older, waits]})))
    assert found.left_out == {"never began": 1}
    assert [job.id for job in found.jobs] == ["19", "18", "20_4"]
    assert found.jobs[0].limit == 420.0
    assert found.jobs[1] == TraceJob(
        id="18",
        owner="ada",
        group="ml",
        submit=100.0,
        run=60.0,
        gpus=8,
        nodes=2,
        limit=300.0,
        model="h100",
        cpus=32,
        memory_bytes=1 << 30,
    )


def test_sacct_json_that_is_broken_names_the_job(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"job 2: .*'time' is missing"):
        read_trace(written(tmp_path, json.dumps({"jobs": [slurm_job(), {"job_id": 3}]})))


# ------------------------------------------------------------------ public traces


def test_openb(tmp_path: Path) -> None:
    rows = [
        OPENB,
        "pod-a,3152,4096,1,460,T4|G2,LS,Running,100,400,150",
        "pod-b,8000,1024,4,1000,,BE,Pending,5,9,",
        "pod-c,12500,0,0,0,,LS,Running,7,,7",
    ]
    found = read_trace(written(tmp_path, "\n".join(rows) + "\n"))
    assert found.left_out == {"had not ended": 1}
    second, first = found.jobs
    assert (first.submit, first.run, first.milli, first.model, first.cpus) == (100, 250, 460, "T4,G2", 4)
    assert (second.run, second.gpus, second.milli, second.memory_bytes) == (4, 4, 1000, 1 << 30)


def test_philly_packed(tmp_path: Path) -> None:
    text = f"{PHILLY}\n2017-10-03 00:00:10,60.0,8,480.0,abc\n2017-10-03 00:00:00,6.5,1,6.5,def\n"
    path = tmp_path / "philly.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    first, second = read_trace(path).jobs
    assert (first.owner, first.run, second.submit - first.submit, second.gpus) == ("def", 6.5, 10, 8)
    assert second.nodes is None


def test_elasticflow(tmp_path: Path) -> None:
    found = only(read_trace(written(tmp_path, f"{ELASTICFLOW}\n9,0,16,3,4,9,8,5.5,6\n")))
    assert (found.id, found.gpus, found.submit, found.run) == ("0", 16, 3, 5.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{PHILLY}\n2017-10-03,60,8,480,abc\nlater,60,8,480,abc\n", "line 3, column timestamp: 'later'"),
        (f"{PHILLY}\n2017-10-03,-1,8,480,abc\n", "line 2, column duration: '-1': a number of seconds"),
        (f"{PHILLY}\n2017-10-03,nan,8,480,abc\n", "line 2, column duration: 'nan'"),
        (f"{PHILLY}\n2017-10-03,1,8\n", "line 2: 3 columns where line 1 names 5"),
        (f"{ELASTICFLOW}\n9,0,none,3,4,9,8,5.5,6\n", "line 2, column num_gpu: 'none': a whole number"),
        (f"{OPENB}\na,1,1,1,0,,LS,Running,1,2,1\n", "line 2, column gpu_milli: '0': a pod with a GPU"),
        (f"{OPENB}\na,1,1,1,1000,,LS,Running,5,2,5\n", "line 2, column deletion_time: '2': is before"),
        (f"{PHILLY}\n0001-01-01,5,1,5,abc\n", "job philly-2 is said to be submitted at -6.2"),
        (f"{PHILLY}\n2017-10-03,1e12,1,5,abc\n", "and to run 1e\\+12 s; times are from 1970 on"),
        (f"{PHILLY}\n", "there is no job in it that began and ended"),
        ("", "in none of the formats ours, sacct, "),
        ("a,b\n1,2\n", "in none of the formats"),
    ],
)
def test_a_trace_that_is_broken_says_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_trace(written(tmp_path, text))


def test_a_file_that_is_not_there_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_trace(tmp_path / "none")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"x" * 1000)[:-20])
    with pytest.raises(UsageError, match="damaged"):
        read_trace(broken)
    with pytest.raises(UsageError, match="no format is called excel; there are ours"):
        read_trace(broken, "excel")


def test_the_same_id_twice_is_another_job(tmp_path: Path) -> None:
    row = "9,0,1,{},4,9,8,5.5,6"
    found = read_trace(written(tmp_path, "\n".join([ELASTICFLOW, row.format(5), row.format(3)])))
    assert [(job.id, job.submit) for job in found.jobs] == [("0", 3), ("0#2", 5)]
