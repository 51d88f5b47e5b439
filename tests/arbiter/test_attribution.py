"""Whose is a process on a GPU: by pid, start time, cgroup and memory of who was who; names only to ignore."""

import pytest
from tests.fakes.processes import FakeProcesses

from sentinel.arbiter.attribution import Attribution, user_name
from sentinel.arbiter.states import Listed, Sample
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind
from sentinel.core.process import ProcessId

GIB = 2**30
UUID = "GPU-0"


@pytest.fixture
def table() -> FakeProcesses:
    return FakeProcesses()


def attribution(table: FakeProcesses, **cgroups: tuple[str, ...]) -> Attribution:
    return Attribution(table, frozenset({"Xorg", "nvidia-smi"}), {"chat": (), **cgroups})


def reading(*pids: int, kind: ProcessKind = ProcessKind.COMPUTE, name: str | None = None) -> GpuReading:
    listed = tuple(GpuProcess(pid=pid, kind=kind, memory_bytes=GIB, name=name) for pid in pids)
    return GpuReading(source="test", gpus=(Gpu(index=0, uuid=UUID, processes=listed),))


def one(found: tuple[Sample, ...]) -> Listed:
    ((listed,),) = (sample.listed or () for sample in found)
    return listed


def pids(*of_chat: int) -> dict[str, frozenset[int]]:
    return {"chat": frozenset(of_chat)}


def test_a_service_s_process_is_its(table: FakeProcesses) -> None:
    process = table.spawn("ollama")
    listed = one(attribution(table).samples(reading(process.pid), pids(process.pid)))
    assert (listed.service, listed.foreign, listed.process, listed.name) == ("chat", False, process, "ollama")
    assert listed.memory_bytes == GIB


def test_a_stranger_is_foreign_and_has_a_name_and_a_user(table: FakeProcesses) -> None:
    process = table.spawn("train.py", uid=0)
    listed = one(attribution(table).samples(reading(process.pid), pids()))
    assert listed.foreign
    assert (listed.service, listed.lease, listed.ignored) == (None, None, False)
    assert (listed.name, listed.user) == ("train.py", "root")


def test_a_service_that_is_dead_but_still_listed_keeps_its_owner(table: FakeProcesses) -> None:
    """The driver lists a process a little longer than it lives: nobody else's fault."""
    process = table.spawn()
    who = attribution(table)
    who.samples(reading(process.pid), pids(process.pid))
    table.end(process)
    listed = one(who.samples(reading(process.pid), pids()))
    assert (listed.service, listed.process.started, listed.foreign) == ("chat", 0, False)


def test_a_dead_stranger_accuses_nobody(table: FakeProcesses) -> None:
    listed = one(attribution(table).samples(reading(4321, name="/usr/bin/gone"), pids()))
    assert (listed.process, listed.service, listed.foreign) == (ProcessId(4321, 0), None, False)
    assert (listed.name, listed.user) == ("gone", "?")


def test_a_pid_used_again_belongs_to_whom_it_is_now(table: FakeProcesses) -> None:
    process = table.spawn()
    who = attribution(table)
    who.samples(reading(process.pid), pids(process.pid))
    table.end(process)
    table.spawn("train.py", pid=process.pid)
    listed = one(who.samples(reading(process.pid), pids()))
    assert listed.service is None
    assert listed.foreign


def test_what_leaves_the_list_is_forgotten(table: FakeProcesses) -> None:
    process = table.spawn()
    who = attribution(table)
    who.samples(reading(process.pid), pids(process.pid))
    who.samples(reading(), pids())
    table.end(process)
    assert one(who.samples(reading(process.pid), pids())).service is None


def test_a_service_that_the_driver_no_longer_calls_its_own_keeps_the_living_process(
    table: FakeProcesses,
) -> None:
    """A child that left the service's unit is still what it was while it lives."""
    process = table.spawn()
    who = attribution(table)
    who.samples(reading(process.pid), pids(process.pid))
    assert one(who.samples(reading(process.pid), pids())).service == "chat"


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/system.slice/docker-abc.scope", "chat"),
        ("/kubepods/pod1/docker-abc.scope", None),
        ("/system.slice/docker-ABC.scope", None),
    ],
)
def test_globs_of_cgroups_make_a_process_a_service_s(
    table: FakeProcesses, path: str, owner: str | None
) -> None:
    process = table.spawn(cgroups=("/init.scope", path))
    who = attribution(table, chat=("/system.slice/docker-a*.scope",))
    assert one(who.samples(reading(process.pid), pids())).service == owner


@pytest.mark.parametrize(
    ("name", "kind", "ignored"),
    [
        ("Xorg", ProcessKind.COMPUTE, True),
        ("nvidia-smi", ProcessKind.COMPUTE, True),
        ("Xorg2", ProcessKind.COMPUTE, False),
        ("python3", ProcessKind.GRAPHICS, True),
        ("python3", ProcessKind.BOTH, False),
        ("python3", ProcessKind.MPS, False),
        ("python3", ProcessKind.UNKNOWN, False),
    ],
)
def test_what_only_draws_or_is_on_the_list_is_ignored(
    table: FakeProcesses, name: str, kind: ProcessKind, ignored: bool
) -> None:
    process = table.spawn(name, env={"SENTINEL_LEASE": "L1"})
    listed = one(attribution(table).samples(reading(process.pid, kind=kind), pids()))
    assert listed.ignored is ignored
    assert listed.foreign is not ignored
    assert listed.lease == (None if ignored else "L1")


def test_a_process_inside_a_lease_says_which(table: FakeProcesses) -> None:
    process = table.spawn(env={"SENTINEL_LEASE": "L7-ab"})
    assert one(attribution(table).samples(reading(process.pid), pids())).lease == "L7-ab"


def test_a_service_s_process_has_no_lease_whatever_its_environment_says(table: FakeProcesses) -> None:
    process = table.spawn(env={"SENTINEL_LEASE": "L7-ab"})
    assert one(attribution(table).samples(reading(process.pid), pids(process.pid))).lease is None


def test_a_second_look_is_worth_it_only_for_strangers(table: FakeProcesses) -> None:
    who = attribution(table)
    assert not who.stranger_listed(reading(5, 6), pids(5, 6, 7))
    assert who.stranger_listed(reading(5, 8), pids(5, 6))
    assert who.stranger_listed(reading(8), {})
    assert not who.stranger_listed(reading(), {})


def test_a_list_that_could_not_be_read_stays_unknown_and_values_are_passed_on(table: FakeProcesses) -> None:
    broken = Gpu(index=1, uuid="GPU-1", processes=None, error="GPU is lost")
    full = Gpu(
        index=0,
        uuid=UUID,
        name="H100",
        memory_total_bytes=80 * GIB,
        memory_used_bytes=30 * GIB,
        temperature_celsius=50.0,
        processes=(),
    )
    reads = GpuReading(source="test", gpus=(full, broken))
    good, bad = attribution(table).samples(reads, pids())
    assert (bad.listed, bad.error, bad.free_bytes) == (None, "GPU is lost", None)
    assert (good.listed, good.free_bytes, good.temperature_celsius) == ((), 50 * GIB, 50.0)
    assert good.devices == (UUID,)


def test_what_the_driver_calls_free_counts_more_than_the_difference(table: FakeProcesses) -> None:
    gpu = Gpu(
        index=0, uuid=UUID, memory_total_bytes=80 * GIB, memory_used_bytes=GIB, memory_free_bytes=70 * GIB
    )
    (sample,) = attribution(table).samples(GpuReading(source="test", gpus=(gpu,)), pids())
    assert sample.free_bytes == 70 * GIB


def test_a_card_cut_in_slices_is_handed_out_by_its_slices(table: FakeProcesses) -> None:
    devices = (
        MigDevice(index=0, uuid="MIG-a"),
        MigDevice(index=1, uuid=None),
        MigDevice(index=2, uuid="MIG-b"),
    )
    gpu = Gpu(index=0, uuid=UUID, mig_enabled=True, mig_devices=devices, processes=())
    (sample,) = attribution(table).samples(GpuReading(source="test", gpus=(gpu,)), pids())
    assert sample.devices == ("MIG-a", "MIG-b")


def test_a_user_without_a_name_is_shown_in_digits() -> None:
    assert user_name(0) == "root"
    assert user_name(3_999_999_999) == "3999999999"
