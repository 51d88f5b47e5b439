"""What an engine is asked for a job: rights, files, environment, devices; and what it answered."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentinel.core.job import JobSpec
from sentinel.supervisor.attempts import Refused
from sentinel.supervisor.container_answer import Gone, Silent, State, answer_of
from sentinel.supervisor.container_plan import (
    SIMULATED,
    Bind,
    binds_of,
    create_command,
    devices_of,
    environment_file,
    environment_inside,
    inside_of,
    label_file,
    limits_inside,
    start_command,
)
from sentinel.supervisor.engines import Engine, cdi_devices, engine_of
from sentinel.supervisor.tools import Done
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

ALICE = Person(uid=1000, gid=1001, name="alice", home="/home/alice", shell="/bin/zsh", other=True)
ROOT = Person(uid=0, gid=0, name="root", home="/root", shell="/bin/sh", other=False)
DOCKER = Engine(name="docker", program="/usr/bin/docker", init=True, cdi=False)
PODMAN = Engine(name="podman", program="/usr/bin/podman", init=False, cdi=True)


def spec(**fields: Any) -> JobSpec:
    return JobSpec(**{"command": ("train", "--lr", "1"), "cwd": "/home/alice/run", "image": "box", **fields})


def launch(**fields: Any) -> Launch:
    return Launch(
        job="j1",
        attempt=2,
        token="tok",
        owner="alice\nsentinel.token=x",
        gpus=("GPU-1",),
        spec=spec(**fields),
        begin_by=0,
        fence_at=None,
        environment={},
    )


def created(engine: Engine = DOCKER, person: Person = ALICE, **fields: Any) -> list[str]:
    job = launch(**fields)
    binds = binds_of(job.spec)
    assert not isinstance(binds, Refused)
    return create_command(
        job,
        person,
        engine,
        groups=[1001, 44],
        sources=[(f"/stage/{number}", bind) for number, bind in enumerate(binds)],
        devices=["--device=x"],
        limits=["--ulimit=core=0:0"],
        env_file="/dir/e",
        label_file="/dir/l",
        shared_memory=4096,
    )


def why(found: object) -> str:
    assert isinstance(found, Refused)
    assert found.final
    return found.why


def test_a_container_has_its_users_rights_and_no_more() -> None:
    command = created()
    assert command[:4] == ["/usr/bin/docker", "create", "--name", "sentinel-j1-2"]
    assert {"--user=1000:1001", "--cap-drop=ALL", "--security-opt=no-new-privileges"} <= set(command)
    assert "--group-add=44" in command
    assert "--group-add=1001" not in command
    assert not [word for word in command if "privileged" in word and "no-new" not in word]
    assert command[-5:] == ["--", "box", "train", "--lr", "1"]
    assert {"--init", "--network=host", "--device=x", "--ulimit=core=0:0", "--entrypoint="} <= set(command)
    assert "--init" not in created(PODMAN)


def test_roots_container_is_what_the_engine_makes_of_root() -> None:
    command = created(person=ROOT)
    assert "--user=0:0" in command
    assert "--cap-drop=ALL" not in command


def test_a_podman_without_root_keeps_the_users_id() -> None:
    command = created(replace(PODMAN, rootless=True), replace(ALICE, other=False))
    assert "--userns=keep-id" in command
    assert "--group-add=44" not in command


def test_its_files() -> None:
    command = created(mounts=("/data", "/a,b:/c:ro", '/q:/x"y'))
    mounts = [next(csv.reader([word[8:]])) for word in command if word.startswith("--mount=")]
    assert mounts == [
        ["type=bind", "source=/stage/0", "target=/home/alice/run"],
        ["type=bind", "source=/stage/1", "target=/data"],
        ["type=bind", "source=/stage/2", "target=/c", "readonly"],
        ["type=bind", "source=/stage/3", 'target=/x"y'],
    ]
    assert "--workdir=/home/alice/run" in command


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ("data", "both paths begin with /"),
        ("/data:mnt", "both paths begin with /"),
        ("/data:/", "the target is a path below /"),
        ("/data:/a/../..", "the target is a path below /"),
        ("/data:/mnt:exec", "is none: write"),
        ("/data:/mnt:ro:z", "is none: write"),
        ("/data:/a\nb", "cannot be printed"),
    ],
)
def test_mounts_that_are_none(mount: str, said: str) -> None:
    assert said in why(binds_of(spec(mounts=(mount,))))


def test_forms_of_a_mount() -> None:
    found = binds_of(spec(mounts=("/a", "/a:/b", "/a:/b:ro", "/a:/b:rw", "/a::ro")))
    assert found == (
        Bind("/home/alice/run", "/home/alice/run"),
        *(
            Bind("/a", "/a"),
            Bind("/a", "/b"),
            Bind("/a", "/b", True),
            Bind("/a", "/b"),
            Bind("/a", "/a", True),
        ),
    )
    assert "would hide the image" in why(binds_of(spec(cwd="//")))


def test_its_environment_is_the_jobs_without_what_is_the_nodes() -> None:
    outside = {
        "A": "1",
        "PATH": "/opt/bin",
        "LD_LIBRARY_PATH": "/opt/lib",
        "SHELL": "/bin/zsh",
        "HOME": "/home/alice",
        "BASH_FUNC_x%%": "() {\n}",
        "NVIDIA_VISIBLE_DEVICES": "all",
    }
    run = (Bind("/home/alice/run", "/home/alice/run"),)
    found = environment_inside(outside, run, ("GPU-1", "GPU-2"))
    assert found == {"A": "1", "HOME": "/home/alice/run", "NVIDIA_VISIBLE_DEVICES": "GPU-1,GPU-2"}
    home = (*run, Bind("/home/alice", "/home/alice"))
    found = environment_inside(outside, home, ())
    assert not isinstance(found, Refused)
    assert (found["HOME"], found["NVIDIA_VISIBLE_DEVICES"]) == ("/home/alice", "void")
    assert environment_file({"A": "b=c d", "B": ""}) == b"A=b=c d\nB=\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KEY", "a\nb", "KEY has more than one line"),
        ("KEY", "a\r", "KEY has more than one line"),
        ("#KEY", "a", "is no name"),
        ("A B", "a", "is no name"),
        ("KEY", "secret" * 20_000, "KEY is too long"),
    ],
)
def test_an_environment_that_no_engine_can_set(name: str, value: str, said: str) -> None:
    found = why(environment_inside({name: value}, (Bind("/a", "/a"),), ()))
    assert said in found
    assert "secret" not in found


def test_labels_are_one_line_each_whatever_an_owner_is_called() -> None:
    assert label_file(launch()).decode().splitlines() == [
        "sentinel.managed=true",
        "sentinel.job=j1",
        "sentinel.attempt=2",
        "sentinel.owner=alice sentinel.token=x",
        "sentinel.token=tok",
    ]


def test_limits() -> None:
    assert limits_inside(spec(limits={"nofile": 5, "core": -1})) == [
        "--ulimit=nofile=5:5",
        "--ulimit=core=-1:-1",
    ]
    assert "limit as is none that a container can have" in why(limits_inside(spec(limits={"as": 5})))


def test_text_that_no_program_can_be_given() -> None:
    assert "no program can be given" in why(inside_of(launch(command=("a", "\ud800")), {}))


def test_umask_and_setup() -> None:
    assert "--umask=0027" in created(PODMAN, umask=0o027)
    command = created(DOCKER, umask=0o027)
    assert command[-4:] == ["sentinel-setup", "train", "--lr", "1"]


def test_a_terminal() -> None:
    assert {"--tty", "--interactive"} <= set(created(pty=True))
    assert start_command(DOCKER, "c", terminal=False) == ["/usr/bin/docker", "start", "--attach", "c"]
    assert "--interactive" in start_command(DOCKER, "c", terminal=True)


# ------------------------------------------------------------------ GPUs


def cdi(folder: Path, *names: str) -> tuple[str, ...]:
    devices = "".join(f'  - name: "{name}"\n    containerEdits: {{}}\n' for name in names)
    (folder / "nvidia.yaml").write_text(f"cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n{devices}")
    return (str(folder), str(folder / "none"))


def test_gpus_by_cdi_where_it_names_every_one(tmp_path: Path) -> None:
    folders = cdi(tmp_path, "0", "GPU-1", "GPU-2")
    assert cdi_devices(("GPU-1",), folders) == ["nvidia.com/gpu=GPU-1"]
    assert cdi_devices(("GPU-2", "GPU-1"), folders) == ["nvidia.com/gpu=GPU-2", "nvidia.com/gpu=GPU-1"]
    assert cdi_devices(("GPU-1", "GPU-3"), folders) is None
    assert cdi_devices(("GPU",), folders) is None
    (tmp_path / "nvidia.yaml").rename(tmp_path / "nvidia.txt")
    assert cdi_devices(("GPU-1",), folders) is None
    spec = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [{"name": "GPU-9"}]}
    (tmp_path / "nvidia.json").write_text(json.dumps(spec))
    assert cdi_devices(("GPU-9",), folders) == ["nvidia.com/gpu=GPU-9"]


def test_gpus_without_cdi() -> None:
    assert devices_of(("GPU-1", "GPU-2"), DOCKER, "n") == ["--gpus", '"device=GPU-1,GPU-2"']
    assert devices_of((), DOCKER, "n") == []
    assert devices_of((f"{SIMULATED}0",), PODMAN, "n") == []
    assert "nvidia-ctk cdi generate" in why(devices_of(("GPU-none-such",), PODMAN, "n"))


# ------------------------------------------------------------------ answers


def done(state: dict[str, Any] | None = None, token: str = "tok", code: int = 0, err: str = "") -> Done:
    labels = {"sentinel.token": token}
    return Done(code, "" if state is None else json.dumps([state, labels]), err)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Status": "running", "ExitCode": 0}, State(runs=True, ended=False, exit_code=0)),
        ({"Status": "paused"}, State(runs=True, ended=False)),
        ({"Status": "created", "Error": "no"}, State(runs=False, ended=False, error="no")),
        ({"Status": "exited", "ExitCode": 3}, State(runs=False, ended=True, exit_code=3)),
        ({"Status": "stopped", "ExitCode": -1}, State(runs=False, ended=True)),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            State(runs=False, ended=True, exit_code=137, out_of_memory=True),
        ),
    ],
)
def test_states(state: dict[str, Any], expected: State) -> None:
    assert answer_of(done(state), "tok") == expected


def test_what_is_not_ours_is_not_there() -> None:
    assert answer_of(done({"Status": "running"}, token="other"), "tok") == Gone()
    assert answer_of(Done(0, json.dumps([{"Status": "running"}, None]), ""), "tok") == Gone()
    assert answer_of(done(code=1, err="Error: No such container: c\n"), "tok") == Gone()


@pytest.mark.parametrize(
    "said",
    [
        done(code=1, err="Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"),
        Done(None, "", "no program"),
        Done(-9, "", ""),
        Done(0, "", ""),
        Done(0, "[1]", ""),
        Done(0, '["a", {"sentinel.token": "tok"}]', ""),
        Done(0, '[{}, {"sentinel.token": "tok"}]', ""),
        Done(0, "null", ""),
    ],
)
def test_no_answer_is_no_end(said: Done) -> None:
    assert isinstance(answer_of(said, "tok"), Silent)


@pytest.mark.parametrize(
    ("err", "failure"),
    [
        (
            "Unable to find\nError response from daemon: access denied.\nSee 'docker --help'.\n",
            "access denied",
        ),
        ("Error: no such thing\n", "no such thing"),
        ("", "it ended with 1 and said nothing"),
    ],
)
def test_what_a_tool_complained_about(err: str, failure: str) -> None:
    assert Done(1, "", err).failure == failure


def test_an_engine_says_what_it_can() -> None:
    info = {"ServerVersion": "28.0", "CDISpecDirs": ["/etc/cdi"], "SecurityOptions": ["name=seccomp"]}
    found = engine_of("docker", "/d", Done(0, json.dumps(info), ""))
    assert isinstance(found, Engine)
    assert found.cdi
    found = engine_of("docker", "/d", Done(0, json.dumps({**info, "CDISpecDirs": None}), ""))
    assert isinstance(found, Engine)
    assert not found.cdi
    for other in (
        Done(1, json.dumps({"ServerVersion": ""}), "Cannot connect"),
        Done(0, json.dumps({"ServerVersion": ""}), ""),
        Done(0, "x", ""),
        Done(0, json.dumps({**info, "SecurityOptions": ["name=rootless"]}), ""),
    ):
        assert isinstance(engine_of("docker", "/d", other), str)
    assert isinstance(engine_of("podman", "/p", Done(0, '{"Client": {}}', "")), Engine)
