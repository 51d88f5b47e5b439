"""What a replay can compare: the scheduler as it is, and simpler ones made of the same parts. One table.

Read by the engine and the commands. All of them choose nodes and GPUs by the scheduler's own placement; they
differ in whose turn it is and in what may overtake.
"""

from dataclasses import dataclass

from sentinel.core.errors import UsageError
from sentinel.scheduling.placement import DEPTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`by_user`: turns go to who has had least; else by priority and age alone. `one_by_one`: nobody is
    looked at before the first in line has its GPUs. `depth`: for how many waiting jobs GPUs are kept."""

    name: str
    help: str
    by_user: bool
    one_by_one: bool = False
    depth: int = DEPTH


_TABLE = (
    Policy(name="sentinel", help="the scheduler as it is: fair share and backfill", by_user=True),
    Policy(
        name="fifo",
        help="strictly by priority and age: the first in line holds up all others",
        by_user=False,
        one_by_one=True,
        depth=0,
    ),
    Policy(
        name="fifo-backfill",
        help="by priority and age; others go first where that delays none of the first in line",
        by_user=False,
    ),
    Policy(
        name="fair-greedy",
        help="fair share, and whatever fits begins: nothing is kept for large jobs",
        by_user=True,
        depth=0,
    ),
)
POLICIES = {policy.name: policy for policy in _TABLE}


def policy_named(name: str) -> Policy:
    """UsageError, which names those there are, when there is none."""
    if name not in POLICIES:
        raise UsageError(f"no policy is called {name}; there are {', '.join(POLICIES)}")
    return POLICIES[name]
