"""What a job with a share of a GPU is told, and what MPS is."""

from pathlib import Path

import pytest

from sentinel.agent.link.shares import share_environment

GIB = 2**30
PIPES = Path("/tmp/nvidia-mps")


def test_a_whole_gpu_needs_no_words() -> None:
    assert share_environment(1000, 80 * GIB, PIPES) == {}


def test_without_mps_it_is_told_and_no_more() -> None:
    assert share_environment(500, 80 * GIB, None) == {
        "SENTINEL_GPU_SHARE": "0.5",
        "SENTINEL_GPU_MEMORY_LIMIT_BYTES": str(40 * GIB),
    }
    assert share_environment(333, None, None) == {"SENTINEL_GPU_SHARE": "0.333"}


def test_with_mps_the_driver_is() -> None:
    assert share_environment(125, 80 * GIB, PIPES) == {
        "SENTINEL_GPU_SHARE": "0.125",
        "SENTINEL_GPU_MEMORY_LIMIT_BYTES": str(10 * GIB),
        "CUDA_MPS_PIPE_DIRECTORY": "/tmp/nvidia-mps",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "12",
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "0=10240M",
    }
    assert "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT" not in share_environment(125, None, PIPES)


@pytest.mark.parametrize("milli", [1, 9, 10, 999])
def test_nothing_is_rounded_to_none_or_up_to_more(milli: int) -> None:
    found = share_environment(milli, 80 * GIB, PIPES)
    assert 1 <= int(found["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"]) <= max(1, milli / 10)
    limit = int(found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"].removeprefix("0=").removesuffix("M"))
    assert 1 <= limit <= 80 * 1024 * milli / 1000
