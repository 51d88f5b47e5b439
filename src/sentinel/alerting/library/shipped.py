"""How a shipped rule is written down: with a sentence on why it matters, and a next step. Called by its
neighbours."""

from sentinel.core.alert import Comparison, Matches, NoData, Rule
from sentinel.core.finding import Severity


def shipped(
    name: str,
    metric: str,
    op: Comparison,
    threshold: float,
    *,
    summary: str,
    why: str,
    next_step: str,
    of: str | None = None,
    hold: float = 0.0,
    severity: Severity = Severity.WARNING,
    scope: Matches | None = None,
    no_data: NoData = NoData.IGNORE,
) -> Rule:
    """A rule that is in force everywhere, until somebody writes another one of its name."""
    return Rule(
        name=name,
        metric=metric,
        op=op,
        threshold=threshold,
        of=of,
        hold=hold,
        severity=severity,
        scope=scope or {},
        annotations=(("next_step", next_step), ("summary", summary), ("why", why)),
        no_data=no_data,
    )
