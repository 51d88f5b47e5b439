"""A lease lives as long as its process tree: found by one look at the table each time one of it ends."""

import os
import selectors
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.processes import FakeProcesses

from sentinel.arbiter.trees import Trees
from sentinel.core.process import ProcessId

MARK = "SENTINEL_LEASE"


class Grove:
    """Trees over a fake table, turned by hand as the daemon's loop turns them."""

    def __init__(self) -> None:
        self.table = FakeProcesses()
        self.selector = selectors.DefaultSelector()
        self.trees = Trees(self.table, self.selector)

    def turn(self) -> dict[str, set[ProcessId]]:
        """Hears who ended, then surveys until nothing is due; what the last survey said of each tree."""
        said: dict[str, set[ProcessId]] = {}
        for _ in range(10):
            for key, _events in self.selector.select(0):
                key.data()
            if not self.trees.due:
                return said
            said |= {n: {s.process for s in found} for n, found in self.trees.survey().items()}
        raise AssertionError("it never comes to rest")

    @property
    def watched(self) -> int:
        return len(self.selector.get_map())

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fd)
            os.close(key.fd)
        self.selector.close()
        self.table.close()


@pytest.fixture
def grove() -> Iterator[Grove]:
    place = Grove()
    yield place
    place.close()


def test_while_all_live_the_table_is_never_read(grove: Grove) -> None:
    for n in range(5):
        grove.trees.plant(f"L{n}", grove.table.spawn(), None)
    assert grove.turn() == {}
    assert grove.table.surveys == 0
    assert grove.watched == 5


def test_a_root_that_ends_alone_leaves_nobody(grove: Grove) -> None:
    root = grove.table.spawn()
    grove.trees.plant("L1", root, None)
    grove.table.end(root)
    assert grove.turn() == {"L1": set()}
    assert not grove.trees.alive("L1")
    assert grove.watched == 0


def test_survivors_are_watched_until_the_last_has_ended(grove: Grove) -> None:
    root = grove.table.spawn()
    first = grove.table.spawn(env={MARK: "L1"})
    second = grove.table.spawn(group=root)
    grove.trees.plant("L1", root, None)
    grove.table.end(root)
    assert grove.turn() == {"L1": {first, second}}
    assert grove.watched == 2
    grove.table.end(first)
    assert grove.turn() == {"L1": {second}}
    grove.table.end(second)
    assert grove.turn() == {"L1": set()}


def test_a_survivor_that_ends_while_the_table_is_read_is_not_named_for_ever(grove: Grove) -> None:
    """A program that becomes a daemon forks twice: the one in the middle is there for a moment only."""
    root = grove.table.spawn()
    middle = grove.table.spawn(env={MARK: "L1"})
    last = grove.table.spawn(env={MARK: "L1"})
    grove.trees.plant("L1", root, None)
    grove.table.end(root)
    grove.table.ends_when_watched = middle
    assert grove.turn() == {"L1": {last}}
    assert grove.watched == 1
    grove.table.end(last)
    assert grove.turn() == {"L1": set()}


def test_a_survivor_s_own_child_is_found_when_the_survivor_ends(grove: Grove) -> None:
    root = grove.table.spawn()
    middle = grove.table.spawn(env={MARK: "L1"})
    grove.trees.plant("L1", root, None)
    grove.table.end(root)
    grove.turn()
    late = grove.table.spawn(env={MARK: "L1"})
    grove.table.end(middle)
    assert grove.turn() == {"L1": {late}}


def test_more_survivors_than_are_watched_are_all_found_in_the_end(grove: Grove) -> None:
    root = grove.table.spawn()
    many = [grove.table.spawn(env={MARK: "L1"}) for _ in range(100)]
    grove.trees.plant("L1", root, None)
    grove.table.end(root)
    assert grove.turn() == {"L1": set(many)}
    assert grove.watched < 50
    for n, process in enumerate(many):
        grove.table.end(process)
        said = grove.turn()
        if "L1" in said:
            assert said["L1"] == set(many[n + 1 :])
    assert said == {"L1": set()}  # pyright: ignore[reportPossiblyUnbound]


def test_one_look_serves_all_trees_that_lost_somebody(grove: Grove) -> None:
    roots = [grove.table.spawn() for _ in range(50)]
    for n, root in enumerate(roots):
        grove.trees.plant(f"L{n}", root, None)
    for root in roots:
        grove.table.end(root)
    assert grove.turn() == {f"L{n}": set() for n in range(50)}
    assert grove.table.surveys == 1


def test_a_root_that_was_dead_already_is_surveyed_at_once(grove: Grove) -> None:
    """A restarted arbiter plants what it finds in its state file."""
    root = grove.table.spawn()
    child = grove.table.spawn(env={MARK: "L1"})
    grove.table.end(root)
    grove.trees.plant("L1", root, None)
    assert grove.turn() == {"L1": {child}}


def test_a_pid_used_again_is_no_living_root(grove: Grove) -> None:
    root = grove.table.spawn()
    grove.table.end(root)
    grove.table.spawn(pid=root.pid)
    grove.trees.plant("L1", root, None)
    assert not grove.trees.alive("L1")
    assert grove.turn() == {"L1": set()}


def test_a_felled_tree_is_forgotten_with_its_descriptors(grove: Grove) -> None:
    root = grove.table.spawn()
    grove.trees.plant("L1", root, grove.table.watch(root))
    assert grove.trees.fell("L1")
    assert not grove.trees.fell("L1")
    assert grove.watched == 0
    grove.table.end(root)
    assert grove.turn() == {}
    assert grove.trees.members("L1") == ()


def test_the_members_are_the_root_and_everything_marked(grove: Grove) -> None:
    root = grove.table.spawn()
    child = grove.table.spawn(env={MARK: "L1"}, parent=root)
    grove.table.spawn(env={MARK: "L2"})
    grove.trees.plant("L1", root, None)
    assert set(grove.trees.members("L1")) == {root, child}
    grove.table.end(root)
    assert set(grove.trees.members("L1")) == {child}


def test_another_user_s_process_with_the_mark_is_none_of_it(grove: Grove) -> None:
    """Anyone can put any lease's name into the environment of a process. Root's may be a sudo of it."""
    root = grove.table.spawn(uid=1000)
    mine = grove.table.spawn(uid=1000, env={MARK: "L1"})
    sudo = grove.table.spawn(uid=0, env={MARK: "L1"})
    parasite = grove.table.spawn(uid=1001, env={MARK: "L1"})
    grove.trees.plant("L1", root, None, uid=1000)
    assert parasite not in grove.trees.members("L1")
    grove.table.end(root)
    assert grove.turn() == {"L1": {mine, sudo}}


def test_a_fork_that_was_seen_while_its_parent_lived_is_still_known_after(grove: Grove) -> None:
    root = grove.table.spawn()
    fork = grove.table.spawn(parent=root)
    grove.trees.plant("L1", root, None)
    assert set(grove.trees.members("L1")) == {root, fork}
    grove.table.end(root)
    assert grove.turn() == {"L1": {fork}}
    assert grove.trees.members("L1") == (fork,)
    grove.table.end(fork)
    assert grove.turn() == {"L1": set()}


def test_no_descriptor_is_left_behind(grove: Grove) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for n in range(20):
        root = grove.table.spawn()
        child = grove.table.spawn(env={MARK: f"L{n}"})
        grove.trees.plant(f"L{n}", root, None)
        grove.table.end(root)
        grove.turn()
        grove.table.end(child)
        grove.turn()
        grove.trees.fell(f"L{n}")
    assert len([*Path("/proc/self/fd").iterdir()]) == before
