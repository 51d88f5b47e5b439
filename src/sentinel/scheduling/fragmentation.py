"""What a placement leaves stranded: the part of a node's GPUs that nobody in the queue could use any more.

Called by placement, which takes the room where least is lost, and by `sentinel simulate openb`, which
proves the rule on public traces. Pure, exact: all numbers are whole, so that the simulator's NumPy form
agrees to the last digit. GPU is counted in thousandths of one (milli), CPU in thousandths of a core, memory
in MiB.

The rule knows the *mix*: what is asked for, and how often. It does not know what comes next. A room loses

- what the next ask could not use. An ask drawn from the mix that fits leaves those GPUs stranded that have
  less free than it wants of each; one that does not fit leaves all of them. The mean over the mix is the
  expectation of Weng and others, "Beware of Fragmentation" (USENIX ATC 2023), here over the whole mix;
- what the CPU will run short of. GPUs are filled one after the other, each by an ask drawn from the mix,
  until the CPU is used up: the mean of what is then still free. That looks past the next ask, so that a job
  without a GPU goes where CPU is left over, and a GPU with few cores is kept for an ask that wants few.

Both are means of milli that are lost, so they are added as they are. The cost of a placement is how much
the sum grows, in whole milli; of equal ones the room with the fewest free GPUs wins.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

WHOLE = 1000  # milli of one GPU
CPU_UNIT = 1000  # milli of CPU in which running short is reckoned: a core
CPU_MOST = 128  # units: what wants more for each GPU counts as so much
SCALE = 1 << 20  # a certainty, as a whole number
CACHED = 1 << 16  # rooms remembered at most: they look alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one job wants on one node. `milli`: of each of its `gpus`; less than 1000 only of a single one.
    `models`: those that suit; None: any. No GPU: 0 `gpus`."""

    gpus: int
    milli: int = WHOLE
    cpu_milli: int = 0
    memory_mib: int = 0
    models: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.gpus < 0 or self.cpu_milli < 0 or self.memory_mib < 0:
            raise ValueError(f"an ask cannot be negative: {self}")
        if self.gpus and not (0 < self.milli <= WHOLE and (self.gpus == 1 or self.milli == WHOLE)):
            raise ValueError(f"a share is of one GPU, 1 to {WHOLE} milli: {self}")

    @property
    def total(self) -> int:
        """Milli of GPU in all."""
        return self.gpus * self.milli

    def suits(self, model: str | None) -> bool:
        """Whether GPUs of this model will do. An unknown model suits only who wants none in particular."""
        return self.models is None or model in self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is free on a node. `free`: milli of each GPU, by index. None: unknown or unlimited."""

    model: str | None
    free: tuple[int, ...]
    cpu: int | None = None
    memory: int | None = None

    def fits(self, ask: Ask) -> bool:
        """Whether `ask` could be placed here now."""
        if self.cpu is not None and ask.cpu_milli > self.cpu:
            return False
        if self.memory is not None and ask.memory_mib > self.memory:
            return False
        if not ask.gpus:
            return True
        return ask.suits(self.model) and sum(left >= ask.milli for left in self.free) >= ask.gpus

    def without(self, ask: Ask, gpus: Sequence[int]) -> "Room":
        """What is free once `ask` has the GPUs with these indices."""
        free = list(self.free)
        for index in gpus:
            free[index] -= ask.milli
        return Room(
            model=self.model,
            free=tuple(free),
            cpu=None if self.cpu is None else self.cpu - ask.cpu_milli,
            memory=None if self.memory is None else self.memory - ask.memory_mib,
        )


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cost:
    """The smaller, the better. `stranded`: milli more than before that nobody can use; less than 0 where
    the ask takes what others could not. `free`: milli that stay free on the node."""

    stranded: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The GPUs by index for an ask in one room, and what that costs."""

    gpus: tuple[int, ...]
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Asks that want the same of the GPUs, with what else they want: (CPU, memory, how many of them)."""

    gpus: int
    milli: int
    models: frozenset[str] | None
    rows: tuple[tuple[int, int, int], ...]


class Mix:
    """What is asked for and how often. Made once for many rooms; remembers what it has reckoned."""

    def __init__(self, counts: Mapping[Ask, int]) -> None:
        self.counts = dict(counts)
        self.total = sum(self.counts.values())
        self.shapes = _shapes(self.counts)
        self._weights: dict[tuple[str | None, int | None, int | None], tuple[int, ...]] = {}
        self._short: dict[str | None, list[tuple[int, ...]]] = {}
        self._lost: dict[Room, int] = {}

    @classmethod
    def of(cls, asks: Iterable[tuple[Ask, int]]) -> "Mix":
        """From asks and how many there are of each; an ask may come more than once."""
        counts: Counter[Ask] = Counter()
        for ask, count in asks:
            if count > 0:
                counts[ask] += count
        return cls(counts)

    # ------------------------------------------------------------------ what a room loses

    def stranded(self, room: Room) -> int:
        """Milli that the next ask cannot use, times `total`."""
        free = sorted(room.free)
        above = [*accumulate(reversed(free), initial=0)]  # [n]: milli on the n GPUs that have most
        usable = 0
        for shape, weight in zip(self.shapes, self._weight(room), strict=True):
            if weight:
                enough = len(free) - bisect_left(free, shape.milli)
                if enough >= shape.gpus:
                    usable += weight * above[enough]
        return self.total * sum(free) - usable

    def short(self, room: Room) -> int:
        """Milli that stay free as the CPU runs out, times SCALE. 0 where the CPU is unknown."""
        if room.cpu is None:
            return 0
        chances = self.chances(room.model, len(room.free))
        cpu = room.cpu // CPU_UNIT
        left, lost, filled = sum(room.free), 0, 0
        while left > 0:
            part = min(WHOLE, left)
            lost += part * (SCALE - chances[filled][min(cpu, len(chances[filled]) - 1)])
            left, filled = left - part, filled + 1
        return lost

    def cost(self, room: Room, ask: Ask, gpus: Sequence[int]) -> Cost:
        """What it costs to place `ask`, which fits, on the GPUs with these indices."""
        after = room.without(ask, gpus)
        grown = self._loss(after) - self._loss(room)
        # Without a mix nothing is known to be lost.
        return Cost(stranded=grown // (max(self.total, 1) * SCALE), free=sum(after.free))

    def choose(self, room: Room, ask: Ask) -> Choice | None:
        """The GPUs where `ask` costs least; the lowest of equal ones. None when it does not fit."""
        if not room.fits(ask):
            return None
        if ask.gpus == 1 and ask.milli < WHOLE:
            firsts = {left: at for at, left in reversed(list(enumerate(room.free))) if left >= ask.milli}
            ways = [(at,) for at in sorted(firsts.values())]
        else:
            whole = [at for at, left in enumerate(room.free) if left == WHOLE]
            ways = [tuple(whole[: ask.gpus])]
        costs = [Choice(gpus=gpus, cost=self.cost(room, ask, gpus)) for gpus in ways]
        return min(costs, key=lambda choice: (choice.cost, choice.gpus))

    def _loss(self, room: Room) -> int:
        """Both losses together, times `total` and SCALE."""
        found = self._lost.get(room)
        if found is None:
            if len(self._lost) >= CACHED:
                self._lost.clear()
            found = self._lost[room] = self.stranded(room) * SCALE + self.short(room) * self.total
        return found

    # ------------------------------------------------------------------ tables

    def _weight(self, room: Room) -> tuple[int, ...]:
        """Of each shape, how many asks the room has the model, the CPU and the memory for."""
        key = (room.model, room.cpu, room.memory)
        found = self._weights.get(key)
        if found is None:
            if len(self._weights) >= CACHED:
                self._weights.clear()
            found = self._weights[key] = tuple(_suiting(shape, room) for shape in self.shapes)
        return found

    def chances(self, model: str | None, gpus: int) -> list[tuple[int, ...]]:
        """[n][c]: the chance, of SCALE, that `c` units of CPU are enough for n + 1 whole GPUs that asks
        which suit `model` fill one after the other; a longer list than `gpus` may come back. Past a row's
        end it is certain."""
        rows = self._short.get(model)
        if rows is None or len(rows) < gpus:
            rows = self._short[model] = _chances(self._cpu_of_a_gpu(model), gpus)
        return rows

    def _cpu_of_a_gpu(self, model: str | None) -> Counter[int]:
        """Units of CPU that go with one whole GPU → milli that are asked for so."""
        found: Counter[int] = Counter()
        for ask, count in self.counts.items():
            if ask.gpus and ask.suits(model):
                units = -(-ask.cpu_milli * WHOLE // (ask.total * CPU_UNIT))
                found[min(units, CPU_MOST)] += count * ask.total
        return found


def _shapes(counts: Mapping[Ask, int]) -> tuple[Shape, ...]:
    rows: dict[tuple[int, int, tuple[str, ...] | None], list[tuple[int, int, int]]] = {}
    for ask, count in counts.items():
        if ask.gpus:
            models = None if ask.models is None else tuple(sorted(ask.models))
            rows.setdefault((ask.gpus, ask.milli, models), []).append((ask.cpu_milli, ask.memory_mib, count))
    return tuple(
        Shape(
            gpus=gpus,
            milli=milli,
            models=None if models is None else frozenset(models),
            rows=tuple(sorted(rows[gpus, milli, models])),
        )
        for gpus, milli, models in sorted(rows, key=lambda key: (key[0], key[1], key[2] or ()))
    )


def _suiting(shape: Shape, room: Room) -> int:
    if shape.models is not None and room.model not in shape.models:
        return 0
    rows = shape.rows
    if room.cpu is not None:
        rows = rows[: bisect_right(rows, room.cpu, key=lambda row: row[0])]
    return sum(count for _, memory, count in rows if room.memory is None or memory <= room.memory)


def _chances(cpu: Mapping[int, int], gpus: int) -> list[tuple[int, ...]]:
    """Sums of 1 to `gpus` draws, exactly; only what comes out is rounded.

    The draw is a polynomial, one coefficient for each unit of CPU, and lies in one big integer; its powers
    are the sums. Coefficients are so wide that none runs into the next.
    """
    if not cpu:
        return [(SCALE,)] * gpus
    most, all_of_one = max(cpu), sum(cpu.values())
    width = ((all_of_one**gpus).bit_length() + 7) // 8
    draw = sum(weight << (8 * width * units) for units, weight in cpu.items())
    ways, all_of_them = 1, 1
    rows: list[tuple[int, ...]] = []
    for number in range(1, gpus + 1):
        ways, all_of_them = ways * draw, all_of_them * all_of_one
        raw = ways.to_bytes(width * (most * number + 1), "little")
        row: list[int] = []
        so_far = 0
        for at in range(0, len(raw), width):
            so_far += int.from_bytes(raw[at : at + width], "little")
            row.append(so_far * SCALE // all_of_them)
        rows.append(tuple(row))
    return rows
