"""From one look to the inventory: who belongs to what, and what is remembered while somebody is silent."""

from dataclasses import replace
from typing import Any

from tests.fakes.sightings import (
    BOOT,
    MIB,
    SETTINGS,
    START,
    UUIDS,
    a_container,
    a_gpu,
    a_process,
    an_engine,
    container_id,
    gpus,
    observed,
    on_gpu,
    scope,
)

from sentinel.core.container import ContainerState, DeviceRequest
from sentinel.core.gpu import MigDevice, ProcessKind
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.process_facts import Usage
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.core.workload_json import inventory_from, inventory_json
from sentinel.inventory.attribution.attribute import Memory, attribute, memory_from, memory_json
from sentinel.inventory.attribution.joining import wanted_pids
from sentinel.inventory.observation import Absent, Covered, Leases, Observation, Pod, Seen, Unknown

A = container_id("a")
ALL = (DeviceRequest(count=-1, capabilities=(("gpu",),)),)


def look(*looks: Observation) -> tuple[Inventory, Memory]:
    inventory, memory = attribute(looks[0], None, None, SETTINGS)
    for one in looks[1:]:
        inventory, memory = attribute(one, inventory, memory, SETTINGS)
    return inventory, memory


def only(*looks: Observation) -> Workload:
    (workload,) = look(*looks)[0].workloads
    return workload


def a_job(pid: int, job: str = "7", **more: Any) -> Any:
    return a_process(pid, cgroup=f"0::/system.slice/slurmstepd.scope/job_{job}/step_0", **more)


IN_A = a_process(500, uid=0, cgroup=scope(A))
BOX = {"docker": an_engine(a_container("a"))}


def test_a_process_on_two_gpus_is_one_workload() -> None:
    cards = gpus(a_gpu(0, on_gpu(7, 100)), a_gpu(1, on_gpu(7, 50, kind=ProcessKind.MPS)))
    one = only(observed(cards=cards, processes=[a_process(7)]))
    assert one.id == f"process:7:7:{BOOT[:8]}"
    assert (one.origin, one.user, one.state) == (Origin.HOST, "ann", WorkloadState.RUNNING)
    assert (one.gpus, one.gpu_memory_bytes, one.pids) == (UUIDS, 150 * MIB, (7,))
    assert (one.transient, one.seen_running, one.source) == (True, True, "gpus")


def test_memory_is_unknown_when_any_of_it_is() -> None:
    cards = gpus(a_gpu(0, on_gpu(7, 100)), a_gpu(1, on_gpu(7, None)))
    assert only(observed(cards=cards, processes=[a_process(7)])).gpu_memory_bytes is None


def test_a_process_joins_its_container_by_cgroup_and_by_pid() -> None:
    cards = gpus(a_gpu(0, on_gpu(500), on_gpu(501)), a_gpu(1))
    helper = a_process(501, uid=1002, cgroup=scope(A))
    one = only(observed(cards=cards, processes=[IN_A, helper], engines=BOX))
    assert (one.id, one.pids, one.user, one.process) == (A, (500, 501), "bob", IN_A.process)
    assert only(observed(cards=gpus(a_gpu(0, on_gpu(500))), engines=BOX)).pids == (500,)


def test_a_container_on_a_gpu_that_its_configuration_does_not_give() -> None:
    one = only(observed(cards=gpus(a_gpu(0, on_gpu(500))), processes=[IN_A], engines=BOX))
    assert (one.gpu_access, one.gpus) == (True, UUIDS[:1])
    assert one.conflicts == ("it is seen on GPU 0, but its configuration gives it none",)


def test_gpus_given_and_seen_are_put_together() -> None:
    engines = {"docker": an_engine(a_container("a", device_requests=ALL))}
    one = only(observed(cards=gpus(a_gpu(0, on_gpu(500)), a_gpu(1)), processes=[IN_A], engines=engines))
    assert (one.gpus, one.conflicts) == (UUIDS, ())


def test_a_job_is_one_workload_and_another_users_process_is_not_of_it_by_saying_so() -> None:
    forger = a_process(3, uid=1002, variables={"SLURM_JOB_ID": "7"})
    colleague = a_process(4, uid=1001, variables={"SLURM_JOB_ID": "7"})
    cards = gpus(a_gpu(0, on_gpu(3), on_gpu(4), on_gpu(8), on_gpu(9)))
    found, _ = look(observed(cards=cards, processes=[forger, colleague, a_job(9), a_job(8)]))
    jobs = {one.id: one for one in found.workloads}
    one = jobs.pop("slurm:7")
    assert (one.user, one.slurm_job, one.pids) == ("ann", "7", (4, 8, 9))
    assert (one.origin, one.category, one.pid, one.conflicts) == (Origin.SLURM, Category.HOST, 8, ())
    (process,) = jobs.values()
    assert (process.user, process.pids) == ("bob", (3,))
    assert process.conflicts == ("its environment names Slurm job 7, which is another user's",)


def test_nobody_slips_into_anothers_container_by_the_name_of_a_folder() -> None:
    mine = f"0::/user.slice/user-1002.slice/user@1002.service/app.slice/docker-{A}.scope"
    cards = gpus(a_gpu(0, on_gpu(9)))
    found, _ = look(observed(cards=cards, processes=[IN_A, a_process(9, uid=1002, cgroup=mine)], engines=BOX))
    process = next(one for one in found.workloads if one.id != A)
    assert (process.user, process.pids) == ("bob", (9,))
    assert "as if it were in container" in process.conflicts[0]


def test_a_container_that_no_engine_lists() -> None:
    one = only(observed(cards=gpus(a_gpu(0, on_gpu(500))), processes=[IN_A]))
    assert (one.id, one.origin, one.category) == (A, Origin.UNKNOWN, Category.CONTAINER)
    assert (one.runtime, one.started_at) == ("docker", None)


def test_a_process_that_cannot_be_looked_at() -> None:
    one = only(observed(cards=gpus(a_gpu(0, on_gpu(7, name="/usr/bin/python3")))))
    assert (one.origin, one.category, one.user, one.name) == (Origin.UNKNOWN, Category.HOST, None, "python3")
    later = only(
        observed(cards=gpus(a_gpu(0, on_gpu(7)))),
        observed(130.0, cards=gpus(a_gpu(0, on_gpu(7))), processes=[a_process(7)]),
    )
    assert (later.id, later.user, later.transient) == (one.id, "ann", False)


def test_leases_and_services_are_sentinels() -> None:
    leases = Seen(Leases(covered={7: Covered(lease="L1", user="ann")}, services={8: "chat"}))
    cards = gpus(a_gpu(0, on_gpu(7), on_gpu(8)))
    first = observed(cards=cards, processes=[a_process(7), a_process(8, uid=113)], leases=leases)
    found, _ = look(first)
    assert {one.origin for one in found.workloads} == {Origin.SENTINEL}
    silent = replace(first, at=first.at + 30, boottime=130.0, leases=Unknown("it hangs"))
    assert {one.origin for one in look(first, silent)[0].workloads} == {Origin.SENTINEL}
    gone = replace(silent, leases=Seen(Leases()))
    assert {one.origin for one in look(first, silent, gone)[0].workloads} == {Origin.HOST, Origin.SYSTEM}


def test_a_pods_name_and_gpus_come_from_the_kubelet() -> None:
    uid = "0a1b2c3d-1111-2222-3333-444455556666"
    facts = a_process(500, uid=0, cgroup=f"0::/kubepods/pod{uid}/cri-containerd-{A}")
    visible = {"NVIDIA_VISIBLE_DEVICES": "void"}
    box = a_container(
        "a",
        engine="containerd",
        device_requests=(DeviceRequest(driver="nvidia", count=1),),
        variables=visible,
    )
    card = a_gpu(1, mig_devices=(MigDevice(index=0, uuid="MIG-1"),))
    pods = Seen((Pod(name="lab/train", uid=uid, gpus=("MIG-1",)),))
    one = only(
        observed(
            cards=gpus(a_gpu(0), card), processes=[facts], engines={"containerd": an_engine(box)}, pods=pods
        )
    )
    assert (one.origin, one.pod, one.gpus) == (Origin.KUBERNETES, "lab/train", UUIDS[1:])


def test_shares_of_the_processor_are_of_the_time_between_two_looks() -> None:
    cards = gpus(a_gpu(0, on_gpu(7)))

    def at(seconds: float, used: float) -> Observation:
        usage = {7: Usage(cpu_seconds=used, memory_bytes=5)}
        return observed(seconds, cards=cards, processes=[a_process(7)], process_usage=usage)

    first, memory = look(at(100.0, 50.0))
    assert first.workloads[0].cpu_percent is None
    later, _ = attribute(at(110.0, 65.0), first, memory_from(memory_json(memory)), SETTINGS)
    assert (later.workloads[0].cpu_percent, later.workloads[0].memory_bytes) == (150.0, 5)
    reboot = replace(at(110.0, 65.0), boot_id="another")
    assert attribute(reboot, first, memory, SETTINGS)[0].workloads[0].cpu_percent is None


def test_a_silent_engine_loses_nothing() -> None:
    silent = observed(130.0, processes=[], engines={"docker": Unknown("it hangs")})
    one = only(observed(processes=[IN_A], engines=BOX), silent)
    assert (one.state, one.last_seen_at, one.name) == (WorkloadState.UNKNOWN, START + 100, "name-a")
    alive = replace(silent, processes={500: IN_A})
    assert only(observed(processes=[IN_A], engines=BOX), alive).state is WorkloadState.RUNNING
    busy = replace(alive, gpus=gpus(a_gpu(0, on_gpu(501))), processes={501: a_process(501, cgroup=scope(A))})
    assert only(observed(processes=[IN_A], engines=BOX), busy).pids == (501,)


def test_an_engine_that_vanished_is_silent_until_it_is_switched_off() -> None:
    first = observed(processes=[IN_A], engines=BOX)
    vanished = observed(130.0, engines={"docker": Absent("no socket")})
    inventory, memory = look(first, vanished)
    assert inventory.sources["docker"].state is SourceState.UNKNOWN
    assert "docker = false" in inventory.sources["docker"].why
    assert inventory.sources["docker"].since == START + 130
    off = observed(160.0, engines={"docker": Absent(switched_off=True)})
    assert attribute(off, inventory, memory, SETTINGS)[0].workloads == ()
    assert look(vanished)[0].sources["docker"].state is SourceState.ABSENT


def test_silent_gpus_lose_nothing_and_a_reboot_ends_processes() -> None:
    first = observed(cards=gpus(a_gpu(0, on_gpu(7))), processes=[a_process(7)])
    silent = observed(130.0, cards=Unknown("the driver hangs"))
    one = only(first, silent)
    assert (one.state, one.gpus, one.gpu_memory_bytes) == (WorkloadState.UNKNOWN, UUIDS[:1], None)
    alive = only(first, replace(silent, processes={7: a_process(7)}))
    assert (alive.state, alive.gpu_memory_bytes) == (WorkloadState.RUNNING, None)
    assert look(first, replace(silent, boot_id="another"))[0].workloads == ()
    assert len(look(first, silent)[0].gpus) == 1


def test_a_process_that_left_the_gpu_is_there_until_it_ends() -> None:
    first = observed(cards=gpus(a_gpu(0, on_gpu(7))), processes=[a_process(7)])
    one = only(first, observed(130.0, processes=[a_process(7)]))
    assert (one.state, one.gpus, one.gpu_memory_bytes) == (WorkloadState.RUNNING, (), 0)
    assert look(first, observed(130.0))[0].workloads == ()


def test_a_stopped_container_stays_whose_it_was() -> None:
    first = observed(processes=[replace(IN_A, uid=1001)], engines=BOX)
    stopped = a_container("a", state=ContainerState.EXITED, pid=None, labels={"user": "bob"})
    one = only(first, observed(130.0, engines={"docker": an_engine(stopped)}))
    assert (one.state, one.user, one.pid, one.seen_running) == (WorkloadState.EXITED, "ann", None, False)


def test_a_container_that_could_not_be_inspected_is_listed_as_known() -> None:
    engines = {"docker": an_engine(a_container("a", device_requests=ALL), inspected=False)}
    assert only(observed(engines=engines)).gpu_access is None
    known = {"docker": an_engine(a_container("a", device_requests=ALL))}
    one = only(observed(engines=known), observed(130.0, engines=engines))
    assert (one.gpu_access, one.gpus, one.started_at) == (True, UUIDS, START + 1)


def test_what_two_engines_list_is_one_container() -> None:
    both = {"containerd": an_engine(a_container("a", engine="containerd")), "docker": BOX["docker"]}
    assert only(observed(engines=both)).source == "docker"


def test_idle_is_told_from_busy_and_from_unknown() -> None:
    def at(seconds: float, share: float | None) -> Observation:
        cards = gpus(a_gpu(0, on_gpu(7, utilization_percent=share), utilization_percent=90.0))
        return observed(seconds, cards=cards, processes=[a_process(7)])

    looks = [at(100.0 + 200.0 * step, 0.0) for step in range(4)]
    one = only(*looks)
    assert (one.state, one.idle_since, one.quiet_since) == (WorkloadState.IDLE, START + 100, START + 100)
    assert only(*looks, at(800.0, 30.0)).state is WorkloadState.RUNNING
    assert only(*looks, at(800.0, None)).state is WorkloadState.RUNNING  # somebody uses that GPU
    assert (
        only(*looks, observed(800.0, cards=Unknown("x"), processes=[a_process(7)])).idle_since == START + 100
    )


def test_everything_survives_being_written_down() -> None:
    cards = gpus(a_gpu(0, on_gpu(500), on_gpu(7)))
    odd = a_process(7, started_at=START + 0.1234567, login_uid=1002)
    inventory, _ = look(observed(33.7, cards=cards, processes=[IN_A, odd], engines=BOX))
    once = inventory_from(inventory_json(inventory))
    assert inventory_from(inventory_json(once)) == once
    assert inventory_json(once) == inventory_json(inventory)


def test_the_pids_that_a_scan_has_to_look_up() -> None:
    cards = gpus(a_gpu(0, on_gpu(7), on_gpu(8)))
    before, _ = look(observed(cards=gpus(a_gpu(0, on_gpu(9))), processes=[a_process(9)]))
    assert wanted_pids(cards, BOX, before, BOOT) == {7, 8, 9, 500}
    assert wanted_pids(cards, BOX, before, "another") == {7, 8, 500}


def test_off_the_gpu_and_hidden_is_unknown_and_not_ended() -> None:
    first = observed(cards=gpus(a_gpu(0, on_gpu(7))), processes=[a_process(7)])
    hidden = observed(130.0, blind="/proc is mounted with hidepid=2")
    assert only(first, hidden).state is WorkloadState.UNKNOWN
    assert look(first, hidden)[0].sources["processes"].state is SourceState.UNKNOWN
    assert look(first, hidden, observed(160.0))[0].workloads == ()
