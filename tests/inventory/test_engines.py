"""Containers are inspected when something about them has changed, and only then."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.core.container import Container, ContainerState, ContainerSummary
from sentinel.core.errors import SourceUnknown
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.inventory.container_json import container_from, container_json
from sentinel.inventory.engines import EngineView

ID = "a" * 64


def container(id: str = ID, **changes: object) -> Container:
    known = Container(id=id, name="one", image="img", engine="docker", state=ContainerState.RUNNING, pid=42)
    return replace(known, **changes)  # type: ignore[arg-type]


@dataclass
class CountingEngine:
    """An engine that counts what it is asked."""

    here: dict[str, Container] = field(default_factory=dict[str, Container])
    name: str = "docker"
    listed: int = 0
    inspected: list[str] = field(default_factory=list[str])
    down: bool = False

    def containers(self) -> tuple[ContainerSummary, ...]:
        self.listed += 1
        if self.down:
            raise SourceUnknown("it does not answer")
        return tuple(
            ContainerSummary(id=c.id, name=c.name, image=c.image, command="", state=c.state, created_at=1.0)
            for c in self.here.values()
        )

    def inspect(self, id: str) -> Container | None:
        self.inspected.append(id)
        if self.down:
            raise SourceUnknown("it does not answer")
        return self.here.get(id)

    def changes(self) -> Iterator[str]:
        yield from ()

    def close(self) -> None:
        pass


@pytest.fixture
def processes() -> FakeProcessFacts:
    found = FakeProcessFacts()
    found.add(ProcessFacts(process=ProcessId(42, 1000), name="sleep"))
    return found


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine(here={ID: container()})


@pytest.fixture
def view(engine: CountingEngine, processes: FakeProcessFacts) -> EngineView:
    return EngineView(engine, processes)


def test_what_has_not_changed_is_not_inspected_again(engine: CountingEngine, view: EngineView) -> None:
    first = view.look()
    assert view.look() == first
    assert (engine.listed, engine.inspected) == (2, [ID])
    assert first.details[ID] == container()


def test_another_first_process_is_another_run(
    engine: CountingEngine, view: EngineView, processes: FakeProcessFacts
) -> None:
    view.look()
    processes.add(ProcessFacts(process=ProcessId(42, 2000), name="sleep"))  # restarted, and got its old pid
    engine.here[ID] = container(started_at=5.0)
    assert view.look().details[ID].started_at == 5.0


def test_a_new_state_is_looked_into(engine: CountingEngine, view: EngineView) -> None:
    view.look()
    engine.here[ID] = container(state=ContainerState.EXITED, pid=None)
    assert view.look().details[ID].state is ContainerState.EXITED
    view.look()
    assert engine.inspected == [ID, ID]


def test_a_new_name_needs_no_inspection(engine: CountingEngine, view: EngineView) -> None:
    view.look()
    engine.here[ID] = container(name="two")
    assert view.look().details[ID].name == "two"
    assert engine.inspected == [ID]


def test_what_was_touched_is_inspected_even_after_a_failure(engine: CountingEngine, view: EngineView) -> None:
    view.look()
    view.touch(ID)
    engine.down = True
    with pytest.raises(SourceUnknown):
        view.look()
    engine.down = False
    engine.here[ID] = container(labels={"new": "1"})
    assert view.look().details[ID].labels == {"new": "1"}


def test_what_went_between_list_and_inspection_is_not_there(engine: CountingEngine, view: EngineView) -> None:
    listed = engine.containers
    engine.containers = lambda: (*listed(), replace(listed()[0], id="b" * 64))  # type: ignore[method-assign]
    found = view.look()
    assert [one.id for one in found.summaries] == [ID]


def test_what_is_remembered_makes_the_next_process_as_quick(
    engine: CountingEngine, view: EngineView, processes: FakeProcessFacts
) -> None:
    view.look()
    later = EngineView(engine, processes)
    later.remember(view.memory())
    assert later.look().details[ID] == container()
    assert engine.inspected == [ID]


def test_a_memory_that_is_none_does_no_harm(engine: CountingEngine, processes: FakeProcessFacts) -> None:
    view = EngineView(engine, processes)
    view.remember({ID: {"container": {"id": 3}, "process": "x"}, "b": None, "c": 7})
    assert view.look().details[ID] == container()


def test_a_container_survives_its_json() -> None:
    from sentinel.core.container import Device, DeviceRequest, Mount

    full = container(
        labels={"a": "b"},
        variables={"USER": "ann"},
        device_requests=(DeviceRequest(driver="nvidia", count=-1, capabilities=(("gpu", "x"),)),),
        devices=(Device(host="/dev/null", container="/dev/nvidia0"),),
        mounts=(Mount(kind="bind", source="/home/ann", destination="/work"),),
        device_rules=("c 195:* rwm",),
        command=("python", "train.py"),
        user_is_image_default=False,
    )
    assert container_from(container_json(full)) == full
