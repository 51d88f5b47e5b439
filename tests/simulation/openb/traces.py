"""Small traces, written as the real ones are. For the tests beside this."""

import gzip
from collections.abc import Sequence
from pathlib import Path

NODE_HEAD = "sn,cpu_milli,memory_mib,gpu,model"
POD_HEAD = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,"
    "qos,pod_phase,creation_time,deletion_time,scheduled_time"
)
NODES = (
    "node-a,16000,65536,2,T4",
    "node-b,96000,393216,8,G2",
    "node-c,8000,32768,1,V100M16",
    "node-d,64000,262144,4,V100M32",
)
PODS = (
    *(f"share-{number},3152,4096,1,810,,LS,Running,0,9,0" for number in range(6)),
    *(f"half-{number},8000,8192,1,470,,BE,Running,0,9,0" for number in range(8)),
    *(f"one-{number},11300,16384,1,1000,,LS,Running,0,9,0" for number in range(5)),
    "picky-0,4000,8192,1,1000,V100M16|V100M32,LS,Running,0,9,0",
    "two-0,16000,32768,2,1000,,LS,Running,0,9,0",
    *(f"cpu-{number},12500,4096,0,0,,LS,Running,0,9,0" for number in range(3)),
)


def node_file(folder: Path, rows: Sequence[str] = NODES) -> Path:
    return _written(folder / "nodes.csv", NODE_HEAD, rows)


def pod_file(folder: Path, rows: Sequence[str] = PODS) -> Path:
    return _written(folder / "pods.csv", POD_HEAD, rows)


def packed(path: Path) -> Path:
    """The same with gzip."""
    other = path.with_name(path.name + ".gz")
    other.write_bytes(gzip.compress(path.read_bytes()))
    return other


def _written(path: Path, head: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join((head, *rows)) + "\n")
    return path
