import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.accounts.reservations import reservation_lines, reservation_text
from sentinel.core.timestamp import epoch

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
EVIL = "\x1b[2Jev\u202eil\n"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def a_reservation(name: str = "course", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": "abcdefghjk", "name": name, "kind": "reserved", "nodes": ["n1", "n2"],
        "start": "2027-01-15T08:30:00.000Z", "end": "2027-01-15T12:00:00.000Z", "users": ["ada"],
        "groups": ["ml"], "by": "root", "why": "exam",
    }  # fmt: skip
    return found | changes


def sent(cli: Cli) -> dict[str, Any]:
    return cli.fake.requests[-1].json


def test_table() -> None:
    found = [
        a_reservation("old", end="2027-01-15T08:00:00.000Z", groups=[], why=""),
        a_reservation(
            "disks", start="2027-01-15T08:00:00.000Z", kind="maintenance", nodes=[], users=[], groups=[]
        ),
        a_reservation(end="2028-01-15T12:00:00.000Z"),
    ]
    assert reservation_lines(found, NOW, None, colours=False) == [
        "NAME    STATE    START        END               FOR            NODES   WHY",
        "old     over     01-15 08:30  01-15 08:00       ada            n1, n2  -",
        "disks   now      01-15 08:00  01-15 12:00       nobody         all     exam",
        "course  planned  01-15 08:30  2028-01-15 12:00  ada, group ml  n1, n2  exam",
    ]
    many = [f"node-{n}" for n in range(30)]
    lines = reservation_lines(
        [a_reservation(EVIL * 9, nodes=many, users=many, why=EVIL * 9)], NOW, 80, colours=False
    )
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def test_sentence() -> None:
    assert reservation_text(a_reservation()) == (
        "course: n1, n2 from 2027-01-15 08:30 to 2027-01-15 12:00, for ada, group ml"
    )
    nobody = a_reservation(kind="maintenance", nodes=[], users=[], groups=[])
    assert reservation_text(nobody).startswith("course: all nodes from ")
    assert reservation_text(nobody).endswith(", for maintenance")


def test_add_sends_what_was_said(cli: Cli) -> None:
    cli.answers("POST reservations", a_reservation())
    done = cli(
        "reservation", "add", "course", "--start", "2099-01-15 08:30", "--for", "2h", "--node", "n1",
        "--node", "n2", "--user", "ada", "--group", "ml", "--why", "exam",
    )  # fmt: skip
    assert done.out.startswith("course: n1, n2 from ")
    assert sent(cli) == {
        "name": "course",
        "kind": "reserved",
        "start": "2099-01-15T08:30:00.000Z",
        "end": "2099-01-15T10:30:00.000Z",
        "nodes": ["n1", "n2"],
        "users": ["ada"],
        "groups": ["ml"],
        "why": "exam",
    }


def test_maintenance_begins_now_unless_said_otherwise(cli: Cli) -> None:
    cli.answers("POST reservations", a_reservation(kind="maintenance"))
    done = cli("reservation", "add", "disks", "--end", "in 2h", "--maintenance", "--json")
    assert json.loads(done.out)["kind"] == "maintenance"
    start, end = epoch(sent(cli)["start"]), epoch(sent(cli)["end"])
    assert start is not None
    assert end is not None
    assert end - start == pytest.approx(7200, abs=0.01)
    assert abs(start - time.time()) < 60
    assert (sent(cli)["kind"], sent(cli)["nodes"], sent(cli)["users"]) == ("maintenance", [], [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a b", "--for", "2h", "--user", "ada"], "cannot be its name"),
        (["x", "--for", "2h"], "say for whom"),
        (["x", "--for", "2h", "--maintenance", "--user", "ada"], "for nobody"),
        (["x", "--user", "ada"], "either --end TIME or --for TIME"),
        (["x", "--user", "ada", "--for", "2h", "--end", "in 3h"], "either --end TIME or --for TIME"),
        (["x", "--user", "ada", "--for", "0"], "end after it begins"),
        (["x", "--user", "ada", "--start", "in 2h", "--end", "in 1h"], "end after it begins"),
        (["x", "--user", "ada", "--start", "2001-01-01 08:00", "--for", "2h"], "over already"),
        (["x", "--user", "ada", "--start", "tomorrow", "--for", "2h"], "write it like"),
        (["x", "--user", "ada", "--for", "long"], "no duration"),
    ],
)
def test_what_cannot_be(cli: Cli, arguments: list[str], says: str) -> None:
    done = cli("reservation", "add", *arguments)
    assert (done.status, done.out, says in done.err) == (2, "", True), done.err
    assert cli.fake.requests == []


def test_a_refusal_comes_through(cli: Cli) -> None:
    cli.answers("POST reservations", problem(409, "other has n1", kind="clash"))
    done = cli("reservation", "add", "x", "--user", "ada", "--for", "2h")
    assert (done.status, "other has n1" in done.err) == (1, True)


def test_list_and_remove(cli: Cli) -> None:
    over = a_reservation("old", start="2001-01-15T08:30:00.000Z", end="2001-01-15T12:00:00.000Z")
    later = a_reservation(start="2099-01-15T08:30:00.000Z", end="2099-01-15T12:00:00.000Z")
    cli.answers("GET reservations", {"items": [over, later], "next": None})
    assert [line.split()[0] for line in cli("reservation", "list").out.splitlines()] == ["NAME", "course"]
    assert len(cli("reservation", "list", "--all").out.splitlines()) == 3
    assert json.loads(cli("reservation", "list", "--json").out) == [later]
    cli.answers("GET reservations", {"items": [over], "next": None})
    assert cli("reservation", "list").out == "no reservations now; those that are over: --all\n"
    cli.answers("DELETE reservations/course", Reply(status=204))
    cli.answers("DELETE reservations/disks", Reply(status=204))
    assert cli("reservation", "remove", "course", "disks").out == "course is removed\ndisks is removed\n"
    assert json.loads(cli("reservation", "remove", "course", "--json").out) == {"removed": ["course"]}
