"""Rules, series and routes for the tests of alerting."""

from typing import Any

from sentinel.alerting.moment import Moment
from sentinel.core.alert import Alert, AlertState, Comparison, Route, Rule
from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.core.series import Labels

HOT = "gpu_temperature_celsius"
ALL = Route(name="all", channels=("mail",), group_interval=60.0, repeat_interval=3600.0)


def series(node: str = "gpu01", gpu: int = 0, **more: str) -> Labels:
    return tuple(sorted({"node": node, "gpu": str(gpu), "uuid": f"GPU-{node}-{gpu}", **more}.items()))


def rule(name: str = "gpu-hot", **more: Any) -> Rule:
    made: dict[str, Any] = {
        "metric": HOT,
        "op": Comparison.ABOVE,
        "threshold": 88.0,
        "hold": 120.0,
        "severity": Severity.WARNING,
    }
    return Rule(name=name, **(made | more))


def alert(state: AlertState = AlertState.FIRING, name: str = "gpu-hot", **more: Any) -> Alert:
    made: dict[str, Any] = {
        "metric": HOT,
        "series": series(),
        "severity": Severity.WARNING,
        "started_at": 1000.0,
    }
    return Alert(rule=name, state=state, **(made | more))


def finding(code: str = "79", severity: Severity = Severity.CRITICAL, **more: Any) -> Finding:
    return Finding(
        component="xid",
        code=code,
        severity=severity,
        layer=Layer.HARDWARE,
        title="The GPU has fallen off the bus",
        cause="It does not answer.",
        next_step="Power-cycle the machine.",
        gpu=more.pop("gpu", GpuRef(uuid="GPU-a", index=3)),
        **more,
    )


class Watch:
    """The moments of rounds, one after the other."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.wall = wall

    def after(self, seconds: float) -> Moment:
        self.wall += seconds
        return Moment(wall=self.wall, elapsed=seconds)
