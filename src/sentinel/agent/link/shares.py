"""What a job with a share of a GPU finds in its environment, and what keeps it within that share. Pure.

Called by `node_watch` when such a job is launched. Who enforces what:

- MIG: the card itself, memory and cores. A MIG device is a GPU of its own here (see `queue_gpus`): no share.
- NVIDIA's MPS, where its control daemon runs on the node: the driver, as long as the job leaves the
  environment as it is. It gets no more device memory than CUDA_MPS_PINNED_DEVICE_MEM_LIMIT (an allocation
  beyond that fails), and no more of the cores than CUDA_MPS_ACTIVE_THREAD_PERCENTAGE. One MPS server serves
  the jobs of one Unix user: another user's CUDA programs wait until those are done, unless the daemon was
  started for several (nvidia-cuda-mps-control -multiuser-server). A fault of one client can end the others.
- Neither: the job alone, by what SENTINEL_GPU_SHARE and SENTINEL_GPU_MEMORY_LIMIT_BYTES tell it. A program
  that takes no notice of them takes what it likes.

The queue counts shares the same in all three cases: those of a GPU are never more than the whole of it.
"""

from pathlib import Path

from sentinel.core.job import WHOLE

_MIB = 1 << 20


def share_environment(milli: int, memory_bytes: int | None, mps: Path | None) -> dict[str, str]:
    """For a job with so many thousandths of a GPU with that much memory (None: unknown, so no limit is set).
    `mps`: the pipe directory of the daemon that runs; None: there is none."""
    if milli >= WHOLE:
        return {}
    found = {"SENTINEL_GPU_SHARE": f"{milli / WHOLE:g}"}
    limit = None if memory_bytes is None else memory_bytes * milli // WHOLE
    if limit is not None:
        found["SENTINEL_GPU_MEMORY_LIMIT_BYTES"] = str(limit)
    if mps is not None:
        found["CUDA_MPS_PIPE_DIRECTORY"] = str(mps)
        found["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = str(max(1, milli * 100 // WHOLE))
        if limit is not None:
            # It sees no other GPU, so its own is the first.
            found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = f"0={max(1, limit // _MIB)}M"
    return found
