"""Nouns as rows and back. Called by the reader and by what writes; nobody else sees a row.

`*_row` gives the values by column, `*_from` reads a row with the columns in the order of `schema`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.job import Cancel, Job, JobSpec, JobState, Placement
from sentinel.core.job_json import spec_from, spec_json
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Drain, Node, NodeState, node_gpu_from, node_gpu_json
from sentinel.ports.store import NewEvent, NodeWorkload, StoredEvent

Row = tuple[Any, ...]
Values = dict[str, Any]

to_json = json.JSONEncoder(separators=(",", ":")).encode
from_json = json.loads

_STATES = {state.value: state for state in JobState}


def job_row(job: Job, revision: int) -> Values:
    """Every column of a job."""
    return {
        **job_moves(job, revision),
        "owner": job.owner,
        "tenant": job.tenant,
        "name": job.spec.name,
        "submitted_at": job.submitted_at,
        "spec": to_json(spec_json(job.spec)),
    }


def job_moves(job: Job, revision: int) -> Values:
    """The columns that change in a job's life, and its id."""
    placement, cancel = job.placement, job.cancel
    return {
        "id": job.id,
        "state": job.state.value,
        "live": 0 if job.state.ended else 1,
        "reason": job.reason,
        "attempt": job.attempt,
        "placement": placement and to_json([placement.node, placement.gpus, placement.token]),
        "refusals": job.refusals,
        "cancel": cancel and to_json([cancel.by, cancel.at, cancel.why]),
        "node": job.node,
        "gpus": to_json(job.gpus) if job.gpus else "[]",
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "exit_code": job.exit_code,
        "signal": job.signal,
        "revision": revision,
    }


def same_but_for_moves(old: Job, new: Job) -> bool:
    """Whether `job_moves` has all that differs between them."""
    return (
        (old.spec is new.spec or old.spec == new.spec)
        and old.owner == new.owner
        and old.tenant == new.tenant
        and old.submitted_at == new.submitted_at
    )


def job_from(row: Row) -> Job:
    (
        id,
        owner,
        tenant,
        _name,
        submitted_at,
        spec,
        state,
        _live,
        reason,
        attempt,
        placement,
        refusals,
        cancel,
        node,
        gpus,
        started_at,
        ended_at,
        exit_code,
        signal,
        revision,
    ) = row
    return Job(
        id=id,
        owner=owner,
        spec=_spec(spec),
        submitted_at=submitted_at,
        tenant=tenant,
        state=_STATES[state],
        reason=reason,
        attempt=attempt,
        placement=None if placement is None else _placement(placement),
        refusals=refusals,
        cancel=None if cancel is None else _cancel(cancel),
        node=node,
        gpus=() if gpus == "[]" else tuple(from_json(gpus)),
        started_at=started_at,
        ended_at=ended_at,
        exit_code=exit_code,
        signal=signal,
        revision=revision,
    )


@lru_cache(maxsize=4096)
def _spec(text: str) -> JobSpec:
    """Jobs are read far more often than specs are made, and many have the same one."""
    return spec_from(from_json(text))


def _placement(text: str) -> Placement:
    node, gpus, token = from_json(text)
    return Placement(node=node, gpus=tuple(gpus), token=token)


def _cancel(text: str) -> Cancel:
    by, at, why = from_json(text)
    return Cancel(by=by, at=at, why=why)


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
    }


def lease_from(row: Row) -> JobLease:
    token, job, attempt, node, gpus, owner, tenant, taken_at, renewals = row
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
    )


# ----------------------------------------------------------------- nodes


def node_row(node: Node, revision: int) -> Values:
    drained, gpus = node.drained, node.gpus
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
    }


def node_from(row: Row) -> Node:
    """A row of `nodes` with `heard_at` of its beats as one more: last seen is the later of the two."""
    (id, name, tenant, state, drained, boot_id, version, joined_at, last_seen_at, gpus, revision, heard) = row
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
    return {**asdict(user), "role": user.role.value, "disabled": int(user.disabled)}


def user_from(row: Row) -> User:
    name, role, tenant, created_at, password_hash, disabled = row
    return User(
        name=name,
        role=Role(role),
        tenant=tenant,
        created_at=created_at,
        password_hash=password_hash,
        disabled=bool(disabled),
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
