"""What deploy/ asks Prometheus for is what the code exposes: every metric, every label, every value of a
label that is named. And the files that are made are as their makers make them.
"""

import json
import re
import runpy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from tests.fakes.slurm import CLUSTER
from tests.telemetry.samples import ADA, GIB, SENSORS, gpu, process, sample, watch
from tests.telemetry.scrape.pages import vllm

from sentinel.alerting.outbox import DeliveryState
from sentinel.api.controller_metrics import ControllerLook, families, more_families
from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.core.gpu_sensors import ThrottleReason
from sentinel.core.job import JobState
from sentinel.core.node import Node, NodeState, Sharing
from sentinel.core.slurm import SlurmNode
from sentinel.telemetry.exposition import health, own_names
from sentinel.telemetry.gpu_metrics import CARD
from sentinel.telemetry.gpu_table import GPU_METRICS
from sentinel.telemetry.held_metrics import held_metrics
from sentinel.telemetry.holding import holding
from sentinel.telemetry.scrape.inference import reading
from sentinel.telemetry.scrape.inference_metrics import inference_metrics
from sentinel.telemetry.scrape.progress import followed, values
from sentinel.telemetry.scrape.text import parse
from sentinel.telemetry.slurm_metrics import health as slurm_health
from sentinel.telemetry.slurm_metrics import slurm_metrics
from sentinel.telemetry.slurm_watch import SlurmWatch

DEPLOY = Path(__file__).parents[1] / "deploy"
GRAFANA, PROMETHEUS = DEPLOY / "grafana", DEPLOY / "prometheus"
DASHBOARDS = {path.name: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))}
RULES = {path.name: yaml.safe_load(path.read_text()) for path in sorted(PROMETHEUS.glob("*.yml"))}

Labels = dict[str, set[str]]
"""Label → values of it that were seen."""


@cache
def exposed() -> Mapping[str, Labels]:
    """Metric → its labels."""
    found: dict[str, Labels] = {}
    for metric in GPU_METRICS:  # no card has all of them
        name = f"{metric.name}_total" if metric.counter else metric.name
        found[name] = {label: set() for label in (*CARD, *metric.labels)}
    for family in everything():
        for one in family.samples:
            labels = found.setdefault(one.name, {})
            for label, value in one.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def everything() -> Iterator[Metric]:
    """What a simulated node, its inference server, the controller and the exporter of Slurm expose."""
    yield from chain(_agent(), _inference(), _controller(), _slurm())


def _agent() -> Iterator[Metric]:
    sensors = replace(SENSORS, throttle_seconds=dict.fromkeys(ThrottleReason, 1.0))
    taken = sample(gpu(0, process(1), sensors=sensors), owners={1: ADA})
    yield from own_names(taken)
    yield from held_metrics("node1", holding(taken.reading, (), taken.owners))
    findings = tuple(
        Finding(
            component="xid", code="79", severity=severity, layer=Layer.HARDWARE, title="t", cause="c",
            next_step="n", gpu=GpuRef(uuid="GPU-0", index=0),
        )
        for severity in Severity
    )  # fmt: skip
    yield from health(replace(watch(taken), findings=findings), 100.0)


def _inference() -> Iterator[Metric]:
    past = followed((), reading(parse(vllm([])).samples, 0.0))
    past = followed(past, reading(parse(vllm([0.6], running=1)).samples, 10.0))
    yield from inference_metrics(values("node1", "chat", True, past))


def _controller() -> Iterator[Metric]:
    look = ControllerLook(
        revision=1,
        jobs=dict.fromkeys((state for state in JobState if not state.ended), 0),
        nodes=(_node(),),
        gpus={("free", "NVIDIA H100"): 1},
        deliveries={("ops", state.value): 1 for state in DeliveryState},
        oldest_wait=1.0,
        pass_age=1.0,
    )
    yield from families(look, 0, "1")
    yield from more_families([(("GET", "200"), 1)], 1)


def _node() -> Node:
    return Node(
        id="n1", name="node1", tenant="default", state=NodeState.UP, drained=None, boot_id="b",
        agent_version="1", joined_at=1.0, last_seen_at=1.0, cpus=1, memory_bytes=GIB, sharing=Sharing.NO,
        gpus=(),
    )  # fmt: skip


def _slurm() -> Iterator[Metric]:
    broken = (
        SlurmNode(name=state, state=state, usable=False, cpus=1, cpus_allocated=0, gpus={}, gpus_allocated={})
        for state in ("down", "fail")
    )
    cluster = replace(CLUSTER, nodes=(*(CLUSTER.nodes or ()), *broken))
    yield from slurm_metrics(cluster)
    yield from slurm_health(SlurmWatch(reading=cluster, taken=1.0, duration=0.1), 2.0, 60.0)


# What PromQL is made of, as far as deploy/ writes it.
_TEXT = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf"([a-zA-Z_:][\w:]*)\s*(?:\{{((?:[^{{}}\"]|{_TEXT})*)\}})?")
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_TEXT})")
_LISTS = re.compile(r"\b(by|without|on|ignoring)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_WORDS = {"and", "or", "unless", "bool", "offset", "group_left", "group_right", "inf", "nan"}


def selectors(expr: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each metric in `expr`, with the labels that are asked for and the values, as written."""
    plain = _LISTS.sub(" ", _RANGE.sub(" ", expr))
    for found in _SELECTOR.finditer(plain):
        name, inside = found[1], found[2]
        called = plain[found.end() :].lstrip().startswith("(") and inside is None
        if not called and name not in _WORDS:
            yield name, [(one[1], json.loads(one[3])) for one in _MATCHER.finditer(inside or "")]


def listed(expr: str) -> set[str]:
    """The labels that it groups by."""
    return {name.strip() for found in _LISTS.finditer(expr) for name in found[2].split(",")}


def wrong(expr: str, *, legend: str = "") -> list[str]:
    """What of it the code does not expose."""
    found: list[str] = []
    known = exposed()
    labels: set[str] = set()
    asked = list(selectors(expr))
    for metric, matchers in asked:
        if metric not in known:
            found.append(f"no metric {metric}")
            continue
        labels |= known[metric].keys()
        for label, value in matchers:
            if label not in known[metric]:
                found.append(f"{metric} has no label {label}")
            elif "$" not in value:
                seen = known[metric][label]
                found += [f"{metric}: {label} is never {one}" for one in value.split("|") if one not in seen]
    found += [f"no metric of it has the label {one}" for one in listed(expr) - labels]
    shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", legend))
    kept = listed(expr) if "by" in {one[1] for one in _LISTS.finditer(expr)} else labels
    found += [f"{one} of the legend is in no result" for one in shown - kept]
    return found if asked else [f"it asks for nothing: {expr}"]


def queries() -> Iterator[Any]:
    for file, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                name = f"{file}: {panel['title']} {target['refId']}"
                yield pytest.param(panel, target, id=name)


@pytest.mark.parametrize(("panel", "target"), [*queries()])
def test_what_a_panel_asks_for_is_exposed(panel: dict[str, Any], target: dict[str, Any]) -> None:
    legend = target["legendFormat"]
    assert wrong(target["expr"], legend=legend) == []
    if panel["type"] == "table":
        ((metric, _),) = list(selectors(target["expr"]))
        organized = panel["transformations"][1]["options"]["indexByName"]
        assert set(organized) - {"Value"} <= exposed()[metric].keys()
    if target["range"] and not legend.startswith("__"):
        assert "{{" in legend or len(listed(target["expr"])) == 0


def variables() -> Iterator[Any]:
    for file, dashboard in DASHBOARDS.items():
        for one in dashboard["templating"]["list"][1:]:
            yield pytest.param(dashboard, one, id=f"{file}: {one['name']}")


@pytest.mark.parametrize(("dashboard", "one"), [*variables()])
def test_what_a_variable_lists_is_exposed(dashboard: dict[str, Any], one: dict[str, Any]) -> None:
    found = re.fullmatch(r"label_values\((.*), (\w+)\)", one["definition"])
    assert found is not None
    ((metric, matchers),) = list(selectors(found[1]))
    assert wrong(found[1]) == []
    assert found[2] == one["name"] and found[2] in exposed()[metric]
    before = {other["name"] for other in dashboard["templating"]["list"]}
    assert {value.strip("$") for _, value in matchers} <= before
    assert one["query"]["query"] == one["definition"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_whole(name: str) -> None:
    dashboard = DASHBOARDS[name]
    text = json.dumps(dashboard)
    assert dashboard["schemaVersion"] >= 38 and dashboard["uid"] == f"sentinel-{name.removesuffix('.json')}"
    assert not re.search(r"https?://", text), "nothing in it leads elsewhere"
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__range", "__all"}
    assert used == {one["name"] for one in dashboard["templating"]["list"]}
    panels = dashboard["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        covered = {
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        }
        assert not covered & places, f"{panel['title']} lies on another"
        assert at["x"] + at["w"] <= 24
        places |= covered
        if panel["type"] != "row":
            assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    repeated = [panel["repeat"] for panel in panels if "repeat" in panel]
    assert len(repeated) == 1 and repeated[0] in used


def test_both_dashboards_are_there() -> None:
    assert set(DASHBOARDS) >= {"gpu-fleet.json", "workload-health.json"}


def test_the_dashboards_are_as_their_maker_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(GRAFANA))
    made = runpy.run_path(str(GRAFANA / "dashboards.py"))["made"]()
    for name, text in made.items():
        written = (GRAFANA / name).read_text()
        assert written == text, f"run `python deploy/grafana/dashboards.py`: {name} is another"


def test_the_alerts_are_the_rules_that_come_with_sentinel() -> None:
    made = runpy.run_path(str(PROMETHEUS / "alert_rules.py"))["made"]()
    assert (PROMETHEUS / "alerts.yml").read_text() == made, "run `python deploy/prometheus/alert_rules.py`"


def rules() -> Iterable[tuple[str, dict[str, Any]]]:
    for file, content in RULES.items():
        for group in content["groups"]:
            for rule in group["rules"]:
                yield f"{file}: {rule.get('alert') or rule['record']}", rule


@pytest.mark.parametrize("rule", [pytest.param(rule, id=name) for name, rule in rules()])
def test_what_a_rule_asks_for_is_exposed(rule: dict[str, Any]) -> None:
    told = " ".join(rule.get("annotations", {}).values())
    assert wrong(rule["expr"], legend=told) == []


def test_a_recorded_name_says_what_it_is() -> None:
    for _, rule in rules():
        if "record" in rule:
            level, metric, operation = rule["record"].split(":")
            assert level in listed(rule["expr"]), "the level is what is left of the labels"
            assert metric and operation


def test_it_would_be_noticed() -> None:
    assert wrong("gpu_temprature_celsius > 3") == ["no metric gpu_temprature_celsius"]
    assert wrong('gpu_up{host="a"}') == ["gpu_up has no label host"]
    assert wrong('sentinel_jobs{state="dead"}') == ["sentinel_jobs: state is never dead"]
    assert wrong("sum by (host) (rate(gpu_energy_joules_total[5m]))")
    assert wrong("gpu_up", legend="{{host}}") == ["host of the legend is in no result"]
    assert wrong("sum by (node) (gpu_up)", legend="{{gpu}}") == ["gpu of the legend is in no result"]
    assert wrong("1 + 1")
