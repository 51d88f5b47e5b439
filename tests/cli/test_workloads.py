import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.inventories import (
    CATEGORIES,
    GIB,
    HOSTILE,
    NOW,
    hostile,
    inventory,
    one_of_each,
    workload,
    write,
)

from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.state_dir import DEFAULT, state_dir
from sentinel.cli.local.workloads.cells import gpus_text, ranges, status_text
from sentinel.cli.local.workloads.evidence import evidence_lines
from sentinel.cli.local.workloads.guide import CONCEPTS, INFO
from sentinel.cli.local.workloads.notes import notes
from sentinel.cli.local.workloads.selection import Selection, kinds_from, one_by_id, selected
from sentinel.cli.local.workloads.table import by_user_lines, workload_lines
from sentinel.cli.local.workloads.tour import tour
from sentinel.cli.main import main
from sentinel.cli.text_width import width_of
from sentinel.cli.text_wrap import wrapped
from sentinel.core.clock import wall
from sentinel.core.errors import ConfigError, UsageError
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.workload import Category, Evidence, Origin, Trust, Workload, WorkloadState
from sentinel.core.workload_json import inventory_from, inventory_json

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    origin = draw(st.sampled_from(Origin))
    return workload(
        draw(st.integers(0, 50)),
        origin=origin,
        category=CATEGORIES.get(origin, Category.CONTAINER),
        state=draw(st.sampled_from(WorkloadState)),
        name=draw(TEXT),
        user=draw(st.none() | TEXT),
        image=draw(st.none() | TEXT),
        command=draw(st.none() | TEXT),
        runtime=draw(st.sampled_from([None, "docker", "containerd", "\x1b[1mevil" * 9])),
        gpus=draw(
            st.none() | st.lists(st.sampled_from([f"GPU-{n}" for n in range(30)]), max_size=30).map(tuple)
        ),
        gpu_access=draw(st.sampled_from([True, False, None])),
        gpu_memory_bytes=draw(st.none() | st.integers(0, 2**50)),
        cpu_percent=draw(st.none() | st.floats(0, 1e5)),
        started_at=draw(st.none() | st.floats(0, NOW)),
        idle_since=draw(st.none() | st.floats(0, NOW)),
        conflicts=draw(st.lists(TEXT, max_size=2).map(tuple)),
        transient=draw(st.booleans()),
        user_evidence=draw(
            st.lists(
                st.builds(Evidence, value=TEXT, source=TEXT, trust=st.sampled_from(Trust), detail=TEXT),
                max_size=3,
            ).map(tuple)
        ),
    )


INVENTORIES = st.lists(workloads(), max_size=8).map(lambda found: inventory(*found, gpus=20))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SENTINEL, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=30,
    )


# ------------------------------------------------------------------ the table


@settings(max_examples=40)
@given(INVENTORIES, st.integers(80, 200), st.booleans())
def test_every_line_fits_and_no_status_is_cut(found: Inventory, width: int, wide: bool) -> None:
    chosen = selected(found, Selection(stopped=True))
    lines = workload_lines(found, chosen, NOW, width, wide=wide)
    assert len(lines) == len(chosen) + 1
    assert all(line.isprintable() for line in lines)
    if not wide:
        assert max(map(width_of, lines)) <= width
    for line, one in zip(lines[1:], chosen, strict=True):
        assert status_text(one, NOW) in line
        assert one.origin.value in line


@settings(max_examples=40)
@given(INVENTORIES, st.integers(80, 120))
def test_every_other_view_fits_and_is_plain(found: Inventory, width: int) -> None:
    chosen = selected(found, Selection(stopped=True))
    pages = [by_user_lines(found, chosen, width), *tour(found, chosen, NOW, width)]
    pages += [evidence_lines(found, one, NOW, width) for one in chosen]
    for lines in pages:
        assert all(line.isprintable() for line in lines)
        assert max(map(width_of, lines), default=0) <= width


def test_the_table_in_full() -> None:
    found = inventory(
        workload(1),
        workload(2, name="b", user=None, gpus=None, state=WorkloadState.PAUSED, started_at=None),
        workload(3, name="c", user="bob", gpus=("GPU-0", "GPU-1", "GPU-3"), state=WorkloadState.IDLE,
                 idle_since=NOW - 7300, origin=Origin.COMPOSE),
        workload(4, name="d", gpus=(), gpu_access=False, state=WorkloadState.UNKNOWN),
    )  # fmt: skip
    lines = workload_lines(found, selected(found, Selection()), NOW, 80)
    assert lines == [
        "TYPE            USER  GPU(S)  STATUS            AGE  NAME",
        "raw-docker      ann   0       running           2 h  trainer",
        "docker-compose  bob   0-1,3   idle 2 h          2 h  c",
        "raw-docker      ?     ?       paused              ?  b",
        "raw-docker      ann   -       unknown (docker)  2 h  d",
    ]


def test_the_wide_table_has_more_columns() -> None:
    found = inventory(workload(1), workload(2, cpu_percent=None, memory_bytes=None, gpu_memory_bytes=None))
    heading, first, second = workload_lines(found, found.workloads, NOW, None, wide=True)
    assert heading.split()[:1] == ["ID"]
    for title in ("CPU%", "MEMORY", "GPU MEMORY", "IMAGE", "NAME"):
        assert title in heading
    assert first.startswith("00000001abab  ")
    assert "105 %   3 GiB      12 GiB  pytorch/pytorch:2.4" in first
    assert second.count("?") == 3


def test_colours_are_only_where_asked_and_change_no_text() -> None:
    import re

    found = one_of_each()
    plain = workload_lines(found, found.workloads, NOW, 100)
    painted = workload_lines(found, found.workloads, NOW, 100, colours=True)
    assert "\x1b" not in "".join(plain)
    assert painted != plain
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in painted] == plain


def test_gpus_as_ranges() -> None:
    index = {f"GPU-{n}": n for n in range(64)}
    assert ranges([5, 0, 1, 2, 3, 3]) == "0-3,5"
    assert gpus_text(None, index) == "?"
    assert gpus_text((), index) == "-"
    assert gpus_text(("GPU-1", "elsewhere"), index) == "1,?"
    assert gpus_text([f"GPU-{n}" for n in range(0, 64, 2)], index) == "32 GPUs"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 400, "400 d")],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert age_text(seconds) == text


def test_by_user_sums_what_is_known_and_says_what_is_not() -> None:
    found = inventory(
        workload(1),
        workload(2, gpu_memory_bytes=None, gpus=("GPU-1",)),
        workload(3, user="bob", gpus=(), gpu_access=False, gpu_memory_bytes=None),
        workload(4, user=None, gpus=None, gpu_memory_bytes=GIB, state=WorkloadState.IDLE),
    )
    assert by_user_lines(found, found.workloads, 80) == [
        "USER  WORKLOADS  GPU(S)  GPU MEMORY  IDLE",
        "ann           2  0-1     12 GiB + ?     0",
        "bob           1  -                -     0",
        "?             1  ?            1 GiB     1",
    ]


# ------------------------------------------------------------------ what is chosen


def chosen_names(found: Inventory, **selection: Any) -> set[str]:
    return {one.name for one in selected(found, Selection(**selection))}


def test_selection() -> None:
    found = inventory(
        workload(1, name="gpu"),
        workload(2, name="none", gpu_access=False, gpus=()),
        workload(3, name="unsure", gpu_access=None, gpus=None, user=None),
        workload(4, name="over", state=WorkloadState.EXITED, user="bob"),
        workload(5, name="queue", origin=Origin.DS01, category=Category.MANAGED),
    )
    assert chosen_names(found) == {"gpu", "none", "unsure", "queue"}
    assert chosen_names(found, stopped=True) == {"gpu", "none", "unsure", "queue", "over"}
    assert chosen_names(found, gpu_only=True) == {"gpu", "unsure", "queue"}
    assert chosen_names(found, users=frozenset({"bob", "?"}), stopped=True) == {"over", "unsure"}
    assert chosen_names(found, kinds=kinds_from(["managed"])) == {"queue"}
    assert chosen_names(found, kinds=kinds_from(["RAW-docker", "ds01-managed"])) == chosen_names(found)


def test_a_type_that_is_none_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        kinds_from(["docker-compos"])
    assert "did you mean docker-compose?" in caught.value.message
    assert all(origin.value in caught.value.message for origin in Origin)
    assert all(category.value in caught.value.message for category in Category)


def test_one_by_id() -> None:
    found = one_of_each().workloads
    assert one_by_id(found, "00000003").origin is Origin.DEVCONTAINER
    assert one_by_id(found, "process:77").name == "jupyter"
    assert one_by_id(found, "jupyter").pid == 77
    assert one_by_id(found, "77").name == "jupyter"
    with pytest.raises(UsageError, match=r"may mean 11 workloads: .* and 3 more"):
        one_by_id(found, "000")
    with pytest.raises(UsageError, match="no workload has an id"):
        one_by_id(found, "zzz")
    with pytest.raises(UsageError):
        one_by_id(found, "")


# ------------------------------------------------------------------ what is said above


def test_notes() -> None:
    assert notes(inventory(), NOW + 89) == []
    (old,) = notes(inventory(), NOW + 300)
    assert old.startswith("old: nobody has looked for 5 min; ")
    assert "sentinel scan" in old
    assert "before this machine was last started" in notes(inventory(), NOW + 300, boot_id="other")[0]
    assert "future" in notes(inventory(), NOW - 60)[0]
    docker, absent = notes(one_of_each(), NOW)
    assert docker == (
        "docker: unknown since 3 min: no answer within 2 s; its workloads are shown as last seen"
    )
    assert absent == "not on this machine: podman"


def test_a_note_of_a_hostile_source_is_plain() -> None:
    evil = SourceReport(state=SourceState.UNKNOWN, why="\x1b[2J" + "日" * 100)
    for note in notes(inventory(sources={"docker": evil}), NOW):
        for line in wrapped(note, 80):
            assert line.isprintable()
            assert width_of(line) <= 80


# ------------------------------------------------------------------ evidence and texts


def test_evidence_is_ranked_by_who_vouches_for_it() -> None:
    one = workload(
        1,
        user_evidence=(
            Evidence(value="ann", source="process-uid", trust=Trust.KERNEL),
            Evidence(value="carol", source="label:ds01.user", trust=Trust.DECLARED),
            Evidence(value="ann", source="bind-mount", trust=Trust.RUNTIME, detail="/home/ann"),
        ),
        conflicts=("label:ds01.user says carol",),
    )
    text = "\n".join(evidence_lines(inventory(one), one, NOW, 100))
    order = [text.index(word) for word in ("process-uid", "bind-mount", "label:ds01.user")]
    assert order == sorted(order)
    assert "* ann: process-uid" in text
    assert "may be forged" in text
    assert "! label:ds01.user says carol" in text


def test_help_texts_fit_a_terminal() -> None:
    for text in (INFO, CONCEPTS):
        assert max(map(len, text.splitlines())) <= 80
        assert text.isascii()
    assert len(INFO.splitlines()) <= 24
    assert all(origin.value in CONCEPTS for origin in Origin)


# ------------------------------------------------------------------ where it lies


def test_state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.delenv("SENTINEL_STATE_DIR", raising=False)
    assert state_dir(None, config) == DEFAULT
    config.write_text('[inventory]\nstate_dir = "/var/lib/ds01"\n')
    assert state_dir(None, config) == Path("/var/lib/ds01")
    monkeypatch.setenv("SENTINEL_STATE_DIR", "/from/env")
    assert state_dir(None, config) == Path("/from/env")
    assert state_dir("/asked", config) == Path("/asked")
    monkeypatch.delenv("SENTINEL_STATE_DIR")
    for broken in ("[inventory", "[inventory]\nstate_dir = 5"):
        config.write_text(broken)
        with pytest.raises(ConfigError, match=r"config\.toml"):
            state_dir(None, config)


# ------------------------------------------------------------------ the command


def test_json_is_the_inventory_filtered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = one_of_each()
    write(tmp_path, found)
    assert main(["workloads", "--json", "--state-dir", str(tmp_path)]) == 0
    everything = json.loads(capsys.readouterr().out)
    ids = {one["id"] for one in everything["workloads"]}
    assert ids == {one.id for one in found.workloads}  # the stopped ones, too
    assert {key: everything[key] for key in ("sources", "scanned_at", "gpus")} == {
        key: inventory_json(found)[key] for key in ("sources", "scanned_at", "gpus")
    }
    assert main(["workloads", "--json", "--state-dir", str(tmp_path), "--user", "bob"]) == 0
    some = inventory_from(json.loads(capsys.readouterr().out))
    assert {one.user for one in some.workloads} == {"bob"}
    assert WorkloadState.CREATED in {one.state for one in some.workloads}


def test_nothing_has_looked_yet(tmp_path: Path) -> None:
    for more in ([], ["--json"], ["--watch"], ["--guided"], ["--evidence", "x"]):
        done = run("workloads", "--state-dir", str(tmp_path / "none"), *more)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert "sentinel scan" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"[]", "no inventory"),
        (b'{"schema": 1}', "no inventory"),
        (b'{"schema": 99}', "upgrade Sentinel"),
        (b'{"schema": 1, "node": "a", "scanned_at": "2026-01-01T00:00:00Z", "boot_id": "b",'
         b' "workloads": [{"id": 5, "origin": "system", "category": "host-process", "state": "idle",'
         b' "name": "x"}]}', "not what it should be"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    (tmp_path / "inventory.json").write_bytes(content)
    assert main(["workloads", "--state-dir", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


@settings(max_examples=25)
@given(st.data())
def test_a_mangled_file_never_makes_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    raw = json.loads(json.dumps(inventory_json(one_of_each())))
    one = data.draw(st.sampled_from(raw["workloads"]))
    key = data.draw(st.sampled_from(sorted(one)))
    one[key] = data.draw(
        st.sampled_from([None, 5, -1, 1e308, "x", [], [None], [[]], {}, {"a": 1}, True, "GPU-0", ["GPU-0"]])
    )
    folder = tmp_path_factory.mktemp("mangled")
    (folder / "inventory.json").write_text(json.dumps(raw))
    for more in (["--all", "--wide"], ["--by-user"], ["--guided"], ["--json"], ["--evidence", "00000003"]):
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            assert main(["workloads", "--state-dir", str(folder), *more]) in (0, 1, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["5"],
        ["--watch", "nonsense"],
        ["--watch", "0.01"],
        ["--watch", "--json"],
        ["--by-user", "--json"],
        ["--type", "nope"],
        ["--evidence", "nope"],
    ],
)
def test_asking_wrongly(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    write(tmp_path, one_of_each())
    assert main(["workloads", "--state-dir", str(tmp_path), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_through_a_pipe_it_is_plain_and_fits_80_columns(tmp_path: Path) -> None:
    write(tmp_path, hostile(), wall())
    for more in ([], ["--all"], ["--by-user"], ["--guided"]):
        done = run("workloads", "--state-dir", str(tmp_path), *more, COLUMNS="80", FORCE_COLOR="1")
        assert done.returncode == 0, done.stderr
        assert all(line.isprintable() for line in done.stdout.splitlines())
        assert max(map(width_of, done.stdout.splitlines())) <= 80


def test_an_empty_table_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, inventory(workload(state=WorkloadState.EXITED)), wall())
    assert main(["workloads", "--state-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no workload runs here now (1 stopped: --all)\n"
    assert main(["workloads", "--state-dir", str(tmp_path), "--user", "bob"]) == 0
    assert capsys.readouterr().out == "no workload like that runs here now\n"


def test_ds01_workloads_is_the_same(tmp_path: Path) -> None:
    write(tmp_path, one_of_each(), wall())
    here = str(Path(__file__).parents[2] / "src")
    code = f"import sys; sys.path.insert(0, {here!r}); from sentinel.cli.ds01 import main; sys.exit(main())"
    arguments = ["--all", "--state-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stdout == run("workloads", *arguments).stdout
    assert done.returncode == 0


def test_the_quick_table_imports_little(tmp_path: Path) -> None:
    write(tmp_path, inventory(*(workload(n, name=f"w{n}") for n in range(700))), wall())
    code = (
        "import sys\nfrom sentinel.cli.main import main\n"
        f"main(['workloads', '--state-dir', {str(tmp_path)!r}])\n"
        "print('heavy', sorted({'rich', 'curses', 'sentinel.drivers', 'pynvml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 702
    assert lines[-1] == "heavy []"


def test_guided_and_evidence_speak_of_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, one_of_each(), wall())
    assert main(["workloads", "--guided", "--state-dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "This machine has 4 GPUs. 10 workloads run on it now" in text
    assert "ds01-managed-work" in text
    assert main(["workloads", "--evidence", "jupyter", "--state-dir", str(tmp_path)]) == 0
    assert "process:77:123:boot" in capsys.readouterr().out


def test_sources_that_failed_are_said_in_every_view(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, replace(one_of_each(), scanned_at=wall()))
    for more in (
        [],
        ["--wide"],
        ["--by-user"],
        ["--user", "nobody-here"],
        ["--evidence", "jupyter"],
        ["--guided"],
    ):
        assert main(["workloads", "--state-dir", str(tmp_path), *more]) == 0
        assert "docker: unknown since" in capsys.readouterr().out, more
    assert main(["workloads", "--state-dir", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"]["docker"] == "unknown"
