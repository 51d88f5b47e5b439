"""Xids as they happen, through NVML's events. The agent's wiring opens it, for a thread of its own.

The kernel log tells more (which program, which fields), but may not be readable; NVML tells the number and
the card. What it means is for `health.xid`.

While it waits the driver is kept open, and with it every card: a card that somebody has open cannot be reset.
Close it before one resets a card; the next `wait` opens it again.
"""

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

from sentinel.core.clock import wall
from sentinel.core.errors import GpuReadError
from sentinel.core.finding import GpuRef
from sentinel.drivers.gpus import nvml_api as api
from sentinel.drivers.gpus.listing import pci_address
from sentinel.drivers.gpus.nvml_card import words
from sentinel.ports.gpu_events import XidEvent

NOT_SUPPORTED, TIMEOUT = 3, 10
XID_EVENTS = 0x8
_LONGEST_WAIT = 60.0


class _EventData(Protocol):
    device: object
    eventType: int
    eventData: int


class _EventNvml(api.Nvml, Protocol):
    """The part of `pynvml` for events. Every call may raise NVMLError."""

    def nvmlEventSetCreate(self) -> object: ...
    def nvmlEventSetFree(self, event_set: object) -> None: ...
    def nvmlEventSetWait_v2(self, event_set: object, timeout_ms: int) -> _EventData: ...
    def nvmlDeviceGetSupportedEventTypes(self, handle: object) -> int: ...
    def nvmlDeviceRegisterEvents(self, handle: object, types: int, event_set: object) -> None: ...


class XidEvents:
    """Waits for Xids of all cards. Used by one thread, which may be another than that of an NvmlGpus."""

    def __init__(self, *, today: Callable[[], float] = wall) -> None:
        """Raises GpuReadError when nvidia-ml-py is missing. The driver is opened by the first `wait`."""
        self._nvml = cast("_EventNvml", api.load())
        self._today = today
        self._set: object | None = None
        self._pinned: Any = None
        self._cards: dict[int, GpuRef] = {}
        self._blind: dict[str, str] = {}

    @property
    def blind(self) -> dict[str, str]:
        """Cards that cannot tell of their Xids, by name, and why. Known after the first `wait`."""
        return dict(self._blind)

    def wait(self, seconds: float) -> XidEvent | None:
        """The next Xid, or None when none came within `seconds` (at most 60). Blocks that long.

        Raises GpuReadError when the driver is gone, a card was lost or none can tell: wait a moment before
        the next call, which opens the driver anew.
        """
        try:
            if self._set is None:
                self._begin()
            return self._next(max(0.0, min(seconds, _LONGEST_WAIT)))
        except self._nvml.NVMLError as error:
            code = api.code_of(error)
            if code == TIMEOUT:
                return None
            self._end(unload=code in api.GONE)
            raise GpuReadError(api.explained(error)) from error

    def close(self) -> None:
        """Lets go of the driver. Idempotent; the next `wait` opens it again."""
        self._end()

    def _next(self, seconds: float) -> XidEvent | None:
        data = self._nvml.nvmlEventSetWait_v2(self._set, round(seconds * 1000))
        if not data.eventType & XID_EVENTS:
            return None
        # A card that has fallen off the bus no longer tells its name, so it is known by its handle.
        gpu = self._cards.get(_address(data.device), GpuRef())
        return XidEvent(code=int(data.eventData), gpu=gpu, at=self._today())

    def _begin(self) -> None:
        self._nvml.nvmlInit()
        # Another thread's reader may let go of the library while this one is inside of it.
        self._pinned = ctypes.CDLL(getattr(vars(self._nvml).get("nvmlLib"), "_name", None))
        self._set = self._nvml.nvmlEventSetCreate()
        self._cards, self._blind = {}, {}
        for index in range(self._nvml.nvmlDeviceGetCount()):
            self._register(index)
        if not self._cards:
            why = "; ".join(f"{name}: {reason}" for name, reason in self._blind.items())
            self._end()
            raise GpuReadError(
                f"no GPU tells of its Xids through NVML ({why or 'there is none'}): see the kernel log"
            )

    def _register(self, index: int) -> None:
        nvml = self._nvml
        gpu = GpuRef(index=index)
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            gpu = GpuRef(uuid=self._uuid(handle), index=index, pci_bus_id=self._pci(handle))
            if not nvml.nvmlDeviceGetSupportedEventTypes(handle) & XID_EVENTS:
                self._blind[gpu.name] = "this card has no Xid events"
                return
            nvml.nvmlDeviceRegisterEvents(handle, XID_EVENTS, self._set)
        except nvml.NVMLError as error:
            if api.code_of(error) in api.GONE:
                raise
            self._blind[gpu.name] = str(error)
            return
        self._cards[_address(handle)] = gpu

    def _uuid(self, handle: api.Device) -> str | None:
        try:
            return words(self._nvml.nvmlDeviceGetUUID(handle))
        except (self._nvml.NVMLError, UnicodeDecodeError):
            return None

    def _pci(self, handle: api.Device) -> str | None:
        try:
            return pci_address(words(self._nvml.nvmlDeviceGetPciInfo(handle).busId) or "")
        except (self._nvml.NVMLError, UnicodeDecodeError):
            return None

    def _end(self, *, unload: bool = False) -> None:
        event_set, self._set = self._set, None
        if self._pinned is None:
            return
        for call, arguments in ((self._nvml.nvmlEventSetFree, (event_set,)), (self._nvml.nvmlShutdown, ())):
            if call is self._nvml.nvmlEventSetFree and event_set is None:
                continue
            try:
                call(*arguments)
            except self._nvml.NVMLError:
                continue
        pinned, self._pinned = self._pinned, None
        import_module("_ctypes").dlclose(pinned._handle)
        if unload:
            api.unload(self._nvml)


def _address(handle: object) -> int:
    """Where NVML's opaque handle points to, which is the same each time for the same card."""
    return ctypes.cast(cast("Any", handle), ctypes.c_void_p).value or 0
