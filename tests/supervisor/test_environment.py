"""What a job finds in its environment."""

from dataclasses import replace

from sentinel.core.job import JobSpec
from sentinel.supervisor.environment import environment_of, granted
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

ALICE = Person(uid=1000, gid=1000, name="alice", home="/home/alice", shell="/bin/zsh", other=True)
LAUNCH = Launch(
    job="j1",
    attempt=2,
    token="t1",
    owner="ann",
    gpus=("GPU-1", "GPU-2"),
    spec=JobSpec(command=("true",), cwd="/"),
    begin_by=5.0,
    fence_at=None,
    environment={},
)


def test_nothing_but_what_is_due() -> None:
    assert environment_of(LAUNCH, ALICE) == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/home/alice",
        "USER": "alice",
        "LOGNAME": "alice",
        "SHELL": "/bin/zsh",
        "CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "SENTINEL_JOB_ID": "j1",
        "SENTINEL_ATTEMPT": "2",
        "SENTINEL_JOB": "t1",
    }


def test_what_was_submitted_is_there_and_cannot_take_other_gpus_or_another_mark() -> None:
    submitted = {
        "PATH": "/opt/bin",
        "LD_PRELOAD": "x.so",
        "CUDA_VISIBLE_DEVICES": "7",
        "SENTINEL_JOB": "another's",
        "SENTINEL_LEASE": "another's",
        "HOME": "/root",
    }
    found = environment_of(replace(LAUNCH, environment=submitted), ALICE)
    assert (found["PATH"], found["LD_PRELOAD"]) == ("/opt/bin", "x.so")
    assert found["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"
    assert found["SENTINEL_JOB"] == "t1"
    assert found["HOME"] == "/home/alice"
    assert "SENTINEL_LEASE" not in found


def test_a_job_without_gpus_sees_none() -> None:
    assert environment_of(replace(LAUNCH, gpus=()), ALICE)["CUDA_VISIBLE_DEVICES"] == ""


def test_a_terminal_has_a_type() -> None:
    spec = replace(LAUNCH.spec, pty=True)
    assert environment_of(replace(LAUNCH, spec=spec), ALICE)["TERM"] == "xterm-256color"
    own = replace(LAUNCH, spec=spec, environment={"TERM": "dumb"})
    assert environment_of(own, ALICE)["TERM"] == "dumb"


def test_the_arbiters_grant_counts() -> None:
    assert granted("L1", ["MIG-1", "MIG-2"]) == {
        "SENTINEL_LEASE": "L1",
        "CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2",
    }
