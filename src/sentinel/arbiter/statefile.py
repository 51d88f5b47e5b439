"""What survives the arbiter: its state file. Written by the daemon, read once at its start.

Replaced atomically, so a reader sees the old or the new one, never half. Leases and processes in it
mean something on the boot that wrote it only, which is why it carries the boot's id.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sentinel.arbiter.states import (
    AdminHold,
    Cordon,
    Evicting,
    Failed,
    Paused,
    Restoring,
    Running,
    Saved,
    Service,
    State,
    Unsettled,
)
from sentinel.core.atomic_file import replace_file
from sentinel.core.lease import Binding, Claim, Lease, Sharing
from sentinel.core.process import Peer, ProcessId
from sentinel.core.service import Rung

VERSION = 1


def to_document(state: State, boot_id: str) -> dict[str, Any]:
    """The part of the state that must outlive the arbiter, as JSON values."""
    return {
        "version": VERSION,
        "boot_id": boot_id,
        "granted": state.granted,
        "leases": [_lease_out(lease) for lease in state.leases.values()],
        "services": {name: _service_out(service) for name, service in state.services.items()},
        "hold": state.hold and {"by": state.hold.by, "reason": state.hold.reason, "since": state.hold.since},
        "cordons": {
            gpu: {"by": c.by, "reason": c.reason, "since": c.since} for gpu, c in state.cordons.items()
        },
    }


def from_document(document: Any, boot_id: str, now: float) -> Saved:
    """`document` as Saved. ValueError when it is none of ours. Of another boot: only what outlives one."""
    if not isinstance(document, dict):
        raise ValueError("not an object")
    raw = cast("dict[str, Any]", document)
    if raw.get("version") != VERSION or raw["version"] is True:
        raise ValueError(f"version {raw.get('version')!r}, not {VERSION}")
    same_boot = raw.get("boot_id") == boot_id

    def since(entry: dict[str, Any]) -> float:
        return float(entry["since"]) if same_boot else now

    try:
        hold = cast("dict[str, Any] | None", raw["hold"])
        return Saved(
            leases=tuple(_lease_in(le) for le in raw["leases"]) if same_boot else (),
            services={n: _service_in(s, now, same_boot) for n, s in raw["services"].items()},
            hold=AdminHold(by=_text(hold["by"]), reason=_text(hold["reason"]), since=since(hold))
            if hold
            else None,
            cordons={
                g: Cordon(by=_text(c["by"]), reason=_text(c["reason"]), since=since(c))
                for g, c in raw["cordons"].items()
            },
            granted=int(raw["granted"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"damaged: {type(error).__name__}: {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} is no list")
    return tuple(_text(v) for v in cast("list[Any]", value))


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise TypeError(f"{value!r:.40} is no number from {least} to {most}")
    return value


def _maybe(value: Any) -> int | None:
    return None if value is None else _whole(value, 1, 2**60)


def _service_out(service: Service) -> dict[str, Any]:
    phase = service.phase
    ours = isinstance(phase, Evicting | Paused | Restoring | Failed)
    wanted = ours or isinstance(phase, Running) or (isinstance(phase, Unsettled) and phase.wanted)
    rung = phase.rung if isinstance(phase, Evicting | Paused | Restoring | Failed | Unsettled) else None
    held = phase.held if isinstance(phase, Evicting | Paused | Unsettled) else ()
    return {"wanted": wanted, "ours": ours or rung is not None, "rung": rung, "held": dict(held)}


def _service_in(raw: Mapping[str, Any], now: float, same_boot: bool) -> Unsettled:
    rung = Rung(raw["rung"]) if raw["rung"] else None
    if same_boot:
        held = tuple((str(g), int(b)) for g, b in raw["held"].items())
        return Unsettled(since=now, wanted=bool(raw["wanted"]), rung=rung, held=held)
    # After a reboot nothing is asleep, and what merely ran is systemd's to start or not.
    return Unsettled(since=now, wanted=bool(raw["ours"]))


def _lease_out(lease: Lease) -> dict[str, Any]:
    peer, claim = lease.peer, lease.claim
    return {
        "id": lease.id,
        "pid": peer.process.pid,
        "started": peer.process.started,
        "uid": peer.uid,
        "gid": peer.gid,
        "user": peer.user,
        "sharing": claim.sharing,
        "count": claim.count,
        "gpu_ids": list(claim.gpu_ids),
        "memory_bytes": claim.memory_bytes,
        "gpus": list(lease.gpus),
        "since": lease.since,
        "holder": lease.holder,
        "command": lease.command,
        "expires_at": lease.expires_at,
        "extended": lease.extended,
    }


def _lease_in(raw: Mapping[str, Any]) -> Lease:
    """Always bound to the tree: the connection it may have had ended with the last arbiter."""
    return Lease(
        id=_text(raw["id"]),
        peer=Peer(
            process=ProcessId(_whole(raw["pid"], 1, 2**31 - 1), _whole(raw["started"], 0, 2**63)),
            uid=_whole(raw["uid"], 0, 2**32),
            gid=_whole(raw["gid"], 0, 2**32),
            user=_text(raw["user"]),
        ),
        claim=Claim(
            sharing=Sharing(raw["sharing"]),
            count=_maybe(raw["count"]),
            gpu_ids=_texts(raw["gpu_ids"]),
            memory_bytes=_maybe(raw["memory_bytes"]),
        ),
        gpus=_texts(raw["gpus"]),
        since=float(raw["since"]),
        binding=Binding.TREE,
        holder=_text(raw["holder"]),
        command=_text(raw["command"]),
        expires_at=None if raw["expires_at"] is None else float(raw["expires_at"]),
        extended=float(raw["extended"]),
    )


class StateFile:
    """Keeps one document on disk. A write that fails leaves the old file whole and is tried again."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self.path = path
        self.error: str | None = None
        self._boot_id = boot_id
        self._written: dict[str, Any] | None = None

    def load(self, now: float) -> Saved:
        """What is there. A file that is missing, empty or damaged is an arbiter that never ran, and
        `error` says so unless it is simply missing; the damaged one is kept beside it."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return Saved()
        except OSError as error:
            self.error = f"cannot read {self.path}: {error.strerror}"
            return Saved()
        try:
            return from_document(json.loads(text), self._boot_id, now)
        except (ValueError, RecursionError) as error:
            self.error = f"{self.path} is unusable ({error}); kept as {self.path}.bad, starting without it"
            with contextlib.suppress(OSError):
                self.path.replace(f"{self.path}.bad")
            return Saved()

    def save(self, state: State) -> bool:
        """Stores what changed, if anything did. False, with `error` set, when the disk would not."""
        document = to_document(state, self._boot_id)
        if document == self._written and self.error is None:
            return True
        before = self._written or {}
        # A lease dies with the power anyway; what is paused must be known after it.
        durable = any(before.get(k) != document[k] for k in ("services", "hold", "cordons"))
        try:
            replace_file(self.path, json.dumps(document, separators=(",", ":")).encode(), durable=durable)
        except OSError as error:
            self.error = f"cannot write {self.path}: {error.strerror}"
            return False
        self._written, self.error = document, None
        return True
