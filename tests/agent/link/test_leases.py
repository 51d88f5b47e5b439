"""What the queue has given out on a node, as the metrics are told."""

from tests.agent.link.wants import GPUS, attempt, desired, wanted

from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.leases import Leases
from sentinel.telemetry.holding import Lent


class Node:
    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.pids: dict[str, frozenset[int]] = {}
        self.leases = Leases(lambda: self.attempts, lambda: self.pids)

    def runs(self, *attempts: Attempt) -> None:
        self.attempts = {one.token: one for one in attempts}


def test_until_the_supervisor_has_spoken_it_is_unknown() -> None:
    node = Node()
    node.leases.heard(desired(wanted()))
    assert node.leases.lent() is None
    node.leases.known()
    assert node.leases.lent() == ()


def test_whose_and_how_much_and_which_processes() -> None:
    node = Node()
    node.leases.known()
    node.leases.heard(desired(wanted("a", owner="ada"), wanted("b", owner="bob", spec={"gpu_milli": 250})))
    node.runs(attempt("a", Phase.WAITING), attempt("b", gpus=(GPUS[1],)), attempt("c", Phase.EXITED))
    node.pids = {"t-b": frozenset({7})}
    assert node.leases.lent() == (
        Lent(gpus=(GPUS[0],), owner="ada"),
        Lent(gpus=(GPUS[1],), milli=250, owner="bob", pids=frozenset({7})),
    )


def test_what_was_launched_here_knows_its_share_itself() -> None:
    node = Node()
    node.leases.known()
    node.runs(attempt(milli=500))
    assert node.leases.lent() == (Lent(gpus=(GPUS[0],), milli=500, owner=None),)


def test_of_one_that_is_not_named_any_more_the_last_word_holds_while_it_is_here() -> None:
    node = Node()
    node.leases.known()
    node.runs(attempt())
    node.leases.heard(desired(wanted(spec={"gpu_milli": 250})))
    node.leases.heard(desired())
    assert node.leases.lent() == (Lent(gpus=(GPUS[0],), milli=250, owner="ada"),)
    node.runs()
    node.leases.heard(desired())
    node.runs(attempt())
    assert node.leases.lent() == (Lent(gpus=(GPUS[0],), owner=None),), "nothing is remembered for ever"
