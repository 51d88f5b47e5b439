"""What health says of a real card that is well, and `sentinel gpu check` with a load on it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gpu_hardware.card import COMMANDS, LOADING, TORCH, compute_pids, run, sentinel, wait_until

pytestmark = pytest.mark.gpu

NO_ARBITER = {"SENTINEL_SOCKET": "/nowhere/arbiter.sock"}


@pytest.mark.parametrize("source", ["nvml", "smi"])
def test_health_of_a_card(source: str, card: str, tmp_path: Path, verified: Callable[[str], None]) -> None:
    text = sentinel("health", "--json", "--source", source, "--state-dir", str(tmp_path))
    print(text)
    print(sentinel("health", "--source", source, "--state-dir", str(tmp_path)))
    found = json.loads(text)
    bad = [one for one in found["findings"] if one["severity"] != "info" and one["component"] != "xid"]
    assert bad == [], "either the card is not well, or a rule is wrong"
    assert {name for name, verdict in found["components"].items() if verdict == "ok"} >= {
        "gpu",
        "ecc",
        "clocks",
    }
    verified(f"`sentinel health` ({source}): nothing is wrong with a card that is well")


def test_health_of_what_nvidia_smi_saved(card: str, tmp_path: Path) -> None:
    saved = tmp_path / "smi.xml"
    saved.write_text(run("nvidia-smi", "-q", "-x"))
    found = json.loads(sentinel("health", "--json", "--smi-xml", str(saved)))
    print(json.dumps(found)[:3000])
    assert [one for one in found["findings"] if one["severity"] != "info"] == []


def test_a_card_is_checked_under_load(card: str, verified: Callable[[str], None]) -> None:
    argv = [str(COMMANDS / "sentinel"), "gpu", "check", "0", "--burn", "8s", "--json"]
    done = subprocess.run(
        argv, env=os.environ | NO_ARBITER, capture_output=True, text=True, timeout=LOADING, check=False
    )
    print(done.stdout, done.stderr)
    found = json.loads(done.stdout)
    steps = {one["name"]: one["result"] for one in found["steps"]}
    assert found["passed"], found
    assert {steps[name] for name in ("driver", "card", "memory")} == {"ok"}
    assert steps["load"] == ("ok" if TORCH else "unknown")
    if TORCH:
        assert steps["clocks"] == "ok"
        verified("`sentinel gpu check --burn`: computed on the card with PyTorch, clocks and link under load")
    wait_until(lambda: not compute_pids(), "the load is gone")
