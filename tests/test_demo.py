"""`make demo` as a newcomer and as a machine see it; nothing of it stays behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STEPS = [
    "inference answers",
    "research acquires",
    "inference paused",
    "research runs with its GPUs",
    "inference answers again",
    "rogue caught",
    "inference answers after the rogue",
    "a queue on top",
    "a job is queued",
    "inference steps aside for it",
    "a job makes room",
    "the job ends, its exit code is kept",
    "inference answers after the job",
]


@contextmanager
def started(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """The demo, with its temporary files in `folder`; ended politely if a test leaves it running."""
    argv = [sys.executable, "-m", "demo.workstation", *args]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(argv, cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, **pipes) as demo:
        try:
            yield demo
        finally:
            demo.terminate()


def mentioning(folder: Path) -> list[str]:
    """Command lines of living processes that name `folder`."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_the_whole_story_as_text(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, out + err
    assert [line for step in STEPS for line in out.splitlines() if line.endswith(f" s  {step}")]
    words = out.splitlines()
    assert "All 13 steps went as they should" in words[-3]
    assert "sentinel up --gpus simulated:2" in words[-2]
    assert re.match(r"Its dashboard: +(not built; )?https://127\.0\.0\.1:8443/ ", words[-1])
    assert re.search(r"its dashboard(: https://127\.0\.0\.1:\d+/| is not built here: make dashboard)", out)
    assert "\x1b[" not in out
    assert err == ""
    assert mentioning(tmp_path) == []


def test_the_last_line_is_for_machines(tmp_path: Path) -> None:
    with started(tmp_path, "--json") as demo:
        out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, out + err
    report = json.loads(out.splitlines()[-1])
    assert report["ok"] is True
    assert [step["name"] for step in report["steps"]] == STEPS
    assert all(step["ok"] and step["seconds"] >= 0 for step in report["steps"])
    assert any("https://127.0.0.1:8443/" in line for line in report["next"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with started(tmp_path, "--json") as demo:
        assert demo.stderr
        assert any("research acquires" in line for line in demo.stderr)
        assert mentioning(tmp_path)
        demo.send_signal(number)
        out, _ = demo.communicate(timeout=60)
    report = json.loads(out.splitlines()[-1])
    assert (demo.returncode, report["ok"], report["error"]) == (1, False, "interrupted")
    end = time.monotonic() + 10
    while mentioning(tmp_path) and time.monotonic() < end:
        time.sleep(0.1)
    assert mentioning(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_trouble_names_the_step_and_shows_the_arbiters_words(tmp_path: Path) -> None:
    code = (
        "import sys; from demo import stage, workstation\n"
        'stage.CONFIG = stage.CONFIG.replace("resume_delay = 1.0", "resume_delay = \\"soon\\"")\n'
        "sys.argv[1:] = ['--json']\n"
        "sys.exit(workstation.main())"
    )
    demo = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report = json.loads(demo.stdout.splitlines()[-1])
    assert demo.returncode == 1
    assert [(step["name"], step["ok"]) for step in report["steps"]] == [("inference answers", False)]
    assert "the arbiter ended with exit code 2" in report["error"]
    assert "The arbiter's last words" in demo.stderr
    assert "resume_delay" in demo.stderr
