"""A real card for the tests in this folder: what it says, and CUDA processes on it.

CUDA is called through ctypes, so nothing but the driver is needed. Where torch is installed beside this
Python, what PyTorch does is shown as well.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

COMMANDS = Path(sys.executable).parent
MIB, GIB = 2**20, 2**30
HELD = 512 * MIB
PATIENCE = 30.0
LOADING = 180.0
"""Seconds that PyTorch may take to load from a disk that has not seen it yet."""
TORCH = find_spec("torch") is not None

# Runs on any Python. `hold(bytes)` gives the address of memory on the first GPU that the process sees.
CUDA = """\
import ctypes, signal, sys, time
cuda = ctypes.CDLL("libcuda.so.1")
def call(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    assert code == 0, f"{name} returned {code}"
def number(name, *arguments):
    found = ctypes.c_int()
    call(name, ctypes.byref(found), *arguments)
    return found.value
def start():
    context = ctypes.c_void_p()
    call("cuInit", 0)
    device = number("cuDeviceGet", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    return device
def hold(size):
    memory = ctypes.c_uint64()
    call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(size))
    return memory
"""
HOLD = (
    CUDA
    + """\
opened = time.monotonic()
start()
hold(int(sys.argv[1]))
print("holding", flush=True)
print(opened, flush=True)
signal.pause()
"""
)
# Keeps the card busy for so many seconds: kernels that fill memory, one after the other.
LOAD = (
    CUDA
    + """\
device = start()
size = 2**30
memory = hold(size)
print("holding", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for round in range(50):
        call("cuMemsetD32_v2", memory, round, ctypes.c_size_t(size // 4))
    call("cuCtxSynchronize")
"""
)
# One kernel, which writes to the address that it is given.
FAULT = (
    CUDA
    + '''\
PTX = b"""
.version 7.0
.target sm_70
.address_size 64
.visible .entry write(.param .u64 where) {
    .reg .u64 %rd<2>; .reg .u32 %r<2>;
    ld.param.u64 %rd1, [where]; mov.u32 %r1, 7; st.global.u32 [%rd1], %r1; ret;
}
"""
start()
module, function, where = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint64(16)
call("cuModuleLoadData", ctypes.byref(module), PTX)
call("cuModuleGetFunction", ctypes.byref(function), module, b"write")
arguments = (ctypes.c_void_p * 1)(ctypes.addressof(where))
call("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, None, arguments, None)
print(cuda.cuCtxSynchronize())
'''
)
TORCH_HOLD = """\
import signal, sys, torch
memory = torch.zeros(int(sys.argv[1]), dtype=torch.uint8, device="cuda")
torch.cuda.synchronize()
print("holding", flush=True)
signal.pause()
"""
HOLDERS = {"cuda": HOLD} | ({"torch": TORCH_HOLD} if TORCH else {})


def run(*argv: str, env: dict[str, str] | None = None, seconds: float = 60) -> str:
    done = subprocess.run(
        argv, env=os.environ | (env or {}), capture_output=True, text=True, timeout=seconds, check=False
    )
    said = f"{done.stdout[-1000:]} {done.stderr[-2000:]}"
    assert done.returncode == 0, f"{' '.join(argv)[:300]}: exit {done.returncode}: {said}"
    return done.stdout


def sentinel(*words: str, env: dict[str, str] | None = None, seconds: float = 60) -> str:
    """What the command prints."""
    return run(str(COMMANDS / "sentinel"), *words, env=env, seconds=seconds)


def wait_until(look: Callable[[], object], what: str, seconds: float = PATIENCE, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(every)


def plain(fields: str) -> list[list[str]]:
    rows = run("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits").splitlines()
    return [[cell.strip() for cell in row.split(",")] for row in rows]


def compute_pids() -> set[int]:
    rows = run("nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader").split()
    return {int(row) for row in rows if row.isdigit()}


@contextlib.contextmanager
def program(
    text: str, card: str, *arguments: object, env: dict[str, str] | None = None
) -> "Iterator[subprocess.Popen[str]]":
    """A process that computes on `card`, from when it says that it holds memory there."""
    argv = [sys.executable, "-c", text, *map(str, arguments)]
    given = os.environ | {"CUDA_VISIBLE_DEVICES": card} | (env or {})
    with subprocess.Popen(argv, env=given, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            assert said.startswith("holding"), f"it said {said!r}"
            yield process
        finally:
            process.kill()


def holder(card: str, size: int = HELD) -> "contextlib.AbstractContextManager[subprocess.Popen[str]]":
    """A process with a CUDA context and so many bytes on `card`."""
    return program(HOLD, card, size)
