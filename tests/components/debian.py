"""Installing what a component is made of, from Debian's packages. Called by the components; needs root."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from tests.components.missing import ComponentMissing

INSTALL_SECONDS = 900.0


def install_packages(packages: Sequence[str], what: str) -> None:
    """Raises ComponentMissing, naming `what` it is for, when they cannot be had."""
    if os.geteuid() != 0:
        raise ComponentMissing(f"{what} needs root to be installed: run `make test-real` as root")
    if not shutil.which("apt-get"):
        raise ComponentMissing(f"{what} is not installed, and there is no apt-get to install it with")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-q", "update"],
        ["apt-get", "-qy", "install", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode:
            raise ComponentMissing(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
