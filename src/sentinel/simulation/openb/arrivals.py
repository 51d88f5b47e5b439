"""Who arrives, and in which order: the list shuffled, then more of the same until demand is high enough.

Called by engine. As the FGD authors' simulator has it: the list itself comes first, in random order; then
pods drawn from it at random, until the next one's GPU would pass the demand. A list that asks for more
loses pods at random instead.
"""

from collections.abc import Sequence
from random import Random

from sentinel.simulation.openb.reading import TracePod

DEMAND_PERCENT = 130


def arrive(pods: Sequence[TracePod], capacity: int, random: Random) -> list[TracePod]:
    """The pods in order. `capacity`: milli of GPU of the cluster. A pod that is drawn comes again by its
    name."""
    most = capacity * DEMAND_PERCENT // 100
    arriving = list(pods)
    random.shuffle(arriving)
    demand = sum(pod.ask.total for pod in arriving)
    while demand > most:
        demand -= arriving.pop(random.randrange(len(arriving))).ask.total
    while True:
        pod = pods[random.randrange(len(pods))]
        # One GPU of it, not all: so they stop, and so must we to be compared.
        if demand + (pod.ask.milli if pod.ask.gpus else 0) > most:
            return arriving
        demand += pod.ask.total
        arriving.append(pod)
