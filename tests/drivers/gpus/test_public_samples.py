"""Every public sample of `nvidia-smi` parses, and to the values that were published with it.

The captures come with what another exporter is expected to serve from them. Whatever other files of the
same kinds stand in SENTINEL_REAL_DATA must parse as well: nothing here names one of them.
"""

import csv
import gzip
import json
import os
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sentinel.core.gpu import Gpu, ProcessKind
from sentinel.core.gpu_json import gpu_json
from sentinel.drivers.gpus.smi_csv import parse_compute_apps, parse_gpus
from sentinel.drivers.gpus.smi_listing import parse_listing
from sentinel.drivers.gpus.smi_pmon import parse_pmon
from sentinel.drivers.gpus.smi_xml import parse_xml

FOLDER = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "1_nvidia_smi")
XML = sorted(FOLDER.glob("xml/**/*.xml*"))
METRICS = sorted(FOLDER.glob("captures/*/*.expected-exporter.metrics"))
PMON = sorted(FOLDER.glob("**/*pmon*.txt"))
TABLES = [*sorted(FOLDER.glob("csv/*.csv")), *sorted(FOLDER.glob("csv/*query.txt"))]
LISTINGS = [*sorted(FOLDER.glob("captures/*/*.L.txt")), *sorted(FOLDER.glob("csv/*list_gpus*"))]

pytestmark = pytest.mark.data


def over(files: list[Path]) -> pytest.MarkDecorator:
    # Without the data the tests are left out as a group; an empty list would be a skip of its own.
    paths = files or [Path("none")]
    names = [str(path.relative_to(FOLDER)) if files else "none" for path in paths]
    return pytest.mark.parametrize("path", paths, ids=names)


def bytes_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_there_are_samples() -> None:
    assert XML
    assert METRICS
    assert PMON
    assert TABLES
    assert LISTINGS


def spoken(node: ET.Element, path: str) -> str | None:
    """The text there, None where it is no value, by other means than the parser's."""
    found = (node.findtext(path) or "").strip()
    return found if re.match(r"[-+.\d]", found) else None


@over(XML)
def test_xml(path: Path) -> None:
    data = bytes_of(path)
    log, root = parse_xml(data), ET.fromstring(data)
    assert len(log.gpus) == len(root.findall("gpu"))
    assert len({gpu.uuid for gpu in log.gpus}) == len(log.gpus)
    for gpu, node in zip(log.gpus, root.findall("gpu"), strict=True):
        check_numbers(gpu, node)
        check_processes(gpu, node)
        assert len(gpu.mig_devices) == len(node.findall("mig_devices/mig_device"))
        assert gpu.error is None or re.search(rb"lost|requires|Unknown Error|ERR!", data)
        json.dumps(gpu_json(gpu))


def check_numbers(gpu: Gpu, node: ET.Element) -> None:
    for path, value, scale in [
        ("fb_memory_usage/total", gpu.memory_total_bytes, 2**20),
        ("fb_memory_usage/used", gpu.memory_used_bytes, 2**20),
        ("fb_memory_usage/free", gpu.memory_free_bytes, 2**20),
        ("utilization/gpu_util", gpu.utilization_percent, 1),
        ("temperature/gpu_temp", gpu.temperature_celsius, 1),
        ("fan_speed", gpu.fan_percent, 1),
    ]:
        text = spoken(node, path)
        assert value == (None if text is None else float(text.split()[0]) * scale), path
    places = [f"{place}power_readings" for place in ("", "gpu_")]
    draws = {
        float(text.split()[0])
        for place in places
        for name in ("power_draw", "average_power_draw", "instant_power_draw")
        if (text := spoken(node, f"{place}/{name}"))
    }
    assert (gpu.power_watts in draws) if draws else gpu.power_watts is None


def check_processes(gpu: Gpu, node: ET.Element) -> None:
    listed = node.find("processes")
    if listed is None:
        assert gpu.processes is None
        return
    assert gpu.processes is not None
    pids = {int(entry.findtext("pid") or "") for entry in listed.findall("process_info")}
    assert {one.pid for one in gpu.processes} == pids
    letters = {"C": "compute", "G": "graphics", "C+G": "compute+graphics", "M+C": "mps-client"}
    kinds = {one.pid: one.kind.value for one in gpu.processes}
    for entry in listed.findall("process_info"):
        assert kinds[int(entry.findtext("pid") or "")] == letters.get(entry.findtext("type") or "", "unknown")


@dataclass(frozen=True)
class Metric:
    name: str
    labels: Mapping[str, str]
    value: float


_METRIC = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def metrics_of(path: Path) -> list[Metric]:
    found: list[Metric] = []
    for line in path.read_text().splitlines():
        match = None if line.startswith("#") else _METRIC.match(line)
        if match:
            labels = {key: value.replace("\\\\", "\\") for key, value in _LABEL.findall(match[2] or "")}
            found.append(Metric(match[1], labels, float(match[3])))
    return found


GAUGES = {
    "memory_total_bytes": ("memory_total_bytes", 1),
    "memory_used_bytes": ("memory_used_bytes", 1),
    "memory_free_bytes": ("memory_free_bytes", 1),
    "utilization_gpu_ratio": ("utilization_percent", 100),
    "temperature_gpu": ("temperature_celsius", 1),
    "power_draw_watts": ("power_watts", 1),
    "enforced_power_limit_watts": ("power_limit_watts", 1),
    "fan_speed_ratio": ("fan_percent", 100),
    "mig_mode_current": ("mig_enabled", 1),
    "index": ("index", 1),
}


@over(METRICS)
def test_a_capture_means_what_is_published_with_it(path: Path) -> None:
    state = path.name.partition(".")[0]
    wanted: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for metric in metrics_of(path):
        uuid = metric.labels.get("uuid")
        if uuid is not None:
            wanted[uuid][metric.name.removeprefix("nvidia_smi_")] = metric.value
    table = parse_gpus((path.parent / f"{state}.query-gpu.csv").read_text())
    assert {gpu.uuid.removeprefix("GPU-") for gpu in table.gpus} == set(wanted)
    assert table.count == len(table.gpus)
    for gpu in table.gpus:
        metrics = wanted[gpu.uuid.removeprefix("GPU-")]
        for metric, (field, scale) in GAUGES.items():
            value = getattr(gpu, field)
            expected = metrics.get(metric)
            if expected is None:
                assert value is None, field
            else:
                assert value == pytest.approx(expected * scale), field
        assert gpu.error is None


@over(METRICS)
def test_a_captures_processes_are_those_published_with_it(path: Path) -> None:
    state = path.name.partition(".")[0]
    names: dict[tuple[str, int], str] = {}
    sizes: dict[tuple[str, int], float] = {}
    for metric in metrics_of(path):
        if metric.name.startswith("nvidia_smi_compute_app_"):
            key = (metric.labels["uuid"], int(metric.labels["pid"]))
            if metric.name.endswith("_info"):
                names[key] = metric.labels["process_name"]
            else:
                sizes[key] = metric.value
    apps = parse_compute_apps((path.parent / f"{state}.query-compute-apps.csv").read_text())
    assert apps.readable
    found = {
        (uuid.removeprefix("GPU-"), one.pid): one
        for uuid, listed in apps.by_uuid.items()
        for one in listed or ()
    }
    assert {key: one.name for key, one in found.items()} == names
    assert {key: one.memory_bytes for key, one in found.items() if one.memory_bytes is not None} == sizes


@over(PMON)
def test_pmon(path: Path) -> None:
    """Against the text of the same capture: every row that has a pid, with its letters and its share."""
    rows = parse_pmon(path.read_text())
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    told = [cells for cells in lines if cells and cells[1] != "-"]
    assert [(row.gpu_index, row.pid) for row in rows] == [(int(cells[0]), int(cells[1])) for cells in told]
    letters = {"C": ProcessKind.COMPUTE, "G": ProcessKind.GRAPHICS, "C+G": ProcessKind.BOTH}
    for row, cells in zip(rows, told, strict=True):
        assert row.kind is letters.get(cells[2], ProcessKind.MPS)
        assert row.sm_percent == (None if cells[3] == "-" else float(cells[3]))
        assert row.command
        assert row.command.startswith(cells[-1]) or row.command.endswith(cells[-1])


@over(PMON)
def test_pmon_and_compute_apps_tell_of_the_same_processes(path: Path) -> None:
    beside = path.parent / path.name.replace("pmon.txt", "query-compute-apps.csv")
    if not beside.exists():
        return
    apps = parse_compute_apps(beside.read_text())
    listed = {one.pid for processes in apps.by_uuid.values() for one in processes or ()}
    computing = {row.pid for row in parse_pmon(path.read_text()) if row.kind.computes}
    assert computing == listed


@over(TABLES)
def test_tables(path: Path) -> None:
    titles, *lines = (
        line for line in csv.reader(path.read_text().splitlines(), skipinitialspace=True) if line
    )
    gpus = parse_gpus(path.read_text()).gpus
    assert len(gpus) == len(lines)
    columns = {title.partition(" ")[0].removeprefix("gpu_"): at for at, title in enumerate(titles)}
    if "uuid" in columns:
        assert [gpu.uuid for gpu in gpus] == [line[columns["uuid"]] for line in lines]
    if "memory.used" in columns:
        sizes = [line[columns["memory.used"]].split()[0] for line in lines]
        assert [gpu.memory_used_bytes for gpu in gpus] == [int(size) * 2**20 for size in sizes]


@over(LISTINGS)
def test_listings(path: Path) -> None:
    text = path.read_text()
    names = parse_listing(text)
    assert len(names) == len(re.findall(r"^\s+MIG ", text, re.MULTILINE))
    assert {one.uuid for one in names.values()} == set(re.findall(r"\(UUID: (MIG-[^)]+)\)", text))
    assert all(count == 1 for count in Counter(one.uuid for one in names.values()).values())


def test_edge_snippets() -> None:
    path = FOLDER / "edge_snippets" / "snippets.jsonl"
    assert path.exists()
    for line in path.read_text().splitlines():
        snippet = json.loads(line)
        query = re.search(r"--query-gpu=(\S+)", snippet.get("query", ""))
        if snippet["kind"] != "csv" or "text" not in snippet:
            continue
        first = snippet["text"].split("\n")[0]
        with_header = re.match(r"\s*(index|name|uuid)\b", first) is not None
        asked = query[1] if query else snippet.get("query", "")
        fields = None if with_header else asked.split(",")
        for gpu in parse_gpus(snippet["text"], fields).gpus:
            assert gpu.memory_total_bytes is None or gpu.memory_total_bytes > 2**30
            assert ("requires reset" in (gpu.error or "")) == ("requires reset" in snippet["text"])
