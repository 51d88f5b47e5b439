"""Health in the running agent: found, told, served, and a faulty GPU taken out at a real arbiter."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.node import Node
from tests.e2e.workstation import eventually
from tests.fakes.cards import cards

pytestmark = pytest.mark.cc

XID = "4,{number},{micros},-;NVRM: Xid (PCI:0000:01:00): {code}, pid=1234, name=python, it says so\n"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.standing(tmp_path) as standing:
        standing.kernel_log = tmp_path / "kernel.log"
        standing.kernel_log.write_text("6,1,1,-;all is quiet\n")
        standing.config = f'[health]\ninterval = "200ms"\nkernel_log = "{standing.kernel_log}"\n'
        yield standing


def standing(node: Node) -> dict[str, dict[str, Any]]:
    path = node.state / "findings.json"
    found = json.loads(path.read_text())["standing"]["open"] if path.exists() else []
    return {one["finding"]["code"]: one["finding"] for one in found}


def told(node: Node, kind: str) -> list[str]:
    return [one["subject"] for one in node.events() if one["type"] == f"sentinel.finding.{kind}"]


def log(node: Node, code: int, number: int = 2) -> None:
    assert node.kernel_log is not None
    with node.kernel_log.open("a") as out:
        out.write(XID.format(number=number, micros=number * 1000, code=code))


def test_a_line_in_the_kernels_log_becomes_a_finding_an_event_and_a_metric(node: Node) -> None:
    node.start()
    eventually(lambda: (node.state / "findings.json").exists(), "it looked", 10)
    log(node, 79)
    eventually(lambda: "79" in standing(node), "it stands", 15)
    finding = standing(node)["79"]
    assert finding["gpu"]["uuid"] == node.card.uuid and finding["quarantine"]
    eventually(lambda: told(node, "opened"), "it is told of", 15)
    assert 'code="79",component="xid"' in node.get("/metrics")
    node.kill()
    node.start()
    eventually(lambda: 'code="79"' in node.get("/metrics"), "it goes on standing", 15)
    assert len([one for one in told(node, "opened") if "xid-79" in one]) == 1, "and is not told of again"


def test_an_xid_that_the_driver_raises_is_known_at_once(node: Node) -> None:
    node.config = '[health]\ninterval = "60s"\n'
    node.start()
    eventually(lambda: (node.state / "findings.json").exists(), "it looked", 10)
    node.nvml.happen(device=0, xid=48)
    eventually(lambda: "48" in standing(node), "long before the next round", 10)


def test_a_sensor_that_is_bad_and_mended(node: Node) -> None:
    node.start()
    eventually(lambda: (node.state / "findings.json").exists(), "it looked", 10)
    sick = replace(node.card, errors={"*": 15})
    node.nvml.show([sick])
    eventually(lambda: any(code.startswith("gpu.") for code in standing(node)), "the card is lost", 15)


def test_a_hardware_fault_takes_the_gpu_out_at_the_arbiter(node: Node) -> None:
    node.card = cards(1)[0]
    with node.arbiter() as ask:
        node.start()
        log(node, 79)
        eventually(lambda: ask("status")["status"]["gpus"][0]["cordon"], "it is cordoned", 20)
        reason = ask("status")["status"]["gpus"][0]["cordon"]["reason"]
        assert reason.startswith("quarantine: ") and "79" in reason
        log(node, 13, 3)  # an application's fault changes nothing
        ask("uncordon", gpu=node.card.uuid)
        eventually(lambda: "13" in standing(node), "it was seen", 15)
        assert ask("status")["status"]["gpus"][0]["cordon"] is None, (
            "whoever brought it back is not overruled"
        )
        log(node, 79, 4)
        eventually(lambda: ask("status")["status"]["gpus"][0]["cordon"], "but by what happens afterwards", 20)


def test_an_application_s_fault_takes_nothing_out(node: Node) -> None:
    with node.arbiter() as ask:
        node.start()
        log(node, 31)
        eventually(lambda: "31" in standing(node), "it stands", 15)
        assert not standing(node)["31"]["quarantine"]
        assert ask("status")["status"]["gpus"][0]["cordon"] is None


def test_switched_off_nothing_is_looked_at(node: Node) -> None:
    node.config = "[health]\nenabled = false\n"
    node.start()
    assert not (node.state / "findings.json").exists()
    assert "sentinel_finding" not in node.get("/metrics")


def test_a_gpu_comes_back_when_its_check_passes_and_not_before(node: Node) -> None:
    with node.arbiter() as ask:

        def cordon() -> dict[str, Any] | None:
            found: dict[str, Any] | None = ask("status")["status"]["gpus"][0]["cordon"]
            return found

        ask("cordon", gpu=node.card.uuid, reason="quarantine: the GPU fell off the bus (79)")
        node.nvml.show([replace(node.card, errors={"*": 15})])
        assert check(node).returncode == 1 and cordon()
        node.nvml.show([node.card])
        kept = check(node, "--keep", "--json")
        assert json.loads(kept.stdout)["passed"] and cordon()
        done = check(node)
        assert done.returncode == 0 and "takes work again" in done.stdout
        assert cordon() is None
        ask("cordon", gpu=node.card.uuid, reason="fan replaced on Monday")
        assert "fan replaced on Monday" in check(node).stdout and cordon(), "a person's word stands"


def check(node: Node, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sentinel.cli.main", "gpu", "check", "0", *arguments]
    return subprocess.run(command, env=node.environment, capture_output=True, text=True, timeout=60)


# ------------------------------------------------------------------ the command


def health(*arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sentinel.cli.main", "health", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def test_the_command_looks_at_this_machine(node: Node) -> None:
    node.nvml.show([replace(node.card, errors={"*": 15})])
    done = health("--json", "--state-dir", str(node.state), env=node.environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["code"] for one in found["findings"] if one["severity"] == "critical"] == ["gpu.lost"]
    assert found["components"]["gpu"] == "bad"
    assert health("--exit-code", env=node.environment).returncode == 1


def test_the_command_reads_what_was_saved(tmp_path: Path) -> None:
    log = tmp_path / "k.log"
    log.write_text("kernel: NVRM: Xid (PCI:0000:3b:00): 31, pid=7, name=\x1b[31mtrain\n" * 3)
    done = health("--json", "--kernel-log", str(log))
    (one,) = json.loads(done.stdout)["findings"]
    assert (one["code"], one["count"], one["quarantine"]) == ("31", 3, False)
    assert set(json.loads(done.stdout)["components"]) == {"xid", "sxid"}
    told = health("--kernel-log", str(log), "--explain", "31")
    assert told.returncode == 0 and "\x1b" not in told.stdout and "next step" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kernel-log", "/no/such/file"], "is not there"),
        (["--smi-xml", "/dev/null"], "XML"),
        (["--source", "amd"], "no source of GPUs"),
    ],
)
def test_what_is_asked_wrongly(arguments: list[str], says: str) -> None:
    done = health(*arguments)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
    assert says in done.stderr


def test_a_finding_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "k.log").write_text("quiet\n")
    done = health("--kernel-log", str(tmp_path / "k.log"), "--explain", "79")
    assert done.returncode == 2 and "no finding has the id or code '79'" in done.stderr


def test_top_shows_what_stands(node: Node) -> None:
    node.start()
    log(node, 79)
    eventually(lambda: "79" in standing(node), "it stands", 15)
    command = [sys.executable, "-m", "sentinel.cli.main", "top", "--once", "--state-dir", str(node.state)]
    done = subprocess.run(command, env=node.environment, capture_output=True, text=True, timeout=60)
    assert "! critical: GPU 0: Xid 79" in done.stdout, done.stderr


def test_every_code_is_documented() -> None:
    table = json.loads(health("--list", "--json").stdout)
    assert {"xid", "sxid", "ecc", "thermal", "node"} <= set(table)
    assert all(entry["about"] and entry["codes"] for entry in table.values())
    assert "79" in table["xid"]["codes"]
