"""Suspending processes whole, against a stand-in for NVIDIA's program."""

import os
import time
from pathlib import Path

import pytest
from tests.fakes.cuda_checkpoint import CudaCheckpointStandIn

from sentinel.core.errors import ServiceError
from sentinel.drivers.services.checkpoint import CudaCheckpoint, NoCheckpoint

A, B, PLAIN = os.getpid(), os.getppid(), 2**22 + 1


@pytest.fixture
def tool(tmp_path: Path) -> CudaCheckpointStandIn:
    """This process and its parent have CUDA contexts, and nothing else."""
    stand_in = CudaCheckpointStandIn(tmp_path / "cuda")
    stand_in.gives_context(A, B)
    return stand_in


def program(tool: CudaCheckpointStandIn) -> CudaCheckpoint:
    return CudaCheckpoint(str(tool.path))


def states(tool: CudaCheckpointStandIn) -> tuple[str, str]:
    return tool.state(A), tool.state(B)


def test_all_are_locked_before_the_first_is_checkpointed(tool: CudaCheckpointStandIn) -> None:
    assert program(tool).suspend([A, B, PLAIN], seconds=5) == {A, B}
    assert states(tool) == ("checkpointed", "checkpointed")
    assert [line.split()[0] for line in tool.actions] == ["lock", "lock", "checkpoint", "checkpoint"]


def test_suspending_what_is_suspended_never_wakes_it(tool: CudaCheckpointStandIn) -> None:
    cuda = program(tool)
    cuda.suspend([A], seconds=5)
    assert cuda.suspend([A, B], seconds=5) == {A, B}  # one that came later is taken along
    assert states(tool) == ("checkpointed", "checkpointed")


def test_resuming_brings_back_what_is_suspended_and_what_is_half_way(tool: CudaCheckpointStandIn) -> None:
    cuda = program(tool)
    cuda.suspend([A], seconds=5)
    (tool.path.parent / str(B)).write_text("locked")  # an arbiter died in between
    cuda.resume([A, B, PLAIN], seconds=5)
    assert states(tool) == ("running", "running")
    before = tool.actions
    cuda.resume([A, B], seconds=5)
    assert tool.actions == before


@pytest.mark.parametrize("action", ["lock", "checkpoint"])
def test_when_one_will_not_the_others_are_brought_back(tool: CudaCheckpointStandIn, action: str) -> None:
    last = max(A, B)
    tool.fails(action, last, "UVM allocation")
    with pytest.raises(ServiceError, match=rf"{action}.*{last}.*UVM allocation") as caught:
        program(tool).suspend([A, B], seconds=5)
    assert states(tool) == ("running", "running")
    assert "undone" not in caught.value.message


def test_what_cannot_be_undone_either_is_said(tool: CudaCheckpointStandIn) -> None:
    tool.fails("checkpoint", max(A, B))
    tool.fails("restore", min(A, B), "out of memory")
    with pytest.raises(ServiceError, match=r"could not be undone: .*out of memory"):
        program(tool).suspend([A, B], seconds=5)


def test_one_that_will_not_come_back_does_not_keep_the_others(tool: CudaCheckpointStandIn) -> None:
    cuda = program(tool)
    cuda.suspend([A, B], seconds=5)
    tool.fails("restore", A, "out of memory")
    with pytest.raises(ServiceError, match="out of memory"):
        cuda.resume([A, B], seconds=5)
    assert states(tool) == ("checkpointed", "running")


@pytest.mark.parametrize("pids", [[PLAIN], []])
def test_a_service_without_a_cuda_process_cannot_be_suspended(
    tool: CudaCheckpointStandIn, pids: list[int]
) -> None:
    with pytest.raises(ServiceError, match=r"no process of it can be suspended"):
        program(tool).suspend(pids, seconds=5)


def test_a_lost_cuda_state_is_an_error_at_once(tool: CudaCheckpointStandIn) -> None:
    (tool.path.parent / str(A)).write_text("failed")
    for call in (program(tool).suspend, program(tool).resume):
        with pytest.raises(ServiceError, match=r"CUDA state of process .* is lost"):
            call([A], seconds=5)


def test_a_tool_that_is_not_there_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(NoCheckpoint, match=r"No such file.*github.com/NVIDIA/cuda-checkpoint"):
        CudaCheckpoint(str(tmp_path / "none")).suspend([A], seconds=5)


def test_a_tool_that_is_too_old_says_what_it_said(tmp_path: Path) -> None:
    old = tmp_path / "cuda-checkpoint"
    old.write_text("#!/bin/sh\necho 'unknown option --get-state' >&2; exit 1\n")
    old.chmod(0o755)
    with pytest.raises(ServiceError, match="unknown option --get-state"):
        CudaCheckpoint(str(old)).suspend([A], seconds=5)


def test_a_tool_that_hangs_is_given_up(tool: CudaCheckpointStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.drivers.services.checkpoint._OVERTIME", 0.3)
    tool.fails("checkpoint", A, "hang")
    began = time.monotonic()
    with pytest.raises(ServiceError, match="not done after"):
        program(tool).suspend([A], seconds=0.1)
    assert time.monotonic() - began < 5
    assert tool.state(A) == "running"  # the lock is taken back
