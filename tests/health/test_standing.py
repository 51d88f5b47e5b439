"""What began, goes on and ended over rounds: nothing ends by being unknown, and nothing flaps."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.health_views import NOW, card, history, idle_card, reading, view

from sentinel.core.event import Event, event_from, event_json
from sentinel.core.finding import Bad, Ok
from sentinel.core.gpu import Gpu
from sentinel.health.history import APART, WINDOW, History
from sentinel.health.round import Round, look
from sentinel.health.standing import CLEAN_ROUNDS, CLEAN_SECONDS, CLOSED, OPENED, Standing
from sentinel.health.view import ref

HOT = card(0, temperature_celsius=86.0)
WELL = card(0)
LOST = Gpu(index=0, uuid=WELL.uuid, name=WELL.name, error="GPU is lost")


def at(seconds: float, cards: Sequence[Gpu] | str) -> Round:
    told = cards if isinstance(cards, str) else reading(cards)
    return look(view(now=NOW + seconds, reading=told, earlier={}))


def run(*rounds: Round) -> tuple[Standing, list[tuple[float, str, str]]]:
    standing, told = Standing(), list[tuple[float, str, str]]()
    for one in rounds:
        standing, events = standing.after(one, "gpu01")
        told += [(event.time - NOW, event.type, event.data["finding"]["code"]) for event in events]
    return standing, told


def test_it_opens_once_and_keeps_when_it_began() -> None:
    standing, told = run(at(0, [HOT]), at(10, [HOT]), at(20, [HOT]))
    assert told == [(0, OPENED, "thermal.near-limit")]
    (found,) = standing.findings
    assert (found.first_at, found.last_at) == (NOW, NOW + 20)


def test_it_ends_after_both_enough_rounds_and_enough_time() -> None:
    soon = [at(10 + step, [WELL]) for step in range(20)]
    standing, told = run(at(0, [HOT]), *soon)
    assert [type for _, type, _ in told] == [OPENED] and standing.findings
    seldom = [at(1000, [WELL]), at(2000, [WELL])]
    assert run(at(0, [HOT]), *seldom)[0].findings
    standing, told = run(at(0, [HOT]), *seldom, at(3000, [WELL]))
    assert told[-1] == (3000, CLOSED, "thermal.near-limit") and standing.findings == ()
    assert (CLEAN_ROUNDS, CLEAN_SECONDS) == (3, 60.0)


def test_a_flapping_sensor_opens_once() -> None:
    rounds = [at(20.0 * step, [HOT if step % 3 == 0 else WELL]) for step in range(30)]
    assert [type for _, type, _ in run(*rounds)[1]] == [OPENED]


@pytest.mark.parametrize(
    "then", ["the driver does not answer", [LOST], [], [replace(WELL, index=1, uuid="GPU-other")]]
)
def test_what_can_no_longer_be_looked_at_does_not_end(then: Sequence[Gpu] | str) -> None:
    standing, told = run(at(0, [HOT]), *(at(100.0 * step, then) for step in range(1, 9)))
    assert "thermal.near-limit" in [one.code for one in standing.findings]
    assert CLOSED not in [type for _, type, _ in told]


def test_another_card_that_is_lost_does_not_keep_it_open() -> None:
    lost = replace(LOST, index=1, uuid="GPU-other")
    standing, _ = run(at(0, [HOT, lost]), *(at(100.0 * step, [WELL, lost]) for step in range(1, 5)))
    assert [one.code for one in standing.findings] == ["gpu.lost"]


def test_a_finding_of_the_log_ends_with_the_log_whether_or_not_the_card_is_listed() -> None:
    base = at(0, [HOT]).findings[0]
    xid = replace(base, component="xid", code="79")

    def log(seconds: float, *found: object) -> Round:
        told = Bad((xid,)) if found else Ok()
        return look(view([], now=NOW + seconds, kernel_findings=told, earlier={}))

    _, told = run(log(0, 1), log(100, 1), *(log(200.0 + 100 * step) for step in range(4)))
    assert [type for _, type, code in told if code == "79"] == [OPENED, CLOSED]


def test_quarantine_and_clearing() -> None:
    standing, _ = run(at(0, [LOST]))
    assert standing.quarantined == (ref(LOST),)
    assert standing.without(ref(WELL)).findings == ()


def test_events_can_be_told_again_and_read_back() -> None:
    _, first = Standing().after(at(0, [HOT]), "gpu01")
    _, again = Standing().after(at(0, [HOT]), "gpu01")
    assert first == again
    assert isinstance(first[0], Event) and event_from(event_json(first[0])) == first[0]
    assert (first[0].source, first[0].subject) == ("/nodes/gpu01/health", first[0].data["finding"]["id"])


LOOKS = st.sampled_from(["hot", "well", "lost", "none", "text"])


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(st.tuples(st.floats(0.5, 200), LOOKS), max_size=25))
def test_opened_and_closed_alternate_and_a_close_was_earned(steps: list[tuple[float, str]]) -> None:
    kinds: dict[str, Sequence[Gpu] | str] = {
        "hot": [HOT],
        "well": [WELL],
        "lost": [LOST],
        "none": [],
        "text": "broken",
    }
    standing, when = Standing(), 0.0
    open_now: set[str] = set()
    clean: list[float] = []
    for wait, kind in steps:
        when += wait
        clean = [] if kind == "hot" else [*clean, when] if kind == "well" else clean
        standing, events = standing.after(at(when, kinds[kind]), "n")
        for event in events:
            if event.type == OPENED:
                assert event.subject not in open_now
                open_now.add(event.subject)
            else:
                open_now.remove(event.subject)
                if event.subject.startswith("thermal"):
                    assert len(clean) >= CLEAN_ROUNDS and when - clean[0] >= CLEAN_SECONDS
        assert open_now == set(standing.open)


# ------------------------------------------------------------------ history


def test_history_is_bounded_and_forgets() -> None:
    past = History()
    for step in range(1000):
        past = past.after(NOW + step * 5.0, reading([WELL]))
    seen = past.earlier[WELL.uuid]
    assert len(seen) <= WINDOW / APART + 1
    assert seen[0].at >= NOW + 999 * 5.0 - WINDOW - APART
    assert past.after(NOW + 10**6, reading([])).earlier == {}
    assert past.known == (ref(WELL),)
    assert past.without(WELL.uuid) == History()


def test_history_gives_what_only_shows_over_time() -> None:
    past = History()
    for step in range(8):
        seen = card(0, ecc_corrected_volatile=step * 100)
        done = look(view([seen], now=NOW + step * 10.0, earlier=past.earlier, known=past.known))
        past = past.after(NOW + step * 10.0, reading([seen]))
    assert [one.code for one in done.findings] == ["ecc.corrected-rate"]
    gone = look(view([idle_card(1)], now=NOW + 90, earlier=history([]), known=past.known))
    assert [one.code for one in gone.findings] == ["gpu.lost"]


def test_a_lost_card_that_cannot_tell_its_uuid_is_named_by_what_was_known() -> None:
    sick = Gpu(index=0, uuid="unknown@x", pci_bus_id=WELL.pci_bus_id, error="GPU is lost")
    done = look(view([sick], known=(ref(WELL),)))
    assert [one.gpu for one in done.findings] == [ref(WELL)]
