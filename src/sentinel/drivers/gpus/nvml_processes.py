"""The processes of one card through NVML, cheaply when hundreds of them are listed each second.

Called by `nvml_card` in a full read. The lists are taken as NVML writes them into memory, and as long as
they are byte for byte what they were, so are the objects made of them. Names are asked for once, and again
after ten seconds, because a process may become another program. Wherever the driver answers anything out
of the ordinary, and for MIG devices, this steps back and `nvml_card` reads in its own, slower way.
"""

import ctypes
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sentinel.core.gpu import GpuProcess, ProcessKind
from sentinel.drivers.gpus import nvml_api as api
from sentinel.drivers.gpus.listing import merged
from sentinel.drivers.gpus.nvml_direct import NOT_SUPPORTED, OK, Direct

# As in nvml.h, the compiler's padding included.
_INFO = struct.Struct("@IQII")  # nvmlProcessInfo_v2_t: pid, memory, GPU instance, compute instance
_SAMPLE = struct.Struct("@IQIIII")  # nvmlProcessUtilizationSample_t: pid, when, SM, memory, enc, dec
_NO_INSTANCE, _NO_SIZE = 0xFFFFFFFF, 2**64 - 1
_ROOM, _MOST_ROOM = 64, 65536
_LISTS = (
    ("nvmlDeviceGetComputeRunningProcesses_v3", ProcessKind.COMPUTE),
    ("nvmlDeviceGetGraphicsRunningProcesses_v3", ProcessKind.GRAPHICS),
    ("nvmlDeviceGetMPSComputeRunningProcesses_v3", ProcessKind.MPS),
)
_MPS = 2  # of these
_IDLE = (0.0, 0.0)
_UTILIZATION = "nvmlDeviceGetProcessUtilization"
_NAMES_SECONDS = 10.0
_WINDOW_SECONDS = 2.0  # a share of the GPU older than this says nothing about now

_Shares = Mapping[int, tuple[float, float | None]]


class _Table:
    """A buffer that a call fills with records, and grows with the call's demand."""

    def __init__(self, record: struct.Struct) -> None:
        self._record = record
        self._room = _ROOM
        self._buffer = ctypes.create_string_buffer(record.size * _ROOM)
        self._count = ctypes.c_uint()

    def fill(self, call: Callable[[object, object], int]) -> tuple[int, bytes]:
        """The code of `call(buffer, &count)` and the records."""
        code = api.INSUFFICIENT_SIZE
        for _ in range(3):
            self._count.value = self._room
            code = call(self._buffer, ctypes.byref(self._count))
            if code != api.INSUFFICIENT_SIZE or self._room >= _MOST_ROOM:
                break
            # Twice what was there: more may start before the next call.
            self._room = min(max(2 * self._count.value, 2 * self._room), _MOST_ROOM)
            self._buffer = ctypes.create_string_buffer(self._record.size * self._room)
        if code != OK:
            return code, b""
        return code, ctypes.string_at(self._buffer, self._record.size * min(self._count.value, self._room))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the last list was made of. Equal: nothing has changed."""

    lists: tuple[bytes, ...]
    shares: _Shares | None
    names_at: float


class CardProcesses:
    """The processes on the card behind `direct`; one for as long as the card is open.

    `name_of` asks the driver for a process's name; `wall` is the time of day, by which the driver dates
    what it has seen processes do.
    """

    def __init__(
        self, direct: Direct, name_of: Callable[[int], str | None], wall: Callable[[], float]
    ) -> None:
        self._direct = direct
        self._name_of = name_of
        self._wall = wall
        self._tables = tuple(_Table(_INFO) for _ in _LISTS)
        self._samples = _Table(_SAMPLE)
        self._last_sample = 0
        self._shares: _Shares | None = None
        self._shares_at = 0.0
        self._names: dict[int, str | None] = {}
        self._names_at = 0.0
        self._made: dict[tuple[object, ...], GpuProcess] = {}
        self._seen: _Seen | None = None
        self._processes: tuple[GpuProcess, ...] = ()

    def read(self, now: float) -> tuple[GpuProcess, ...] | None:
        """The processes; None where the driver has to be asked in another way. `now` since boot.

        Raises NVMLError when the driver is gone.
        """
        lists = self._lists()
        if lists is None:
            return None
        # It takes the driver 2.5 ms, on an H100.
        shares = self._utilization(now) if any(lists) else None
        if not 0 <= now - self._names_at < _NAMES_SECONDS:
            self._names, self._names_at = {}, now
        seen = _Seen(lists, shares, self._names_at)
        if seen != self._seen:
            self._processes = merged(self._entries(lists, shares))
            here = {one.pid for one in self._processes}
            self._names = {pid: name for pid, name in self._names.items() if pid in here}
            self._seen = seen
        return self._processes

    def _lists(self) -> tuple[bytes, ...] | None:
        direct, found = self._direct, list[bytes]()
        for (name, kind), table in zip(_LISTS, self._tables, strict=True):
            code, records = table.fill(
                lambda buffer, count, name=name: direct.call(name, name, count, buffer)
            )
            optional = kind is not ProcessKind.COMPUTE and code in (NOT_SUPPORTED, api.FUNCTION_NOT_FOUND)
            if code != OK and not optional:
                return None
            found.append(records)
        return tuple(found)

    def _entries(self, lists: tuple[bytes, ...], shares: _Shares | None) -> Iterator[GpuProcess]:
        made, before = dict[tuple[object, ...], GpuProcess](), self._made
        # What clients of MPS do, the driver says of their server, so of them it says nothing: not zero.
        of_mps = {info[0] for info in _INFO.iter_unpack(lists[_MPS])}
        for (_, kind), records in zip(_LISTS, lists, strict=True):
            for info in _INFO.iter_unpack(records):
                pid = info[0]
                share = None if shares is None else shares.get(pid, None if pid in of_mps else _IDLE)
                key = (*info, kind, share, self._name(pid))
                made[key] = process = before.get(key) or _process(info, kind, share, self._names[pid])
                yield process
        self._made = made

    def _name(self, pid: int) -> str | None:
        if pid not in self._names:
            self._names[pid] = self._name_of(pid)
        return self._names[pid]

    def _utilization(self, now: float) -> _Shares | None:
        """Percent of SM and memory time by pid. Who is not listed did nothing; None: not to be had."""
        direct = self._direct
        recent = int((self._wall() - _WINDOW_SECONDS) * 1e6)
        # What is dated in the future was dated before the clock was set back.
        ahead = self._last_sample > recent + 2 * _WINDOW_SECONDS * 1e6
        last = recent if ahead else max(self._last_sample, recent)
        code, records = self._samples.fill(
            lambda buffer, count: direct.call(
                _UTILIZATION, _UTILIZATION, buffer, count, ctypes.c_ulonglong(last)
            )
        )
        if code == OK:
            found = self._newest(records, last)
            if found:
                self._shares, self._shares_at = found, now
                return found
        elif code != api.NOT_FOUND:
            self._shares = None
            return None
        # Nothing new. The driver looks a few times a second; before it has ever shown anything, and then
        # for as long as its last word may still hold, that does not mean that everyone is idle.
        if self._shares is not None and not 0 <= now - self._shares_at < _WINDOW_SECONDS:
            self._shares = {}
        return self._shares

    def _newest(self, records: bytes, after: int) -> _Shares:
        newest: dict[int, tuple[int, float, float | None]] = {}
        for pid, at, sm, memory, _, _ in _SAMPLE.iter_unpack(records):
            if pid == 0 or at <= after or sm > 100 or (pid in newest and newest[pid][0] >= at):
                continue
            newest[pid] = (at, float(sm), float(memory) if memory <= 100 else None)
        self._last_sample = max((at for at, _, _ in newest.values()), default=self._last_sample)
        return {pid: (sm, memory) for pid, (_, sm, memory) in newest.items()}


def _process(
    info: tuple[int, int, int, int],
    kind: ProcessKind,
    share: tuple[float, float | None] | None,
    name: str | None,
) -> GpuProcess:
    pid, size, instance, part = info
    return GpuProcess(
        pid=pid,
        kind=kind,
        memory_bytes=None if size == _NO_SIZE else size,
        name=name,
        utilization_percent=share[0] if share else None,
        memory_utilization_percent=share[1] if share else None,
        gpu_instance_id=None if instance == _NO_INSTANCE else instance,
        compute_instance_id=None if part == _NO_INSTANCE else part,
    )
