"""The hub: who is woken by what, and that nobody waits longer than needed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.nodes.nodes_fixture import CANCEL, job, node, put

from sentinel.api.beats import Samples
from sentinel.api.desired import told_from
from sentinel.api.hub import Hub
from sentinel.core.account import Account, Limits, Scope
from sentinel.core.account_json import ACCOUNT, account_json, account_key
from sentinel.core.bell import Bell
from sentinel.core.errors import StoreUnavailable
from sentinel.core.job import JobState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import NewEvent

NODE = "node000001"


def run(test: Callable[[MemoryStore, Hub], Awaitable[None]], **options: object) -> None:
    async def main() -> None:
        store = MemoryStore()
        store.write(lambda tx: tx.put_node(node()))
        hub = Hub(store, **options)  # type: ignore[arg-type]
        async with asyncio.timeout(10), hub.running():
            await test(store, hub)
        store.close()

    asyncio.run(main())


async def settled(hub: Hub, revision: int) -> None:
    while hub.mirror.revision < revision:
        await asyncio.sleep(0.001)


@asynccontextmanager
async def polling(hub: Hub, on: str = NODE) -> "AsyncGenerator[asyncio.Task[None]]":
    """A long poll that has seen all there is, and waits."""
    poll = asyncio.create_task(hub.wait_for_node(on, hub.revision_for(on), 60))
    await asyncio.sleep(0.01)
    assert not poll.done()
    yield poll
    poll.cancel()


async def woken(poll: "asyncio.Task[None]") -> None:
    await asyncio.wait_for(poll, 0.8)  # less than the second in which it would be found out anyhow


def test_a_poll_waits_for_a_placement_there() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job()))
        async with polling(hub) as poll:
            put(store, job(state=JobState.ALLOCATED))
            await woken(poll)
            assert [one.id for one in hub.mirror.on_node(NODE)] == ["job0000001"]

    run(test)


def test_who_asks_the_mirror_may_wait_for_it() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        revision = put(store, job())
        await hub.caught_up(revision)
        assert hub.mirror.revision >= revision and [one.id for one in hub.mirror.queued()] == ["job0000001"]
        await hub.caught_up(revision)

    run(test)


def test_and_it_has_the_rules_too() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        account = Account(scope=Scope.USER, name="ann", limits=Limits(running_gpus=3))
        key = account_key(Scope.USER, "ann")
        store.write(lambda tx: tx.put_document(ACCOUNT, key, account_json(account)))
        with store.read() as reader:
            revision = reader.revision()
        await hub.caught_up(revision)
        assert hub.mirror.accounts.left("ann", None, 0.0).hard == 3000

    run(test)


def test_and_not_for_other_nodes_nor_for_its_own_news() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.ALLOCATED)))
        async with polling(hub) as poll:
            put(store, job(state=JobState.STARTING))
            put(store, job("job0000002", JobState.ALLOCATED, "t2", on="node000002"))
            await settled(hub, put(store, job(state=JobState.RUNNING)))
            await asyncio.sleep(0.01)
            assert not poll.done()

    run(test)


@pytest.mark.parametrize(
    "after",
    [
        replace(job(state=JobState.RUNNING), cancel=CANCEL),
        job(state=JobState.LOST),
        job(state=JobState.SUCCEEDED),
        job(state=JobState.QUEUED),
        job(state=JobState.ALLOCATED, token="t2"),
        job(state=JobState.ALLOCATED, token="t2", on="node000002"),
    ],
)
def test_what_its_node_has_to_know_wakes_it(after: object) -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.RUNNING)))
        async with polling(hub) as poll:
            put(store, after)  # type: ignore[arg-type]
            await woken(poll)

    run(test)


def test_a_poll_that_has_not_seen_the_newest_is_answered_at_once() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        seen = hub.revision_for(NODE)
        await settled(hub, put(store, job(state=JobState.ALLOCATED)))
        await woken(asyncio.create_task(hub.wait_for_node(NODE, seen, 60)))
        await woken(asyncio.create_task(hub.wait_for_node(NODE, 0, 60)))

    run(test)


def test_a_poll_ends_with_its_time() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await hub.wait_for_node(NODE, hub.revision_for(NODE), 0.01)
        assert hub._polls == {}

    run(test)


def test_a_revision_of_another_process_is_none_of_ours() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        revision = put(store, job(state=JobState.RUNNING))
        await settled(hub, revision)
        ours = hub.revision_for(NODE)
        assert hub.seen_by(ours) == revision
        told = told_from(ours)
        theirs = replace(told, process=told.process ^ 1).number()
        assert hub.seen_by(theirs) == 0
        await woken(asyncio.create_task(hub.wait_for_node(NODE, theirs, 60)))

    run(test)


def test_who_asks_the_same_again_does_not_get_answers_as_fast_as_it_can() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await hub.wait_for_node(NODE, 12345, 60)
        again = asyncio.create_task(hub.wait_for_node(NODE, 12345, 60))
        await asyncio.sleep(0.05)
        assert not again.done()
        put(store, job(state=JobState.ALLOCATED))
        await woken(again)

    run(test)


def test_only_what_a_poll_proved_is_told_back() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        assert hub.proven_for(NODE) == 0
        seen = hub.revision_for(NODE)
        await hub.wait_for_node(NODE, seen, 0)
        await settled(hub, put(store, job(state=JobState.LOST)))
        assert hub.proven_for(NODE) == seen

    run(test)


def test_terminals_and_readers_of_logs_wake_it_too() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.RUNNING)))
        async with polling(hub) as poll:
            with hub.following("job0000001"):
                await woken(poll)
                assert hub.followed(NODE) == ["job0000001"] and hub.followed("other") == []
                async with polling(hub) as next_poll:
                    with hub.following("job0000001"):
                        await asyncio.sleep(0.01)
                        assert not next_poll.done()  # it is followed already
            assert hub.followed(NODE) == []
        async with polling(hub) as poll:
            hub.touch(NODE)
            await woken(poll)

    run(test)


def test_following_a_log_misses_nothing() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.RUNNING)))
        with hub.following("job0000001") as following:
            hub.log_grew("job0000001")
            hub.log_grew("elsewhere")
            assert await following.more(0)
            assert not await following.more(0.01)
            put(store, job(state=JobState.SUCCEEDED))
            assert await following.more(0.8)

    run(test)


def test_events_come_as_they_happen() -> None:
    def event(tx: object) -> None:
        new = NewEvent(time=1.0, type="sentinel.user.added", subject="ada", data={}, tenant="default")
        tx.add_event(new)  # type: ignore[attr-defined]

    async def test(store: MemoryStore, hub: Hub) -> None:
        assert await hub.events_after(hub.mirror.revision, seconds=0.01) == ()
        stream = asyncio.create_task(hub.events_after(hub.mirror.revision))
        await asyncio.sleep(0.01)
        assert not stream.done()
        store.write(event)
        [found] = await asyncio.wait_for(stream, 0.8)
        assert found.subject == "ada"
        assert await hub.events_after(found.id - 1) == [found] or list(
            await hub.events_after(found.id - 1)
        ) == [found]

    run(test)


def test_a_change_that_is_no_event_ends_no_stream() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        stream = asyncio.create_task(hub.events_after(hub.mirror.revision))
        await settled(hub, put(store, job()))
        await asyncio.sleep(0.02)
        assert not stream.done()
        stream.cancel()

    run(test)


def test_closing_lets_everybody_go() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        stream = asyncio.create_task(hub.events_after(hub.mirror.revision))
        async with polling(hub) as poll:
            with hub.following("x") as following:
                hub.close()
                await woken(poll)
                assert await asyncio.wait_for(stream, 0.8) == ()
                assert await following.more(60)
        await hub.wait_for_node(NODE, hub.revision_for(NODE), 60)

    run(test)


def test_the_bell_is_heard(tmp_path: Path) -> None:
    mine, other = Bell(tmp_path), Bell(tmp_path)

    async def test(store: MemoryStore, hub: Hub) -> None:
        hub.changed = lambda: None  # type: ignore[method-assign]
        hub._store.on_commit(hub.changed)
        await settled(hub, store.write(lambda tx: tx.revision()))
        looks = 0
        look = hub.mirror.look

        def counted():  # type: ignore[no-untyped-def]
            nonlocal looks
            looks += 1
            return look()

        hub.mirror.look = counted  # type: ignore[method-assign]
        other.ring()
        await asyncio.sleep(0.1)
        assert looks == 1

    run(test, bell=mine)
    mine.close()
    other.close()


def test_renewals_reach_the_store() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        hub.renewals.note(NODE, 5.0, [])
        await hub.write_renewals()
        with store.read() as reader:
            assert reader.beats().nodes[NODE] == 1
        await hub.write_renewals()
        with store.read() as reader:
            assert reader.beats().nodes[NODE] == 1

    run(test)


def test_renewals_that_could_not_be_written_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        hub.renewals.note(NODE, 5.0, [])

        def full(work: object) -> object:
            raise StoreUnavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(store, "submit", full)
            with pytest.raises(StoreUnavailable):
                await hub.write_renewals()
        await hub.write_renewals()
        with store.read() as reader:
            assert reader.beats().nodes[NODE] == 1

    run(test)


def test_samples_grow_old() -> None:
    time = 100.0

    async def test(store: MemoryStore, hub: Hub) -> None:
        nonlocal time
        hub.keep_samples(NODE, Samples(at=100.0, samples=({"uuid": "GPU-0"},)))
        assert hub.samples_of(NODE) is not None and hub.samples_of("other") is None
        time = 131.0
        assert hub.samples_of(NODE) is None

    run(test, now=lambda: time)


def test_where_an_attempt_ran_is_known_for_a_while_after_its_end() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.RUNNING)))
        assert hub.ran_on("job0000001", 1) == NODE and hub.ran_on("job0000001", 2) is None
        await settled(hub, put(store, replace(job(state=JobState.QUEUED), attempt=1)))
        assert hub.ran_on("job0000001", 1) == NODE
        assert hub.ran_on("elsewhere0", 1) is None

    run(test)


def test_a_removed_node_is_forgotten_and_its_poll_woken() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        hub.keep_samples(NODE, Samples(at=0, samples=()))
        async with polling(hub) as poll:
            store.write(lambda tx: tx.remove_node(NODE))
            await woken(poll)
        assert hub.samples == {} and NODE not in hub.mirror.nodes

    run(test)


def test_a_store_that_went_back_is_read_anew() -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        await settled(hub, put(store, job(state=JobState.RUNNING), job("job0000002", JobState.RUNNING, "t2")))
        other = MemoryStore()
        other.write(lambda tx: tx.put_node(node()))
        async with polling(hub) as poll:
            hub._store = hub.mirror._store = other
            hub.changed()
            await woken(poll)
        assert list(hub.mirror.jobs) == [] and hub.mirror.revision == 1
        assert list(hub.mirror.on_node(NODE)) == []

    run(test)


def test_an_unreachable_store_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(store: MemoryStore, hub: Hub) -> None:
        look, failures = hub.mirror.look, iter((True,))

        def flaky():  # type: ignore[no-untyped-def]
            if next(failures, False):
                raise StoreUnavailable("locked")
            return look()

        monkeypatch.setattr("sentinel.api.hub.LOOK_EVERY", 0.01)
        hub.mirror.look = flaky  # type: ignore[method-assign]
        await settled(hub, put(store, job()))

    run(test)
