"""GET /metrics of the controller: what it says of queue, nodes and alerts, and how."""

from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from tests.api.in_process import Answer, Api

from sentinel.alerting.library.controller import CONTROLLER_METRICS
from sentinel.api.request_counts import RequestCounts
from sentinel.core.identity import Role
from sentinel.core.job import Cancel, JobState, Placement
from sentinel.core.node import Block, BlockKind, Drain, NodeGpu, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import NewEvent, Transaction
from sentinel.scheduling import desk
from sentinel.scheduling.failed_lately import FIRST_LOOK, FailedLately
from sentinel.scheduling.lifecycle import Allocate, Exited, Running, move
from sentinel.scheduling.pass_note import EVERY, PASSED_AT, PassNote, pass_age
from sentinel.scheduling.writing import take_lease, write_move

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def ask(api: Api, accept: str = "") -> Answer:
    return api.ask("GET", "/metrics", token=api.token("eve", Role.VIEWER), headers={"accept": accept})


def samples(api: Api) -> Samples:
    answer = ask(api)
    assert answer.status == 200, answer.body
    found = text_string_to_metric_families(answer.body.decode())
    return {
        (one.name, frozenset(one.labels.items())): one.value for family in found for one in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_it_needs_a_token_that_may_read(api: Api) -> None:
    assert api.ask("GET", "/metrics").status == 401
    assert api.ask("GET", "/metrics?x=1", token=api.token("eve", Role.VIEWER)).status == 422


def test_an_empty_controller(api: Api) -> None:
    found = samples(api)
    assert value(found, "sentinel_jobs", state="queued") == 0
    assert value(found, "sentinel_nodes", state="up") == 0
    assert value(found, "sentinel_jobs_failed_last_hour") == 0
    assert value(found, "sentinel_alerts", state="firing", severity="critical") == 0
    assert value(found, "sentinel_history_series") == 0
    for unknown in ("sentinel_queue_oldest_wait_seconds", "sentinel_scheduler_pass_age_seconds"):
        assert value(found, unknown) is None
    assert value(found, "sentinel_build_info", version=api.settings.version) == 1
    assert (value(found, "process_resident_memory_bytes") or 0) > 1e6
    assert value(found, "process_cpu_seconds_total") is not None


def test_both_formats(api: Api) -> None:
    plain, opened = ask(api), ask(api, OPENMETRICS)
    assert plain.headers["content-type"].startswith("text/plain")
    assert opened.headers["content-type"].startswith("application/openmetrics-text")
    assert opened.body.endswith(b"# EOF\n")
    names = {family.name for family in openmetrics_families(opened.body.decode())}
    assert {"sentinel_jobs", "sentinel_nodes", "process_cpu_seconds"} <= names
    for family in text_string_to_metric_families(plain.body.decode()):
        assert family.documentation and family.type in ("gauge", "counter"), family.name


def test_jobs_by_state_and_the_oldest_in_line(api: Api) -> None:
    ana = api.token("ana", Role.MEMBER)
    api.node()
    running = api.submit(ana)["id"]
    api.advance(running, JobState.RUNNING)
    api.submit(ana, after=[{"job": running}])  # waits for another job: not in line
    api.clock.at += 100
    assert value(samples(api), "sentinel_queue_oldest_wait_seconds") is None
    api.submit(ana)
    api.clock.at += 50
    api.submit(ana)
    found = samples(api)
    assert value(found, "sentinel_jobs", state="queued") == 3
    assert value(found, "sentinel_jobs", state="running") == 1
    assert value(found, "sentinel_jobs", state="lost") == 0
    assert value(found, "sentinel_jobs", state="succeeded") is None
    assert value(found, "sentinel_queue_oldest_wait_seconds") == 50


def test_jobs_that_failed_within_the_hour(api: Api) -> None:
    ana = api.token("ana", Role.MEMBER)
    api.node()

    def fail() -> None:
        job = api.job(api.submit(ana)["id"])
        place = Placement(node="id-n1", gpus=("GPU-n1-0",), token=f"t-{job.id}")

        def work(tx: Transaction) -> None:
            now, kept = api.clock.at, job
            for what in (
                Allocate(placement=place, node_name="n1"),
                Running(token=place.token),
                Exited(token=place.token, exit_code=1, signal=None),
            ):
                made = move(kept, what, now)
                assert made is not None
                kept = write_move(tx, made, "/nodes/n1", now)
                if kept.state is JobState.ALLOCATED:
                    take_lease(tx, kept, now)

        api.store.write(work)

    fail()
    api.clock.at += 1800
    fail()
    assert value(samples(api), "sentinel_jobs_failed_last_hour") == 2
    fail()
    assert value(samples(api), "sentinel_jobs_failed_last_hour") == 3
    api.clock.at += 1801
    assert value(samples(api), "sentinel_jobs_failed_last_hour") == 2
    api.clock.at += 3600
    assert value(samples(api), "sentinel_jobs_failed_last_hour") == 0


def test_the_count_of_failures_survives_a_store_that_went_back() -> None:
    def store_with(failures: int, others: int) -> MemoryStore:
        store = MemoryStore()
        for number in range(failures + others):
            kind = "failed" if number < failures else "submitted"
            event = NewEvent(time=100.0, type=f"sentinel.job.{kind}", subject="j", tenant="default", data={})
            store.write(lambda tx, event=event: tx.add_event(event))
        return store

    counting = FailedLately()
    with store_with(3, 5).read() as reader:
        assert [counting.count(reader, now) for now in (100.0, 100.0, 3699.0, 3700.0)] == [3, 3, 3, 0]
    with store_with(2, 0).read() as restored:
        assert counting.count(restored, 200.0) == 2
    assert FIRST_LOOK >= 1000


def test_nodes_and_gpus(api: Api) -> None:
    ana = api.token("ana", Role.MEMBER)
    api.node("n1", gpus=3)
    api.node("n2", gpus=2, state=NodeState.SILENT)
    api.node("n3", gpus=2, state=NodeState.DEAD)
    drained = api.node("n4", gpus=1)
    api.node("foreign", gpus=5, tenant="other")
    api.advance(api.submit(ana)["id"], JobState.RUNNING)

    def change(tx: Transaction) -> None:
        desk.drain(tx, drained.id, Drain(by="ana", at=api.clock.at), api.clock.at)
        node = tx.node("id-n1")
        assert node is not None and node.gpus is not None
        block = Block(kind=BlockKind.UNMANAGED, why="somebody")
        gpus = (*node.gpus[:2], NodeGpu(uuid="GPU-n1-2", index=2, model="Sim", blocked=block))
        tx.put_node(type(node)(**{name: getattr(node, name) for name in node.__slots__} | {"gpus": gpus}))

    api.store.write(change)
    found = samples(api)
    assert [value(found, "sentinel_nodes", state=one) for one in ("up", "silent", "dead")] == [2, 1, 1]
    assert value(found, "sentinel_nodes_drained") == 1
    assert [value(found, "sentinel_node_up", node=one) for one in ("n1", "n2", "n3", "n4", "foreign")] == [
        1, 0, None, 1, None,
    ]  # fmt: skip
    gpus = {state: value(found, "sentinel_gpus", state=state, model="Sim") for state in
            ("free", "leased", "blocked", "unknown")}  # fmt: skip
    assert gpus == {"free": 1, "leased": 1, "blocked": 2, "unknown": 2}


def test_alerts_and_deliveries(api: Api) -> None:
    def keep(tx: Transaction) -> None:
        for number, state in enumerate(("firing", "firing", "resolved")):
            tx.put_document("alert", f"a{number}", {"state": state, "severity": "warning"})
        tx.put_document("alert-delivery", "d1", {"channel": "mail", "state": "given-up"})

    api.store.write(keep)
    found = samples(api)
    assert value(found, "sentinel_alerts", state="firing", severity="warning") == 2
    assert value(found, "sentinel_alerts", state="resolved", severity="warning") == 1
    assert value(found, "sentinel_alert_deliveries", channel="mail", state="given-up") == 1


def test_requests_where_they_are_counted(api: Api) -> None:
    assert value(samples(api), "sentinel_api_requests_total", method="GET", code="200") is None
    counts = api.app.state.requests = RequestCounts()
    counts.note("GET", 200)
    counts.note("GET", 200)
    counts.note("BREW", 400)
    found = samples(api)
    assert value(found, "sentinel_api_requests_total", method="GET", code="200") == 2
    assert value(found, "sentinel_api_requests_total", method="other", code="400") == 1


def test_the_scheduler_notes_its_passes_now_and_then() -> None:
    store, at = MemoryStore(), [100.0]
    note = PassNote(store, now=lambda: at[0], today=lambda: 1e9 + at[0])

    def kept() -> str | None:
        store.write(lambda tx: None)  # after what was submitted
        with store.read() as reader:
            return reader.meta(PASSED_AT)

    assert kept() is None
    note.stepped()
    assert kept() == "1000000100.000"
    at[0] += EVERY - 0.1
    note.stepped()
    assert kept() == "1000000100.000"
    at[0] += 0.1
    note.stepped()
    assert kept() == "1000000110.000"
    with store.read() as reader:
        assert pass_age(reader, 1e9 + 140) == pytest.approx(30)
        assert pass_age(reader, 1e9) == 0  # a clock went back
    store.close()
    at[0] += 100
    note.stepped()  # a store that is away keeps no scheduler from its work


def test_the_age_of_the_last_pass(api: Api) -> None:
    api.store.write(lambda tx: tx.set_meta(PASSED_AT, str(api.clock.at - 12)))
    assert value(samples(api), "sentinel_scheduler_pass_age_seconds") == pytest.approx(12)


def test_what_shipped_rules_need_of_the_controller_is_there_under_that_name(api: Api) -> None:
    api.node()
    api.submit(api.token("ana", Role.MEMBER))
    api.store.write(lambda tx: tx.set_meta(PASSED_AT, str(api.clock.at)))
    found: dict[str, set[tuple[str, ...]]] = {}
    for name, labels in samples(api):
        found.setdefault(name, set()).add(tuple(sorted(key for key, _ in labels)))
    for name, (labels, _) in CONTROLLER_METRICS.items():
        assert found.get(name) == {tuple(sorted(labels))}, name


def test_cancelled_jobs_are_no_failures(api: Api) -> None:
    ana = api.token("ana", Role.MEMBER)
    job = api.submit(ana)["id"]
    api.store.write(lambda tx: desk.cancel(tx, job, Cancel(by="ana", at=api.clock.at), api.clock.at))
    found = samples(api)
    assert value(found, "sentinel_jobs_failed_last_hour") == 0
    assert value(found, "sentinel_jobs", state="queued") == 0
