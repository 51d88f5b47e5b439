"""Who is next, and that nobody waits for ever: the queue's stated bound, over any arrivals."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.machines.arbiter_world import CARD, GIB, World

from sentinel.arbiter.admission import in_order
from sentinel.arbiter.inputs import Grant
from sentinel.arbiter.states import Limits, ServiceSettings, Settings
from sentinel.core.lease import Claim, Sharing

WHOLE = Claim(sharing=Sharing.EXCLUSIVE, count=1)


def world(cards: int = 1, **settings_: object) -> World:
    w = World(
        settings=Settings(**settings_),  # type: ignore[arg-type]
        cards=tuple(f"GPU-{n}" for n in range(cards)),
    )
    w.begin_reading()
    w.finish_reading()
    return w


def holder(w: World) -> str:
    assert len(w.state.leases) == 1
    return next(iter(w.state.leases))


@settings(max_examples=60, deadline=None)
@given(arrivals=st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=40))
def test_a_users_kth_request_waits_for_at_most_k_times_users_minus_one(
    arrivals: list[tuple[int, bool]],
) -> None:
    w = world()
    place: dict[str, int] = {}  # its position among its user's own, 1 for the first
    served_before: dict[str, int] = {}
    users: dict[str, int] = {}  # the most users that ever waited together with it

    def look_around() -> None:
        waiting = w.state.queue.waiting
        for requests in waiting.values():
            for r in requests:
                users[r.id] = max(users.get(r.id, 0), len(waiting))

    for uid, finish in arrivals:
        served = len(w.grants_of)
        request = w.acquire(uid, WHOLE)
        if request.id in w.state.leases:
            continue
        place[request.id] = len(w.state.queue.waiting[uid])
        served_before[request.id] = served
        look_around()
        if finish:
            w.end_lease(holder(w))
            look_around()
    while w.state.leases:
        w.end_lease(holder(w))
    order = [name for name, _ in w.grants_of]
    assert sorted(order) == sorted(w.asked), "everyone was served, once"
    for name, k in place.items():
        overtaken_by = order.index(name) - served_before[name]
        assert overtaken_by <= k * users[name] - 1


def test_users_take_turns_and_each_keeps_its_own_order() -> None:
    w = world()
    first = w.acquire(1, WHOLE)
    mine = [w.acquire(1, WHOLE, name=f"a{n}").id for n in range(3)]
    theirs = [w.acquire(2, WHOLE, name=f"b{n}").id for n in range(3)]
    assert [r.id for r in in_order(w.state.queue)] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    w.end_lease(first.id)
    while w.state.leases:
        w.end_lease(holder(w))
    granted = [name for name, _ in w.grants_of[1:]]
    assert granted == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert [n for n in granted if n in mine] == mine
    assert [n for n in granted if n in theirs] == theirs


def test_a_waiting_exclusive_request_closes_the_gate_for_later_shared_ones() -> None:
    w = world(cards=2)
    early = w.acquire(1, Claim())
    whole = w.acquire(2, Claim(sharing=Sharing.EXCLUSIVE, count=2))
    late = w.acquire(3, Claim())
    assert set(w.state.leases) == {early.id}
    w.end_lease(early.id)
    assert set(w.state.leases) == {whole.id}, "the one that came first goes first"
    w.end_lease(whole.id)
    assert set(w.state.leases) == {late.id}


def test_a_request_beside_the_gate_goes_ahead() -> None:
    w = world(cards=3)
    w.acquire(1, Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=("0",)))
    w.acquire(2, Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=("0",)))
    shared = w.acquire(3, Claim())
    assert w.state.leases[shared.id].gpus == ("GPU-1", "GPU-2")


def test_slices_share_a_card_by_what_they_declare_and_no_further() -> None:
    w = world(cards=1)
    slices = [w.acquire(n, Claim(sharing=Sharing.SLICE, memory_bytes=30 * GIB)) for n in range(3)]
    w.live(1.0)
    assert set(w.state.leases) == {s.id for s in slices[:2]}
    w.end_lease(slices[0].id)
    w.live(1.0)
    assert set(w.state.leases) == {s.id for s in slices[1:]}


def test_a_slice_that_fits_beside_inference_leaves_it_running() -> None:
    w = world(services=(ServiceSettings(name="chat", gpus=("0",), supervised=True),))
    w.live(1.0)
    w.acquire(1, Claim(sharing=Sharing.SLICE, memory_bytes=CARD - 21 * GIB))
    w.live(1.0)
    assert len(w.state.leases) == 1
    assert w.servers["chat"].up
    w.acquire(2, Claim(sharing=Sharing.SLICE, memory_bytes=21 * GIB))
    w.live(3.0)
    assert len(w.state.leases) == 2
    assert not w.servers["chat"].up


def test_a_limit_per_user_holds_that_user_back_and_nobody_else() -> None:
    w = world(cards=1, limits=Limits(leases_per_user=1))
    first = w.acquire(1, Claim())
    second = w.acquire(1, Claim())
    other = w.acquire(2, Claim())
    assert set(w.state.leases) == {first.id, other.id}
    w.end_lease(first.id)
    assert set(w.state.leases) == {second.id, other.id}


def test_what_is_too_much_for_the_machine_is_refused_at_once() -> None:
    w = world(cards=2)
    for claim in (
        Claim(sharing=Sharing.EXCLUSIVE, count=3),
        Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=("7",)),
        Claim(sharing=Sharing.SLICE, memory_bytes=CARD + 1),
        Claim(sharing=Sharing.EXCLUSIVE, count=1, memory_bytes=CARD + 1),
    ):
        request = w.acquire(1, claim)
        assert not isinstance(w.answers[request.id], Grant)


def test_two_hundred_users_with_fifty_requests_each_are_served_in_turn() -> None:
    w = world()
    w.check = lambda: None  # type: ignore[method-assign]  # its cost is not what is looked at
    for _ in range(5):
        for uid in range(1, 41):
            w.acquire(uid, WHOLE)
    while w.state.leases:
        w.end_lease(holder(w))
    uids = [w.asked[name].peer.uid for name, _ in w.grants_of]
    # The very first was served before anyone else was there; from then on: rounds of all users.
    for at in range(1, len(uids) - 40, 40):
        assert Counter(uids[at : at + 40]).most_common(1)[0][1] <= 2
