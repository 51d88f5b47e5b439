"""200 users with 50 requests each for the same card: does anyone wait longer than the stated bound?

The machine itself, without sockets: what is measured is the decision, not the transport (see crowd).
"""

import time

from bench.figure import Figure
from sentinel.arbiter.inputs import Acquire, Grant, Measured, Release
from sentinel.arbiter.machine import begin, step
from sentinel.arbiter.states import Sample, Settings, State
from sentinel.core.lease import Claim, Request, Sharing
from sentinel.core.process import Peer, ProcessId

USERS, EACH = 200, 50
WHOLE = Claim(sharing=Sharing.EXCLUSIVE, count=1)


def measure(quick: bool) -> list[Figure]:
    users, each = (20, 10) if quick else (USERS, EACH)
    state = _one_free_card()
    began = time.perf_counter()
    order: list[str] = []
    for turn in range(each):
        for uid in range(users):
            state, granted = _step(state, Acquire(request=_request(uid, turn)))
            order += granted
    while state.leases:
        state, granted = _step(state, Release(lease_id=next(iter(state.leases)), why="done"))
        order += granted
    micros = (time.perf_counter() - began) * 1e6 / (2 * users * each)
    late = _beyond_bound(order, users)
    how = f"{users} users, {each} requests each, all asked before any but the first was served"
    return [
        Figure(
            name="requests that waited longer than their bound",
            value=float(late + users * each - len(order)),
            unit="",
            target=0.0,
            how=f"{how}; the k-th of a user waits for at most k * users - 1 others",
            detail={"served": len(order)},
        ),
        Figure(name="one decision with that queue", value=round(micros, 1), unit="µs", how=how),
    ]


def _beyond_bound(order: list[str], users: int) -> int:
    """How many came later than the bound lets them. The very first was served before others asked."""
    late = 0
    for place, name in enumerate(order):
        uid, turn = map(int, name.split("-"))
        mine_before = 1 if uid == 0 else 0  # of this user's, that one did not queue
        late += place > (turn + 1 - mine_before) * users
    return late


def _one_free_card() -> State:
    card = Sample(uuid="GPU-0", index=0, total_bytes=1 << 36, used_bytes=0, free_bytes=1 << 36, listed=())
    return step(begin(Settings(), 0.0), Measured(began=0.0, samples=(card,)), 0.0)[0]


def _request(uid: int, turn: int) -> Request:
    peer = Peer(process=ProcessId(1000 + uid * EACH + turn, 1), uid=uid, gid=uid, user=f"user{uid}")
    return Request(id=f"{uid}-{turn}", peer=peer, claim=WHOLE, asked_at=1.0)


def _step(state: State, happened: Acquire | Release) -> tuple[State, list[str]]:
    state, actions = step(state, happened, 1.0)
    return state, [a.lease.id for a in actions if isinstance(a, Grant)]
