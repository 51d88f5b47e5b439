"""Nouns as rows and back, but for jobs (`job_rows`). Called by the reader and by what writes, nobody else.

`*_row` gives the values by column, `*_from` reads a row with the columns in the order of `schema`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Drain, Node, NodeState, Sharing, node_gpu_from, node_gpu_json
from sentinel.ports.store import Document, NewEvent, NodeWorkload, StoredEvent

Row = tuple[Any, ...]
Values = dict[str, Any]

to_json = json.JSONEncoder(separators=(",", ":")).encode
from_json = json.loads

# ---------------------------------------------------------------- leases


def lease_row(lease: JobLease) -> Values:
    return {
        "token": lease.token,
        "job": lease.job,
        "attempt": lease.attempt,
        "node": lease.node,
        "gpus": to_json(lease.gpus),
        "owner": lease.owner,
        "tenant": lease.tenant,
        "taken_at": lease.taken_at,
        "renewals": lease.renewals,
        "milli": lease.milli,
    }


def lease_from(row: Row) -> JobLease:
    token, job, attempt, node, gpus, owner, tenant, taken_at, renewals, milli = row
    return JobLease(
        token=token,
        job=job,
        attempt=attempt,
        node=node,
        gpus=tuple(from_json(gpus)),
        owner=owner,
        tenant=tenant,
        taken_at=taken_at,
        renewals=renewals,
        milli=milli,
    )


# ----------------------------------------------------------------- nodes


_FACTS = {
    name: Node.__dataclass_fields__[name].default for name in ("address", "cpus", "memory_bytes", "sharing")
}


def node_row(node: Node, revision: int) -> Values:
    drained, gpus = node.drained, node.gpus
    facts = {name: value for name in _FACTS if (value := getattr(node, name)) != _FACTS[name]}
    return {
        "id": node.id,
        "name": node.name,
        "tenant": node.tenant,
        "state": node.state.value,
        "drained": drained and to_json([drained.by, drained.at, drained.why]),
        "boot_id": node.boot_id,
        "agent_version": node.agent_version,
        "joined_at": node.joined_at,
        "last_seen_at": node.last_seen_at,
        "gpus": None if gpus is None else to_json([node_gpu_json(gpu) for gpu in gpus]),
        "revision": revision,
        "more": to_json(facts) if facts else None,
    }


def node_from(row: Row) -> Node:
    """A row of `nodes` with `heard_at` of its beats as one more: last seen is the later of the two."""
    (
        id,
        name,
        tenant,
        state,
        drained,
        boot_id,
        version,
        joined_at,
        last_seen_at,
        gpus,
        revision,
        more,
        heard,
    ) = row
    facts: Values = {} if more is None else from_json(more)
    if heard is not None and (last_seen_at is None or heard > last_seen_at):
        last_seen_at = heard
    return Node(
        id=id,
        name=name,
        tenant=tenant,
        state=NodeState(state),
        drained=None if drained is None else _drain(drained),
        boot_id=boot_id,
        agent_version=version,
        joined_at=joined_at,
        last_seen_at=last_seen_at,
        gpus=None if gpus is None else tuple(node_gpu_from(gpu) for gpu in from_json(gpus)),
        address=facts.get("address", ""),
        cpus=facts.get("cpus"),
        memory_bytes=facts.get("memory_bytes"),
        sharing=Sharing(facts.get("sharing", Sharing.UNENFORCED)),
        revision=revision,
    )


def _drain(text: str) -> Drain:
    by, at, why = from_json(text)
    return Drain(by=by, at=at, why=why)


def workload_row(node: str, workload: NodeWorkload) -> Values:
    return {
        "node": node,
        "id": workload.id,
        "tenant": workload.tenant,
        "owner": workload.owner,
        "origin": workload.origin,
        "state": workload.state,
        "data": to_json(dict(workload.data)),
    }


def workload_from(row: Row) -> NodeWorkload:
    node, id, tenant, owner, origin, state, data = row
    return NodeWorkload(
        node=node, id=id, tenant=tenant, owner=owner, origin=origin, state=state, data=from_json(data)
    )


# ------------------------------------------------------------- documents


def document_row(document: Document) -> Values:
    data = document.data
    return {
        "kind": document.kind,
        "key": document.key,
        "data": None if data is None else to_json(dict(data)),
        "revision": document.revision,
    }


def document_from(row: Row) -> Document:
    kind, key, data, revision = row
    return Document(kind=kind, key=key, data=None if data is None else from_json(data), revision=revision)


# ---------------------------------------------------------------- events


def event_row(event: NewEvent, id: int) -> Values:
    return {
        "id": id,
        "time": event.time,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "owner": event.owner,
        "tenant": event.tenant,
        "data": to_json(dict(event.data)),
    }


def event_from(row: Row) -> StoredEvent:
    id, time, type, source, subject, owner, tenant, data = row
    return StoredEvent(
        id=id,
        time=time,
        type=type,
        source=source,
        subject=subject,
        owner=owner,
        tenant=tenant,
        data=from_json(data),
    )


# ---------------------------------------------------------------- people


def user_row(user: User) -> Values:
    row = {**asdict(user), "role": user.role.value, "disabled": int(user.disabled)}
    row["group_name"] = row.pop("group")
    return row


def user_from(row: Row) -> User:
    name, role, tenant, created_at, password_hash, disabled, group = row
    return User(
        name=name,
        role=Role(role),
        tenant=tenant,
        created_at=created_at,
        password_hash=password_hash,
        disabled=bool(disabled),
        group=group,
    )


def token_row(token: Token) -> Values:
    return {**asdict(token), "kind": token.kind.value}


def token_from(row: Row) -> Token:
    (id, kind, owner, tenant, secret, label, created_at, expires_at, revoked_at, last_used_at) = row
    return Token(
        id=id,
        kind=TokenKind(kind),
        owner=owner,
        tenant=tenant,
        secret_sha256=secret,
        label=label,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
    )


def environment_json(variables: Mapping[str, str]) -> str:
    return to_json(dict(variables))
