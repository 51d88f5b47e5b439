"""How long leases are is one setting. All who measure by it go by the same: the watch, the API, agents."""

from pathlib import Path

import pytest
from tests.scheduling.cluster import node, placed, snapshot

from sentinel.core.errors import ConfigError
from sentinel.core.job import IfLost, JobState
from sentinel.scheduling.leases import LEASE_SECONDS, Sightings, Terms, judge, look, terms_for
from sentinel.server.config import load

BEAT_EVERY, POLL = 1 / 6, 5 / 12  # of a lease, and of the time to begin: what an agent takes at the most


def lease_in(folder: Path, line: str) -> float:
    file = folder / "config.toml"
    file.write_text(f"[server]\n{line}\n")
    found = load(config=str(file), data_dir=str(folder / "data"), default_listen="127.0.0.1:0")
    return found.lease_seconds


def test_a_minute_unless_something_else_is_said(tmp_path: Path) -> None:
    assert lease_in(tmp_path, "") == LEASE_SECONDS == 60
    assert lease_in(tmp_path, "lease_seconds = 5") == 5
    assert lease_in(tmp_path, "lease_seconds = 7.5") == 7.5


@pytest.mark.parametrize("value", ["4.9", "0", "-60", "86401", "true", '"60"', "nan", "inf"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        lease_in(tmp_path, f"lease_seconds = {value}")
    assert "lease_seconds" in str(refused.value) and "from 5 to 86400" in str(refused.value)


def test_the_usual_lease_has_the_usual_terms() -> None:
    assert terms_for(LEASE_SECONDS) == Terms()


@pytest.mark.parametrize("lease", [5.0, 7.0, 30.0, 60.0, 600.0, 86400.0])
def test_terms_fit_each_other(lease: float) -> None:
    terms = terms_for(lease)
    assert terms.lease == lease
    # A job that cannot be renewed yet must not begin later than its first lease could end.
    assert terms.start_within <= terms.lease
    assert terms.start_within * POLL < terms.start_within / 2
    # Several beats may be late before a node is silent, and a node is silent before its jobs are lost.
    assert min(10.0, lease * BEAT_EVERY) * 3 < terms.silent_after < terms.lease
    assert terms.look_every < terms.silent_after
    assert terms.margin >= 2


def test_a_shortened_lease_is_not_held_against_who_has_not_heard_of_it() -> None:
    """The controller was configured anew: until `former_until` a node may go by what it was told before."""
    job = placed("j", "n", ["n-0"], state=JobState.LOST, if_lost=IfLost.FENCE, grace=1.0)
    cluster = snapshot(node("n"), job)

    def gone_at(terms: Terms) -> float:
        seen = Sightings()
        for now in range(200):
            seen = look(seen, cluster, {"n": 1}, {"token-j": 1}, float(now))
            if judge(cluster, seen, float(now), terms).findings:
                return float(now)
        raise AssertionError("never")

    assert gone_at(terms_for(6.0)) == 6 + 1 + 2
    assert gone_at(terms_for(6.0, former_until=60.0)) == 60 + 1 + 2
