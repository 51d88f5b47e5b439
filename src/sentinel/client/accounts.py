"""The calls about accounts, usage and reservations. Part of `client.sync.Client`; what they answer is in
core.account and core.reservation."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.client import calls
from sentinel.client.asking import Asking, Json


class AccountCalls(Asking):
    """See `client.sync.Client`. `scope` is "user", "group" or "default"; that one has no name."""

    def accounts(self) -> list[Json]:
        """Those that were set."""
        return self._all(calls.accounts(), None)

    def account(self, scope: str, name: str = "") -> Json:
        """ApiError (404) when none was set."""
        return self._ask(calls.account(scope, name))

    def put_account(
        self, scope: str, name: str = "", *, weight: float = 1.0, limits: Mapping[str, Any] | None = None
    ) -> Json:
        """Sets it in full: limits that are not given are none. Those there are: core.account.Limits."""
        return self._ask(calls.put_account(scope, name, weight, limits or {}))

    def remove_account(self, scope: str, name: str = "") -> None:
        """What was used stays."""
        self._ask(calls.remove_account(scope, name))

    def usage(self) -> list[Json]:
        """What users and groups have had: {"scope", "name", "running_gpus", "gpu_hours", "recent_gpu_hours",
        "share", "weight", "limits", "days"}."""
        return self._all(calls.usage(), None)

    def reservations(self) -> list[Json]:
        """Which begins first is first; those that ended stay for some days."""
        return self._all(calls.reservations(), None)

    def reservation(self, name: str) -> Json:
        """By its id or its name."""
        return self._ask(calls.reservation(name))

    def add_reservation(
        self,
        name: str,
        *,
        start: str,
        end: str,
        nodes: Sequence[str] = (),
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        kind: str = "reserved",
        why: str = "",
    ) -> Json:
        """Keeps nodes (all, if none is named) for users and groups; with the kind "maintenance" for nobody.
        Times are RFC 3339."""
        fields = {
            "name": name,
            "kind": kind,
            "start": start,
            "end": end,
            "nodes": list(nodes),
            "users": list(users),
            "groups": list(groups),
            "why": why,
        }
        return self._ask(calls.add_reservation(fields))

    def remove_reservation(self, name: str) -> None:
        """By its id or its name. What runs in it goes on."""
        self._ask(calls.remove_reservation(name))
