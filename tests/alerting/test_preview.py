"""What a rule would have done in the past."""

from tests.alerting.alerts import HOT, rule, series

from sentinel.alerting.preview import describe, preview
from sentinel.core.alert import AlertState, Comparison, NoData
from sentinel.core.series import Labels, Series

T = 1_800_000_000.0


def past(values: list[float | None], labels: Labels | None = None, every: float = 60.0) -> Series:
    points = tuple((T + index * every, value) for index, value in enumerate(values))
    return Series(metric=HOT, labels=labels or series(), points=points)


def test_it_counts_how_often_it_would_have_fired_and_how_often_nearly() -> None:
    hot, cold = 90.0, 50.0
    found = preview(
        rule(hold=120.0),
        [
            past([cold, hot, 91.0, 95.0, 92.0, cold, hot, hot, cold, hot, hot, hot]),
            past([hot] * 4, series(gpu=1)),
            past([cold] * 12, series(gpu=2)),
        ],
    )
    assert [(one.began - T, one.ended and one.ended - T, one.peak) for one in found.fired] == [
        (120.0, None, 90.0),
        (180.0, 300.0, 95.0),
        (660.0, None, 90.0),
    ]
    assert (found.series, found.brief, found.unknown) == (3, 1, 0)
    assert found.says() == "would have fired 3 times, on 2 of 3 series; 1 more did not last long enough"
    assert "for 2 min firing gpu=0" in describe(found.fired[1])


def test_it_says_what_nobody_knows() -> None:
    assert preview(rule(), []).says() == "history has nothing of this metric and scope, so nobody knows"
    found = preview(rule(hold=0.0), [past([None, 50.0, None, 90.0])])
    assert found.says() == "would have fired once, on 1 of 1 series; 2 of 4 points are unknown"


def test_missing_points_are_as_in_a_round() -> None:
    gap = past([None, 90.0, None, None, 50.0])
    assert [one.state for one in preview(rule(hold=0.0), [gap]).fired] == [AlertState.FIRING]
    assert [one.state for one in preview(rule(hold=0.0, no_data=NoData.ALERT), [gap]).fired] == [
        AlertState.FIRING,
        AlertState.NO_DATA,
    ]
    assert preview(rule(hold=0.0, no_data=NoData.OK), [gap]).fired[0].ended == T + 120


def test_scope_comparison_and_percentages_are_the_rules() -> None:
    low = rule(hold=0.0, op=Comparison.BELOW, threshold=10.0, of="total", scope={"gpu": ("0",)})
    used = [past([8.0, 50.0, 9.0, 1.0, 5.0]), past([1.0], series(gpu=1))]
    total = [past([100.0, 100.0, 0.0, None, 100.0])]
    found = preview(low, used, total)
    assert [(one.began - T, one.peak) for one in found.fired] == [(0.0, 8.0), (240.0, 5.0)]
    assert (found.series, found.unknown) == (1, 2)


def test_points_further_apart_than_for_are_taken_together() -> None:
    found = preview(rule(hold=120.0), [past([90.0, 90.0, 50.0], every=3600.0)])
    assert [(one.began - T, one.ended and one.ended - T) for one in found.fired] == [(3600.0, 7200.0)]
