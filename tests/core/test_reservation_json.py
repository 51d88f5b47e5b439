import json

import pytest

from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.core.reservation_json import reservation_from, reservation_json

COURSE = Reservation(
    id="abcdefghjk",
    name="course",
    kind=ReservationKind.RESERVED,
    start=1_800_000_000.0,
    end=1_800_003_600.5,
    nodes=("n1", "n2"),
    users=("ada",),
    groups=("ml",),
    by="root",
    why="exam",
)


def test_it_comes_back_as_it_was() -> None:
    assert reservation_from(json.loads(json.dumps(reservation_json(COURSE)))) == COURSE


def test_what_a_newer_version_added_is_passed_over() -> None:
    assert reservation_from({**reservation_json(COURSE), "colour": "red"}) == COURSE


def test_without_a_time_it_is_none() -> None:
    with pytest.raises(ValueError, match="no time"):
        reservation_from({**reservation_json(COURSE), "end": "soon"})
