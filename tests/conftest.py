"""Which groups of tests run here, and a closing word on those that don't.

A group is a marker. A group that this machine cannot run is left out and named, with the reason, at the
end of the run; nothing is skipped in silence. `make test-real` and `make test-gpu` ask for their group
(SENTINEL_REQUIRE_REAL=1, SENTINEL_REQUIRE_GPU=1): there nothing may be missing, so a missing part, and any
skip at all, is a failure.
"""

import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

LEFT_OUT = pytest.StashKey[Counter[str]]()

# A busy machine is no reason to fail, and a test says itself how many examples it wants.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def _compiler() -> str | None:
    found = any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))
    return None if found else "no C compiler here (Debian: apt-get install gcc)"


def _data() -> str | None:
    folder = os.environ.get("SENTINEL_REAL_DATA")
    if not folder:
        return "SENTINEL_REAL_DATA is not set; it names the folder with the public samples"
    return None if Path(folder).is_dir() else f"SENTINEL_REAL_DATA={folder} is no folder"


def _root() -> str | None:
    return None if os.geteuid() == 0 else "not root"


MISSING = {"cc": _compiler, "data": _data, "root": _root}
ASK_FOR = {"real": "make test-real", "gpu": "make test-gpu"}


def required() -> set[str]:
    """The groups that must run whole."""
    return {group for group in ASK_FOR if os.environ.get(f"SENTINEL_REQUIRE_{group.upper()}") == "1"}


def reasons(markexpr: str) -> dict[str, str]:
    """Group → why it does not run here. `-m real` by hand asks for a group as well."""
    asked = required() | set(re.findall(r"\w+", markexpr))
    found = {group: f"run `{how}`" for group, how in ASK_FOR.items() if group not in asked}
    return found | {group: why for group, missing in MISSING.items() if (why := missing())}


def _groups(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()} & (MISSING.keys() | ASK_FOR.keys())


def pytest_configure() -> None:
    # A shell that starts us in the background has us ignore Ctrl-C, and so would all that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    why = reasons(config.option.markexpr)
    left_out = config.stash[LEFT_OUT] = Counter[str]()
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        groups = _groups(item)
        # What one has to ask for comes first: it is the better reason.
        missing = [group for group in (*ASK_FOR, *MISSING) if group in groups and group in why]
        if missing and not groups & required():
            left_out[missing[0]] += 1
            dropped.append(item)
        else:
            kept.append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Signals that a test blocks stay blocked for that test alone: the next one's processes inherit none."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        return (yield)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def pytest_runtest_setup(item: pytest.Item) -> None:
    why = reasons(item.config.option.markexpr)
    for group in sorted(_groups(item) & why.keys()):
        pytest.fail(f"needs group {group}: {why[group]}", pytrace=False)


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """A skip's reason; pytest keeps it as (path, line, reason)."""
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and required() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure here: {_why(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and required():
        report.outcome = "failed"
        report.longrepr = f"skipped whole, which is a failure here: {_why(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, Counter[str]())
    why = reasons(config.option.markexpr)
    for group, count in sorted(left_out.items()):
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"left out: {tests} of group {group}: {why[group]}")
