"""The agent's exposition of inference servers: what Prometheus reads in it."""

from prometheus_client.parser import text_string_to_metric_families
from tests.telemetry.scrape.pages import vllm

from sentinel.telemetry.scrape.inference import reading
from sentinel.telemetry.scrape.inference_metrics import inference_metrics
from sentinel.telemetry.scrape.progress import HELP, followed, values
from sentinel.telemetry.scrape.text import parse
from sentinel.telemetry.text_format import text_format


def test_every_value_is_a_sample_and_every_metric_has_a_family() -> None:
    past = followed((), reading(parse(vllm([])).samples, 0.0))
    past = followed(past, reading(parse(vllm([0.6, 0.7], running=1)).samples, 10.0))
    told = [*values("n", "a", True, past), *values("n", "b", False, ())]
    text = text_format(inference_metrics(told), openmetrics=False).decode()
    families = list(text_string_to_metric_families(text))
    read = [
        (one.name, tuple(sorted(one.labels.items())), one.value)
        for family in families
        for one in family.samples
    ]
    assert sorted(read) == sorted(told)
    assert {one.name for family in families for one in family.samples} == set(HELP)
    kinds = {family.name: family.type for family in families}
    assert kinds["workload_inference_requests"] == "counter"
    assert kinds["workload_inference_tokens"] == "counter"
    assert kinds["workload_inference_latency_ms"] == "gauge"
    assert all(family.documentation for family in families)


def test_without_servers_there_is_nothing() -> None:
    assert list(inference_metrics(())) == []
