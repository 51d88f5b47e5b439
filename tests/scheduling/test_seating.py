"""Which GPUs of a node a job gets: alike, linked, near each other; shares where least is left."""

from collections.abc import Sequence

from tests.scheduling.cluster import GIB, gpu, job

from sentinel.core.node import NodeGpu
from sentinel.scheduling.need import need_of
from sentinel.scheduling.seating import Left, seat


def pick(gpus: Sequence[NodeGpu], count: int, left: Sequence[int] = (), **more: object) -> list[int] | None:
    """Indices of what one part of a job gets."""
    rest = Left(tuple(left) or (1000,) * len(gpus), 16, 64 * GIB)
    found = seat(need_of(job("j", count, **more).spec), gpus, rest)
    return None if found is None else [gpus[at].index for at in found[1]]


def test_it_gets_gpus_alike_and_neighbours() -> None:
    cards = [gpu("n", i, gib=80) for i in (0, 2, 3, 7)]
    assert pick(cards, 2) == [2, 3]
    assert pick(cards, 3) == [0, 2, 3]
    mixed = [gpu("n", 0, gib=40), gpu("n", 1), gpu("n", 2)]
    assert pick(mixed, 1) == [0]
    assert pick(mixed, 2) == [1, 2], "rather two alike than one of the small ones"
    assert pick(mixed, 3) == [0, 1, 2]
    assert pick(mixed, 4) is None


def test_it_gets_one_island_the_one_with_the_fewest_left_that_suffices() -> None:
    cards = [gpu("n", i, island=i // 4) for i in range(8)]
    assert pick(cards, 2, [0, 0, 1000, 1000, 1000, 1000, 1000, 1000]) == [2, 3]
    assert pick(cards, 3, [0, 0, 1000, 1000, 1000, 1000, 1000, 1000]) == [4, 5, 6]
    assert pick(cards, 5, [0, 0, 1000, 1000, 1000, 1000, 1000, 1000]) == [2, 4, 5, 6, 7], "the larger whole"


def test_within_an_island_one_numa_node() -> None:
    cards = [gpu("n", i, island=0, numa=i // 4) for i in range(8)]
    assert pick(cards, 2, [0, 1000, 1000, 1000, 0, 0, 1000, 1000]) == [6, 7]
    assert pick(cards, 3, [0, 1000, 1000, 1000, 0, 0, 1000, 1000]) == [1, 2, 3]


def test_nodes_that_look_alike_decide_alike() -> None:
    """Where their free GPUs lie does not matter: what suits is looked at for one of them alone."""
    kinds = [(0, 0), (0, 1), (1, 2), (1, 2), (0, 0), (0, 1)]
    cards = [gpu("n", i, island=island, numa=numa) for i, (island, numa) in enumerate(kinds)]
    need = need_of(job("j", 2).spec)
    one = seat(need, cards, Left((1000, 1000, 1000, 1000, 0, 0), None, None))
    other = seat(need, cards, Left((0, 0, 1000, 1000, 1000, 1000), None, None))
    assert one is not None and other is not None
    assert one[0] == other[0]


def test_a_share_goes_where_least_is_left_and_enough() -> None:
    cards = [gpu("n", i) for i in range(4)]
    assert pick(cards, 1, [1000, 300, 500, 900], gpu_milli=400) == [2]
    assert pick(cards, 1, [1000, 300, 500, 900], gpu_milli=950) == [0]
    assert pick(cards, 1, [300, 300, 0, 0], gpu_milli=400) is None
    assert pick(cards, 1, [900, 900, 0, 0]) is None, "a whole one is not shared"


def test_a_model_that_is_liked_better_is_taken_first() -> None:
    cards = [
        gpu("n", 0, model="NVIDIA A100"),
        gpu("n", 1, model="NVIDIA H100"),
        gpu("n", 2, model="Tesla V100"),
    ]
    assert pick(cards, 1, gpu_model="h100,a100") == [1]
    assert pick(cards, 1, gpu_model="v100, A100") == [2]
    assert pick(cards, 1, [1000, 0, 1000], gpu_model="h100,a100") == [0]
    assert pick(cards, 2, gpu_model="h100,a100") == [0, 1]
    assert pick(cards, 3, gpu_model="h100,a100") is None


def test_cpus_and_memory_of_the_machine_are_needed_too() -> None:
    cards = [gpu("n", 0)]
    assert pick(cards, 1, cpus=16, memory_bytes=64 * GIB) == [0]
    assert pick(cards, 1, cpus=17) is None
    assert pick(cards, 1, memory_bytes=65 * GIB) is None
    unknown = Left((1000,), None, None)
    assert seat(need_of(job("j", cpus=1).spec), cards, unknown) is None, "what is unknown does not suffice"
    assert pick(cards, 0) == []
