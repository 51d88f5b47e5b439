"""Which GPUs must not be given to a job, and why."""

from dataclasses import replace

import pytest

from sentinel.agent.link.arbiter_view import ArbiterView, NoArbiter, SilentArbiter, arbiter_view
from sentinel.agent.link.blocking import Around, blocked
from sentinel.agent.link.processes import Ended, LeftBehind, Ours, Serving, Strange
from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind, unnamed
from sentinel.core.node import BlockKind
from sentinel.core.workload import Category, Origin, Workload, WorkloadState

PYTHON = GpuProcess(pid=10, kind=ProcessKind.COMPUTE, name="python")
GPU = Gpu(index=0, uuid="GPU-0", processes=(PYTHON,))
FREE = replace(GPU, processes=())
ADAS = Workload(
    id="process:10:1:b",
    origin=Origin.HOST,
    category=Category.HOST,
    state=WorkloadState.RUNNING,
    name="train.py",
    user="ada",
)


def kind(gpu: Gpu, around: Around) -> BlockKind | None:
    found = blocked(gpu, around)
    return None if found is None else found.kind


def arbiter(**gpu: object) -> ArbiterView:
    row = {"uuid": "GPU-0", "known": True, "leases": [], "processes": [], "cordon": None, **gpu}
    leases = [
        {"id": "L1", "user": "eve", "pid": 5, "command": "train", "survivors": [{"pid": 6, "name": "x"}]}
    ]
    return arbiter_view({"gpus": [row], "leases": leases})


def test_a_free_gpu_is_free() -> None:
    assert blocked(FREE, Around()) is None


def test_a_workload_that_nobody_queued_blocks_it_and_is_named() -> None:
    block = blocked(GPU, Around(whose={10: Strange()}, workloads={10: ADAS}))
    assert block is not None and block.kind is BlockKind.UNMANAGED
    assert block.why == "train.py of ada (pid 10), which nobody queued, runs on it"
    unknown = blocked(GPU, Around())
    assert unknown is not None and "python (pid 10)" in unknown.why, "nobody looked at it: careful"


@pytest.mark.parametrize("whose", [Ours(token="t"), Ended(), Serving()])
def test_our_jobs_do_not_block_it_nor_do_the_dead_nor_mps(whose: Ours | Ended | Serving) -> None:
    assert blocked(GPU, Around(whose={10: whose})) is None


def test_several_of_our_jobs_on_one_gpu_do_not_hide_a_stranger_there() -> None:
    several = replace(GPU, processes=tuple(replace(PYTHON, pid=pid) for pid in (10, 11, 12)))
    ours = {10: Ours(token="a"), 11: Ours(token="b")}
    assert blocked(several, Around(whose={**ours, 12: Ours(token="a")})) is None
    block = blocked(several, Around(whose={**ours, 12: Strange()}))
    assert block is not None and "pid 12" in block.why


def test_a_mig_device_is_as_its_card_is() -> None:
    part = replace(FREE, uuid="MIG-1")
    finding = Around(findings={"GPU-0": "the card fell off the bus"})
    assert kind(part, finding) is None
    block = blocked(part, finding, part_of="GPU-0")
    assert block is not None and block.kind is BlockKind.QUARANTINED
    stray = blocked(part, Around(strangers={"MIG-1": "j1"}), part_of="GPU-0")
    assert stray is not None and "job j1" in stray.why
    assert blocked(part, Around(strangers={"MIG-2": "j1"}), part_of="GPU-0") is None


def test_an_arbiter_has_no_mig_devices_to_give() -> None:
    part = replace(FREE, uuid="MIG-1")
    block = blocked(part, Around(arbiter=arbiter()), part_of="GPU-0")
    assert block is not None and block.kind is BlockKind.LEASED and "whole cards" in block.why
    leased = blocked(part, Around(arbiter=arbiter(leases=["L1"])), part_of="GPU-0")
    assert leased is not None and "eve" in leased.why


def test_a_job_that_the_controller_does_not_know_blocks_it() -> None:
    block = blocked(FREE, Around(strangers={"GPU-0": "j1"}))
    assert block is not None and block.kind is BlockKind.UNMANAGED and "job j1" in block.why


def test_what_a_job_left_behind_does() -> None:
    block = blocked(GPU, Around(whose={10: LeftBehind(token="t")}))
    assert block is not None and block.kind is BlockKind.UNMANAGED and "left behind" in block.why


def test_who_only_draws_does_not() -> None:
    drawing = replace(PYTHON, kind=ProcessKind.GRAPHICS)
    assert blocked(replace(GPU, processes=(drawing,)), Around(whose={10: Strange()})) is None


@pytest.mark.parametrize("row", [{"service": "chat"}, {"ignored": True}])
def test_inference_steps_aside_and_what_is_ignored_is_ignored(row: dict[str, object]) -> None:
    around = Around(whose={10: Strange()}, arbiter=arbiter(processes=[{"pid": 10, **row}]))
    assert blocked(GPU, around) is None


def test_a_lease_of_sentinel_request_blocks_it() -> None:
    block = blocked(FREE, Around(arbiter=arbiter(leases=["L1"])))
    assert block is not None and block.kind is BlockKind.LEASED
    assert block.why == "eve (train) has it by sentinel-request, lease L1"


@pytest.mark.parametrize("own", [5, 6])
def test_a_lease_of_ours_does_not(own: int) -> None:
    around = Around(arbiter=arbiter(leases=["L1"]), own_pids=frozenset({own, 99}))
    assert blocked(FREE, around) is None
    assert kind(FREE, replace(around, own_pids=frozenset({99}))) is BlockKind.LEASED


def test_a_lease_of_which_nothing_is_known_blocks_it() -> None:
    assert kind(FREE, Around(arbiter=arbiter(leases=["L9"]))) is BlockKind.LEASED


def test_a_cordon_quarantines_and_where_there_is_an_arbiter_it_alone() -> None:
    cordoned = arbiter(cordon={"by": "root", "reason": "quarantine: Xid 79", "since": ""})
    block = blocked(FREE, Around(arbiter=cordoned))
    assert block is not None and (block.kind, block.why) == (BlockKind.QUARANTINED, "quarantine: Xid 79")
    finding = {"GPU-0": "the card fell off the bus"}
    assert kind(FREE, Around(findings=finding)) is BlockKind.QUARANTINED
    lifted = Around(findings=finding, arbiter=arbiter())
    assert blocked(FREE, lifted) is None, "whoever lifted it knew of the finding"


@pytest.mark.parametrize(
    ("gpu", "around"),
    [
        (replace(FREE, error="lost"), Around()),
        (replace(FREE, processes=None), Around()),
        (replace(FREE, uuid=unnamed("0")), Around()),
        (FREE, Around(arbiter=SilentArbiter(why="it hangs"))),
        (FREE, Around(arbiter=arbiter(known=False, unknown_why="no driver", processes=None))),
    ],
)
def test_what_cannot_be_told_is_unknown_not_free(gpu: Gpu, around: Around) -> None:
    block = blocked(gpu, around)
    assert block is not None and block.kind is BlockKind.UNKNOWN and block.why


def test_quarantine_outweighs_all() -> None:
    everything = replace(GPU, error="lost")
    assert kind(everything, Around(findings={"GPU-0": "x"}, whose={10: Strange()})) is BlockKind.QUARANTINED


@pytest.mark.parametrize(
    "status", [None, [], {}, {"gpus": 3}, {"gpus": [None, 3, {}], "leases": [{"id": 3}]}]
)
def test_a_status_in_another_form_says_nothing(status: object) -> None:
    assert blocked(FREE, Around(arbiter=arbiter_view(status))) is None
    assert blocked(FREE, Around(arbiter=NoArbiter())) is None
