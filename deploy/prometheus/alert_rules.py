"""Makes alerts.yml beside it: `python deploy/prometheus/alert_rules.py`. It holds the rules that come with
Sentinel (sentinel.alerting.library), for those who want Prometheus to watch them.

tests/test_deploy_metrics.py holds the file to this. An alert is called as its rule is, so a silence in
Alertmanager means the same whether Prometheus or the controller posted it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from sentinel.alerting.library import gpus, jobs, nodes, queue, slurm
from sentinel.core.alert import NoData, Rule

FILE = Path(__file__).resolve().parent / "alerts.yml"
MODULES: tuple[ModuleType, ...] = (gpus, nodes, jobs, queue, slurm)
LOOK_BACK, BLIND_FOR = "1h", 300.0
_PLACE = re.compile(r"\{(\w+)\}")
_HEAD = """\
# The rules that come with Sentinel, for Prometheus; made by deploy/prometheus/alert_rules.py.
# The controller watches the same rules itself: use either, or everybody is told twice.
groups:
"""


def made() -> str:
    """The file. Strings are written as JSON has them, which YAML reads."""
    return _HEAD + "\n".join(line for module in MODULES for line in _group(module)) + "\n"


def _group(module: ModuleType) -> Iterator[str]:
    yield f"  - name: sentinel-{module.__name__.rpartition('.')[2]}"
    yield "    rules:"
    rules: tuple[Rule, ...] = module.RULES
    for rule in rules:
        yield from _alert(rule, expression(rule), rule.hold)
        if rule.no_data is NoData.ALERT:
            series = _series(rule.metric, rule)
            gone = f"last_over_time({series}[{LOOK_BACK}]) unless {series}"
            yield from _alert(rule, gone, max(rule.hold, BLIND_FOR), state="no-data")


def expression(rule: Rule) -> str:
    """PromQL that has a value for each series of which the rule's condition holds."""
    value = _series(rule.metric, rule)
    if rule.of is not None:
        value = f"100 * {value} / {_series(rule.of, rule)}"
    return f"{value} {rule.op.value} {rule.threshold:g}"


def _series(metric: str, rule: Rule) -> str:
    chosen = [
        f"{name}={json.dumps(any_of[0])}"
        if len(any_of) == 1
        else f"{name}=~{json.dumps('|'.join(map(re.escape, any_of)))}"
        for name, any_of in rule.scope.items()
    ]
    return f"{metric}{{{', '.join(chosen)}}}" if chosen else metric


def _alert(rule: Rule, expr: str, hold: float, *, state: str | None = None) -> Iterator[str]:
    yield f"      - alert: {rule.name}"
    yield f"        expr: {json.dumps(expr)}"
    if hold:
        yield f"        for: {hold:g}s"
    yield "        labels:"
    yield f"          severity: {rule.severity.value}"
    if state is not None:
        yield f"          state: {state}"
    for name, text in rule.labels:
        yield f"          {name}: {json.dumps(text)}"
    yield "        annotations:"
    for name, text in rule.annotations:
        yield f"          {name}: {json.dumps(_filled(text), ensure_ascii=False)}"


def _filled(text: str) -> str:
    """With Prometheus' places in it."""
    value = '{{ $value | printf "%.6g" }}'
    return _PLACE.sub(lambda found: value if found[1] == "value" else f"{{{{ $labels.{found[1]} }}}}", text)


if __name__ == "__main__":
    FILE.write_text(made())
    print(f"{FILE}: {made().count('- alert: ')} alerts")
