"""Machines of their own, as far as the network is concerned: a namespace for each, with a cable to ours that
can be pulled out. Needs root. Used by the tests of partitions.

    with Cables() as cables:
        world = World(tmp_path, alone=True, listen=f"{cables.address}:{free_port()}")
        node = world.node("a", 2, prefix=cables.plug("a"))
        cables.pull("a"); …; cables.mend("a")
"""

import os
import random
import subprocess
from collections.abc import Sequence
from typing import Self


class Cables:
    """`address` is where the controller listens: every namespace reaches it, by its own cable."""

    def __init__(self) -> None:
        self._net = f"10.{random.randrange(64, 250)}"
        self._mark = f"{os.getpid() % 0xFFFF:x}{random.randrange(1 << 8):x}"
        self._names: list[str] = []
        self.address = f"{self._net}.255.1"

    def __enter__(self) -> Self:
        _ip("addr", "add", f"{self.address}/32", "dev", "lo")
        return self

    def __exit__(self, *_: object) -> None:
        _ip("addr", "del", f"{self.address}/32", "dev", "lo")
        for name in self._names:
            _ip("netns", "del", self._space(name))  # its cable goes with it

    def plug(self, name: str) -> list[str]:
        """A new namespace; what to put before a command so that it runs there."""
        self._names.append(name)
        space, here, there = self._space(name), self._cable(name), f"{self._cable(name)}n"
        net = f"{self._net}.{len(self._names)}"
        _ip("netns", "add", space)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
        _ip("addr", "add", f"{net}.1/24", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", space, "addr", "add", f"{net}.2/24", "dev", there)
        for device in ("lo", there):
            _ip("-n", space, "link", "set", device, "up")
        _ip("-n", space, "route", "add", "default", "via", f"{net}.1")
        return ["ip", "netns", "exec", space]

    def pull(self, name: str) -> None:
        """Nothing gets through any more, and nobody is told."""
        _ip("link", "set", self._cable(name), "down")

    def mend(self, name: str) -> None:
        _ip("link", "set", self._cable(name), "up")

    def _space(self, name: str) -> str:
        return f"sentinel-{self._mark}-{name}"

    def _cable(self, name: str) -> str:
        return f"sq{self._mark}{name}"


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def other_boot(path: str) -> Sequence[str]:
    """What to put before a command so that it finds the boot id in that file."""
    script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, path]
