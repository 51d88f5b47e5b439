"""The rules that come with Sentinel: whole, readable, and over metrics that there are."""

import re

import pytest
from tests.alerting.alerts import rule

from sentinel.alerting.library import SHIPPED, SHIPPED_INHIBITIONS, gpus, in_force, jobs, nodes, queue, slurm
from sentinel.alerting.library.controller import CONTROLLER_METRICS
from sentinel.core.alert import Rule
from sentinel.core.gpu_sensors import ThrottleReason
from sentinel.core.rule_json import rule_from, rule_json
from sentinel.telemetry.gpu_table import GPU_METRICS

GPU_LABELS = {"node", "gpu", "uuid", "sku"}
OF_THE_AGENT = {one.name: GPU_LABELS | set(one.labels) for one in GPU_METRICS} | {
    "sentinel_source_up": {"node", "source"},
    "sentinel_sample_age_seconds": {"node"},
}
OF_THE_CONTROLLER = {name: set(labels) for name, (labels, _) in CONTROLLER_METRICS.items()}
KNOWN = OF_THE_AGENT | OF_THE_CONTROLLER
ALL = pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)


def test_no_name_is_given_twice() -> None:
    assert len(SHIPPED) == sum(len(module.RULES) for module in (gpus, nodes, jobs, queue, slurm))


@ALL
def test_it_can_be_written_down_and_read(one: Rule) -> None:
    assert rule_from(rule_json(one)) == one


@ALL
def test_it_says_what_is_the_matter_why_that_matters_and_what_to_do(one: Rule) -> None:
    says = dict(one.annotations)
    assert all(len(says[name]) > 10 for name in ("summary", "why", "next_step"))


@ALL
def test_its_metric_exists_and_has_the_labels_that_it_names(one: Rule) -> None:
    if one.metric.startswith("slurm_"):
        labels = {"state"}
    else:
        assert one.of is None or one.of in KNOWN
        labels = KNOWN[one.metric]
    named = set(re.findall(r"\{(\w+)\}", " ".join(text for _, text in one.annotations)))
    assert named <= labels | {"value"} and set(one.scope) <= labels


def test_the_controllers_metrics_are_all_asked_for() -> None:
    assert {one.metric for one in SHIPPED.values()} >= set(OF_THE_CONTROLLER)


def test_reasons_for_throttling_are_those_that_there_are() -> None:
    named = {value for one in SHIPPED.values() for value in one.scope.get("reason", ())}
    assert named and named <= {reason.value for reason in ThrottleReason}


def test_inhibitions_name_shipped_rules() -> None:
    for one in SHIPPED_INHIBITIONS:
        assert {*one.source["rule"], *one.target["rule"]} <= set(SHIPPED)


def test_a_sites_own_rule_takes_the_place_of_the_shipped_one() -> None:
    own = rule("gpu-hot", threshold=80.0, enabled=False)
    found = in_force([own, rule("mine")])
    assert found["gpu-hot"] is own and set(found) == set(SHIPPED) | {"mine"}
