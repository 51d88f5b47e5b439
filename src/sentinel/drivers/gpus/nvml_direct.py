"""Calls into the loaded libnvidia-ml for sensors: a code instead of an exception, and no question twice.

Called by `nvml_sensors` and `nvml_processes`, which ask some fifty things of every card each second, of
which many a card has half. nvidia-ml-py raises for each of those and builds an object for each answer;
here an answer is a number, and what a card does not have is not asked again for a minute.
"""

import ctypes
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sentinel.drivers.gpus import nvml_api as api

ASK_AGAIN = 60.0
"""Seconds after which a call that the card does not support is tried once more."""

OK, INVALID, NOT_SUPPORTED = 0, 2, 3
_UNSUPPORTED = frozenset((INVALID, NOT_SUPPORTED, api.NO_PERMISSION, api.FUNCTION_NOT_FOUND))
_NO_UINT, _NO_ULONG = 2**32 - 1, 2**64 - 1

# nvmlFieldValue_t: id, scope, timestamp, latency, type, code, value.
_FIELD = struct.Struct("=IIqqiI8s")
_FIELD_TYPES = {0: "=d", 1: "=I", 2: "=Q", 3: "=Q", 4: "=q", 5: "=i", 6: "=H"}  # by nvmlValueType_t


class Function(Protocol):
    """A function of the library: arguments as ctypes wants them, its code."""

    def __call__(self, *arguments: object) -> int: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One value: `function(handle, *before, &value, *after)`, a 64-bit value where `wide`.

    `also`: codes besides success with which the value is there.
    """

    function: str
    before: tuple[int, ...] = ()
    after: tuple[object, ...] = ()
    wide: bool = False
    also: frozenset[int] = frozenset()


class Direct:
    """One card of one loaded library. Raises NVMLError from any call once the driver is gone."""

    def __init__(self, nvml: api.Nvml, handle: api.Device) -> None:
        self._nvml = nvml
        self.handle = handle
        self._library = cast("Any", nvml).nvmlLib
        self._functions: dict[str, Function | None] = {}
        self._not_before: dict[object, float] = {}
        self._now = 0.0
        narrow, wide = ctypes.c_uint(), ctypes.c_ulonglong()
        self._narrow: tuple[Any, object, int] = (narrow, ctypes.byref(narrow), _NO_UINT)
        self._wide: tuple[Any, object, int] = (wide, ctypes.byref(wide), _NO_ULONG)
        self._fields: dict[tuple[int, ...], ctypes.Array[ctypes.c_char]] = {}

    def begin(self, now: float) -> None:
        """A new look at the card, at `now` (seconds since boot): from here on time stands still."""
        self._now = now

    def number(self, ask: Ask) -> int | None:
        """The value; None when the card does not give it, or gives one of NVML's words for "none"."""
        cell, to_cell, none = self._wide if ask.wide else self._narrow
        cell.value = 0
        code = self.call(ask, ask.function, *ask.before, to_cell, *ask.after)
        value: int = cell.value
        return value if (code == OK or code in ask.also) and value != none else None

    def call(self, key: object, name: str, *arguments: object) -> int:
        """The code of `name(handle, *arguments)`; NOT_SUPPORTED, uncalled, where that is known of `key`."""
        until = self._not_before.get(key)
        if until is not None and self._now < until:
            return NOT_SUPPORTED
        function = self._functions.get(name) or self._found(name)
        code = NOT_SUPPORTED if function is None else function(self.handle, *arguments)
        if code == OK:
            return code
        if code in api.GONE:
            raise cast("Any", self._nvml.NVMLError)(code)
        if code in _UNSUPPORTED:
            self._not_before[key] = self._now + ASK_AGAIN
        return code

    def text(self, name: str, size: int = 96) -> str | None:
        """What the function writes into a buffer."""
        buffer = ctypes.create_string_buffer(size)
        if self.call(name, name, buffer, ctypes.c_uint(size)) != OK:
            return None
        return buffer.value.decode("utf-8", errors="replace").strip() or None

    def fields(self, wanted: tuple[int, ...]) -> Mapping[int, float]:
        """The values of NVML's numbered fields, in one call. What the card does not give is left out."""
        buffer = self._fields.get(wanted)
        if buffer is None:
            blank = b"".join(_FIELD.pack(field, 0, 0, 0, 0, 0, b"") for field in wanted)
            buffer = self._fields[wanted] = ctypes.create_string_buffer(blank, len(blank))
        if self.call(wanted, "nvmlDeviceGetFieldValues", len(wanted), buffer) != OK:
            return {}
        return dict(_given(_FIELD.iter_unpack(buffer.raw)))

    def _found(self, name: str) -> Function | None:
        if name not in self._functions:
            # An older driver's library lacks what is newer than it.
            function = getattr(self._library, name, None)
            self._functions[name] = cast("Function | None", function)
        return self._functions[name]


def _given(values: Iterable[tuple[Any, ...]]) -> Iterable[tuple[int, float]]:
    for field, _, _, _, kind, code, raw in values:
        form = _FIELD_TYPES.get(kind)
        if code != OK or form is None:
            continue
        value: float = struct.unpack_from(form, raw)[0]
        if value not in (_NO_UINT, _NO_ULONG):
            yield field, value
