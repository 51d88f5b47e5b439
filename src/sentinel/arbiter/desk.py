"""The arbiter's front desk: what each message of a client leads to, and what it is answered."""

import grp
import os
import secrets
from typing import Any, Protocol

from sentinel.arbiter.claiming import describe
from sentinel.arbiter.clients import Clients
from sentinel.arbiter.config import Config
from sentinel.arbiter.connection import Connection
from sentinel.arbiter.holding_on import why_not_longer
from sentinel.arbiter.inputs import (
    Acquire,
    EvictLease,
    Extend,
    Input,
    LiftCordon,
    Pause,
    Refuse,
    Resume,
    SetCordon,
)
from sentinel.arbiter.protocol import ADMIN, Message, read_message
from sentinel.arbiter.states import State
from sentinel.arbiter.view import why_waits
from sentinel.core.clock import boottime
from sentinel.core.codec import LEASE_VARIABLE
from sentinel.core.errors import ProtocolError
from sentinel.core.lease import Lease, Request, Sharing
from sentinel.core.process import Peer
from sentinel.core.units import show_duration
from sentinel.ports.processes import ProcessTable


class Office(Protocol):
    """What the desk needs of the daemon behind it."""

    @property
    def config(self) -> Config: ...
    @property
    def state(self) -> State: ...
    @property
    def clients(self) -> Clients: ...
    @property
    def processes(self) -> ProcessTable: ...

    def feed(self, happened: Input) -> None: ...

    def expect(self, request_id: str, connection: Connection) -> None:
        """A request of this client is about to be fed: its answer goes there, its death is watched."""
        ...

    def release(self, lease_id: str, why: str) -> None: ...
    def forget(self, lease_id: str) -> None:
        """The lease's processes go on without it."""
        ...

    def reload(self) -> str | None:
        """Reads the config again; answers what is wrong with it."""
        ...

    def store(self) -> None:
        """Writes what must outlive us: before anyone is told that it is done."""
        ...

    def status(self) -> dict[str, Any]: ...


class Desk:
    """Answers messages. Holds nothing: all state is the daemon's."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def handle(self, connection: Connection, raw: dict[str, Any]) -> None:
        """One message. What is wrong with it is answered, and the connection may go on."""
        connection.plain = raw.get("v") is None
        try:
            message = read_message(raw)
        except ProtocolError as error:
            self._say_no(connection, "bad-request", error.message)
            return
        if message.cmd in ADMIN and not self._is_admin(connection.peer):
            group = self._office.config.admin_group
            who = "root" + (f" and members of {group}" if group else "")
            self._say_no(connection, "forbidden", f"{message.cmd} is for {who}")
            return
        match message.cmd:
            case "acquire":
                self._acquire(connection, message)
            case "release":
                self._release(connection, message)
            case "extend":
                self._extend(connection, message)
            case "status":
                self._status(connection)
            case "watch":
                connection.watching = True
                self._status(connection)
            case _:
                self._administer(connection, message)

    # -------------------------------------------------------------- leases

    def _acquire(self, connection: Connection, message: Message) -> None:
        peer = connection.peer
        if connection.request_id is not None:
            self._say_no(connection, "bad-request", "this connection waits for an answer already")
        elif lease := self._held_already(peer, message):
            self.granted(connection, lease, inherited=True)
        elif not self._watched(connection):
            self._say_no(connection, "identity", "the process that connected has ended")
        elif not message.plain and (parent := self._parent(peer, message)):
            self._inherit(connection, message, parent)
        else:
            now = boottime()
            until = None if message.wait_seconds is None else now + message.wait_seconds
            request = Request(
                id=self._new_id(),
                peer=peer,
                claim=message.claim,
                asked_at=now,
                until=until,
                binding=message.binding,
                holder=message.holder,
                command=message.command,
            )
            self._office.expect(request.id, connection)
            self._office.feed(Acquire(request=request))
            if why := why_waits(self._office.state, request, now):
                self.tell_waiting(connection, why)

    def _watched(self, connection: Connection) -> bool:
        """Whether the client's end will be noticed: an earlier request of it took its pidfd along."""
        if connection.pidfd is None:
            connection.pidfd = self._office.processes.watch(connection.peer.process)
        return connection.pidfd is not None

    def tell_waiting(self, connection: Connection, why: str) -> None:
        """Says what a request waits for, when that is news."""
        if not connection.plain and why != connection.told:
            connection.told = why
            self._office.clients.say(connection, {"v": 1, "event": "waiting", "why": why})

    def _held_already(self, peer: Peer, message: Message) -> Lease | None:
        """The lease this very process has, if it asks again (after the arbiter restarted, say)."""
        for lease in self._office.state.leases.values():
            same = lease.peer.process == peer.process and lease.peer.uid == peer.uid
            if same and lease.holder == message.holder and lease.claim == message.claim:
                return lease
        return None

    def _parent(self, peer: Peer, message: Message) -> Lease | None:
        """The lease that this request is made inside of: named by it, and proved by the kernel."""
        lease = self._office.state.leases.get(message.parent or "")
        if lease is None or lease.peer.uid != peer.uid:
            return None
        pid = peer.process.pid
        table = self._office.processes
        inside = table.variable(pid, LEASE_VARIABLE) == lease.id or table.descends(pid, lease.peer.process)
        return lease if inside else None

    def _inherit(self, connection: Connection, message: Message, parent: Lease) -> None:
        claim = message.claim
        wanted = len(claim.gpu_ids) or claim.count or 1
        fits = claim.sharing is Sharing.SHARED or (
            claim.sharing is Sharing.EXCLUSIVE
            and not claim.gpu_ids
            and wanted <= len(parent.gpus)
            and parent.claim.sharing is Sharing.EXCLUSIVE
        )
        if fits:
            self.granted(connection, parent, inherited=True)
            return
        text = f"this runs inside {describe(parent)}, which does not include that; ask outside of it"
        if connection.plain:
            self._say_no(connection, "impossible", text)
        else:
            self.refused(connection, Refuse(request_id="", code="impossible", message=text))

    def granted(self, connection: Connection, lease: Lease, *, inherited: bool = False) -> None:
        """Tells a client that it has its lease."""
        state = self._office.state
        gpus = [
            {"uuid": g, "index": v.last.index, "devices": list(v.last.devices or (g,))}
            for g in lease.gpus
            if (v := state.gpus.get(g))
        ]
        if connection.plain:
            answer = {"ok": True, "state": "RESEARCH", "lease": lease.id, "gpus": list(lease.gpus)}
            self._office.clients.say(connection, answer)
            return
        self._office.clients.say(
            connection,
            {"v": 1, "event": "granted", "lease": lease.id, "gpus": gpus, "inherited": inherited},
        )

    def refused(self, connection: Connection, refusal: Refuse) -> None:
        """Tells a client that it does not get what it asked for."""
        if connection.plain:
            self._say_no(connection, refusal.code, refusal.message)
            return
        holders = [
            {"gpu_index": h.gpu_index, "what": h.what, "pid": h.pid, "memory_bytes": h.memory_bytes}
            for h in refusal.holders
        ]
        self._office.clients.say(
            connection,
            {
                "v": 1,
                "event": "refused",
                "code": refusal.code,
                "message": refusal.message,
                "holders": holders,
            },
        )

    def _release(self, connection: Connection, message: Message) -> None:
        lease = self._to_release(connection.peer, message)
        if lease is None:
            what = f"lease {message.lease}" if message.lease else f"holder {message.holder!r}"
            if message.plain:
                # Giving back what one does not have is how old clients clean up: not an error.
                self._office.clients.say(connection, {"ok": True, "state": self._state(), "released": False})
            else:
                self._say_no(connection, "not-found", f"no {what} of yours")
            return
        self._office.release(lease.id, "given back")
        if message.plain:
            self._office.clients.say(connection, {"ok": True, "state": self._state(), "released": True})
        else:
            self._office.clients.say(connection, {"v": 1, "ok": True})

    def _to_release(self, peer: Peer, message: Message) -> Lease | None:
        leases = self._office.state.leases
        if message.lease:
            lease = leases.get(message.lease)
            return lease if lease and peer.uid in (0, lease.peer.uid) else None
        mine = [
            le
            for le in leases.values()
            if le.holder == message.holder
            and (le.peer.process == peer.process or (message.holder and peer.uid in (0, le.peer.uid)))
        ]
        mine.sort(key=lambda le: le.peer.process != peer.process)
        return mine[0] if mine else None

    def _extend(self, connection: Connection, message: Message) -> None:
        peer = connection.peer
        lease = self._office.state.leases.get(message.lease)
        admin = self._is_admin(peer)
        if lease is None or not (admin or peer.uid == lease.peer.uid):
            self._say_no(connection, "not-found", f"no lease {message.lease!r} of yours; see sentinel-status")
            return
        owner = not admin
        if why := why_not_longer(self._office.state, lease, message.seconds, owner=owner):
            self._say_no(connection, "limit", why)
            return
        self._office.feed(Extend(lease_id=lease.id, seconds=message.seconds, owner=owner))
        self._say_done(connection, f"{describe(lease)} may go on for {show_duration(message.seconds)} longer")

    def _new_id(self) -> str:
        """Short enough to type, and not to be guessed by one who would slip into a lease."""
        return f"L{self._office.state.granted + 1}-{secrets.token_hex(4)}"

    # -------------------------------------------------------------- the rest

    def _status(self, connection: Connection) -> None:
        status = self._office.status()
        answer = {"ok": True, **status} if connection.plain else {"v": 1, "ok": True, "status": status}
        self._office.clients.say(connection, answer)

    def _state(self) -> str:
        return str(self._office.status()["state"])

    def _is_admin(self, peer: Peer) -> bool:
        """Root, who runs the arbiter (for trying out), and the group that the config names."""
        if peer.uid in (0, os.getuid()):
            return True
        group = self._office.config.admin_group
        try:
            return group is not None and grp.getgrnam(group).gr_gid in peer.groups
        except KeyError:
            return False

    def _administer(self, connection: Connection, message: Message) -> None:
        by = connection.peer.user
        match message.cmd:
            case "pause":
                self._office.feed(Pause(by=by, reason=message.reason))
                self._say_done(connection, "inference is paused until `resume`")
            case "resume":
                self._office.feed(Resume(by=by))
                left = ", ".join(describe(le) for le in self._office.state.leases.values())
                text = f"resumed; inference still waits for {left}" if left else "resumed"
                self._say_done(connection, text)
            case "reload":
                error = self._office.reload()
                if error:
                    self._say_no(connection, "failed", f"the old config stays: {error}")
                else:
                    self._say_done(connection, f"{self._office.config.file} is in force")
            case "evict":
                self._evict(connection, message, by)
            case _:
                self._cordon(connection, message, by)

    def _evict(self, connection: Connection, message: Message, by: str) -> None:
        lease = self._office.state.leases.get(message.lease)
        if lease is None:
            self._say_no(connection, "not-found", f"no lease {message.lease!r}; see sentinel-status")
            return
        if message.keep_running:
            self._office.forget(lease.id)
        event = EvictLease(lease_id=lease.id, by=by, keep_running=message.keep_running)
        self._office.feed(event)
        how = "is ended; its processes go on" if message.keep_running else "is asked to end"
        self._say_done(connection, f"{describe(lease)} {how}")

    def _cordon(self, connection: Connection, message: Message, by: str) -> None:
        gpus = self._office.state.gpus
        found = [u for u, v in gpus.items() if message.gpu in (u, str(v.last.index))]
        if not found:
            have = ", ".join(str(v.last.index) for v in gpus.values()) or "none known"
            self._say_no(connection, "not-found", f"no GPU {message.gpu!r} (there are: {have})")
        elif message.cmd == "cordon":
            self._office.feed(SetCordon(gpu=found[0], by=by, reason=message.reason or "no reason given"))
            self._say_done(connection, f"GPU {message.gpu} takes no new lease until `uncordon`")
        else:
            self._office.feed(LiftCordon(gpu=found[0], by=by))
            self._say_done(connection, f"GPU {message.gpu} takes leases again")

    def _say_done(self, connection: Connection, text: str) -> None:
        self._office.store()
        self._office.clients.say(connection, {"v": 1, "ok": True, "message": text})

    def _say_no(self, connection: Connection, code: str, text: str) -> None:
        answer = {"ok": False, "code": code, "error": text}
        self._office.clients.say(connection, answer if connection.plain else {"v": 1, **answer})
