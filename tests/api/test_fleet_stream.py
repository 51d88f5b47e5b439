"""The fleet as it changes: the whole once, then what changed, worked out once for everybody who watches."""

import asyncio
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.api.in_process import V1, Api, Exchange

from sentinel.api import fleet_stream
from sentinel.api.beats import Samples
from sentinel.api.fleet import COLUMNS
from sentinel.api.state import ApiSettings
from sentinel.core.errors import StoreUnavailable
from sentinel.core.node import Drain
from sentinel.core.secret import sha256_of

STREAM = f"{V1}/fleet/stream"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(settings=ApiSettings(look_again=0.05, fleet_every=0.02)) as api:
        api.node("n1", gpus=2)
        api.node("n2", gpus=1)
        api.settle()
        yield api


class Watcher:
    """Reads a stream, event by event, and keeps a table as a page would."""

    def __init__(self, api: Api, token: str, last: str | None = None, *, packed: bool = False) -> None:
        headers = {} if last is None else {"last-event-id": last}
        if packed:
            headers["accept-encoding"] = "gzip"
        self.stream: Exchange = api.open("GET", STREAM, token=token, headers=headers)
        start = self.stream.hear()
        assert start["status"] == 200
        self.headers = {key.decode().lower(): value.decode() for key, value in start["headers"]}
        self._unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS) if packed else None
        self._rest = ""
        self.last = ""
        self.table: dict[str, Any] = {}

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event's name and data."""
        while "\n\n" not in self._rest:
            message = self.stream.hear()
            assert message["type"] == "http.response.body", message
            body = message["body"]
            self._rest += (self._unpacking.decompress(body) if self._unpacking else body).decode()
        block, _, self._rest = self._rest.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        self.last = fields["id"]
        found = json.loads(fields["data"])
        self._take(fields["event"], found)
        return fields["event"], found

    def _take(self, event: str, found: dict[str, Any]) -> None:
        if event == "fleet":
            self.table = found
        if event == "fleet" or not self.table:  # whoever comes back here is asked what they heard alone
            return
        for row, changes in found["nodes"]:
            self.table["nodes"][row].update(changes)
        for row, changes in found["gpus"]:
            for column, value in changes.items():
                self.table["gpus"][column][row] = value


def measured(api: Api, node: str, number: int, util: int) -> None:
    async def keep() -> None:
        sample = {"uuid": f"GPU-{node}-{number}", "utilization_percent": util}
        api.hub.keep_samples(f"id-{node}", Samples(at=api.clock.at, samples=(sample,)))

    api.run(keep())


def whole(api: Api, token: str) -> dict[str, Any]:
    return api.ask("GET", f"{V1}/fleet", token=token).json()


def test_the_whole_once_then_the_rows_that_changed(api: Api) -> None:
    ana = api.token("ana")
    watcher = Watcher(api, ana)
    assert watcher.headers["content-type"].startswith("text/event-stream")
    event, found = watcher.next()
    assert (event, len(found["gpus"]["uuid"]), set(found["gpus"])) == ("fleet", 3, set(COLUMNS))
    measured(api, "n2", 0, 42)
    event, found = watcher.next()
    assert (event, found["nodes"], found["gpus"]) == ("delta", [], [[2, {"util": 42}]])
    assert found["at"] == api.clock.at
    watcher.stream.leave()


def test_what_a_page_keeps_is_what_there_is(api: Api) -> None:
    ana = api.token("ana")
    watcher = Watcher(api, ana)
    watcher.next()
    api.node("n1", gpus=2, drained=Drain(by="root", at=api.clock.at))
    measured(api, "n1", 1, 7)
    for _ in range(2):  # both may come at once, or one after the other
        if watcher.table["nodes"][0]["drained"] and watcher.table["gpus"]["util"][1]:
            break
        watcher.next()
    api.run(_sleep(0.03))  # what is asked once is as old as a look
    found = whole(api, ana)
    assert (watcher.table["nodes"], watcher.table["gpus"]) == (found["nodes"], found["gpus"])
    assert found["nodes"][0]["drained"]["by"] == "root"
    assert found["gpus"]["util"] == [None, 7, None]
    watcher.stream.leave()


def test_a_node_that_comes_makes_it_the_whole_again(api: Api) -> None:
    watcher = Watcher(api, api.token("ana"))
    watcher.next()
    api.node("n0", gpus=1)
    event, found = watcher.next()
    assert (event, found["gpus"]["uuid"][0]) == ("fleet", "GPU-n0-0")
    with api.store.read() as reader:
        node = reader.node("id-n0")
    assert node is not None
    other = replace(node, gpus=tuple(replace(one, uuid="GPU-other") for one in node.gpus or ()))
    api.store.write(lambda tx: tx.put_node(other))  # a card was swapped: as many rows, another GPU
    event, found = watcher.next()
    assert (event, found["gpus"]["uuid"][0]) == ("fleet", "GPU-other")
    watcher.stream.leave()


def test_all_hear_the_same_and_it_is_worked_out_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[bytes] = []
    real = fleet_stream._bytes

    def counted(found: Any) -> bytes:
        encoded.append(real(found))
        return encoded[-1]

    monkeypatch.setattr(fleet_stream, "_bytes", counted)
    watchers = [Watcher(api, api.token(f"user{n}"), packed=n % 2 == 0) for n in range(20)]
    for watcher in watchers:
        watcher.next()
    encoded.clear()
    measured(api, "n1", 0, 99)
    heard = [watcher.next() for watcher in watchers]
    assert {event for event, _ in heard} == {"delta"}
    assert all(found == heard[0][1] for _, found in heard)
    assert len({watcher.last for watcher in watchers}) == 1
    assert sum(b'"util":99' in one for one in encoded) == 1
    for watcher in watchers:
        watcher.stream.leave()


def test_whoever_takes_gzip_gets_it_from_wherever_they_begin(api: Api) -> None:
    ana = api.token("ana")
    first = Watcher(api, ana, packed=True)
    assert first.headers["content-encoding"] == "gzip"
    first.next()
    for util in (1, 2):
        measured(api, "n1", 0, util)
        assert first.next()[1]["gpus"] == [[0, {"util": util}]]
    second = Watcher(api, ana, packed=True)
    assert second.next()[1]["gpus"]["util"] == [2, None, None]
    measured(api, "n1", 0, 3)
    assert first.next() == second.next()
    for watcher in (first, second):
        watcher.stream.leave()


def test_whoever_comes_back_goes_on_where_they_were(api: Api) -> None:
    ana = api.token("ana")
    staying, gone = Watcher(api, ana), Watcher(api, ana)
    staying.next(), gone.next()
    gone.stream.leave()
    for util in (10, 20):
        measured(api, "n1", 0, util)
        staying.next()
    back = Watcher(api, ana, gone.last)
    assert [back.next()[1]["gpus"] for _ in range(2)] == [[[0, {"util": 10}]], [[0, {"util": 20}]]]
    assert back.last == staying.last
    for watcher in (staying, back):
        watcher.stream.leave()


def test_whoever_was_away_for_long_gets_the_whole(api: Api) -> None:
    ana = api.token("ana")
    staying, gone = Watcher(api, ana), Watcher(api, ana)
    staying.next(), gone.next()
    gone.stream.leave()
    for util in range(fleet_stream.KEPT + 1):
        measured(api, "n1", 0, util)
        staying.next()
    back = Watcher(api, ana, gone.last)
    assert back.next()[0] == "fleet"
    staying.stream.leave(), back.stream.leave()


def test_what_changed_while_nobody_watched_is_told(api: Api) -> None:
    ana = api.token("ana")
    gone = Watcher(api, ana)
    gone.next()
    gone.stream.leave()
    measured(api, "n2", 0, 5)
    back = Watcher(api, ana, gone.last)
    event, found = back.next()
    assert (event, found["gpus"]) == ("delta", [[2, {"util": 5}]])
    back.stream.leave()


@pytest.mark.parametrize("last", ["x", "1", "00000000-1", "-", "", "{feed}-999999", "{feed}-x", "{feed}-²"])
def test_an_id_that_is_none_of_ours_begins_anew(api: Api, last: str) -> None:
    ana = api.token("ana")
    whole(api, ana)
    named = last.format(feed=api.state.fleet.of("default")._id).encode().decode("latin-1")
    watcher = Watcher(api, ana, named)
    assert watcher.next()[0] == "fleet"
    watcher.stream.leave()


def test_a_silent_fleet_says_that_it_is_well(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_stream, "ALIVE_EVERY", 0.05)
    watcher = Watcher(api, api.token("ana"))
    watcher.next()
    ids = {watcher.last}
    for _ in range(2):
        api.clock.at += 10
        event, found = watcher.next()
        assert (event, found["nodes"], found["gpus"], found["at"]) == ("delta", [], [], api.clock.at)
        ids.add(watcher.last)
    assert len(ids) == 3
    watcher.stream.leave()


def test_old_samples_are_unknown_though_nothing_came(api: Api) -> None:
    measured(api, "n1", 0, 50)
    watcher = Watcher(api, api.token("ana"))
    assert watcher.next()[1]["gpus"]["util"] == [50, None, None]
    api.clock.at += 31
    assert watcher.next()[1]["gpus"] == [[0, {"util": None}]]
    watcher.stream.leave()


def test_nobody_looks_while_nobody_watches(api: Api) -> None:
    watcher = Watcher(api, api.token("ana"))
    watcher.next()
    watcher.stream.leave()
    feed = api.state.fleet.of("default")
    looks = feed.looks
    measured(api, "n1", 0, 50)
    api.run(_sleep(0.1))
    assert feed.looks == looks


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


# ------------------------------------------------------------------ how it ends


def test_it_is_cut_when_its_token_is_revoked(api: Api) -> None:
    ana = api.token("ana")
    with api.store.read() as reader:
        token = reader.token_by_hash(sha256_of(ana))
    assert token is not None
    watcher = Watcher(api, ana)
    watcher.next()
    assert api.ask("DELETE", f"{V1}/tokens/{token.id}", token=ana).status == 204
    _, ended = watcher.stream.rest()
    assert not ended


def test_it_is_cut_when_the_controller_stops(api: Api) -> None:
    watcher = Watcher(api, api.token("ana"))
    watcher.next()
    api.loop.call_soon_threadsafe(api.hub.close)
    _, ended = watcher.stream.rest()
    assert not ended


def test_it_outlives_a_store_that_is_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = api.token("ana")
    watcher = Watcher(api, ana)
    watcher.next()

    def gone() -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(api.store, "read", gone)
        api.clock.at += 2  # who is asking has to be looked up again
        measured(api, "n1", 0, 33)
        assert watcher.next()[1]["gpus"] == [[0, {"util": 33}]]
        api.run(_sleep(0.15))
    measured(api, "n1", 0, 34)
    assert watcher.next()[1]["gpus"] == [[0, {"util": 34}]]
    watcher.stream.leave()
