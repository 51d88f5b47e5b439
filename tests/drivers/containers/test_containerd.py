"""The containerd driver on a stand-in `ctr`: what it runs, what it makes of trouble. The real: tests/real."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.container import ContainerState, Device, DeviceRequest
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.drivers.containers.containerd import Containerd, ContainerdContainers, is_label
from sentinel.drivers.containers.containerd_json import container_from, container_rows, task_rows
from sentinel.drivers.containers.ctr import find_address, is_identifier

INFO = {
    "ID": "one",
    "Labels": {"nerdctl/name": "trainer", "io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "ml"},
    "Image": "docker.io/library/box:latest",
    "Runtime": {"Name": "io.containerd.runc.v2", "Options": {"type_url": "containerd.runc.v1.Options"}},
    "CreatedAt": "2026-01-31T23:59:59.25Z",
    "Spec": {
        "process": {
            "args": ["python", "a.py"],
            "env": ["USER=alice", "SECRET=x"],
            "user": {"uid": 7, "gid": 8},
        },
        "mounts": [{"type": "bind", "source": "/a", "destination": "/b"}],
        "hooks": {"prestart": [{"path": "/usr/bin/nvidia-container-cli", "args": []}]},
        "linux": {
            "cgroupsPath": "/default/one",
            "devices": [{"path": "/dev/nvidia0", "type": "c", "major": 195, "minor": 0}],
            "resources": {
                "devices": [
                    {"allow": False, "access": "rwm"},
                    {"allow": True, "type": "c", "major": 195, "access": "rw"},
                ]
            },
        },
    },
}
ANSWERS = {
    "namespaces ls": "default\nmoby\nk8s.io\n--help\n",
    "containers ls": "CONTAINER    IMAGE    RUNTIME\none    box    io.containerd.runc.v2\ntwo    -    x\n",
    "tasks ls": "TASK    PID    STATUS\none    4242    RUNNING\n",
    "containers info": json.dumps(INFO),
    "containers label": "a=b\n",
}


class Stand:
    """A `ctr` that notes its arguments, and answers by its first two words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = folder / "c.sock"
        self.address.touch()
        self.program = folder / "ctr"
        self.log = folder / "log"
        for words, answer in ANSWERS.items():
            self.answer(words, answer)
        self.script('cat "$folder/$5 $6"')

    def script(self, body: str) -> None:
        note = 'printf "%s|" "$@" >> "$folder/log"; echo >> "$folder/log"'
        self.program.write_text(f"#!/bin/sh\nfolder={self.folder}\n{note}\n{body}\n")
        self.program.chmod(0o755)

    def answer(self, words: str, answer: str) -> None:
        (self.folder / words).write_text(answer)

    @property
    def runs(self) -> list[list[str]]:
        """What was asked, from `-n` on."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.rstrip("|").split("|")[3:] for line in lines]

    def labeller(self, **changes: float) -> Containerd:
        return Containerd(address=str(self.address), program=str(self.program), **changes)

    def source(self, **changes: float) -> ContainerdContainers:
        return ContainerdContainers(address=str(self.address), program=str(self.program), **changes)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_labels_are_set_with_a_list_of_arguments_after_the_options(stand: Stand) -> None:
    labeller = stand.labeller()
    assert labeller.set_labels("one", {"sentinel.user": "$(id); x y", "b": "c=d"}) is True
    assert stand.runs[-1] == ["moby", *"containers label -- one".split(), "sentinel.user=$(id); x y", "b=c=d"]
    assert labeller.set_labels("one", {"a": "b"}) is True
    assert len(stand.runs) == 3  # the namespace is remembered


def test_a_container_is_looked_for_in_the_namespaces_that_exist(stand: Stand) -> None:
    missing = 'ctr: container \\"one\\" in namespace \\"$4\\": not found'
    found_late = f'case "$4 $6" in "default info" | *" ls") ;; *) echo "{missing}" >&2; exit 1;; esac'
    stand.script(f'{found_late}; cat "$folder/$5 $6"')
    labeller = stand.labeller()
    found = labeller.labels("one")
    assert found is not None
    assert found["nerdctl/name"] == "trainer"
    assert [run[0] for run in stand.runs] == ["default", "moby", "k8s.io", "default"]
    stand.script(f'case "$6" in ls) cat "$folder/$5 $6";; *) echo "{missing}" >&2; exit 1;; esac')
    assert labeller.labels("one") is None
    assert stand.labeller().set_labels("one", {"a": "b"}) is False


@pytest.mark.parametrize("id", ["--help", "-n", "", "a b", "a/b", "../x", "a" * 77, "a\n", "é", "_a", "a-"])
def test_what_is_no_id_reaches_no_process(stand: Stand, id: str) -> None:
    assert stand.labeller().labels(id) is None
    assert stand.labeller().set_labels(id, {"a": "b"}) is False
    assert stand.runs == []


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_label_that_is_taken_is_read_as_it_was_meant(key: str, value: str) -> None:
    if is_label(key, value):
        assert not key.startswith("-")
        assert f"{key}={value}".partition("=") == (key, "=", value)
        assert "\0" not in key + value


def test_a_label_has_a_length_that_containerd_takes() -> None:
    assert is_label("a", "x" * 4095)
    assert not is_label("a", "x" * 4096)
    assert not is_label("a", "é" * 2048)


def test_an_identifier_is_never_an_option() -> None:
    assert is_identifier("0" * 64) and is_identifier("k8s.io") and is_identifier("a-b_c.d")


def test_where_there_is_no_containerd_it_is_absent(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(SourceAbsent, match=r"there is no /nonexistent/c\.sock here"):
        Containerd(address="/nonexistent/c.sock").labels("one")
    stand.program.unlink()
    for ask in (stand.source().containers, lambda: stand.labeller().labels("one")):
        with pytest.raises(SourceAbsent, match="it comes with containerd"):
            ask()
    with pytest.raises(SourceAbsent):
        next(stand.source().changes())
    assert find_address([str(tmp_path / "none"), str(stand.address)]) == str(stand.address)
    assert find_address([str(tmp_path / "none")]) is None


def test_what_goes_wrong_is_unknown_and_said_in_one_printable_line(stand: Stand) -> None:
    stand.script("printf 'ctr: dial\\033[2J\\nunix: permission denied' >&2; exit 1")
    with pytest.raises(SourceUnknown, match="permission denied; run this with sudo") as caught:
        stand.source().containers()
    assert caught.value.message.isprintable()
    stand.script("exec sleep 10")
    began = time.monotonic()
    with pytest.raises(SourceUnknown, match="no answer within 200 ms"):
        stand.source(timeout=0.2).containers()
    assert time.monotonic() - began < 2
    stand.program.chmod(0o644)
    with pytest.raises(SourceUnknown, match="cannot be run"):
        stand.source().containers()


@pytest.mark.parametrize("words", ["containers ls", "tasks ls", "containers info"])
@pytest.mark.parametrize("answer", ["", "hello\n", "[]"])
def test_nonsense_is_unknown_and_never_no_containers(stand: Stand, words: str, answer: str) -> None:
    source = stand.source()
    stand.answer(words, answer)
    with pytest.raises(SourceUnknown):
        source.containers()
        source.inspect("one")


def test_a_listing_is_two_processes_a_namespace_and_dockers_are_left_out(stand: Stand) -> None:
    source = stand.source()
    assert [(one.id, one.image, one.state) for one in source.containers()] == [
        ("one", "box", ContainerState.RUNNING),
        ("two", "", ContainerState.CREATED),
    ]
    assert source.calls == 1 + 2 * 2
    assert {run[0] for run in stand.runs[1:]} == {"default", "k8s.io"}


def test_one_without_a_change_is_not_asked_for_again(stand: Stand) -> None:
    source = stand.source()
    source.containers()
    first = source.inspect("one")
    calls = source.calls
    assert source.inspect("one") == first
    assert source.calls == calls
    stand.answer("tasks ls", "TASK    PID    STATUS\none    4242    STOPPED\n")
    source.containers()
    calls = source.calls
    found = source.inspect("one")
    assert found is not None
    assert (found.state, found.pid) == (ContainerState.EXITED, None)
    assert source.calls == calls
    stand.answer("tasks ls", "TASK    PID    STATUS\n")
    source.containers()
    found = source.inspect("one")
    assert found is not None
    assert (found.state, found.pid) == (ContainerState.CREATED, None)


def test_events_name_containers_and_make_them_asked_for_again(stand: Stand) -> None:
    head = "2026-11-23 05:38:52.452320569 +0000 UTC"
    lines = [
        f'{head} default /containers/create {{"id":"one"}}',
        f'{head} default /tasks/exec-added {{"container_id":"untold"}}',
        f'{head} moby /tasks/start {{"container_id":"untold"}}',
        f'{head} default /images/create {{"name":"untold"}}',
        f'{head} default /tasks/start {{"container_id":"--help"}}',
        f"{head} default /tasks/start [",
        "nonsense",
        f'{head} k8s.io /tasks/exit {{"container_id":"two","id":"x"}}',
    ]
    stand.answer("events", "\n".join(lines) + "\n")
    stand.script('case "$5" in events) cat "$folder/events";; *) cat "$folder/$5 $6";; esac')
    source = stand.source()
    source.inspect("one")
    calls = source.calls
    assert list(source.changes()) == ["one", "two"]
    source.inspect("one")
    assert source.calls == calls + 1


def test_a_specification_says_what_it_was_given() -> None:
    found = container_from(INFO, task_rows(ANSWERS["tasks ls"])["one"])
    assert (found.id, found.name, found.pod) == ("one", "trainer", "ml/p")
    assert (found.engine, found.oci_runtime, found.user) == ("containerd", "runc", "7:8")
    assert found.devices == (Device(host="/dev/nvidia0", container="/dev/nvidia0"),)
    assert found.device_rules == ("c 195:* rw",)
    assert found.variables == {"USER": "alice"}
    assert found.cgroup_parent == "/default"
    assert (found.pid, found.state, found.created_at) == (4242, ContainerState.RUNNING, 1769903999.25)
    assert not found.privileged


def test_gpus_that_nerdctl_gave_show_by_the_hook() -> None:
    def requests(device: str) -> tuple[DeviceRequest, ...]:
        args = ["containerd", "oci-hook", "--", "nvidia-container-cli", "configure", f"--device={device}"]
        spec = {"hooks": {"prestart": [{"args": args}]}}
        return container_from({"ID": "a", "Spec": spec}, None).device_requests

    gpu = (("gpu",),)
    assert requests("all") == (DeviceRequest(driver="nvidia", count=-1, capabilities=gpu),)
    two = DeviceRequest(driver="nvidia", device_ids=("0", "GPU-1"), capabilities=gpu)
    assert requests("0,GPU-1") == (two,)
    assert requests("") == ()


def test_the_nvidia_runtime_and_privilege_are_seen() -> None:
    runtime = {"Name": "io.containerd.runc.v2", "Options": {"value": "ChludmlkaWEtY29udGFpbmVyLXJ1bnRpbWU="}}
    everything = [{"allow": True, "access": "rwm"}]
    raw = {"ID": "a", "Runtime": runtime, "Spec": {"linux": {"resources": {"devices": everything}}}}
    found = container_from(raw, None)
    assert found.oci_runtime == "nvidia"
    assert found.privileged
    assert found.device_rules == ("a *:* rwm",)


def test_a_parent_by_systemd_is_its_slice() -> None:
    spec = {"linux": {"cgroupsPath": "kubepods-besteffort-pod1.slice:cri-containerd:abc"}}
    assert container_from({"ID": "a", "Spec": spec}, None).cgroup_parent == "kubepods-besteffort-pod1.slice"


@given(st.text(alphabet=st.sampled_from("TASK CONTAINER12-\n\t x"), max_size=60))
def test_no_text_breaks_the_tables(printed: str) -> None:
    for read in (container_rows, task_rows):
        try:
            read(printed)
        except ValueError as error:
            assert str(error).startswith("no table of")
