"""Where the public traces are, and how a replay is run for a figure. Used by the benchmarks beside this."""

import os
from pathlib import Path

from bench.workstation.arbiter import BenchmarkError
from sentinel.core.errors import SentinelError
from sentinel.simulation.replay.reading.formats import read_trace
from sentinel.simulation.replay.trace import Trace


def trace_at(*parts: str) -> Trace:
    """The jobs of a file below the folder that SENTINEL_REAL_DATA names."""
    given = os.environ.get("SENTINEL_REAL_DATA")
    if not given:
        raise BenchmarkError("SENTINEL_REAL_DATA is not set; it names the folder with the public traces")
    try:
        return read_trace(Path(given, "3_cluster_traces", *parts))
    except SentinelError as error:
        raise BenchmarkError(error.message) from error
