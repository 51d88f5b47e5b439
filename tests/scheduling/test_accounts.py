"""Fair share and limits, over documents and what runs."""

from collections import Counter, deque
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sentinel.core.account import HALF_LIFE, Account, Limits, Scope, Usage
from sentinel.core.account_json import ACCOUNT, USAGE, account_json, account_key, usage_json
from sentinel.ports.store import Document
from sentinel.scheduling.accounts import HORIZON, Accounts, Left
from sentinel.scheduling.usage import DAY, charged

NOW = 1_800_000_000.0
USER, GROUP, DEFAULT = Scope.USER, Scope.GROUP, Scope.DEFAULT


def an_account(scope: Scope, name: str = "", weight: float = 1.0, **limits: float | None) -> Document:
    account = Account(scope=scope, name=name, weight=weight, limits=Limits(**limits))  # type: ignore[arg-type]
    return Document(kind=ACCOUNT, key=account_key(scope, name), data=account_json(account))


def kept(usage: Usage) -> Document:
    return Document(kind=USAGE, key=account_key(usage.scope, usage.name), data=usage_json(usage))


def used(scope: Scope, name: str, hours: float, at: float = NOW) -> Document:
    return kept(charged(Usage(scope=scope, name=name, at=at), 1000, hours * 3600, at))


def removed(document: Document) -> Document:
    return Document(kind=document.kind, key=document.key, data=None)


def accounts(*documents: Document) -> Accounts:
    found = Accounts()
    found.take(documents)
    return found


# ------------------------------------------------------------------ documents


def test_what_is_told_twice_is_told_once() -> None:
    found = Accounts()
    told = [an_account(USER, "ada", running_gpus=1), used(USER, "ada", 1)]
    assert found.take(told)
    assert not found.take(told)
    assert not found.take([Document(kind="reservation", key="x", data={})])
    assert found.take([removed(told[0])])
    assert not found.take([removed(told[0])])
    assert found.left("ada", None, NOW) == Left()
    assert found.take([removed(told[1])])
    assert found.share("ada", None, NOW) == (0, 0)


def test_nothing_known_is_no_limit() -> None:
    assert Accounts().left("ada", "ml", NOW) == Left()
    assert Accounts().share("ada", "ml", NOW) == (0.0, 0.0)
    assert Accounts().running(DEFAULT, "") == 0


# ------------------------------------------------------------------ limits


def test_the_limits_of_user_and_group_both_hold() -> None:
    found = accounts(an_account(USER, "ada", running_gpus=4), an_account(GROUP, "ml", running_gpus=6))
    found.charge("ada", "ml", 1000)
    assert found.left("ada", "ml", NOW) == Left(hard=3000, why="user ada may have 4 GPUs at once, and has 1")
    found.charge("bob", "ml", 4500)
    left = found.left("ada", "ml", NOW)
    assert left == Left(hard=500, why="group ml may have 6 GPUs at once, and has 5.5")
    assert found.left("ada", None, NOW).hard == 3000
    assert (found.running(USER, "ada"), found.running(GROUP, "ml")) == (1000, 5500)


def test_the_default_is_for_users_without_an_account() -> None:
    found = accounts(an_account(DEFAULT, running_gpus=1), an_account(USER, "ada", weight=2))
    assert found.left("bob", "ml", NOW) == Left(hard=1000, why="user bob may have 1 GPU at once, and has 0")
    assert found.left("ada", "ml", NOW) == Left()
    found.charge("bob", None, 1000)
    assert found.left("bob", None, NOW).hard == 0
    assert found.left("eve", None, NOW).hard == 1000


def test_a_limit_that_was_lowered_below_what_runs_leaves_nothing() -> None:
    found = accounts(an_account(USER, "ada", running_gpus=2, running_gpus_soft=1))
    found.charge("ada", None, 4000)
    left = found.left("ada", None, NOW)
    assert (left.hard, left.soft) == (0, 0)


def test_a_soft_limit_alone_never_stops_anybody() -> None:
    found = accounts(an_account(USER, "ada", running_gpus_soft=2), an_account(GROUP, "ml", running_gpus=1))
    assert found.left("ada", None, NOW) == Left(soft=2000)
    assert found.left("ada", "ml", NOW).soft == 1000  # what is not there is not within it
    found.charge("ada", None, 3000)
    assert found.left("ada", None, NOW) == Left(soft=0)


def test_hours_that_are_used_up_leave_nothing_until_a_day_leaves_the_window() -> None:
    found = accounts(an_account(USER, "ada", gpu_hours=10, gpu_hours_soft=5), used(USER, "ada", 4))
    assert found.left("ada", None, NOW) == Left()
    found.take([used(USER, "ada", 5)])
    assert found.left("ada", None, NOW) == Left(late=True)
    found.take([used(USER, "ada", 10.5)])
    left = found.left("ada", None, NOW)
    assert left == Left(hard=0, late=True, why="user ada may use 10 GPU-hours in 30 days, and has used 10.5")
    midnight = found.next_change(NOW)
    assert midnight is not None
    assert NOW < midnight <= NOW + DAY
    assert midnight % DAY == 0
    assert found.left("ada", None, midnight + 29 * DAY) == Left()
    assert accounts(an_account(USER, "ada", running_gpus=1)).next_change(NOW) is None


def test_hours_that_run_count_before_they_end() -> None:
    found = accounts(an_account(GROUP, "ml", gpu_hours=10))
    found.charge("ada", "ml", 2000, since=NOW - 4 * 3600)
    assert found.left("bob", "ml", NOW) == Left()
    assert found.left("bob", "ml", NOW + 3600).hard == 0
    found.charge("ada", "ml", -2000, since=NOW - 4 * 3600)
    assert found.left("bob", "ml", NOW + 3600) == Left()


def test_a_clock_that_is_wrong_charges_within_reason() -> None:
    found = accounts(an_account(USER, "ada", gpu_hours=720.5))
    found.charge("ada", None, 1000, since=0.0)
    assert found.left("ada", None, NOW) == Left()  # 30 days, not 57 years
    found.charge("bob", None, 1000, since=NOW + 9e9)
    assert found.share("bob", None, NOW) == (HORIZON, HORIZON)


# ------------------------------------------------------------------ fair share


def test_who_had_less_for_their_weight_is_first() -> None:
    found = accounts(used(USER, "ada", 10), used(USER, "bob", 10), an_account(USER, "bob", weight=4))
    assert found.share("bob", None, NOW) < found.share("ada", None, NOW)
    assert found.share("eve", None, NOW) < found.share("bob", None, NOW)


def test_groups_come_before_users() -> None:
    found = accounts(
        used(USER, "ada", 1), used(GROUP, "ml", 1), used(USER, "bob", 5), used(GROUP, "bio", 0.5)
    )
    assert found.share("bob", "bio", NOW) < found.share("ada", "ml", NOW)
    assert found.share("eve", "ml", NOW) < found.share("ada", "ml", NOW)


def test_a_user_without_a_group_stands_beside_the_groups() -> None:
    found = accounts(used(USER, "ada", 2), used(GROUP, "ml", 1), used(GROUP, "bio", 3))
    assert found.share("x", "ml", NOW) < found.share("ada", None, NOW) < found.share("y", "bio", NOW)


def test_what_runs_counts_at_once() -> None:
    found = Accounts()
    found.charge("ada", "ml", 2000)
    assert found.share("ada", "ml", NOW) == (2 * HORIZON, 2 * HORIZON)
    found.charge("ada", "ml", -2000)
    assert found.share("ada", "ml", NOW) == (0, 0)


def test_an_end_hardly_changes_what_a_lease_counts() -> None:
    """So that nobody gains by one long job."""
    running, ended = Accounts(), Accounts()
    running.charge("ada", None, 1000, since=NOW - 5 * DAY)
    ended.take([used(USER, "ada", 5 * 24)])
    before, after = running.share("ada", None, NOW), ended.share("ada", None, NOW)
    assert before[0] - HORIZON == pytest.approx(after[0])


def test_what_was_used_fades() -> None:
    found = accounts(used(USER, "ada", 10))
    now, later = found.share("ada", None, NOW)[0], found.share("ada", None, NOW + HALF_LIFE)[0]
    assert later == pytest.approx(now / 2)


@settings(max_examples=25, deadline=None)
@given(
    weights=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    gpus=st.integers(2, 12),
    lengths=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    grouped=st.booleans(),
)
def test_two_who_always_have_work_get_what_their_weights_say(
    weights: tuple[int, int], gpus: int, lengths: tuple[int, int], grouped: bool
) -> None:
    """Whatever the lengths of their jobs (in half hours), users alone or groups."""
    scope = GROUP if grouped else USER
    names = ("ada", "bob")
    groups: dict[str, str | None] = {"ada": "ml" if grouped else None, "bob": "bio" if grouped else None}
    weighed = [groups[name] or name for name in names]
    found = accounts(*(an_account(scope, w, weight=x) for w, x in zip(weighed, weights, strict=True)))
    usage = {(s, n): Usage(scope=s, name=n, at=NOW) for s, n in ((USER, "ada"), (USER, "bob"))}
    usage |= {(GROUP, g): Usage(scope=GROUP, name=g, at=NOW) for g in groups.values() if g}
    had: Counter[str] = Counter()
    running: deque[tuple[float, str, float]] = deque()
    now = NOW
    for step in range(1200):
        now = NOW + step * 1800
        for job in [job for job in running if job[0] <= now]:
            running.remove(job)
            _, name, since = job
            found.charge(name, groups[name], -1000, since)
            for key in [(USER, name), *([(GROUP, groups[name])] if groups[name] else [])]:
                usage[key] = charged(usage[key], 1000, now - since, now)  # type: ignore[index]
                found.take([kept(usage[key])])  # type: ignore[index]
        while len(running) < gpus:
            name = min(names, key=lambda name: (found.share(name, groups[name], now), name))
            running.append((now + lengths[names.index(name)] * 1800, name, now))
            found.charge(name, groups[name], 1000, now)
        if step >= 400:
            had.update(name for _, name, _ in running)
    part = had["ada"] / had.total()
    assert part == pytest.approx(weights[0] / sum(weights), abs=0.03)


# ------------------------------------------------------------------ whatever happens


class Limited(RuleBasedStateMachine):
    """A scheduler that places no more than `left` says never passes a limit, soft or hard."""

    LIMITS = {(USER, "ada"): 3, (GROUP, "ml"): 5, (DEFAULT, ""): 4}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.accounts = accounts(
            *(
                an_account(scope, name, running_gpus=most, running_gpus_soft=1)
                for (scope, name), most in self.LIMITS.items()
            )
        )
        self.running: list[tuple[str, str | None, int, float | None]] = []

    @rule(
        owner=st.sampled_from(["ada", "bob", "eve"]),
        group=st.sampled_from(["ml", "bio", None]),
        milli=st.sampled_from([100, 500, 1000, 2000, 4000]),
        since=st.one_of(st.none(), st.floats(0, 4e9)),
    )
    def place(self, owner: str, group: str | None, milli: int, since: float | None) -> None:
        left = self.accounts.left(owner, group, NOW)
        assert left.hard is not None
        assert left.soft is not None
        assert 0 <= left.soft <= left.hard
        if milli <= left.hard:
            self.accounts.charge(owner, group, milli, since)
            self.running.append((owner, group, milli, since))
        else:
            assert left.why.startswith(("user ", "group "))

    @rule(which=st.integers(0, 100))
    def end(self, which: int) -> None:
        if self.running:
            owner, group, milli, since = self.running.pop(which % len(self.running))
            self.accounts.charge(owner, group, -milli, since)

    @invariant()
    def no_limit_is_passed(self) -> None:
        for name in ("ada", "bob", "eve"):
            most = 3000 if name == "ada" else 4000
            held = sum_of(milli for owner, _, milli, _ in self.running if owner == name)
            assert self.accounts.running(USER, name) == held <= most
        held = sum_of(milli for _, group, milli, _ in self.running if group == "ml")
        assert self.accounts.running(GROUP, "ml") == held <= 5000

    @invariant()
    def nothing_is_left_over(self) -> None:
        if not self.running:
            for name in ("ada", "bob", "eve"):
                assert self.accounts.share(name, "ml", NOW) == (0.0, 0.0)


def sum_of(found: Iterable[int]) -> int:
    return sum(found)


TestLimited = Limited.TestCase
TestLimited.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# ------------------------------------------------------------------ for showing


def test_standings() -> None:
    found = accounts(
        an_account(DEFAULT, running_gpus=2),
        an_account(GROUP, "ml", weight=3),
        used(USER, "ada", 3),
        used(USER, "bob", 1),
    )
    found.charge("eve", "ml", 500, since=NOW - 3600)
    users = [one for one in found.standings(NOW) if one.scope is USER]
    groups = [one for one in found.standings(NOW) if one.scope is GROUP]
    assert [one.name for one in users] == ["ada", "bob", "eve"]
    assert [round(one.used / 3600, 3) for one in users] == [3, 1, 0.5]
    assert sum(one.part or 0 for one in users) == pytest.approx(1)
    assert users[0].part == pytest.approx(3 / 4.5, rel=0.02)
    assert [one.running for one in users] == [0, 0, 500]
    assert users[2].limits == Limits(running_gpus=2)
    assert [(one.name, one.weight, one.running, one.part) for one in groups] == [("ml", 3, 500, 1)]
    nobody = accounts(an_account(GROUP, "bio")).standings(NOW)
    assert [(one.name, one.part) for one in nobody] == [("bio", None)]


def test_clearing_forgets_all() -> None:
    found = accounts(an_account(USER, "ada", running_gpus=1, gpu_hours=1))
    found.charge("ada", None, 1000)
    found.clear()
    assert (found.left("ada", None, NOW), found.running(USER, "ada")) == (Left(), 0)
    assert found.next_change(NOW) is None
