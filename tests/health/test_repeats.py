from hypothesis import given
from hypothesis import strategies as st
from tests.health.xid_logs import NODE, found, line, only, who

from sentinel.core.finding import Layer, Proof, Severity
from sentinel.health.repeats import PROCESSES, PROGRAMS, Tally, across_programs, again_and_again

HOUR, DAY = 3600.0, 86400.0
ACROSS = [
    line(13, at=100, who=who(1)),
    line(13, at=200, who=who(2)),
    line(13, at=HOUR, who=who(3, "blender")),
]


def test_one_fault_in_several_programs_on_one_of_several_gpus_is_the_cards() -> None:
    one = only(*ACROSS, gpus=NODE)
    assert (one.severity, one.layer, one.quarantine) == (Severity.CRITICAL, Layer.HARDWARE, True)
    assert "3 processes of 2 programs" in one.cause
    assert "gpu check" in one.next_step


def test_what_is_missing_from_the_rule_leaves_the_programs_to_blame() -> None:
    same_program = [line(13, at=at, who=who(pid)) for pid, at in enumerate((100, 200, 300), start=1)]
    two_processes = [*ACROSS[:1], line(13, at=150, who=who(1)), ACROSS[2]]
    too_slow = [*ACROSS[:2], line(13, at=HOUR + 101, who=who(3, "blender"))]
    other_code = [*ACROSS[:2], line(31, at=300, who=who(3, "blender"))]
    no_time = [text.partition("] ")[2] for text in ACROSS]
    no_pid = [line(13, at=at, who=", pid='<unknown>', name=<unknown>") for at in range(100, 110)]
    for lines in (same_program, two_processes, too_slow, other_code, no_time, no_pid):
        assert not any(one.quarantine for one in found(lines, NODE).values()), lines


def test_another_gpu_with_the_same_fault_clears_the_card() -> None:
    both = found([*ACROSS, line(13, at=400, bus=2, who=who(9))], NODE)
    assert not any(one.quarantine for one in both.values())
    assert found([*ACROSS, line(31, at=400, bus=2, who=who(9))], NODE)["13", "GPU-1"].quarantine


def test_with_no_other_gpu_to_compare_it_is_said_and_not_concluded() -> None:
    for gpus in (None, dict(list(NODE.items())[:1])):
        one = only(*ACROSS, gpus=gpus)
        assert (one.severity, one.quarantine) == (Severity.WARNING, False)
        assert "may be the card's" in one.cause


def test_a_harmless_hardware_fault_that_comes_again_and_again_wears_the_card_out() -> None:
    for code in (63, 92, 94):
        one = only(*(line(code, at=at) for at in (0, HOUR, 2 * HOUR)))
        assert (one.severity, one.quarantine) == (Severity.CRITICAL, True)
        assert "3 times within a day" in one.cause
        assert not only(*(line(code, at=at) for at in (0, HOUR))).quarantine
        assert not only(*(line(code, at=at) for at in (0, DAY - 1, 2 * DAY))).quarantine
        assert not only(*(line(code, at=at) for at in (0, 10, 20, 30))).quarantine, "one occasion, many lines"
        assert not only(*(line(code) for _ in range(9))).quarantine, "no time is known"


def test_clean_up_and_drivers_faults_never_become_the_cards() -> None:
    for code in (45, 38):
        lines = [line(code, at=at * HOUR / 9, who=who(at, f"p{at}")) for at in range(9)]
        assert not only(*lines, gpus=NODE).quarantine


def test_who_it_was_is_shown_most_frequent_first() -> None:
    tally = Tally()
    for pid, times in ((1, 1), (2, 5), (3, 2), (4, 1), (5, 1)):
        for _ in range(times):
            tally.add(Proof(read="x", where="here"), moment=None, pid=pid, program="python")
    assert tally.programs() == "python (pid 2), python (pid 3), python (pid 1) and 2 more"


@given(st.lists(st.tuples(st.floats(0, 3 * DAY), st.integers(1, 4), st.sampled_from("abc")), max_size=12))
def test_the_rules_hold_exactly_when_some_stretch_fulfils_them(seen: list[tuple[float, int, str]]) -> None:
    tally = Tally()
    for moment, pid, program in seen:
        tally.add(Proof(read="x", where="here"), moment=moment, pid=pid, program=program)

    def within(begin: float, seconds: float) -> list[tuple[float, int, str]]:
        return sorted(one for one in seen if begin <= one[0] and one[0] - begin <= seconds)

    def apart(stretch: list[tuple[float, int, str]]) -> int:
        times, last = 0, float("-inf")
        for moment, _, _ in stretch:
            if moment - last >= 60:
                times, last = times + 1, moment
        return times

    hours = [within(one[0], HOUR) for one in seen]
    wanted = any(
        len({pid for _, pid, _ in stretch}) >= PROCESSES and len({name for *_, name in stretch}) >= PROGRAMS
        for stretch in hours
    )
    assert (across_programs(tally) is not None) == wanted
    assert (again_and_again(tally) is not None) == any(apart(within(one[0], DAY)) >= 3 for one in seen)


def test_memory_stays_bounded() -> None:
    tally = Tally()
    for number in range(5000):
        tally.add(Proof(read="x" * 5000, where="here"), moment=float(number), pid=number, program="python")
    assert tally.count == 5000
    assert len(tally.proofs) == 10
    assert len(tally.occasions) == len(tally.by) == 256
