"""The parser: what it reads, what it refuses, and that it reads what prometheus_client reads."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from sentinel.core.errors import ProtocolError
from sentinel.telemetry.scrape.text import Sample, parse, read

PAGE = r"""
# HELP http_requests_total The "total" number of \n requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="get", code="400",}    3

# a comment
# TYPE path gauge
path{file="C:\\DIR\\\"x\"\n",empty=""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by } zero"} +Inf -3982045
nothing{} NaN
 spaced	{a="b"}	-1e-3
"""


def test_what_a_page_may_hold_is_read() -> None:
    page = parse(PAGE)
    assert [one._replace(value=0.0) for one in page.samples if math.isnan(one.value)] == [
        Sample("nothing", (), 0.0, None)
    ]
    assert [one for one in page.samples if not math.isnan(one.value)] == [
        Sample("http_requests_total", (("code", "200"), ("method", "post")), 1027.0, 1395066363.0),
        Sample("http_requests_total", (("code", "400"), ("method", "get")), 3.0, None),
        Sample("path", (("file", 'C:\\DIR\\"x"\n'),), 1.458255915e9, None),
        Sample("metric_without_timestamp_and_labels", (), 12.47, None),
        Sample("something_weird", (("problem", "division by } zero"),), math.inf, -3982.045),
        Sample("spaced", (("a", "b"),), -0.001, None),
    ]
    assert page.kind("http_requests_total") == "counter"
    assert page.kind("path") == "gauge"
    assert page.kind("nothing") == "unknown"


def test_the_parts_of_a_histogram_are_of_its_kind() -> None:
    page = parse('# TYPE a histogram\na_bucket{le="1"} 1\n# TYPE b_total counter\nb_total 1\n')
    assert {page.kind(f"a{suffix}") for suffix in ("_bucket", "_sum", "_count")} == {"histogram"}
    assert page.kind("b_total") == "counter"


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a{",
        'a{b="c} 1',
        "a{b=c} 1",
        'a{b="c" d="e"} 1',
        'a{b="1",b="2"} 1',
        "a 1_000",
        "a 1 2 3",
        "a one",
        "1a 1",
        "a-b 1",
        'a{b-c="d"} 1',
        '{"a.b"} 1',
        "<html><body>no metrics</body></html>",
        'a 1 # {id="exemplar"} 1',
    ],
)
def test_one_line_that_is_no_sample_spoils_the_page(line: str) -> None:
    with pytest.raises(ProtocolError, match="line 2"):
        parse(f"good 1\n{line}\nmore 1\n")


def test_openmetrics_has_seconds_exemplars_and_an_end() -> None:
    text = '# TYPE a counter\na_total{b="c"} 5 1700000000.5 # {trace="x y"} 0.5 123\n# EOF\n'
    page = parse(text, openmetrics=True)
    assert page.samples == (Sample("a_total", (("b", "c"),), 5.0, 1700000000.5),)
    assert page.kind("a_total") == "counter"
    with pytest.raises(ProtocolError, match="cut off"):
        parse(text.replace("# EOF\n", ""), openmetrics=True)
    with pytest.raises(ProtocolError, match="line 4: it goes on"):
        parse(f"{text}a_total 6\n", openmetrics=True)


def test_more_samples_than_are_taken_in_are_refused() -> None:
    page = "a 1\n" * 3
    assert len(parse(page, most=3).samples) == 3
    with pytest.raises(ProtocolError, match="more than 2 samples"):
        parse(page, most=2)


def test_what_is_no_text_of_metrics_is_named() -> None:
    with pytest.raises(ProtocolError, match="UTF-8"):
        read(b"a\xff 1", "text/plain")
    with pytest.raises(ProtocolError, match="text/html"):
        read(b"a 1", "text/html; charset=utf-8")
    assert read(b"a 1", "text/plain; version=0.0.4").samples[0].value == 1
    assert read(b"a 1\n# EOF\n", "application/openmetrics-text; version=1.0.0").samples[0].value == 1
    with pytest.raises(ProtocolError, match="cut off"):
        read(b"a 1\n", "Application/OpenMetrics-Text;version=1.0.0")


def test_a_line_made_to_take_long_is_refused_at_once() -> None:
    for line in (
        "a{" + '"' * 50_000,
        "a{" + 'b="' * 20_000,
        'a{b="' + "\\" * 50_001 + '"} 1',
        "a" + " " * 99_999,
    ):
        with pytest.raises(ProtocolError):
            parse(line)


NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name[:2] != "__")
VALUES = st.floats(width=64)
LABELS = st.dictionaries(
    NAMES.filter(lambda name: name not in ("le", "quantile")),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    max_size=3,
)


@st.composite
def registries(draw: st.DrawFn) -> CollectorRegistry:
    registry = CollectorRegistry()
    for place, kind in enumerate(draw(st.lists(st.sampled_from("gchs"), max_size=5))):
        labels = draw(LABELS)
        name = f"m{place}_{draw(NAMES)}"
        match kind:
            case "g":
                gauge = Gauge(name, 'A\\ \n"text".', labels.keys(), registry=registry)
                (gauge.labels(**labels) if labels else gauge).set(draw(VALUES))
            case "c":
                counter = Counter(name, "Text.", labels.keys(), registry=registry)
                (counter.labels(**labels) if labels else counter).inc(draw(st.floats(0, 1e300)))
            case "h":
                histogram = Histogram(name, "Text.", labels.keys(), registry=registry)
                (histogram.labels(**labels) if labels else histogram).observe(draw(st.floats(0, 20)))
            case _:
                summary = Summary(name, "Text.", labels.keys(), registry=registry)
                (summary.labels(**labels) if labels else summary).observe(draw(st.floats(0, 20)))
    return registry


def known(name: str, labels: dict[str, str], value: float) -> tuple[str, tuple[tuple[str, str], ...], str]:
    kept = tuple(sorted((key, text) for key, text in labels.items() if text))
    return name, kept, repr(float(value))


def ours(text: str, *, open: bool) -> list[tuple[str, tuple[tuple[str, str], ...], str]]:
    return [known(one.name, dict(one.labels), one.value) for one in parse(text, openmetrics=open).samples]


@given(registries())
def test_it_reads_what_prometheus_reads(registry: CollectorRegistry) -> None:
    text = generate_latest(registry).decode()
    theirs = [
        known(one.name, one.labels, one.value)
        for family in text_string_to_metric_families(text)
        for one in family.samples
    ]
    assert ours(text, open=False) == theirs


@given(registries())
def test_and_openmetrics_as_well(registry: CollectorRegistry) -> None:
    text = openmetrics.generate_latest(registry).decode()
    theirs = [
        known(one.name, one.labels, one.value)
        for family in openmetrics_families(text)
        for one in family.samples
    ]
    assert ours(text, open=True) == theirs


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
        parse(f"a {text}")
    except ProtocolError:
        pass
