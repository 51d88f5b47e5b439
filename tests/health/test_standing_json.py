"""What stands survives a restart, and a file that is not ours is no reason to fall over."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.health.test_components import TABLE

from sentinel.health.round import look
from sentinel.health.standing import Standing
from sentinel.health.standing_json import standing_from, standing_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("code", TABLE)
def test_there_and_back(code: str) -> None:
    standing, _ = Standing().after(look(TABLE[code][0]), "n")
    assert standing.open
    again = standing_from(json.loads(json.dumps(standing_json(standing))))
    assert again == standing
    _, events = again.after(look(TABLE[code][0]), "n")
    assert events == ()


@settings(max_examples=200, deadline=None)
@given(found=JSON)
def test_what_is_none_of_ours_is_left_out(found: object) -> None:
    assert standing_from(found) == Standing()
    assert standing_from({"open": [found]}) == Standing()


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(["severity", "layer", "gpu", "evidence", "count", "first_at", "code"]), value=JSON
)
def test_a_finding_with_a_field_of_another_kind_never_raises(name: str, value: object) -> None:
    standing, _ = Standing().after(look(TABLE["remap.failure"][0]), "n")
    raw = json.loads(json.dumps(standing_json(standing)))
    raw["open"][0]["finding"][name] = value
    assert len(standing_from(raw).open) <= 1
