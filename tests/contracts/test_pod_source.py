"""What every PodSource promises: the fake, and the kubelet's socket with a real gRPC server behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.kubelet import FakeKubelet, answer, container, devices, pod
from tests.fakes.pods import FakePods

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.pod import PodDevices
from sentinel.drivers.pods.kubelet import Kubelet
from sentinel.ports.pods import PodSource

GIVEN = (
    PodDevices(
        namespace="lab",
        name="train-0",
        container="main",
        resource="nvidia.com/gpu",
        device_ids=("GPU-1", "GPU-2"),
        raw_ids=("GPU-1", "GPU-2"),
    ),
    PodDevices(
        namespace="lab",
        name="train-0",
        container="side",
        resource="nvidia.com/mig-1g.5gb",
        device_ids=("MIG-3",),
        raw_ids=("MIG-3::0", "MIG-3::1"),
    ),
)


@dataclass
class Case:
    """`give` sets what was given out; `sicken` makes it unknown; `remove` takes the cluster away."""

    source: PodSource
    give: Callable[[tuple[PodDevices, ...]], None]
    sicken: Callable[[], None]
    remove: Callable[[], None]


def fake(_folder: Path) -> Iterator[Case]:
    pods = FakePods()

    def give(given: tuple[PodDevices, ...]) -> None:
        pods.given, pods.failure = given, None

    def fail(error: SourceAbsent | SourceUnknown) -> Callable[[], None]:
        return lambda: setattr(pods, "failure", error)

    yield Case(pods, give, fail(SourceUnknown("hung")), fail(SourceAbsent("no cluster")))


def kubelet(folder: Path) -> Iterator[Case]:
    server = FakeKubelet(folder / "kubelet.sock").start()

    def give(given: tuple[PodDevices, ...]) -> None:
        server.answer = answer(
            *(
                pod(
                    each.namespace,
                    each.name,
                    container(each.container, devices(each.resource, *each.raw_ids)),
                )
                for each in given
            )
        )

    source = Kubelet(str(server.path), time_limit=0.3)
    yield Case(source, give, server.hang, server.stop)
    source.close()
    server.stop()


@pytest.fixture(params=[fake, kubelet])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from request.param(tmp_path)


def test_what_was_given_out(case: Case) -> None:
    case.give(GIVEN)
    assert case.source.devices() == GIVEN
    assert case.source.devices() == GIVEN  # asking changes nothing
    assert [given.shared for given in GIVEN] == [False, True]
    assert GIVEN[0].pod == "lab/train-0"


def test_nothing_given_out_is_an_answer(case: Case) -> None:
    case.give(())
    assert case.source.devices() == ()


def test_no_answer_is_unknown_and_may_come_later(case: Case) -> None:
    case.give(GIVEN)
    case.source.devices()
    case.sicken()
    with pytest.raises(SourceUnknown) as caught:
        case.source.devices()
    assert caught.value.retry


def test_no_cluster_is_absent(case: Case) -> None:
    case.give(GIVEN)
    case.source.devices()
    case.remove()
    with pytest.raises(SourceAbsent):
        case.source.devices()


def test_after_closing_it_begins_anew(case: Case) -> None:
    case.give(GIVEN)
    case.source.devices()
    case.source.close()
    case.source.close()
    assert case.source.devices() == GIVEN
