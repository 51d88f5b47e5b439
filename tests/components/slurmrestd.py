"""A real slurmrestd of a running Slurm, for the tests marked `real`: on a Unix socket, or TCP with tokens.

If it is missing, Debian's apt installs it: that takes root. What cannot be had raises: nothing is skipped.

    with SlurmWithTokens.running() as slurm, Slurmrestd.running(slurm) as restd:
        restd.url                # unix:///…/socket
"""

import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.components.debian import install_packages
from tests.components.leash import PATH, Leash
from tests.components.missing import ComponentMissing
from tests.components.slurm import Slurm

START_SECONDS = 10.0
PACKAGES = ("slurmrestd", "slurm-wlm-jwt-plugin")


class SlurmWithTokens(Slurm):
    """A Slurm that also takes JSON web tokens, and makes them for anybody but root:
    `slurm.run("scontrol", "token", "username=games")`."""

    def _lay_out(self) -> None:
        require_slurmrestd()
        super()._lay_out()
        key = self.folder / "state" / "jwt.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(32))
        with self.config.open("a") as config:
            config.write(f"AuthAltTypes=auth/jwt\nAuthAltParameters=jwt_key={key}\n")


class Slurmrestd:
    """A running one, at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    @contextlib.contextmanager
    def running(
        cls, slurm: Slurm, *, tokens: bool = False, whole_lists: bool = True
    ) -> Iterator["Slurmrestd"]:
        """Starts one, and ends it: on a Unix socket, or on a port of loopback where it wants a token.

        `whole_lists`: long lists of an array's tasks are not cut short.
        """
        require_slurmrestd()
        folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
        if tokens:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            listen, url = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"
        else:
            listen, url = f"unix:{folder}/socket", f"unix://{folder}/socket"
        auth = "rest_auth/jwt" if tokens else "rest_auth/local"
        with Leash.held(folder) as leash:
            log = folder / "log"
            env = {**slurm.env, "SLURMRESTD_SECURITY": "disable_user_check"}
            if whole_lists:
                env["SLURM_BITSTR_LEN"] = "0"
            if tokens:
                env["SLURM_JWT"] = "daemon"  # so that it passes tokens on instead of a munge credential
            command = ["slurmrestd", "-f", str(slurm.config), "-a", auth, "-s", "openapi/v0.0.38", listen]
            pid = leash.start(*command, log=log, env=env)
            deadline = time.monotonic() + START_SECONDS
            while not _listens(url):
                if not leash.runs(pid) or time.monotonic() > deadline:
                    raise ComponentMissing(f"slurmrestd does not start:\n{log.read_text()[-1500:]}")
                time.sleep(0.05)
            yield cls(url)


def _listens(url: str) -> bool:
    if url.startswith("unix://"):
        return Path(url.removeprefix("unix://")).is_socket()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def require_slurmrestd() -> None:
    """slurmrestd and the plugin for its tokens, installed if need be."""
    plugins = Path("/usr/lib").glob("*/slurm*/auth_jwt.so")
    if shutil.which("slurmrestd", path=PATH) is None or not any(plugins):
        install_packages(PACKAGES, "slurmrestd")
