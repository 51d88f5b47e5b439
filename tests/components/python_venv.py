"""A virtual environment outside the repository with what a file of pins names, made once.

Used by the components and benchmarks whose Python packages the project itself does not need.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.components.missing import ComponentMissing

INSTALL_SECONDS = 900.0


def installed(pins: Path, name: str, *, dependencies: bool) -> Path:
    """The Python of that environment. Raises ComponentMissing.

    One run installs at a time; a half installation is redone. `dependencies`: also what the pinned packages
    need, which must be pinned, too. Wheels only: nothing is compiled.
    """
    cache = Path(os.environ.get("SENTINEL_COMPONENTS_CACHE") or Path.home() / ".cache/sentinel-components")
    version = "{}.{}".format(*sys.version_info[:2])
    venv = cache / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}-py{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (venv / ".complete").exists() and (venv / "bin/python").exists():
            return venv / "bin/python"
        shutil.rmtree(venv, ignore_errors=True)
        make = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
        for command in (make, _installer(venv, pins, dependencies=dependencies)):
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_SECONDS
            )
            if done.returncode:
                said = (done.stdout + done.stderr)[-2000:]
                raise ComponentMissing(f"{name} cannot be installed:\n{' '.join(command)}\n{said}")
        (venv / ".complete").touch()
    return venv / "bin/python"


def _installer(venv: Path, pins: Path, *, dependencies: bool) -> list[str]:
    """pip where this Python has it, else uv."""
    wanted = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(pins)]
    if not dependencies:
        wanted.append("--no-deps")
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "-q", *wanted]
    return [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(venv / "bin/python"), *wanted]
