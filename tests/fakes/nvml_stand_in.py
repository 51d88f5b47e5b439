"""A stand-in for the NVIDIA driver's libnvidia-ml.so.1, for machines without a card.

What runs on top of it is the real nvidia-ml-py, so the code under test is the code that runs on a real
card. Tests that use it carry the marker `cc` (a C compiler builds it, once per content).

In the test's own process, with the fixture that puts all back afterwards:

    def test_x(nvml: NvmlStandIn):                     # the fixture of tests/drivers/gpus/conftest.py
        nvml.show(cards(2))                            # takes effect at the next NVML call
        nvml.show([replace(card, temperature=90)])
        nvml.show([card.having(Occupant(pid=42, memory_mib=1024))])
        nvml.show([replace(card, errors={"nvmlDeviceGetTemperature": 15})])   # GPU is lost
        nvml.show([replace(card, sensors=SERVER, links=(Link(replay=1),))])   # see cards.SERVER
        nvml.show([], init_error=18)                   # driver/library version mismatch
        nvml.happen(device=0, xid=79)                  # an event, for those who wait for one

For another process (an arbiter, `sentinel gpus`, a real nvitop):

    nvml = NvmlStandIn(tmp_path / "state")
    subprocess.run([...], env={**os.environ, **nvml.environment})

`Occupant(while_alive=True)` is listed only as long as that pid lives, and a card whose `used_mib` is None
then uses the sum of those listed: so memory is freed when a real process ends, as on a card.

Every function that nvidia-ml-py knows is exported; those without a body here return 3 (Not Supported).
"""

import ctypes
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.fakes.cards import Card, Occupant

SOURCE = Path(__file__).with_name("nvml") / "stand_in.c"
STATE_VARIABLE = "SENTINEL_FAKE_NVML"
XID = 0x8
_MIB = 2**20
_CALLED = re.compile(r'_nvmlGetFunctionPointer\("(\w+)"\)')
_DEFINED = re.compile(r"^(?:EXPORT [\w *]*?|LIST\(|SENSOR(?:64)?\()(nvml\w+)\b", re.MULTILINE)


def compiler() -> str | None:
    """The C compiler, where there is one."""
    names = (os.environ.get("CC", "cc"), "gcc", "clang")
    return next((found for name in names if (found := shutil.which(name))), None)


def known_functions() -> set[str]:
    """Every name that the installed nvidia-ml-py looks up in the library."""
    spec = importlib.util.find_spec("pynvml")
    assert spec is not None and spec.origin is not None, "nvidia-ml-py is not installed: make dev"
    return set(_CALLED.findall(Path(spec.origin).read_text()))


@cache
def built() -> Path:
    """The folder with libnvidia-ml.so.1 in it, compiled unless that is done already."""
    source = SOURCE.read_text()
    missing = sorted(known_functions() - set(_DEFINED.findall(source)))
    stubs = "".join(f"EXPORT int {name}(void) {{ return NOT_SUPPORTED; }}\n" for name in missing)
    whole = f"{source}\n{stubs}"
    name = hashlib.sha256(whole.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"sentinel-nvml-{os.getuid()}", name)
    library = folder / "libnvidia-ml.so.1"
    if not library.exists():
        _compile(whole, library)
    return folder


def _compile(source: str, library: Path) -> None:
    found = compiler()
    assert found is not None, "a C compiler is needed (Debian: apt-get install gcc)"
    library.parent.parent.mkdir(mode=0o700, exist_ok=True)
    library.parent.mkdir(mode=0o700, exist_ok=True)
    beside = library.with_name(f"{library.name}.{os.getpid()}")
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-x", "c", "-"]
    done = subprocess.run(
        [found, f"-Wl,-soname,{library.name}", "-o", str(beside), *options],
        input=source,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    beside.replace(library)


class NvmlStandIn:
    """The machine as NVML shows it. `path` is the state file; two stand-ins need two."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: list[str] = []
        self._shown: tuple[tuple[Card, ...], dict[str, object]] = ((), {})
        self.show([])

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find this stand-in instead of a driver."""
        folders = [str(built()), os.environ.get("LD_LIBRARY_PATH", "")]
        return {STATE_VARIABLE: str(self.path), "LD_LIBRARY_PATH": ":".join(filter(None, folders))}

    def load_here(self) -> ctypes.CDLL:
        """Loads it in this process: the linker then gives it to whoever asks for libnvidia-ml.so.1."""
        return ctypes.CDLL(str(built() / "libnvidia-ml.so.1"))

    def show(
        self,
        cards: Iterable[Card],
        *,
        init_error: int = 0,
        errors: dict[str, int] | None = None,
        driver_version: str = "570.86.15",
        cuda_version: int = 12080,
        delay_ms: int = 0,
    ) -> None:
        """From the next call on, this is the machine. `errors` are by function, for every card ("*": all)."""
        self._shown = (
            tuple(cards),
            {
                "init_error": init_error,
                "driver_version": driver_version,
                "cuda_version": cuda_version,
                "delay_ms": delay_ms,
                "errors": errors or {},
            },
        )
        self._write()

    def happen(self, *, device: int, xid: int = 79, kind: int = XID) -> None:
        """An event: those who registered for its kind on that card get it, once."""
        self._events.append(f"event {len(self._events) + 1} {device} {kind} {xid}")
        self._write()

    def _write(self) -> None:
        shown, settings = self._shown
        lines = [f"{word} {value}" for word, value in settings.items() if word != "errors"]
        errors = settings.get("errors", {})
        assert isinstance(errors, dict)
        lines += [f"error {function} {code}" for function, code in errors.items()]
        lines += [f"name {one.pid} {one.name}" for card in shown for one in card.occupants]
        lines += self._events
        lines += [line for card in shown for line in _card(card)]
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text("\n".join(lines) + "\n")
        beside.replace(self.path)


def _card(card: Card) -> list[str]:
    used = "auto" if card.used_mib is None else card.used_mib * _MIB
    total, reserved = card.total_mib * _MIB, card.reserved_mib * _MIB
    mig = -1 if card.mig is None else int(card.mig)
    gauges = (card.utilization, card.temperature, card.milliwatts, card.limit_milliwatts, card.fan, mig)
    return [
        f"device {card.uuid} {card.address} {card.name}",
        f"memory {total} {reserved} {used} 0",
        f"gauge {' '.join(map(str, gauges))}",
        *(f"fails {function} {code}" for function, code in card.errors.items()),
        *(
            f"slice {one.uuid} {one.gpu_instance} {one.compute_instance} "
            f"{one.total_mib * _MIB} {one.used_mib * _MIB} {one.name}"
            for one in card.slices
        ),
        *(_process(one, card) for one in card.occupants),
        *(f"sensor {name} {value}" for name, value in card.sensors.items()),
        *(f"{word} {said}" for word, said in (("serial", card.serial), ("vbios", card.vbios)) if said),
        *(
            f"link {one.active} {one.version} {one.replay} {one.recovery} {one.flit} {one.data}"
            for one in card.links
        ),
        *(f"reaches {other}" for other in card.reaches),
    ]


def _process(one: Occupant, card: Card) -> str:
    size = -1 if one.memory_mib is None else one.memory_mib * _MIB
    place = (-1, -1)
    if one.slice is not None:
        part = card.slices[one.slice]
        place = (part.gpu_instance, part.compute_instance)
    letters = one.letters.replace("+", "")
    busy = f"{-1 if one.sm is None else one.sm} {one.memory_busy} {one.seen_us}"
    return f"process {letters} {one.pid} {size} {place[0]} {place[1]} {int(one.while_alive)} {busy}"
