"""Loading a GPU with arithmetic whose result is known. Called by `sentinel gpu check --burn`.

What computes is a program of its own, with a CUDA library that the user has (torch or cupy): this process
must not have the card open when the driver takes it away.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

from sentinel.health.checkup import Burn

_NO_LIBRARY = 3
_SPARE_SECONDS = 120.0  # a library of that size takes its time to load
_LOOK_EVERY = 0.2
_PROGRAM = """
import sys, time
seconds = float(sys.argv[1])
try:
    import torch as lib
    if not lib.cuda.is_available():
        print("torch sees no GPU"); sys.exit(1)
    make = lambda: lib.full((4096, 4096), 0.5, device="cuda", dtype=lib.float32)
    wait, value = lib.cuda.synchronize, lambda x: (float(x.min()), float(x.max()))
except ModuleNotFoundError:
    try:
        import cupy as lib
    except ModuleNotFoundError:
        sys.exit(3)
    make = lambda: lib.full((4096, 4096), 0.5, dtype=lib.float32)
    wait, value = lib.cuda.Stream.null.synchronize, lambda x: (float(x.min()), float(x.max()))
a, b = make(), make()
end, rounds = time.monotonic() + seconds, 0
print("started", flush=True)
while time.monotonic() < end:
    for _ in range(10):
        c = a @ b
    wait()
    rounds += 10
    if value(c) != (1024.0, 1024.0):
        print(f"wrong result in round {rounds}: {value(c)}"); sys.exit(1)
print(f"{rounds} products of 4096 x 4096, all right")
"""


def burn(
    gpu: str, seconds: float, look: Callable[[], None], python: str = sys.executable
) -> tuple[Burn, str]:
    """Loads the GPU with that UUID; calls `look` again and again meanwhile. What became of it, and what the
    program said last."""
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu}
    with subprocess.Popen(
        [python, "-c", _PROGRAM, str(seconds)],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as program:
        end = time.monotonic() + seconds + _SPARE_SECONDS
        try:
            while program.poll() is None and time.monotonic() < end:
                look()
                time.sleep(_LOOK_EVERY)
        finally:
            if program.poll() is None:
                program.kill()
        said = (program.stdout.read() if program.stdout else "").strip().splitlines()
    last = next((line for line in reversed(said) if line != "started"), "")[:200]
    if program.returncode == 0:
        return Burn.PASSED, last
    return (Burn.NO_LIBRARY, "") if program.returncode == _NO_LIBRARY else (Burn.FAILED, last)
