"""Marks: once, never on what is managed, written where a runtime can hold them, again when it lost them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from sentinel.core.errors import SourceUnknown
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Category, Mark, Origin, Workload, WorkloadState
from sentinel.inventory.marking import Labels, labels_of, to_label, with_marks

ID = "a" * 64
RUNNING = Workload(
    id=ID,
    origin=Origin.DOCKER,
    category=Category.CONTAINER,
    state=WorkloadState.RUNNING,
    name="trainer",
    user="ann",
    gpu_access=True,
    runtime="docker",
    started_at=50.0,
    first_seen_at=100.0,
)
MARKED = replace(RUNNING, mark=Mark(user="ann", time=100.0, namespace="sentinel.detected"))


def inventory(*workloads: Workload) -> Inventory:
    return Inventory(node="n", scanned_at=100.0, boot_id="b", workloads=workloads)


def marked(workload: Workload, namespace: str | None = "sentinel.detected") -> Mark | None:
    return with_marks(inventory(workload), namespace).workloads[0].mark


@dataclass
class FakeRuntime:
    """Keeps labels, as containerd does: for as long as a container runs."""

    kept: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    name: str = "containerd"
    writes: int = 0
    down: bool = False

    def labels(self, id: str) -> Mapping[str, str] | None:
        if self.down:
            raise SourceUnknown("containerd does not answer")
        return self.kept.get(id)

    def set_labels(self, id: str, labels: Mapping[str, str]) -> bool:
        self.writes += 1
        self.kept[id] |= labels
        return True


def test_who_and_when() -> None:
    assert marked(RUNNING) == Mark(user="ann", time=100.0, namespace="sentinel.detected")
    assert marked(replace(RUNNING, user=None)) == replace(marked(RUNNING), user="unknown")  # type: ignore[type-var]


@pytest.mark.parametrize(
    "workload",
    [
        replace(RUNNING, origin=Origin.DS01, category=Category.MANAGED),
        replace(RUNNING, state=WorkloadState.EXITED),
        replace(MARKED, origin=Origin.SENTINEL, category=Category.MANAGED),
    ],
)
def test_nothing_managed_and_nothing_that_does_not_run(workload: Workload) -> None:
    assert marked(workload) is None


def test_once() -> None:
    later = replace(MARKED, first_seen_at=900.0, user="bob")
    assert marked(later) == MARKED.mark


def test_off() -> None:
    assert marked(RUNNING, namespace=None) is None


def test_the_labels_of_a_mark_and_its_namespace() -> None:
    assert labels_of(Mark(user="ann", time=0.0, namespace="ds01.detected")) == {
        "ds01.detected": "true",
        "ds01.detected.user": "ann",
        "ds01.detected.time": "1970-01-01T00:00:00.000Z",
    }


def test_a_user_s_name_is_no_label_of_its_own() -> None:
    found = marked(replace(RUNNING, user="ann\n x=y\x1b[0m" + "z" * 500))
    assert found is not None and found.user.startswith("ann__x_y__0m") and len(found.user) == 64


def test_written_once_and_the_inventory_says_where() -> None:
    runtime = FakeRuntime(kept={ID: {}})
    labels = Labels([runtime])
    found = labels.write(inventory(MARKED), 5.0)
    assert found.workloads[0].mark == replace(MARKED.mark, written_to="containerd")  # type: ignore[type-var]
    assert runtime.kept[ID]["sentinel.detected.user"] == "ann"
    labels.write(found, 5.0)
    assert runtime.writes == 1


def test_a_restart_loses_them_and_they_are_written_again() -> None:
    runtime = FakeRuntime(kept={ID: {}})
    labels = Labels([runtime])
    labels.write(inventory(MARKED), 5.0)
    runtime.kept[ID].clear()
    labels.write(inventory(replace(MARKED, started_at=60.0)), 5.0)
    assert runtime.kept[ID]["sentinel.detected"] == "true"


def test_what_is_there_is_not_written_again_by_the_next_process() -> None:
    runtime = FakeRuntime(kept={ID: labels_of(MARKED.mark)})  # type: ignore[arg-type]
    Labels([runtime]).write(inventory(MARKED), 5.0)
    assert runtime.writes == 0


def test_a_runtime_that_does_not_answer_is_said_and_tried_again() -> None:
    runtime = FakeRuntime(kept={ID: {}}, down=True)
    labels = Labels([runtime])
    assert labels.write(inventory(MARKED), 5.0) == inventory(MARKED)
    assert "containerd does not answer" in labels.trouble
    runtime.down = False
    labels.write(inventory(MARKED), 5.0)
    assert runtime.writes == 1 and labels.trouble == ""


def test_no_more_time_than_given() -> None:
    runtime = FakeRuntime(kept={ID: {}})
    Labels([runtime]).write(inventory(MARKED), 0.0)
    assert runtime.writes == 0


@pytest.mark.parametrize(
    "workload",
    [
        replace(MARKED, gpu_access=False),
        replace(MARKED, runtime="podman"),
        replace(MARKED, runtime=None),
        replace(MARKED, state=WorkloadState.UNKNOWN),
        RUNNING,
    ],
)
def test_labels_are_for_marked_gpu_containers_that_run(workload: Workload) -> None:
    assert to_label(inventory(workload), {}) == ()
