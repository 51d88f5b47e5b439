"""sentinel-request's command line and what it sets in the command's environment: pure parts."""

from typing import Any

import pytest

from sentinel.arbiter.request import environment, find_program, parse
from sentinel.core.errors import SentinelError, UsageError


def asked(*arguments: str) -> dict[str, Any]:
    options = parse([*arguments, "true"])
    assert options is not None
    return options.message


@pytest.fixture(autouse=True)
def outside_of_any_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTINEL_LEASE", raising=False)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ((), {"wait_seconds": None, "command": "true"}),
        (("--wait",), {"wait_seconds": None}),
        (("--no-wait",), {"wait_seconds": 0}),
        (("--timeout", "90s"), {"wait_seconds": 90.0}),
        (("--timeout=10m",), {"wait_seconds": 600.0}),
        (("--gpus", "2"), {"sharing": "exclusive", "count": 2}),
        (("--gpu-ids", "0, GPU-ab,"), {"sharing": "exclusive", "gpu_ids": ["0", "GPU-ab"]}),
        (("--gpus", "2", "--gpu-ids", "0,1"), {"sharing": "exclusive", "gpu_ids": ["0", "1"]}),
        (("--memory", "20GiB"), {"sharing": "slice", "memory_bytes": 20 * 2**30}),
        (("--gpus=1", "--memory=20GiB"), {"sharing": "exclusive", "count": 1, "memory_bytes": 20 * 2**30}),
        (("--name", "x" * 200), {"holder": "x" * 80}),
    ],
)
def test_what_options_ask_for(arguments: tuple[str, ...], want: dict[str, Any]) -> None:
    message = asked(*arguments)
    assert want.items() <= message.items()
    assert ("sharing" in message) == ("sharing" in want)


def test_contradictory_options_leave_no_trace_of_the_count() -> None:
    assert "count" not in asked("--gpus", "1", "--gpu-ids", "0")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["ls", "-l"], ["ls", "-l"]),
        (["--", "ls", "--gpus", "9"], ["ls", "--gpus", "9"]),
        (["ls", "--", "-x"], ["ls", "--", "-x"]),
        (["--quiet", "--", "-odd-name"], ["-odd-name"]),
        (["-q", "--indices", "a"], ["a"]),
        (["--", "--"], ["--"]),
        (["-"], ["-"]),
    ],
)
def test_where_the_command_begins(arguments: list[str], command: list[str]) -> None:
    options = parse(arguments)
    assert options is not None
    assert options.command == command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which command"),
        (["--"], "which command"),
        (["--gpus"], "--gpus needs a value"),
        (["--gpus", "0", "x"], "from 1 up"),
        (["--gpus", "two", "x"], "from 1 up"),
        (["--gpus", "-1", "x"], "from 1 up"),
        (["--gpus", "99999", "x"], "from 1 up"),
        (["--gpus", "\u0662", "x"], "from 1 up"),
        (["--gpu-ids", ",", "x"], "indices or UUIDs"),
        (["--gpu-ids=", "x"], "indices or UUIDs"),
        (["--memory", "lots", "x"], "write it like 20GiB"),
        (["--memory", "0", "x"], "above 0"),
        (["--timeout", "soon", "x"], "write it like 30s"),
        (["--fallback", "maybe", "x"], "run or fail"),
        (["--gpus", "1", "--gpu-ids", "0,1", "x"], "contradict"),
        (["--frobnicate", "x"], "no option --frobnicate"),
        (["--quiet=1", "x"], "no option --quiet=1"),
        (["-g", "x"], "no option -g"),
    ],
)
def test_wrong_usage_is_said(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(arguments)


def test_inside_a_lease_it_names_that_as_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_LEASE", "L7-ab")
    assert asked()["parent"] == "L7-ab"


def test_a_long_command_line_is_cut_for_showing() -> None:
    options = parse(["echo", "x" * 5000])
    assert options is not None
    assert len(options.message["command"]) == 200
    assert len(options.command[1]) == 5000


# ------------------------------------------------------------------ the environment

ONE = {"uuid": "GPU-a", "index": 3, "devices": ["GPU-a"]}
TWO = {"uuid": "GPU-b", "index": 5, "devices": ["GPU-b"]}
CUT = {"uuid": "GPU-c", "index": 1, "devices": ["MIG-1", "MIG-2"]}


def given(*gpus: dict[str, Any], indices: bool = False, **env: str) -> dict[str, str]:
    found = environment(dict(env), {"lease": "L1-ab", "gpus": list(gpus)}, indices)
    assert found.pop("SENTINEL_LEASE") == "L1-ab"
    return found


def test_uuids_by_default() -> None:
    assert given(ONE, TWO) == {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}


def test_indices_on_request_in_the_order_that_they_count_in() -> None:
    want = {"CUDA_VISIBLE_DEVICES": "3,5", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert given(ONE, TWO, indices=True) == want


def test_a_card_cut_in_slices_is_named_by_its_slices() -> None:
    assert given(CUT) == {"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2"}


@pytest.mark.parametrize("chosen", ["GPU-a", "GPU-b,GPU-a", " GPU-b "])
@pytest.mark.parametrize("indices", [False, True])
def test_what_the_user_chose_within_the_lease_is_kept(chosen: str, indices: bool) -> None:
    assert given(ONE, TWO, indices=indices, CUDA_VISIBLE_DEVICES=chosen) == {"CUDA_VISIBLE_DEVICES": chosen}


def test_a_slice_that_the_user_chose_is_kept() -> None:
    assert given(CUT, CUDA_VISIBLE_DEVICES="MIG-2")["CUDA_VISIBLE_DEVICES"] == "MIG-2"


def test_indices_that_the_user_chose_are_kept_and_count_in_pci_order() -> None:
    want = {"CUDA_VISIBLE_DEVICES": "5", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert given(ONE, TWO, CUDA_VISIBLE_DEVICES="5", CUDA_DEVICE_ORDER="FASTEST_FIRST") == want


@pytest.mark.parametrize("chosen", ["0", "GPU-z", "GPU-a,GPU-z", "3,4", "", ",", "-1", "none"])
def test_what_is_not_within_the_lease_is_replaced_by_the_lease(chosen: str) -> None:
    assert given(ONE, TWO, CUDA_VISIBLE_DEVICES=chosen)["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b"


def test_a_blind_grant_leaves_the_choice_alone() -> None:
    assert given(CUDA_VISIBLE_DEVICES="1") == {"CUDA_VISIBLE_DEVICES": "1"}


# ------------------------------------------------------------------ finding the program


def test_a_program_is_found_as_a_shell_finds_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "b" / "tool").chmod(0o755)
    (tmp_path / "a" / "plain").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}/none:{tmp_path}/a:{tmp_path}/b")
    assert find_program("tool") == f"{tmp_path}/b/tool"
    assert find_program(f"{tmp_path}/b/tool") == f"{tmp_path}/b/tool"
    for name, code in (("plain", 126), ("absent", 127), (f"{tmp_path}/a/tool", 126), ("./absent", 127)):
        with pytest.raises(SentinelError) as caught:
            find_program(name)
        assert caught.value.exit_code == code, name
        assert name in caught.value.message
