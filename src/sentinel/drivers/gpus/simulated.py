"""GPUs that exist only here, for trying Sentinel out and for demos. Standard library only.

Called by the arbiter and `sentinel gpus` (through their wiring) for `simulated:N`. The cards are made up,
the processes on them are real: the arbiter names its services' pids, and any other process says that it
holds memory by a claim file (see `simulated_claims`). So everything but the card behaves as it would.

    python3 -m sentinel.drivers.gpus.simulated hold --gpu 0 --memory 4GiB              until it is killed
    python3 -m sentinel.drivers.gpus.simulated hold --gpu 0 --memory 4GiB -- sleep 60  as that command
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.core.errors import GpuReadError, SentinelError, UsageError
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors, ThrottleReason
from sentinel.core.units import parse_size, show_size
from sentinel.drivers.gpus.simulated_claims import Holding, claim, claims, default_folder, fault

if TYPE_CHECKING:
    import argparse

__all__ = ["Holding", "SimulatedGpus", "main"]

MEMORY_BYTES = 80 * 2**30
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_IDLE_WATTS, _MOST_WATTS = 60.0, 350.0


def _nobody() -> Iterable[Holding]:
    return ()


class SimulatedGpus:
    """A GpuSource of `count` cards of 80 GiB; see the port for the contract of `read`.

    `holders` is called at each read and believed: it gives the living processes that its caller knows of.
    """

    def __init__(
        self,
        count: int,
        holders: Callable[[], Iterable[Holding]] | None = None,
        claims_dir: Path | None = None,
    ) -> None:
        self._count = count
        self._holders = holders or _nobody
        self._folder = claims_dir or default_folder()

    def read(self) -> GpuReading:
        """Raises GpuReadError while there is a fault file."""
        trouble = fault(self._folder)
        if trouble is not None:
            raise GpuReadError(trouble)
        held = [*self._holders(), *claims(self._folder)]
        gpus = tuple(_gpu(index, held) for index in range(self._count))
        return GpuReading(source="simulated", gpus=gpus, driver_version="simulated")

    def close(self) -> None:
        """Nothing is held between reads."""


def _gpu(index: int, held: Iterable[Holding]) -> Gpu:
    here = [one for one in held if index in one.gpus]
    used = sum(one.memory_bytes for one in here)
    busy = any(one.kind.computes for one in here)
    return Gpu(
        index=index,
        uuid=f"GPU-51a1a7ed-0000-4000-8000-{index:012x}",
        name="Simulated GPU",
        pci_bus_id=f"00000000:{index // 32 + 1:02X}:{index % 32:02X}.0",
        memory_total_bytes=MEMORY_BYTES,
        memory_used_bytes=used,
        memory_free_bytes=max(0, MEMORY_BYTES - used),
        utilization_percent=90.0 if busy else 0.0,
        temperature_celsius=65.0 if busy else 35.0,
        power_watts=_MOST_WATTS * 0.8 if busy else _IDLE_WATTS,
        power_limit_watts=_MOST_WATTS,
        processes=tuple(_process(one) for one in here),
        mig_enabled=False,
        sensors=_sensors(index, busy),
    )


def _sensors(index: int, busy: bool) -> GpuSensors:
    """A few that move with the load, so that views and alerts have something to show."""
    return GpuSensors(
        performance_state=0 if busy else 8,
        sm_clock_hertz=1.98e9 if busy else 3.45e8,
        sm_clock_max_hertz=1.98e9,
        memory_clock_hertz=2.619e9,
        memory_clock_max_hertz=2.619e9,
        throttle_reasons=frozenset() if busy else frozenset({ThrottleReason.GPU_IDLE}),
        memory_utilization_percent=40.0 if busy else 0.0,
        pcie_generation=5,
        pcie_generation_max=5,
        pcie_width=16,
        pcie_width_max=16,
        nvlinks=(),
        minor_number=index,
    )


def _process(one: Holding) -> GpuProcess:
    return GpuProcess(pid=one.pid, kind=one.kind, memory_bytes=one.memory_bytes, name=_name(one.pid))


def _name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n") or None
    except OSError:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """`hold`: claims memory and stays, or becomes the command after `--`. The exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = given[given.index("--") + 1 :] if "--" in given else []
    asked = _parser().parse_args(given[: given.index("--")] if "--" in given else given)
    if not command:
        # Before anyone can know of the claim: from then on a signal has to take it away again.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        kind = ProcessKind.GRAPHICS if asked.graphics else ProcessKind.COMPUTE
        path = claim(asked.dir or default_folder(), asked.gpu, _size(asked.memory), kind)
    except OSError as error:
        print(f"cannot claim: {error}", file=sys.stderr)
        return 1
    except SentinelError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    where = ", ".join(str(index) for index in asked.gpu)
    print(f"pid {os.getpid()} holds {show_size(_size(asked.memory))} on GPU {where}", flush=True)
    if command:
        return _become(command, path)
    return _hold(asked.seconds, path)


def _size(text: str) -> int:
    size = parse_size(text)
    if size > 2**50:
        raise UsageError(f"{text} is more than any GPU has")
    return size


def _become(command: list[str], path: Path) -> int:
    # The claim is by pid and start time, and both stay the same.
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        path.unlink(missing_ok=True)
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _hold(seconds: float | None, path: Path) -> int:
    if seconds is None:
        signal.sigwait(_STOPS)
    else:
        signal.sigtimedwait(_STOPS, seconds)
    path.unlink(missing_ok=True)
    return 0


def _parser() -> "argparse.ArgumentParser":
    import argparse

    parser = argparse.ArgumentParser(
        prog="python3 -m sentinel.drivers.gpus.simulated",
        description="Makes this process one that holds memory on simulated GPUs.",
    )
    hold = parser.add_subparsers(required=True, metavar="hold").add_parser(
        "hold", help="hold memory until killed, or as the command after --"
    )
    hold.add_argument("--gpu", type=int, action="append", required=True, help="index; may be repeated")
    hold.add_argument("--memory", required=True, help="on each GPU, like 4GiB")
    hold.add_argument("--dir", type=Path, help="the claims folder (default: as for simulated:N)")
    hold.add_argument("--seconds", type=float, help="end by itself after so long")
    hold.add_argument("--graphics", action="store_true", help="only draw, do not compute")
    return parser


if __name__ == "__main__":
    sys.exit(main())
