"""Where the controller keeps what: the folder that `--data-dir` names. Called by everything in this room.

controller.db           the store (SQLite)          backups/
history.db              the past of all metrics, where no Prometheus has it
logs/JOB/ATTEMPT.log    what agents sent
pki/                    ca.pem ca.key server.pem server.key
run/                    server.pid, bells/, join-token
node/                   this machine's agent and supervisor (`up` alone)
client.env              SENTINEL_URL, SENTINEL_TOKEN, SENTINEL_CA (0600)
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sentinel.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """`root` is absolute."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "controller.db"

    @property
    def history(self) -> Path:
        return self.root / "history.db"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def bells(self) -> Path:
        return self.run / "bells"

    @property
    def pid_file(self) -> Path:
        return self.run / "server.pid"

    @property
    def join_token(self) -> Path:
        return self.run / "join-token"

    @property
    def node(self) -> Path:
        return self.root / "node"

    @property
    def client_env(self) -> Path:
        return self.root / "client.env"

    @property
    def ca(self) -> Path:
        return self.pki / "ca.pem"

    def database_url(self) -> str:
        """The URL of the store, unless another one is named."""
        return f"sqlite:///{quote(str(self.database))}"


def folders_at(data_dir: str | None) -> Folders:
    """The folders in `data_dir`, or where they are by default. Makes nothing."""
    if data_dir is not None:
        return Folders(root=Path(data_dir).expanduser().absolute())
    if os.geteuid() == 0:
        return Folders(root=Path("/var/lib/sentinel-server"))
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Folders(root=Path(base) / "sentinel")


def make_folders(folders: Folders) -> None:
    """Makes them, for their owner alone. UsageError when that cannot be."""
    root = folders.root
    if root in (Path("/"), Path.home()):
        raise UsageError(f"{root} is no folder to keep data in; name one of its own with --data-dir")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = root.stat()
        if status.st_uid != os.geteuid():
            raise UsageError(f"{root} belongs to somebody else; run as its owner, or name another --data-dir")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            root.chmod(0o700)
        for folder in (folders.pki, folders.run, folders.bells, folders.logs):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot keep data in {root}: {error.strerror}; name another folder with --data-dir"
        ) from None
