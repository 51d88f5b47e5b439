"""`sentinel backup` and `sentinel restore`: database and certificate authority, in one tar file (0600).

    manifest.json      {"format": 1, "version", "made_at": TIME}
    controller.db      a consistent copy, made while the controller runs
    pki/ca.pem, pki/ca.key

Logs are not in it. After a restore the store says so (meta `restored_at`), and nothing is placed until the
nodes were heard of: they may run what this store does not know.
"""

import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from sentinel import __version__
from sentinel.core.atomic_file import replace_file
from sentinel.core.clock import rfc3339, wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.secret import new_id
from sentinel.ports.store import Transaction
from sentinel.scheduling.mirror import RESTORED_AT
from sentinel.server import pid_file, wiring
from sentinel.server.config import ServerConfig
from sentinel.server.folders import Folders, make_folders

FORMAT = 1
GENERATION = "generation"
_DATABASE, _MANIFEST = "controller.db", "manifest.json"
_PKI = ("ca.pem", "ca.key")


def backup(config: ServerConfig, to: str | None) -> Path:
    """Writes it while the controller runs, or not; where it is. SentinelError."""
    folders = config.folders
    if config.database is None and not folders.database.exists():
        raise UsageError(f"there is nothing to back up in {folders.root}; name the folder with --data-dir")
    now = wall()
    file = Path(to).absolute() if to else folders.backups / f"sentinel-{rfc3339(now).replace(':', '')}.tar"
    if file.exists():
        raise UsageError(f"{file} exists; name another file with --to")
    try:
        folders.backups.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folders.backups, prefix=".making-") as making:
            database = Path(making) / _DATABASE
            store = wiring.open_queue(config.database_url, migrate=False)
            try:
                store.backup(str(database))
            finally:
                store.close()
            tar = Path(making) / "backup.tar"
            _write(tar, folders, database, now)
            shutil.move(tar, file)
    except OSError as error:
        raise SentinelError(f"the backup could not be written: {error.strerror}") from None
    return file


def _write(tar: Path, folders: Folders, database: Path, now: float) -> None:
    manifest = {"format": FORMAT, "version": __version__, "made_at": rfc3339(now)}
    fd = os.open(tar, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as out:
            plain = database.with_name(_MANIFEST)
            plain.write_text(json.dumps(manifest))
            plain.chmod(0o600)
            out.add(plain, _MANIFEST)
            out.add(database, _DATABASE)
            for name in _PKI:
                out.add(folders.pki / name, f"pki/{name}")
        raw.flush()
        os.fsync(raw.fileno())


def restore(config: ServerConfig, file: str) -> Path | None:
    """Puts the backup in the place of what is there, which is kept aside; where. Not while one runs.

    SentinelError; the old state is untouched then."""
    folders = config.folders
    if config.database is not None and not config.database.startswith("sqlite:"):
        raise UsageError(
            "this restores SQLite alone; for PostgreSQL use pg_restore while the controller is down"
        )
    source = Path(file)
    if not source.is_file():
        raise UsageError(f"there is no file {source}")
    make_folders(folders)
    lock = pid_file.take(folders.pid_file, "cannot restore")
    try:
        with tempfile.TemporaryDirectory(dir=folders.root, prefix=".restoring-") as making:
            _unpack(source, Path(making))
            _mark(Path(making) / _DATABASE)
            return _swap(folders, Path(making))
    except OSError as error:
        raise SentinelError(f"the backup could not be restored: {error.strerror}") from None
    finally:
        lock.release()


def _unpack(source: Path, making: Path) -> None:
    try:
        with tarfile.open(source) as found:
            manifest: Any = json.loads(_member(found, _MANIFEST).read(65536))
            if manifest["format"] != FORMAT:
                raise SentinelError(
                    f"{source} is of a newer Sentinel ({manifest['version']}); restore with that one"
                )
            for name in (_DATABASE, *(f"pki/{name}" for name in _PKI)):
                target = making / Path(name).name
                fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(fd, "wb") as out:
                    shutil.copyfileobj(_member(found, name), out)
                    out.flush()
                    os.fsync(out.fileno())
    except (tarfile.TarError, ValueError, KeyError, TypeError):
        raise SentinelError(f"{source} is no backup of Sentinel") from None


def _member(found: tarfile.TarFile, name: str) -> IO[bytes]:
    """A plain file in the archive, by its exact name. KeyError when there is none."""
    member = found.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _mark(database: Path) -> None:
    """So that everybody learns that the store went back in time. Also shows that it can be opened at all."""
    store = wiring.open_queue(f"sqlite:///{quote(str(database))}", migrate=True)

    def work(tx: Transaction) -> None:
        tx.set_meta(RESTORED_AT, rfc3339(wall()))
        tx.set_meta(GENERATION, new_id())

    try:
        store.write(work)
    finally:
        store.close()
    if database.with_name(f"{_DATABASE}-wal").exists():
        raise SentinelError("the restored database could not be closed cleanly; try again")


def _swap(folders: Folders, making: Path) -> Path | None:
    """The new in the place of the old, the database last: until then the old state is whole."""
    authority = (making / "ca.pem").read_bytes()
    replaced = folders.ca.exists() and folders.ca.read_bytes() != authority
    number = _free_number(folders)
    for name in _PKI:
        target = folders.pki / name
        if replaced and target.exists():
            shutil.copy2(target, folders.pki / f"{name}.before-restore-{number}")
        replace_file(target, (making / name).read_bytes())
    aside = folders.database.with_name(f"{_DATABASE}.before-restore-{number}")
    had = folders.database.exists()
    for ending in ("-wal", "-shm", ""):
        old = folders.database.with_name(_DATABASE + ending)
        if old.exists():
            old.rename(f"{aside}{ending}")
    (making / _DATABASE).rename(folders.database)
    fd = os.open(folders.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return aside if had else None


def _free_number(folders: Folders) -> int:
    number = 1
    while any(
        True for folder in (folders.root, folders.pki) for _ in folder.glob(f"*.before-restore-{number}*")
    ):
        number += 1
    return number
