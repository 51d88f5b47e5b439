"""An arbiter on the real card, with one inference service that holds memory there."""

import contextlib
import getpass
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gpu_hardware.card import COMMANDS, HELD, HOLDERS, LOADING, compute_pids, run, wait_until

from sentinel.core.arbiter_client import Channel


@dataclass
class Workstation:
    """The arbiter runs, and `chat` has its memory."""

    card: str
    socket: Path
    log: Path

    @property
    def env(self) -> dict[str, str]:
        return {"SENTINEL_SOCKET": str(self.socket)}

    def status(self) -> dict[str, Any]:
        channel = Channel(str(self.socket))
        try:
            return channel.ask({"cmd": "status"})["status"]
        finally:
            channel.close()

    def chat(self) -> dict[str, Any]:
        return self.status()["services"][0]

    def wait_for(self, state: str, seconds: float = LOADING) -> dict[str, Any]:
        wait_until(lambda: self.chat()["state"] == state, f"chat is {state}", seconds, every=0.004)
        return self.chat()

    def request(self, *command: str, options: tuple[str, ...] = ()) -> str:
        return run(
            str(COMMANDS / "sentinel-request"), *options, "--", *command, env=self.env, seconds=LOADING
        )

    def requesting(self, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(COMMANDS / "sentinel-request"), "--", *command], env=os.environ | self.env, text=True
        )

    def serving(self) -> set[int]:
        """The pids of chat that the driver lists, once it does."""
        wait_until(
            lambda: compute_pids() or "did not come back" in self.log.read_text(),
            "chat computes on the card",
            LOADING,
            every=0.5,
        )
        found = compute_pids()
        assert found, self.log.read_text()
        return found


@contextlib.contextmanager
def arbiter(
    source: str,
    card: str,
    folder: Path,
    *,
    holder: str = "cuda",
    size: int = HELD,
    arbiter: str = "",
    resume_delay: float = 0.5,
) -> Iterator[Workstation]:
    """Until the block ends. The service is gone from the card after that."""
    folder.mkdir(exist_ok=True)
    script, config = folder / "holder.py", folder / "config.toml"
    lobby = Path(tempfile.mkdtemp(prefix="sentinel-gpu-", dir="/tmp"))  # short, and open to jobs of others
    lobby.chmod(0o755)
    sock = lobby / "s.sock"
    script.write_text(HOLDERS[holder])
    command = ["env", f"CUDA_VISIBLE_DEVICES={card}", sys.executable, str(script), str(size)]
    libraries = os.environ.get("LD_LIBRARY_PATH", "")  # of the driver, where the linker does not know them
    config.write_text(
        f'[arbiter]\ngpus = "{source}"\nresume_delay = {resume_delay}\nstate_file = "{folder}/state.json"\n'
        f'{arbiter}\n[[service]]\nname = "chat"\ndriver = "process"\ncommand = {json.dumps(command)}\n'
        f'user = "{getpass.getuser()}"\nevict = ["stop"]\nlog = "{folder}/chat.log"\n'
        f'env = {{ LD_LIBRARY_PATH = "{libraries}" }}\n'
    )
    argv = [str(COMMANDS / "sentinel-arbiter"), "--config", str(config), "--socket", str(sock)]
    log_path = folder / "log"
    with log_path.open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            wait_until(sock.exists, "the arbiter's socket")
            station = Workstation(card=card, socket=sock, log=log_path)
            station.serving()
            time.sleep(0.2)
            yield station
        finally:
            process.terminate()
            process.wait(30)
            print(log_path.read_text()[-3000:])
            shutil.rmtree(lobby, ignore_errors=True)
    wait_until(lambda: not compute_pids(), "the service ended with its arbiter")
