"""Every call of the API as a description: method, path, body. Pure; no input, no output.

Called by `client.sync`, and through it by `client.asynchronous`. What they mean, and what they answer, is in
docs/queue.md; `POST jobs` here stands for `POST /api/v1/jobs` there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from sentinel.client.connection import IDEMPOTENCY_KEY

API = "/api/v1/"
MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`repeatable`: told twice, it does what it does told once."""

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] | None = None
    repeatable: bool = False


def get(path: str, **query: Any) -> Call:
    """A read. Parameters that are None or empty are left out; a tuple is repeated."""
    return Call(method="GET", path=f"{API}{path}{_query(query)}", repeatable=True)


def post(path: str, body: Mapping[str, Any] | None = None) -> Call:
    return Call(method="POST", path=f"{API}{path}", json={} if body is None else body)


def put(path: str, body: Mapping[str, Any]) -> Call:
    """Sets what is there in full."""
    return Call(method="PUT", path=f"{API}{path}", json=body, repeatable=True)


def delete(path: str) -> Call:
    return Call(method="DELETE", path=f"{API}{path}")


def given(**fields: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _query(query: Mapping[str, Any]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        many = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
        pairs += [(name, _word(one)) for one in many if one is not None and one != ""]
    return f"?{urlencode(pairs)}" if pairs else ""


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def part(text: str) -> str:
    """One part of a path, whatever is in it: "." and ".." name nobody."""
    return quote(text, safe="").replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


# ------------------------------------------------------------------ people


def login(user: str, password: str) -> Call:
    return post("login", {"user": user, "password": password})


def whoami() -> Call:
    return get("whoami")


def version() -> Call:
    return get("version")


def health() -> Call:
    return get("health")


def users() -> Call:
    return get("users")


def add_user(name: str, role: str, password: str | None, group: str | None = None) -> Call:
    return post("users", {"name": name, "role": role, **given(password=password, group=group)})


def set_user(
    name: str, role: str | None, password: str | None, disabled: bool | None, group: str | None = None
) -> Call:
    """`group` "": in none any more."""
    fields = given(role=role, password=password, disabled=disabled)
    if group is not None:
        fields["group"] = group or None
    return Call(method="PATCH", path=f"{API}users/{part(name)}", json=fields)


def remove_user(name: str) -> Call:
    return Call(method="DELETE", path=f"{API}users/{part(name)}")


def tokens() -> Call:
    return get("tokens")


def create_token(label: str, kind: str, expires_in: float | None, owner: str | None) -> Call:
    return post("tokens", {"label": label, "kind": kind, **given(expires_in=expires_in, owner=owner)})


def create_session_code() -> Call:
    return post("session/codes", {})


def revoke_token(id: str) -> Call:
    return Call(method="DELETE", path=f"{API}tokens/{part(id)}")


# ------------------------------------------------------------------ jobs


def submit(fields: Mapping[str, Any], key: str) -> Call:
    """`fields`: those of `core.job_json.spec_json` that differ from the default (`gpu_share` for
    `gpu_milli`), and `environment`, `after`, `array`."""
    return Call(
        method="POST", path=f"{API}jobs", json=fields, headers={IDEMPOTENCY_KEY: key}, repeatable=True
    )


def jobs(
    *,
    state: Sequence[str] = (),
    owner: str | None = None,
    node: str | None = None,
    name: str | None = None,
    id_prefix: str | None = None,
    array: str | None = None,
    part_of: str | None = None,
) -> Call:
    return get(
        "jobs",
        state=tuple(state),
        owner=owner,
        node=node,
        name=name,
        id_prefix=id_prefix,
        array=array,
        part_of=part_of,
    )


def job(id: str) -> Call:
    return get(f"jobs/{part(id)}")


def cancel(id: str, why: str) -> Call:
    return post(f"jobs/{part(id)}/cancel", given(why=why or None))


def retry(id: str) -> Call:
    return post(f"jobs/{part(id)}/retry")


def why(id: str) -> Call:
    return get(f"jobs/{part(id)}/why")


def environment(id: str) -> Call:
    return get(f"jobs/{part(id)}/environment")


def job_events(id: str) -> Call:
    return get(f"jobs/{part(id)}/events")


def logs(
    id: str,
    *,
    attempt: int | None = None,
    rank: int | None = None,
    offset: int | None = None,
    limit: int | None = None,
    tail: int | None = None,
    follow: bool = False,
) -> Call:
    return get(
        f"jobs/{part(id)}/logs",
        attempt=attempt,
        rank=rank,
        offset=offset,
        limit=limit,
        tail=tail,
        follow=follow or None,
    )


def attach_path(id: str) -> str:
    """Where the WebSocket of a job's terminal is."""
    return f"{API}jobs/{part(id)}/attach"


# ------------------------------------------------------------------ nodes


def nodes() -> Call:
    return get("nodes")


def node(name: str) -> Call:
    return get(f"nodes/{part(name)}")


def node_arbiter(name: str) -> Call:
    return get(f"nodes/{part(name)}/arbiter")


def drain(name: str, why: str) -> Call:
    return post(f"nodes/{part(name)}/drain", given(why=why or None))


def resume(name: str) -> Call:
    return post(f"nodes/{part(name)}/resume")


def declare_dead(name: str, why: str) -> Call:
    return post(f"nodes/{part(name)}/declare-dead", {"why": why})


def remove_node(name: str) -> Call:
    return Call(method="DELETE", path=f"{API}nodes/{part(name)}")


def gpus() -> Call:
    return get("gpus")


def workloads(node: str | None, owner: str | None) -> Call:
    return get("workloads", node=node, owner=owner)


def leases() -> Call:
    return get("leases")


def resume_queue() -> Call:
    return post("queue/resume")


# ------------------------------------------------------------------ events


def events(*, after: int | None, types: Sequence[str] = (), subject: str | None = None) -> Call:
    return get("events", after=after, type=tuple(types), subject=subject)


def event_stream(after: int | None, *, types: Sequence[str] = (), subject: str | None = None) -> Call:
    """Server-sent events. `after` None: from now on."""
    return Call(
        method="GET",
        path=f"{API}events/stream{_query({'type': tuple(types), 'subject': subject})}",
        headers={} if after is None else {"Last-Event-ID": str(after)},
        repeatable=True,
    )


# ------------------------------------------------------------------ accounts and reservations


def accounts() -> Call:
    return get("accounts")


def account(scope: str, name: str) -> Call:
    return get(_account(scope, name))


def put_account(scope: str, name: str, weight: float, limits: Mapping[str, Any]) -> Call:
    return Call(
        method="PUT",
        path=f"{API}{_account(scope, name)}",
        json={"weight": weight, "limits": dict(limits)},
        repeatable=True,
    )


def remove_account(scope: str, name: str) -> Call:
    return Call(method="DELETE", path=f"{API}{_account(scope, name)}")


def usage() -> Call:
    return get("usage")


def reservations() -> Call:
    return get("reservations")


def reservation(name: str) -> Call:
    return get(f"reservations/{part(name)}")


def add_reservation(fields: Mapping[str, Any]) -> Call:
    return post("reservations", fields)


def remove_reservation(name: str) -> Call:
    return Call(method="DELETE", path=f"{API}reservations/{part(name)}")


def _account(scope: str, name: str) -> str:
    """The account of all users without one has no name."""
    return "accounts/default" if scope == "default" else f"accounts/{part(scope)}/{part(name)}"
