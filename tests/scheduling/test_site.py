"""What is left of a node, and when a job can start there."""

from math import inf

from tests.scheduling.cluster import GIB, gpu, job

from sentinel.scheduling.need import Need, need_of
from sentinel.scheduling.site import OVERRUN, Site, Start, Stay, earliest, freed, freed_at, make_site

NOW = 1000.0


def site(*held: Stay, gpus: int = 2, shares: bool = True) -> Site:
    cards = [gpu("n", i) for i in range(gpus)]
    return make_site(
        id="n", name="n", gpus=cards, open=True, shares=shares, cpus=8, memory=16 * GIB, held=held
    )


def stay(*positions: int, end: float, start: float = -inf, milli: int = 1000, cpus: int = 0) -> Stay:
    return Stay(f"job-{positions}-{end}", positions, milli, start, end, cpus)


def need(gpus: int = 1, **more: object) -> Need:
    return need_of(job("j", gpus, **more).spec)


def at(found: Start | None) -> float | None:
    return None if found is None else found.at


def test_it_starts_when_enough_is_let_go_of() -> None:
    one = site(stay(0, end=1100.0), stay(1, end=1300.0))
    assert at(earliest(one, need(1), 50.0, NOW, [])) == 1100.0
    assert at(earliest(one, need(2), 50.0, NOW, [])) == 1300.0
    assert at(earliest(one, need(3), 50.0, NOW, [])) is None
    assert at(earliest(site(stay(0, 1, end=inf)), need(1), 50.0, NOW, [])) is None


def test_before_something_that_is_kept_only_what_is_over_by_then() -> None:
    one = site(stay(0, end=inf))
    kept = [stay(1, start=1500.0, end=1600.0)]
    assert at(earliest(one, need(), 500.0, NOW, kept)) == NOW
    assert at(earliest(one, need(), 501.0, NOW, kept)) == 1600.0
    assert at(earliest(one, need(), None, NOW, kept)) == 1600.0
    assert at(earliest(one, need(), 501.0, NOW, kept, by=1600.0)) is None
    assert at(earliest(one, need(), None, NOW, [stay(1, start=1500.0, end=inf)])) is None


def test_what_is_over_its_time_is_thought_to_end_soon() -> None:
    one = site(stay(0, 1, end=NOW - 5.0))
    assert at(earliest(one, need(), None, NOW, [])) == NOW + OVERRUN


def test_shares_add_up_and_cpus_run_out() -> None:
    one = site(stay(0, end=1100.0, milli=600), stay(0, end=1200.0, milli=300), gpus=1)
    assert at(earliest(one, need(gpu_milli=100), 50.0, NOW, [])) == NOW
    assert at(earliest(one, need(gpu_milli=700), 50.0, NOW, [])) == 1100.0
    assert at(earliest(one, need(), 50.0, NOW, [])) == 1200.0
    busy = site(stay(0, end=1100.0, cpus=6))
    assert at(earliest(busy, need(cpus=2), 50.0, NOW, [])) == NOW
    assert at(earliest(busy, need(cpus=3), 50.0, NOW, [])) == 1100.0


def test_where_gpus_are_not_shared_no_share_ever_starts() -> None:
    one = site(shares=False)
    assert one.now(need(gpu_milli=500)) is None
    assert earliest(one, need(gpu_milli=500), 1.0, NOW, []) is None
    assert freed_at(one, need(gpu_milli=500)) is None


def test_the_bound_is_never_later_than_the_start() -> None:
    for one in (
        site(stay(0, end=1100.0), stay(1, end=1300.0)),
        site(stay(0, end=1100.0, milli=600), stay(0, end=1200.0, milli=300)),
        site(stay(0, 1, end=inf)),
    ):
        for wanted in (need(1), need(2), need(gpu_milli=500), need(gpu_milli=900)):
            start = earliest(one, wanted, 50.0, NOW, [])
            bound = freed_at(one, wanted)
            assert freed_at(one, wanted, freed(one)) == bound, "the short way says the same"
            assert bound is not None
            assert start is None or bound <= start.at


def test_without_a_job_it_is_as_if_that_had_not_been() -> None:
    one = site(stay(0, end=1100.0, cpus=6), stay(1, end=1300.0))
    gone = one.without({"job-(0,)-1100.0"})
    assert (gone.left.gpus, gone.left.cpus) == ((1000, 0), 8)
    assert one.without({"nobody"}) is one


def test_a_start_is_found_on_the_gpus_that_it_was_for() -> None:
    before = site(gpus=3)
    start = Start.on(before, 1100.0, (1, 2), 1200.0)
    assert start.gpus == ("n-1", "n-2")
    assert start.found_on(before) is start
    cards = list(before.gpus)
    shrunk = make_site(
        id="n", name="n", gpus=cards[1:], open=True, shares=True, cpus=None, memory=None, held=()
    )
    moved = start.found_on(shrunk)
    assert moved is not None and moved.positions == (0, 1)
    lost = make_site(
        id="n", name="n", gpus=cards[:2], open=True, shares=True, cpus=None, memory=None, held=()
    )
    assert start.found_on(lost) is None
