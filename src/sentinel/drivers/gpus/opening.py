"""From the name of a source, as people write it in a config or on a command line, to the source.

Called by the wiring of each process that reads GPUs. Nothing is imported before it is asked for.

    auto          nvml where nvidia-ml-py is installed and the driver answers, else smi
    nvml          NVML through nvidia-ml-py
    smi           the nvidia-smi executable
    simulated:N   N cards that exist only here, for trying out (simulated: two)
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from sentinel.core.errors import GpuReadError, UsageError
from sentinel.drivers.gpus.simulated import Holding, SimulatedGpus
from sentinel.drivers.gpus.smi_command import find_executable
from sentinel.ports.gpus import GpuSource

Holders = Callable[[], Iterable[Holding]]
SPECS = ("auto", "nvml", "smi", "simulated:N")
_MOST = 1024


def open_source(
    spec: str,
    *,
    holders: Holders | None = None,
    claims_dir: Path | None = None,
    full: bool = False,
    pcie_throughput: bool = False,
) -> GpuSource:
    """The source that `spec` names. Opening `auto` reads once; the others touch nothing yet.

    `full` asks for everything that the driver knows instead of what an arbiter needs, and with
    `pcie_throughput` NVML for that too, which makes a read of a card 40 ms longer. `holders` and
    `claims_dir` say who holds memory on simulated cards. Raises UsageError for a spec that is none,
    GpuReadError when that source cannot work here.
    """
    kind, _, argument = spec.partition(":")
    table: dict[str, Callable[[], GpuSource]] = {
        "auto": lambda: _auto(full, pcie_throughput),
        "nvml": lambda: _nvml(full, pcie_throughput),
        "smi": lambda: _smi(full),
        "simulated": lambda: SimulatedGpus(_count(spec, argument or "2"), holders, claims_dir),
    }
    if kind not in table or (argument and kind != "simulated"):
        raise UsageError(f"{spec!r} is no source of GPUs; choose one of: {', '.join(SPECS)}")
    return table[kind]()


def _count(spec: str, argument: str) -> int:
    if not (argument.isascii() and argument.isdigit() and len(argument) <= 4):
        raise UsageError(f"{spec!r}: N must be a number, as in simulated:2")
    count = int(argument)
    if not 1 <= count <= _MOST:
        raise UsageError(f"{spec!r}: N must be from 1 to {_MOST}")
    return count


def _nvml(full: bool, pcie_throughput: bool) -> GpuSource:
    from sentinel.drivers.gpus.nvml import NvmlGpus

    return NvmlGpus(full=full, pcie_throughput=pcie_throughput)


def _smi(full: bool) -> GpuSource:
    from sentinel.drivers.gpus.smi import SmiGpus

    return SmiGpus(full=full)


def _auto(full: bool, pcie_throughput: bool) -> GpuSource:
    try:
        source = _nvml(full, pcie_throughput)
        try:
            source.read()
        except GpuReadError:
            source.close()
            raise
    except GpuReadError as error:
        if find_executable() is None:
            raise GpuReadError(
                f"no GPU can be read on this machine: {error.message}; and nvidia-smi is not on PATH "
                "(to try things out without a GPU: simulated:2)"
            ) from error
        return _smi(full)
    return source
