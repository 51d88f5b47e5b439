"""From look to look: what becomes of counters, what a latency is of, and what a restart does."""

import pytest
from tests.telemetry.scrape.pages import LLAMA_CPP, vllm

from sentinel.core.series import Labels
from sentinel.telemetry.scrape.inference import Reading, reading
from sentinel.telemetry.scrape.progress import (
    FIRST_TOKEN,
    LATENCY,
    MODEL,
    REQUESTS,
    RUNNING,
    TOKENS,
    UP,
    WAITING,
    followed,
    named,
    values,
    window_of,
)
from sentinel.telemetry.scrape.text import parse

Latencies = list[float]


def look(text: str, at: float) -> Reading:
    return reading(parse(text).samples, at)


def follow(*looks: Reading, window: float = 60.0) -> tuple[Reading, ...]:
    past: tuple[Reading, ...] = ()
    for one in looks:
        past = followed(past, one, window)
    return past


def shown(past: tuple[Reading, ...], metric: str) -> dict[Labels, float]:
    return {labels: value for name, labels, value in values("n", "chat", True, past) if name == metric}


def percentiles(past: tuple[Reading, ...], metric: str = LATENCY) -> dict[str, float]:
    return {dict(labels)["p"]: value for labels, value in shown(past, metric).items()}


def test_what_is_told_of_a_server() -> None:
    past = follow(look(vllm([0.4], running=2, waiting=1, tokens=(40, 50)), 0.0))
    server = (("node", "n"), ("workload", "chat"))
    model = (("model", "m"), *server)
    assert list(values("n", "chat", True, past)) == [
        (UP, server, 1.0),
        (MODEL, model, 1.0),
        (REQUESTS, model, 1.0),
        (RUNNING, model, 2.0),
        (WAITING, model, 1.0),
        (TOKENS, (("kind", "prompt"), *model), 40.0),
        (TOKENS, (("kind", "generated"), *model), 50.0),
    ]


def test_one_that_does_not_answer_is_down_and_nothing_else_is_known() -> None:
    assert list(values("n", "chat", False, ())) == [(UP, (("node", "n"), ("workload", "chat")), 0.0)]


def test_models_by_another_way_of_asking() -> None:
    found = [labels for name, labels, _ in values("n", "o", True, (), ("b", "a", "")) if name == MODEL]
    assert [dict(labels)["model"] for labels in found] == ["a", "b"]


def test_a_latency_is_of_the_requests_between_the_looks() -> None:
    before = [3.0] * 1000
    past = follow(look(vllm(before), 0.0), look(vllm([*before, 0.6, 0.7, 0.8, 0.9]), 10.0))
    # Four in (0.5 s, 1 s], spread evenly; the thousand slow ones were before.
    assert percentiles(past) == pytest.approx({"50": 750.0, "95": 975.0, "99": 995.0})
    assert percentiles(past, FIRST_TOKEN) == pytest.approx({"50": 50.0, "95": 95.0, "99": 99.0})


def test_the_first_look_and_a_quiet_minute_have_none() -> None:
    assert percentiles(follow(look(vllm([0.6]), 0.0))) == {}
    assert percentiles(follow(look(vllm([0.6]), 0.0), look(vllm([0.6]), 10.0))) == {}


def test_a_latency_is_forgotten_after_a_minute() -> None:
    looks = [look(vllm([0.6] if at else []), float(at)) for at in range(0, 80, 10)]
    assert percentiles(follow(*looks[:7]))["50"] == 750.0
    assert percentiles(follow(*looks[:8])) == {}


def test_the_first_request_after_a_look_counts_although_it_made_the_histogram() -> None:
    past = follow(look("vllm:num_requests_running 0\n", 0.0), look(vllm([0.6]), 10.0))
    assert percentiles(past)["50"] == 750.0


@pytest.mark.parametrize(
    "after",
    [
        vllm([0.6]),  # fewer requests than before
        vllm([3.0] * 9),  # more, but not in the same buckets
        vllm([0.6] * 5, tokens=(1, 1)),  # tokens went down
        vllm([0.6] * 9, tokens=(90, 90), started=2.0),  # nothing went down, and it says so itself
    ],
)
def test_nothing_is_made_up_over_a_restart(after: str) -> None:
    before = look(vllm([0.6] * 5, tokens=(50, 50), started=1.0), 0.0)
    past = follow(before, look(after, 10.0))
    assert len(past) == 1
    assert percentiles(past) == {}
    assert all(value >= 0 for _, _, value in values("n", "chat", True, past))


def test_after_the_restart_it_goes_on_from_there() -> None:
    past = follow(look(vllm([3.0] * 5), 0.0), look(vllm([]), 10.0), look(vllm([0.6]), 20.0))
    assert percentiles(past)["50"] == 750.0


def test_looks_that_come_seldom_are_compared_all_the_same() -> None:
    assert window_of(10.0) == 60.0
    assert window_of(120.0) == 300.0
    looks = look(vllm([]), 0.0), look(vllm([0.6]), 120.0)
    assert percentiles(follow(*looks, window=window_of(120.0)))["50"] == 750.0
    assert percentiles(follow(*looks)) == {}  # a gap: nobody knows when that was


def test_a_server_that_does_not_name_its_model_is_given_the_configs() -> None:
    past = named(follow(look(LLAMA_CPP, 0.0)), "qwen")
    assert [dict(labels)["model"] for labels in shown(past, RUNNING)] == ["qwen"]
    past = named(follow(look(vllm([]), 0.0)), "qwen")
    assert [dict(labels)["model"] for labels in shown(past, RUNNING)] == ["m"]
    assert named((), "x") == () and named(past, None) == past
