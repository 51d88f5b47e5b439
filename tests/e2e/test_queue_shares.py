"""Jobs that share a GPU."""

from pathlib import Path

import pytest
from tests.faults.queue.checker import check
from tests.faults.queue.world import World

pytestmark = pytest.mark.slow


def test_two_halves_of_a_gpu(tmp_path: Path) -> None:
    """Both run at the same time and are told how much memory is theirs; a third one waits, and so does who
    wants all of it."""
    with World(tmp_path, gpus=1) as world:
        [gpu] = world.client.gpus()
        halves = [world.submit(gpu_share=0.5, gate="x") for _ in range(2)]
        first, second = (world.begun(id) for id in halves)
        assert first.gpus == second.gpus == (gpu["uuid"],)
        third, whole = world.submit(gpu_share=0.25), world.submit()
        for id in (third, whole):
            found = world.client.why(id)
            assert found["blocking"] in ("gpus-busy", "ahead"), found
        held = world.client.why(third)["held_by"]
        assert {one.get("job") for one in held} == set(halves), held
        assert all(one["gpus"] == [gpu["uuid"]] for one in held)
        told = world.client.submit(
            ["sh", "-c", "echo $SENTINEL_GPU_MEMORY_LIMIT_BYTES $CUDA_VISIBLE_DEVICES"],
            cwd="/",
            gpu_share=0.5,
        )["id"]
        world.submitted[told] = 0
        world.open_gate("x")
        for id in (*halves, third, whole, told):
            assert world.ended(id)["state"] == "SUCCEEDED"
        limit, devices = b"".join(world.client.logs(told)).decode().split()
        assert int(limit) == gpu["memory_total_bytes"] // 2
        assert devices == gpu["uuid"]
        check(world, silent=[told])
