"""What `sentinel-request` costs in front of a command, over an interpreter that does nothing."""

import statistics
import subprocess
import sys
import time

from bench.figure import Figure, spread
from bench.workstation.arbiter import COMMANDS, NOTHING_TO_EVICT, BenchmarkError, arbiter

TARGET_MS = 40.0


def measure(quick: bool) -> list[Figure]:
    """Pairs in turn, so that a slow moment of the machine falls on both."""
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    wrapped = [str(COMMANDS / "sentinel-request"), "--", "true"]
    with arbiter(NOTHING_TO_EVICT) as running:
        for command in (bare, wrapped) * 3:
            timed(command, running.env)
        rounds = range(10 if quick else 100)
        pairs = [(timed(bare, running.env), timed(wrapped, running.env)) for _ in rounds]
    over = [with_it - without for without, with_it in pairs]
    return [
        Figure(
            name="sentinel-request -- true, over bare Python",
            value=round(statistics.median(over), 3),
            unit="ms",
            target=TARGET_MS,
            how="median of the differences of interleaved pairs; bare is `python3 -I -S -c pass`",
            detail={
                "over": spread(over),
                "bare": spread([without for without, _ in pairs]),
                "wrapped": spread([with_it for _, with_it in pairs]),
                "bare_command": " ".join(bare),
            },
        )
    ]


def timed(command: list[str], env: dict[str, str]) -> float:
    """Milliseconds from start to exit."""
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    took = (time.perf_counter() - began) * 1000
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()[-300:]}")
    return took
