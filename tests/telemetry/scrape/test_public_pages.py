"""Pages that real exporters wrote: read as prometheus_client reads them, and kept without processes."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sentinel.core.series import label_of
from sentinel.telemetry.scrape.foreign import kept
from sentinel.telemetry.scrape.text import parse

pytestmark = pytest.mark.data


def _pages() -> Iterator[Path]:
    folder = os.environ.get("SENTINEL_REAL_DATA")
    if folder:
        top = Path(folder) / "5_prometheus"
        yield from sorted(
            [*top.glob("ceems_exporter/*.txt.gz"), *top.glob("dcgm_exporter/readme_sample_[01].txt")]
        )
        yield from sorted((Path(folder) / "1_nvidia_smi/captures").glob("*/expected-exporter.metrics"))


PAGES = list(_pages())


def text_of(path: Path) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = raw.decode().splitlines()
    # In a README a page stands among commands, and shortened.
    readme = path.name.startswith("readme")
    kept = (line for line in lines if not readme or re.match(r"# |DCGM_\w+\{", line))
    return "\n".join(kept) + "\n"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_real_page(path: Path) -> None:
    text = text_of(path)
    page = parse(text)
    theirs = [
        (
            one.name,
            tuple(sorted((key, value) for key, value in one.labels.items() if value)),
            repr(float(one.value)),
        )
        for family in text_string_to_metric_families(text)
        for one in family.samples
    ]
    assert [(one.name, one.labels, repr(one.value)) for one in page.samples] == theirs
    found = kept(page, "pod-1", 1_700_000_000.0)
    assert found.values
    assert {label_of(labels, "node") for _, labels, _ in found.values} == {"pod-1"}
    assert not any(label_of(labels, "pid") for _, labels, _ in found.values)


def test_there_are_such_pages() -> None:
    assert len(PAGES) > 5
