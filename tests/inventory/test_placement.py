"""Every kind of cgroup line: ours by hand, the public samples where they are, and any text at all."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.inventory.evidence.placement import Placement, place

FOLDER = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "6_containers")
A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
POD = "0a1b2c3d-1111-2222-3333-444455556666"
SLICE = f"kubepods-besteffort-pod{POD.replace('-', '_')}.slice"


@pytest.mark.parametrize(
    ("path", "runtime"),
    [
        (f"/system.slice/docker-{A}.scope", "docker"),
        (f"/system.slice/docker-{A}.scope/init", "docker"),
        (f"/lab.slice/lab-students.slice/docker-{A}.scope", "docker"),
        (f"/docker/{A}", "docker"),
        (f"/docker/{A}.scope", "docker"),
        (f"/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{A}.scope", "docker"),
        (f"/machine.slice/libpod-{A}.scope/container", "podman"),
        (
            f"/user.slice/user-1.slice/user@1.service/user.slice/user-libpod_pod_{B}.slice/libpod-{A}.scope",
            "podman",
        ),
        (f"/x.service/libpod-payload-{A}", "podman"),
        (f"/libpod_parent/libpod-{A}", "podman"),
        (f"/kubepods/burstable/pod{POD}/crio-{A}", "crio"),
        (f"/kubepods/pod{POD}/{A}", "kubepods"),
        (f"kubelet/kubepods/besteffort/pod{POD}/{A}", "kubepods"),
        (f"/kubepods.slice/{SLICE}/cri-containerd-{A}.scope", "containerd"),
        (f"/system.slice/containerd.service/{SLICE}:cri-containerd:{A}", "containerd"),
        (f"/system.slice/nerdctl-{A}.scope", "containerd"),
        (f"/default/{A}", "containerd"),
        (f"/ecs/{POD}/{A}", "ecs"),
        (f"/some/parent/{A}", None),
        (f"/docker/{A} (deleted)", "docker"),
        (f"/system.slice/docker\\x2d{A}.scope", "docker"),
    ],
)
def test_containers_of_every_runtime(path: str, runtime: str | None) -> None:
    for line in (path, f"0::{path}", f"12:cpu,cpuacct:{path}", f"1:name=systemd:{path}"):
        found = place([line])
        assert (found.container_id, found.runtime, found.monitor) == (A, runtime, False)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/../../user.slice/user-501.slice/session-3.scope",
        f"/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-{POD}.scope",
        f"/user.slice/run-{A}.service",
        f"/docker/{A[:63]}",
        f"/docker/{A}0",
        f"/docker/{A.upper()}",
        f"/docker/{'g' * 64}",
        f"/notdocker-{A}.scope",
        f"/system.slice/pod{POD}.slice",
        "/kubepods",
        "/docker/buildkit/abcdefghijklmnopqrstuvwxy",
    ],
)
def test_what_is_no_container(path: str) -> None:
    found = place([f"0::{path}"])
    assert (found.container_id, found.runtime, found.pod_uid) == (None, None, None)


def test_pods_by_either_driver_and_static_ones() -> None:
    assert place([f"0::/kubepods.slice/{SLICE}/cri-containerd-{A}.scope"]).pod_uid == POD
    assert place([f"0::/kubepods/burstable/pod{POD}/{A}"]).pod_uid == POD
    assert place([f"0::/kubepods/pod{'0f' * 16}/{A}"]).pod_uid == "0f" * 16


def test_a_monitor_is_told_from_its_container() -> None:
    found = place([f"0::/machine.slice/libpod-conmon-{A}.scope"])
    assert (found.container_id, found.runtime, found.monitor) == (A, "podman-conmon", True)


def test_the_outermost_container_is_the_one_that_the_host_knows() -> None:
    assert place([f"0::/system.slice/docker-{A}.scope/docker/{B}"]).container_id == A
    assert place([f"4:memory:/docker/{A}/docker/{B}"]).outer_container_id is None


def test_in_kind_the_pods_container_is_meant_and_the_node_is_kept() -> None:
    inner = f"kubelet.slice/kubelet-kubepods.slice/kubelet-{SLICE}/cri-containerd-{B}.scope"
    found = place([f"0::/system.slice/docker-{A}.scope/{inner}"])
    assert (found.container_id, found.outer_container_id) == (B, A)
    assert (found.runtime, found.pod_uid) == ("containerd", POD)


@pytest.mark.parametrize("root", ["slurm", "slurm_gpu01"])
def test_slurm_by_v1(root: str) -> None:
    lines = [f"8:memory:/{root}/uid_1001/job_42/step_batch/task_0", "1:name=systemd:/user.slice/user-7.slice"]
    found = place(lines)
    assert (found.slurm_job, found.slurm_step, found.slurm_uid) == ("42", "batch", 1001)
    assert (found.runtime, found.login_uid_slice) == ("slurm", 7)


@pytest.mark.parametrize("scope", ["slurmstepd.scope", "gpu01_slurmstepd.scope"])
def test_slurm_by_v2(scope: str) -> None:
    found = place([f"0::/system.slice/{scope}/job_42/step_0/user/task_0"])
    assert (found.slurm_job, found.slurm_step, found.slurm_uid, found.unit) == ("42", "0", None, scope)


def test_a_container_inside_of_a_job_is_both() -> None:
    found = place([f"0::/system.slice/slurmstepd.scope/job_42/step_0/user/task_0/libpod-{A}.scope"])
    assert (found.container_id, found.runtime, found.slurm_job) == (A, "podman", "42")


def test_no_job_is_believed_where_a_user_makes_the_folders() -> None:
    found = place(["0::/user.slice/user-1002.slice/user@1002.service/app.slice/slurmstepd.scope/job_42"])
    assert found.slurm_job is None
    assert (found.delegated, found.login_uid_slice) == (True, 1002)


def test_hybrid_systems_name_it_in_some_lines_only() -> None:
    lines = [
        "11:cpuset:/",
        f"10:devices:/docker/{A}",
        "1:name=systemd:/user.slice/user-1001.slice/session-2.scope",
        "0::/user.slice/user-1001.slice/session-2.scope",
    ]
    found = place(lines)
    assert (found.container_id, found.unit, found.login_uid_slice) == (A, "session-2.scope", 1001)


@pytest.mark.parametrize(
    ("path", "machine"),
    [
        (r"/machine.slice/machine-qemu\x2d3\x2dweb.scope/libvirt/emulator", "qemu-3-web"),
        ("/lxc/box", "lxc-box"),
        ("/lxc.payload.box/system.slice/x.service", "box"),
        ("/machine.slice/systemd-nspawn@box.service/payload", "box"),
    ],
)
def test_machines_are_no_containers(path: str, machine: str) -> None:
    found = place([f"0::{path}"])
    assert (found.machine, found.container_id, found.runtime) == (machine, None, None)


def test_units_of_the_host() -> None:
    assert place(["0::/system.slice/ollama.service"]) == Placement(unit="ollama.service")


PIECES = st.sampled_from(
    [
        "/",
        ":",
        "0::",
        "kubepods",
        "pod",
        POD,
        A,
        "docker-",
        ".scope",
        "slurm",
        "job_1",
        "\\x2d",
        "uid_9",
        "user@1.service",
    ]
)


@given(st.lists(st.one_of(st.text(), st.lists(PIECES, max_size=9).map("".join)), max_size=4))
def test_takes_any_text(lines: list[str]) -> None:
    found = place(lines)
    assert found.container_id is None or len(found.container_id) >= 34
    assert found.slurm_uid is None or found.slurm_job is not None


def samples() -> list[dict[str, str | None]]:
    file = FOLDER / "cgroup_lines" / "lines.jsonl"
    return (
        [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else [{"line": "none"}]
    )


@pytest.mark.data
@pytest.mark.parametrize("sample", samples(), ids=lambda one: str(one["line"])[-40:])
def test_public_lines(sample: dict[str, str | None]) -> None:
    found = place([str(sample["line"])])
    for name in ("container_id", "runtime", "pod_uid", "slurm_job"):
        assert getattr(found, name) == sample.get(name), name


@pytest.mark.data
def test_public_folders() -> None:
    paths = [path for file in FOLDER.glob("cgroup_paths/*.txt") for path in file.read_text().splitlines()]
    assert paths
    for path in paths:
        found = place([path])
        assert (found.slurm_job is not None) == ("/job_" in path), path
        assert (found.machine is not None) == ("/machine-" in path), path
        assert (found.pod_uid is not None) == ("-pod" in path or "/pod" in path), path
        assert found.container_id is None or found.container_id in path


@pytest.mark.data
def test_public_process_trees() -> None:
    files = sorted(FOLDER.glob("ceems_proc/*/cgroup"))
    assert files
    for file in files:
        found = place(file.read_text().splitlines())
        assert (found.runtime, found.container_id) == ("slurm", None)
        assert found.slurm_job in file.read_text()
