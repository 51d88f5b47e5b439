"""Who holds which part of a GPU."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.telemetry.samples import ADA, GIB, gpu, process, sample

from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind
from sentinel.core.workload import Origin
from sentinel.telemetry.exposition import render
from sentinel.telemetry.holding import MOST_HOLDERS, OTHERS, Held, Lent, held_points, holding
from sentinel.telemetry.sample import Owner, Watch

BOB = Owner(user="bob", workload_id="p1", origin=Origin.HOST)
ADAS, BOBS = ("ada", "kubernetes"), ("bob", "host-process")


def held(*gpus: Gpu, lent: tuple[Lent, ...] = (), owners: dict[int, Owner] | None = None) -> tuple[Held, ...]:
    return holding(GpuReading(source="test", gpus=gpus), lent, owners or {})


def parts(
    *gpus: Gpu, lent: tuple[Lent, ...] = (), owners: dict[int, Owner] | None = None
) -> dict[tuple[int, str, str], object]:
    found = held(*gpus, lent=lent, owners=owners)
    assert len({(one.gpu.index, one.holder) for one in found}) == len(found), "each holder once"
    return {(one.gpu.index, one.holder.user, one.holder.origin): pytest.approx(one.part) for one in found}


def job(*gpus: str, milli: int = 1000, owner: str | None = "cy", pids: tuple[int, ...] = ()) -> Lent:
    return Lent(gpus=gpus, milli=milli, owner=owner, pids=frozenset(pids))


def test_a_free_gpu_has_no_holder() -> None:
    assert held(gpu()) == ()


def test_what_the_queue_gave_out_is_held_whether_it_computes_or_not() -> None:
    idle = gpu(utilization_percent=0.0, power_watts=70.0)
    (one,) = held(idle, gpu(1), lent=(job("GPU-0"),))
    assert (one.gpu.index, *one.holder) == (0, "cy", "queue")
    assert (one.part, one.idle, one.power_watts) == (1.0, 1.0, 70.0)


def test_with_the_whole_of_it_given_out_nobody_else_has_any() -> None:
    busy = gpu(0, process(1), process(2))
    assert parts(busy, lent=(job("GPU-0", pids=(1,)),), owners={2: BOB}) == {(0, "cy", "queue"): 1.0}


def test_shares_by_their_size_and_the_rest_is_others() -> None:
    lent = (job("GPU-0", milli=250, pids=(1,)), job("GPU-0", milli=250, owner="dan", pids=(2,)))
    busy = gpu(0, process(1), process(2), process(3))
    assert parts(busy, lent=lent, owners={3: BOB}) == {
        (0, "cy", "queue"): 0.25,
        (0, "dan", "queue"): 0.25,
        (0, *BOBS): 0.5,
    }
    assert parts(gpu(0, process(1), process(2)), lent=lent) == {
        (0, "cy", "queue"): 0.25,
        (0, "dan", "queue"): 0.25,
    }


def test_two_shares_of_one_user_are_one_holder() -> None:
    lent = (job("GPU-0", milli=250), job("GPU-0", milli=500))
    assert parts(gpu(), lent=lent) == {(0, "cy", "queue"): 0.75}


def test_more_given_out_than_there_is_shrinks() -> None:
    lent = (job("GPU-0"), job("GPU-0", owner="dan"))  # what their specs say is not known yet
    assert parts(gpu(), lent=lent) == {(0, "cy", "queue"): 0.5, (0, "dan", "queue"): 0.5}


def test_without_the_queue_those_who_compute_share_equally() -> None:
    several = gpu(0, process(1), process(2), process(3), process(9, kind=ProcessKind.GRAPHICS))
    owners = {1: ADA, 2: replace(ADA, workload_id="c2"), 3: BOB, 9: Owner(user="xorg")}
    assert parts(several, owners=owners) == {(0, *ADAS): 0.5, (0, *BOBS): 0.5}


def test_an_unknown_user_is_one_without_a_name() -> None:
    known = gpu(0, process(1), process(2), process(3))
    assert parts(known, owners={1: BOB, 2: Owner()}) == {(0, "", "unknown"): 0.5, (0, *BOBS): 0.5}


def test_a_job_whose_owner_nobody_told_is_its_unix_users() -> None:
    busy = gpu(0, process(1))
    assert parts(busy, lent=(job("GPU-0", owner=None, pids=(1,)),), owners={1: BOB}) == {
        (0, "bob", "queue"): 1.0
    }
    assert parts(busy, lent=(job("GPU-0", owner=None),)) == {(0, "", "queue"): 1.0}


def test_where_processes_are_not_listed_only_the_queues_part_is_known() -> None:
    blind = gpu(processes=None)
    assert held(blind) == ()
    assert parts(blind, lent=(job("GPU-0", milli=300),)) == {(0, "cy", "queue"): 0.3}


def test_a_server_of_mps_is_not_counted_beside_its_clients() -> None:
    server = process(7, name="/usr/bin/nvidia-cuda-mps-server")
    client = process(1, kind=ProcessKind.MPS)
    assert parts(gpu(0, server, client), owners={1: BOB, 7: ADA}) == {(0, *BOBS): 1.0}
    assert parts(gpu(0, server), owners={7: ADA}) == {(0, *ADAS): 1.0}
    forged = replace(client, name="nvidia-cuda-mps-server")
    assert parts(gpu(0, forged), owners={1: BOB}) == {(0, *BOBS): 1.0}, "a name alone hides nobody"


@pytest.mark.parametrize(("busy", "idle"), [(0.0, 1.0), (5.0, 1.0), (5.1, 0.0), (100.0, 0.0), (None, None)])
def test_idle_is_the_part_while_nothing_is_computed(busy: float | None, idle: float | None) -> None:
    (one,) = held(gpu(0, process(1), utilization_percent=busy), owners={1: BOB})
    assert one.idle == idle


def test_power_is_by_part_and_unknown_where_the_gpus_is() -> None:
    lent = (job("GPU-0", milli=250),)
    assert [one.power_watts for one in held(gpu(power_watts=400.0), lent=lent)] == [100.0]
    assert [one.power_watts for one in held(gpu(power_watts=None), lent=lent)] == [None]


# ------------------------------------------------------------------ MIG


def mig(*gib: int | None, processes: tuple[GpuProcess, ...] | None = (), **more: object) -> Gpu:
    devices = tuple(
        MigDevice(
            index=at,
            uuid=f"MIG-{at}",
            gpu_instance_id=at,
            compute_instance_id=0,
            memory_total_bytes=None if size is None else size * GIB,
        )
        for at, size in enumerate(gib)
    )
    settings = {"mig_enabled": True, "mig_devices": devices, "processes": processes} | more
    return replace(gpu(utilization_percent=None), **settings)  # type: ignore[arg-type]


def on(pid: int, device: int) -> GpuProcess:
    return process(pid, gpu_instance_id=device, compute_instance_id=0)


def test_a_mig_device_is_the_part_of_its_card_that_its_memory_is() -> None:
    card = mig(40, 20, 10, processes=(on(1, 1), on(2, 2), on(3, 2)))
    found = parts(card, lent=(job("MIG-0"),), owners={1: BOB, 2: BOB, 3: ADA})
    assert found == {(0, "cy", "queue"): 0.5, (0, *BOBS): 0.25 + 0.0625, (0, *ADAS): 0.0625}
    assert [one.idle for one in held(card, lent=(job("MIG-0"),))] == [None] * 2


def test_compute_instances_on_one_part_of_the_memory_share_it() -> None:
    card = mig(40, 40)
    both = tuple(
        replace(one, gpu_instance_id=1, compute_instance_id=at) for at, one in enumerate(card.mig_devices)
    )
    card = replace(card, mig_devices=both)
    assert parts(card, lent=(job("MIG-0"),)) == {(0, "cy", "queue"): 0.25}


def test_a_device_of_unknown_size_is_in_no_result() -> None:
    card = mig(None, 40)
    assert parts(card, lent=(job("MIG-0"), job("MIG-1", owner="dan"))) == {(0, "dan", "queue"): 0.5}
    assert held(replace(card, memory_total_bytes=None), lent=(job("MIG-1"),)) == ()


def test_of_a_process_that_may_be_on_any_device_nobody_knows_what_it_has() -> None:
    card = mig(40, 40, processes=(process(9), on(1, 1)))
    lent = (job("MIG-0", pids=(5,)),)
    assert parts(card, lent=lent, owners={1: BOB}) == {(0, "cy", "queue"): 0.5}
    ours = (job("MIG-0", pids=(9,)),)
    assert parts(card, lent=ours, owners={1: BOB}) == {(0, "cy", "queue"): 0.5, (0, *BOBS): 0.5}


def test_a_card_that_was_given_out_whole_before_it_was_parted() -> None:
    assert parts(mig(40, 40), lent=(job("GPU-0"),)) == {(0, "cy", "queue"): 1.0}


# ------------------------------------------------------------------ bounds

USERS = st.sampled_from(["ada", "bob", "cy", None, "x" * 300, "e\x1bvil", "e\x07vil"])
OWNERS = st.dictionaries(
    st.integers(1, 30), st.builds(Owner, user=USERS, origin=st.sampled_from(Origin)), max_size=30
)
LENT = st.lists(
    st.builds(
        Lent,
        gpus=st.lists(st.sampled_from(["GPU-0", "GPU-1", "MIG-0", "MIG-1", "MIG-2"]), max_size=3).map(tuple),
        milli=st.integers(1, 1000),
        owner=USERS,
        pids=st.frozensets(st.integers(1, 30), max_size=4),
    ),
    max_size=6,
)
LISTED = st.none() | st.lists(
    st.builds(
        process,
        st.integers(1, 30),
        kind=st.sampled_from(ProcessKind),
        gpu_instance_id=st.none() | st.integers(0, 3),
        compute_instance_id=st.none() | st.just(0),
    ),
    max_size=12,
).map(tuple)
PERCENT = st.none() | st.floats(0, 100)


@st.composite
def cards(draw: st.DrawFn) -> tuple[Gpu, ...]:
    plain = gpu(1, utilization_percent=draw(PERCENT), power_watts=draw(st.none() | st.floats(0, 1000)))
    sizes = draw(st.lists(st.none() | st.integers(0, 80), max_size=4))
    first = mig(*sizes, processes=draw(LISTED), mig_enabled=draw(st.none() | st.booleans()))
    instances = draw(st.lists(st.none() | st.integers(0, 2), min_size=4, max_size=4))
    devices = [
        replace(one, gpu_instance_id=at) for one, at in zip(first.mig_devices, instances, strict=False)
    ]
    return replace(first, mig_devices=tuple(devices)), replace(plain, processes=draw(LISTED))


@given(cards(), LENT, OWNERS)
def test_of_no_gpu_more_than_the_whole_is_held(
    gpus: tuple[Gpu, ...], lent: list[Lent], owners: dict[int, Owner]
) -> None:
    found = held(*gpus, lent=tuple(lent), owners=owners)
    sums: dict[int, float] = defaultdict(float)
    for one in found:
        assert 0 < one.part <= 1 + 1e-9
        assert one.idle in (None, 0.0, one.part)
        assert (one.power_watts is None) == (one.gpu.power_watts is None)
        sums[one.gpu.index] += one.part
    assert all(total <= 1 + 1e-9 for total in sums.values())
    series = [(name, labels) for name, labels, _ in held_points("n", found)]
    assert len(set(series)) == len(series), "each series once"
    assert all(value.isprintable() for _, labels in series for _, value in labels)


@given(cards(), LENT, OWNERS)
def test_where_nobody_has_a_card_that_is_free_or_unknown(
    gpus: tuple[Gpu, ...], lent: list[Lent], owners: dict[int, Owner]
) -> None:
    found = held(*gpus, lent=tuple(lent), owners=owners)
    (plain,) = (one for one in gpus if one.index == 1)
    given = any("GPU-1" in one.gpus for one in lent)
    if plain.processes is None and not given:
        assert not [one for one in found if one.gpu.index == 1]
    if given:
        assert [one for one in found if one.gpu.index == 1 and one.holder.origin == "queue"]


def test_many_users_do_not_make_many_series() -> None:
    crowd = gpu(0, *(process(pid) for pid in range(200)))
    found = held(crowd, owners={pid: Owner(user=f"u{pid}") for pid in range(200)})
    assert len(found) == MOST_HOLDERS + 1
    (rest,) = (one for one in found if one.holder.user == OTHERS)
    assert rest.part == pytest.approx((200 - MOST_HOLDERS) / 200)


# ------------------------------------------------------------------ as series


def test_as_series_of_the_history() -> None:
    card = gpu(0, process(1), utilization_percent=3.0)
    points = list(held_points("node1", held(card, owners={1: BOB})))
    labels = (
        ("gpu", "0"),
        ("node", "node1"),
        ("origin", "host-process"),
        ("sku", "NVIDIA H100"),
        ("user", "bob"),
        ("uuid", "GPU-0"),
    )
    assert points == [
        ("gpu_held", labels, 1.0),
        ("gpu_held_idle", labels, 1.0),
        ("gpu_held_power_watts", labels, 300.0),
    ]
    (nameless,) = {labels for _, labels, _ in held_points("node1", held(card))}
    assert "user" not in dict(nameless), "an empty label is none"


def test_as_families_while_the_sample_is_fresh() -> None:
    taken = sample(gpu(0, process(1)), owners={1: BOB})
    found = holding(taken.reading, (), taken.owners)
    watch = Watch(node="node1", sample=taken)
    text = render("", watch, 100.0, held=found)[0].decode()
    card = 'gpu="0",node="node1",origin="host-process",sku="NVIDIA H100",user="bob",uuid="GPU-0"'
    assert f"gpu_held{{{card}}} 1.0\n" in text
    assert f"gpu_held_idle{{{card}}} 0.0\n" in text
    assert f"gpu_held_power_watts{{{card}}} 300.0\n" in text
    assert "gpu_held" not in render("", watch, 1000.0, held=found)[0].decode()
    assert "gpu_held" not in render("", watch, 100.0)[0].decode()
