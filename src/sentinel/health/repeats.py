"""How often a fault came, when, and under whom; and what it means that it came again.

Called by `xid` and `sxid`, which keep one tally for each code on each GPU. The two rules, stated:

- **Across programs.** One application fault on one GPU, from at least 3 processes of at least 2 programs
  within an hour, while no other GPU of the node had it: then the card is to blame, and not the programs.
  Where the node's other GPUs are not known, or there are none, that is said but nothing is concluded from it.
- **Again and again.** A hardware fault that is harmless once (a memory row replaced, a contained memory
  error) came at least 3 times within a day, a minute or more apart: then the card is wearing out.

A fault whose time or process is not known does not count towards a rule.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sentinel.core.finding import Proof

PROCESSES, PROGRAMS, HOUR = 3, 2, 3600.0
OCCASIONS, DAY, APART = 3, 86400.0, 60.0

EVIDENCE, LONGEST_PROOF = 10, 300
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time that a fault came. `moment`: seconds on the log's clock, any origin."""

    moment: float
    pid: int | None = None
    program: str | None = None


@dataclass(slots=True)
class Tally:
    """One code on one GPU. Bounded, however many lines there are; `first`, `last`: epoch seconds."""

    count: int = 0
    first: float | None = None
    last: float | None = None
    proofs: deque[Proof] = field(default_factory=lambda: deque(maxlen=EVIDENCE))
    occasions: deque[Occasion] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    by: Counter[tuple[int | None, str | None]] = field(default_factory=Counter[tuple[int | None, str | None]])

    def add(
        self,
        proof: Proof,
        *,
        moment: float | None,
        pid: int | None = None,
        program: str | None = None,
        counts: bool = True,
    ) -> None:
        """One sighting; `counts` is False for a further line about one that was added already."""
        self.proofs.append(Proof(read=quoted(proof.read), where=proof.where, at=proof.at))
        if not counts:
            return
        self.count += 1
        if proof.at is not None:
            self.first = proof.at if self.first is None else min(self.first, proof.at)
            self.last = proof.at if self.last is None else max(self.last, proof.at)
        if moment is not None:
            self.occasions.append(Occasion(moment, pid, program))
        if (pid, program) in self.by or len(self.by) < _REMEMBERED:
            self.by[pid, program] += 1

    def programs(self) -> str:
        """Whose work it was, the most frequent first: "python (pid 12), pid 13"; empty if unknown."""
        named = [(pid, program) for (pid, program), _ in self.by.most_common() if pid or program]
        shown = [
            f"{program} (pid {pid})" if pid and program else program or f"pid {pid}" for pid, program in named
        ]
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        return ", ".join(shown[:3]) + more


def across_programs(tally: Tally) -> str | None:
    """In words, if `tally` fulfils the first rule as far as one GPU goes; else None."""
    for window in _windows(tally, HOUR):
        processes = {one.pid for one in window if one.pid is not None}
        programs = {one.program for one in window if one.pid is not None and one.program is not None}
        if len(processes) >= PROCESSES and len(programs) >= PROGRAMS:
            return f"{len(processes)} processes of {len(programs)} programs had it here within an hour"
    return None


def again_and_again(tally: Tally) -> str | None:
    """In words, if `tally` fulfils the second rule; else None."""
    for window in _windows(tally, DAY):
        times = 0
        last: float | None = None
        for one in window:
            if last is None or one.moment - last >= APART:
                times, last = times + 1, one.moment
        if times >= OCCASIONS:
            return f"it came {times} times within a day"
    return None


def _windows(tally: Tally, seconds: float) -> Iterator[list[Occasion]]:
    """Every longest stretch of occasions that lie no further than `seconds` apart, the newest first."""
    ordered = sorted(tally.occasions, key=lambda one: one.moment)
    begin = 0
    found: list[list[Occasion]] = []
    for end, one in enumerate(ordered):
        while one.moment - ordered[begin].moment > seconds:
            begin += 1
        if end + 1 == len(ordered) or ordered[end + 1].moment - ordered[begin].moment > seconds:
            found.append(ordered[begin : end + 1])
    yield from reversed(found)


def quoted(text: str) -> str:
    """`text` fit to be shown: nothing that a terminal would obey, and at most 300 characters."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text.strip())
    return shown if len(shown) <= LONGEST_PROOF else f"{shown[: LONGEST_PROOF - 1]}…"
