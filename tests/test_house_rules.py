"""The rules of the house that no linter knows: what runs as root stands alone, files stay small and named."""

import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
MODULES = sorted(SOURCE.rglob("*.py"))
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
LONGEST = 500
COMMANDS = {
    "sentinel",
    "sentinel-arbiter",
    "sentinel-request",
    "sentinel-status",
    "sentinel-admin",
    "sentinel-agent",
    "ds01-workloads",
}
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|^\s*-[if]\s|git\+", re.MULTILINE)

# These run as root on people's workstations, or beside such a process, so they need Python and nothing else.
STANDARD_LIBRARY_ALONE = (
    "core",
    "ports",
    "arbiter",
    "drivers/gpus",
    "drivers/services",
    "drivers/processes",
    "drivers/slurm",
    "drivers/histories",
    "drivers/metrics_sources",
    "drivers/notifiers",
    "alerting",
    "drivers/wakeups",
    "drivers/containers",
    "drivers/kernel_log",
    "drivers/node",
    "health",
    "inventory",
    "scheduling",
    "supervisor",
    "client",
)
NEEDS_AN_SDK = {"drivers/gpus/nvml.py": "nvidia-ml-py, which is optional"}


def name_of(module: Path) -> str:
    parts = module.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def alone() -> list[str]:
    home = SOURCE / "sentinel"
    found = [module for folder in STANDARD_LIBRARY_ALONE for module in sorted((home / folder).rglob("*.py"))]
    return [name_of(module) for module in found if str(module.relative_to(home)) not in NEEDS_AN_SDK]


@pytest.mark.parametrize("module", ["sentinel", *alone()])
def test_imports_with_the_standard_library_alone(module: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import {module}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_the_list_above_names_files_that_exist() -> None:
    for folder in (*STANDARD_LIBRARY_ALONE, *NEEDS_AN_SDK):
        assert (SOURCE / "sentinel" / folder).exists(), folder


def test_the_distribution_has_no_base_dependency() -> None:
    assert [line for line in requires("sentinel-gpu") or [] if "extra ==" not in line] == []


def test_every_command_leads_somewhere() -> None:
    points = distribution("sentinel-gpu").entry_points.select(group="console_scripts")
    found = {point.name: point for point in points}
    assert set(found) == COMMANDS
    for point in found.values():
        assert callable(getattr(import_module(point.module), point.attr)), point.name


def test_no_file_has_a_vague_name() -> None:
    folders = (SOURCE, ROOT / "tests", ROOT / "bench", ROOT / "demo")
    names = {
        path: {*path.relative_to(ROOT).with_suffix("").parts} for top in folders for path in top.rglob("*.py")
    }
    assert {path for path, parts in names.items() if parts & VAGUE} == set()


def test_no_module_is_longer_than_one_can_read() -> None:
    lengths = {name_of(module): len(module.read_text().splitlines()) for module in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_module_with_code_says_what_it_is_for() -> None:
    silent = [name_of(m) for m in MODULES if (text := m.read_text().strip()) and not text.startswith('"""')]
    assert silent == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.*")), ids=lambda path: path.name)
def test_requirement_files_carry_no_address(path: Path) -> None:
    assert ADDRESS.findall(path.read_text()) == []


def test_the_lock_pins_every_line_by_hash_and_covers_the_extras() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    pinned = {re.split(r"[=\[;]", entry)[0] for entry in entries}
    named = {re.split(r"[<>=!\[; ]", line)[0].lower() for line in requires("sentinel-gpu") or []} - {
        "sentinel-gpu"
    }
    assert named <= pinned
