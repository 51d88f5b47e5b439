"""What the sensors of simulated GPUs show over time. Pure.

Called by `past` and `live`. There is one table of values for each model of card and each level of work; a GPU
reads it from a place of its own on. So a chart looks alive, and a million values cost no more than a copy.
"""

from array import array
from dataclasses import dataclass
from functools import cache
from math import sin
from random import Random

from sentinel.server.seeding.fleet import Card

LENGTH = 4096
LONGEST = 1024  # values that may be read at once
IDLE_PERCENT = 5.0  # at most so much is computing nothing
HOT = 90.0  # Celsius, at least: rules call 88 hot
FREE = -1  # the level of a GPU that nobody has


@dataclass(frozen=True, slots=True)
class Curves:
    """Each is LENGTH values and the first ones again."""

    utilization: "array[float]"
    power: "array[float]"
    temperature: "array[float]"
    idle: "array[float]"  # 1 where it computes nothing


@cache
def curves(card: Card, level: int, hot: bool = False) -> Curves:
    """Of a card that works at `level` percent; FREE when nobody has it. `hot`: its fan is broken."""
    random = Random(f"{card.model} {level}")  # noqa: S311 - for looks
    utilization, power, temperature, idle = (array("f") for _ in range(4))
    warmth = card.idle_celsius
    for at in range(LENGTH):
        computes = _computes(random, at, level)
        watts = card.idle_watts + (card.most_watts - card.idle_watts) * computes / 100
        watts += random.uniform(-6, 6) if computes else random.uniform(-1, 1)
        share = (watts - card.idle_watts) / (card.most_watts - card.idle_watts)
        goal = card.idle_celsius + (card.most_celsius - card.idle_celsius) * share
        warmth += (goal - warmth) * 0.2
        utilization.append(computes)
        power.append(round(watts, 1))
        temperature.append(round(max(warmth + 24, HOT) if hot else warmth))
        idle.append(1.0 if computes <= IDLE_PERCENT else 0.0)
    for one in (utilization, power, temperature, idle):
        one.extend(one[:LONGEST])
    return Curves(utilization, power, temperature, idle)


def _computes(random: Random, at: int, level: int) -> float:
    """Percent. Now and then a job that computes reads data or saves its state."""
    if level <= 0:
        return 0.0
    if at % 97 < 3:
        return float(random.randrange(5))
    wave = 5 * sin(at / 23) + random.uniform(-4, 4)
    return float(round(min(100.0, max(6.0, level + wave))))


def place_of(uuid: str, step: int) -> int:
    """Where in its tables a GPU is at that step."""
    return (int(uuid[4:12], 16) + step) % LENGTH
