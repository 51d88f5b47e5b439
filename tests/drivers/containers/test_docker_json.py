"""Docker's JSON as nouns: what is missing, null, huge or of another kind breaks nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.container_engine import a_container, an_id, listed

from sentinel.core.container import ContainerState, Device, DeviceRequest, Mount
from sentinel.drivers.containers.docker_json import LONGEST_TEXT, container_from, summary_from

GPU_ALL = {"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}}
GPU_TWO = {"Driver": "nvidia", "Count": 0, "DeviceIDs": ["0", "GPU-5f"], "Capabilities": [["gpu", "utility"]]}
CDI = {"Driver": "cdi", "Count": 0, "DeviceIDs": ["nvidia.com/gpu=all"], "Capabilities": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FULL = a_container(
    "full",
    Config__Labels={"a": "b"},
    Config__Env=["USER=alice", "PATH=/bin"],
    HostConfig__DeviceRequests=[GPU_TWO],
    HostConfig__Devices=[{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b"}],
    HostConfig__DeviceCgroupRules=["c 195:* rwm"],
    Mounts=[{"Type": "bind", "Source": "/a", "Destination": "/b"}],
)


def paths(found: Any, *above: str) -> list[tuple[str, ...]]:
    """The way to every value in it."""
    if not isinstance(found, dict):
        return [above]
    return [above, *(path for key, value in found.items() for path in paths(value, *above, key))]


@given(st.sampled_from([path for path in paths(FULL) if path and path != ("Id",)]), JSON)
def test_any_field_may_be_anything(path: tuple[str, ...], value: Any) -> None:
    spoiled = json.loads(json.dumps(FULL))
    place = spoiled
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = container_from(spoiled, "docker")
    assert found.id == an_id("full")
    assert found.pid is None or found.pid > 0
    entry = listed(FULL)
    for key in entry.keys() - {"Id"}:
        assert summary_from({**entry, key: value}).id == an_id("full")


def test_an_id_alone_is_a_container_of_which_nothing_is_known() -> None:
    found = container_from({"Id": "a" * 64}, "docker")
    assert found.state is ContainerState.UNKNOWN
    assert (
        found.pid is found.created_at is found.started_at is found.oci_runtime is found.cgroup_parent is None
    )
    assert summary_from({"Id": "a" * 64}).state is ContainerState.UNKNOWN


@pytest.mark.parametrize(
    "raw", [None, [], {}, {"Id": ""}, {"Id": 5}, {"Id": "a b"}, {"Id": "-x"}, {"Id": "a" * 129}]
)
def test_without_an_id_it_is_no_container(raw: object) -> None:
    for read in (summary_from, lambda raw: container_from(raw, "docker")):
        with pytest.raises(ValueError, match="a container without an id"):
            read(raw)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (None, ()),
        ([], ()),
        ([GPU_ALL], (DeviceRequest(count=-1, capabilities=(("gpu",),)),)),
        (
            [GPU_TWO],
            (DeviceRequest(driver="nvidia", device_ids=("0", "GPU-5f"), capabilities=(("gpu", "utility"),)),),
        ),
        ([CDI], (DeviceRequest(driver="cdi", device_ids=("nvidia.com/gpu=all",)),)),
    ],
)
def test_device_requests(raw: object, wanted: tuple[DeviceRequest, ...]) -> None:
    assert (
        container_from(a_container("gpu", HostConfig__DeviceRequests=raw), "docker").device_requests == wanted
    )


def test_everything_there_is() -> None:
    found = container_from(FULL, "docker")
    assert found.devices == (Device(host="/dev/a", container="/dev/b"),)
    assert found.device_rules == ("c 195:* rwm",)
    assert found.mounts == (Mount(kind="bind", source="/a", destination="/b"),)
    assert found.command == ("sleep", "1000")
    assert found.variables == {"USER": "alice"}
    assert found.created_at == pytest.approx(1769903999.123456)
    assert found.started_at == 1769904000.5
    assert found.pid == 4242


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((state.value, state) for state in ContainerState),
        ("Running", ContainerState.RUNNING),
        ("configured", ContainerState.CREATED),
        ("initialized", ContainerState.CREATED),
        ("stopped", ContainerState.EXITED),
        ("stopping", ContainerState.RUNNING),
        ("hibernating", ContainerState.UNKNOWN),
    ],
)
def test_words_of_docker_and_podman_for_a_state(word: str, state: ContainerState) -> None:
    made = a_container("one", State__Status=word)
    assert container_from(made, "podman").state is summary_from(listed(made)).state is state


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({"Running": True, "Paused": True}, ContainerState.PAUSED),
        ({"Running": True, "Paused": False}, ContainerState.RUNNING),
        ({"Running": False}, ContainerState.UNKNOWN),
    ],
)
def test_where_there_is_no_word_the_flags_say_it(flags: dict[str, bool], state: ContainerState) -> None:
    assert container_from({"Id": "a", "State": flags}, "podman").state is state


@pytest.mark.parametrize("pid", [0, -1, None, "12", 1.5, True, 2**40])
def test_what_is_no_pid_is_none(pid: object) -> None:
    assert container_from(a_container("one", State__Pid=pid), "docker").pid is None


def test_podmans_runtime_says_nothing_unless_it_names_the_program() -> None:
    made = a_container("one", HostConfig__Runtime="oci")
    assert container_from(made, "podman").oci_runtime is None
    assert container_from({**made, "OCIRuntime": "crun"}, "podman").oci_runtime == "crun"


def test_its_own_name_is_told_from_those_that_links_give_it() -> None:
    entry = listed(a_container("db"))
    assert summary_from({**entry, "Names": ["/web/db", "/db"]}).name == "db"
    assert summary_from({**entry, "Names": None}).name == ""


def test_a_pod_is_named_by_its_labels() -> None:
    labels = {"io.kubernetes.pod.name": "trainer-0", "io.kubernetes.pod.namespace": "ml"}
    assert container_from(a_container("one", Config__Labels=labels), "docker").pod == "ml/trainer-0"
    del labels["io.kubernetes.pod.namespace"]
    assert container_from(a_container("one", Config__Labels=labels), "docker").pod is None


def test_no_secret_is_kept_and_the_first_of_two_variables_counts() -> None:
    environment = ["AWS_SECRET=hush", "USER=alice", "USER=bob", "USERNAME", "USERX=y", "NB_USER="]
    found = container_from(a_container("one", Config__Env=environment), "docker")
    assert found.variables == {"USER": "alice", "NB_USER": ""}
    assert "hush" not in repr(found)


def test_huge_values_are_cut_and_half_characters_can_be_written() -> None:
    made = a_container(
        "one",
        Config__Labels={"big": "x" * 10**6, "half": "a\ud800b", **{f"l{n}": "" for n in range(20_000)}},
        Args=["é" * 10**5] * 20_000,
        Config__User="u" * 10**5,
    )
    found = container_from(made, "docker")
    assert len(found.labels["big"]) == len(found.user) == LONGEST_TEXT
    assert len(found.labels) <= 10_000 and len(found.command) <= 10_001
    assert found.labels["half"] == "a?b"
    json.dumps({**found.labels}, ensure_ascii=False).encode()
