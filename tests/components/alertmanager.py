"""A real Alertmanager on loopback, for the tests marked `real`.

It runs from a folder of its own, on free ports. If it is missing, Debian's apt installs it: that takes root.
What cannot be had raises: nothing is skipped.

    with Alertmanager.running(webhook=f"{receiver.url}/hook") as alertmanager:
        alertmanager.silence({"node": "gpu01"}, seconds=60)
"""

import contextlib
import json
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.components.debian import install_packages
from tests.components.leash import PATH, Leash
from tests.components.missing import ComponentMissing

START_SECONDS = 15.0


class Alertmanager:
    """A running one, at `url`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"

    @classmethod
    @contextlib.contextmanager
    def running(cls, webhook: str | None = None) -> Iterator["Alertmanager"]:
        """Starts one that tells `webhook` of everything at once, and ends it. Raises ComponentMissing."""
        require_alertmanager()
        folder = Path(tempfile.mkdtemp(prefix="sentinel-alertmanager-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            alertmanager = cls(folder, free.getsockname()[1])
        with Leash.held(folder) as leash:
            alertmanager._start(leash, webhook)
            yield alertmanager

    def alerts(self) -> list[dict[str, Any]]:
        """All that stand: "labels", "annotations", "startsAt", "endsAt", "generatorURL", "status": {"state",
        "silencedBy", …}, …"""
        return self._ask("alerts")

    def silence(self, matches: Mapping[str, str], seconds: float, *, regex: bool = False) -> str:
        """The id of a new silence that begins now."""
        now = time.time()
        order = {
            "matchers": [
                {"name": name, "value": value, "isRegex": regex, "isEqual": True}
                for name, value in matches.items()
            ],
            "startsAt": datetime.fromtimestamp(now, UTC).isoformat(),
            "endsAt": datetime.fromtimestamp(now + seconds, UTC).isoformat(),
            "createdBy": "anna",
            "comment": "new fans",
        }
        return self._ask("silences", order)["silenceID"]

    def expire(self, id: str) -> None:
        """Ends a silence."""
        self._open(urllib.request.Request(f"{self.url}/api/v2/silence/{id}", method="DELETE"))

    def log(self) -> str:
        """The end of it."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def _ask(self, what: str, order: object = None) -> Any:
        data = None if order is None else json.dumps(order).encode()
        headers = {"Content-Type": "application/json"}
        return json.loads(
            self._open(urllib.request.Request(f"{self.url}/api/v2/{what}", data=data, headers=headers))
        )

    def _open(self, request: urllib.request.Request) -> bytes:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def _start(self, leash: Leash, webhook: str | None) -> None:
        config = self.folder / "alertmanager.yml"
        receiver: dict[str, object] = {"name": "all"}
        if webhook is not None:
            receiver["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
        route = {
            "receiver": "all",
            "group_by": ["..."],
            "group_wait": "100ms",
            "group_interval": "200ms",
            "repeat_interval": "1h",
        }
        config.write_text(json.dumps({"route": route, "receivers": [receiver]}))  # JSON is YAML
        pid = leash.start(
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={self.folder}/data",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--cluster.listen-address=",
            log=self.folder / "log",
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if not leash.runs(pid) or time.monotonic() > deadline:
                raise ComponentMissing(f"Alertmanager does not start:\n{self.log()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return True
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return False


def require_alertmanager() -> None:
    """Alertmanager, installed if need be."""
    if not shutil.which("prometheus-alertmanager", path=PATH):
        install_packages(["prometheus-alertmanager"], "Alertmanager")
