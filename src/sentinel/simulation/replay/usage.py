"""What users and groups have used, kept as the controller keeps it. Used by the engine alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentinel.core.account import Account, Scope, Usage
from sentinel.core.account_json import ACCOUNT, USAGE, account_json, account_key, usage_json
from sentinel.scheduling.usage import charged


@dataclass(frozen=True, slots=True)
class Document:
    """As the store's."""

    kind: str
    key: str
    data: Mapping[str, Any] | None


class UsageBook:
    """`charge` as leases end, then `changed` for the snapshot."""

    def __init__(self) -> None:
        self._usage: dict[str, Usage] = {}
        self._changed: set[str] = set()

    def charge(self, owner: str, group: str | None, milli: int, seconds: float, now: float) -> None:
        self._charge(Scope.USER, owner, milli, seconds, now)
        if group is not None:
            self._charge(Scope.GROUP, group, milli, seconds, now)

    def _charge(self, scope: Scope, name: str, milli: int, seconds: float, now: float) -> None:
        key = account_key(scope, name)
        before = self._usage.get(key) or Usage(scope=scope, name=name, at=now)
        self._usage[key] = charged(before, milli, seconds, now)
        self._changed.add(key)

    def changed(self) -> list[Document]:
        """The documents that are others than when this was called last."""
        found = [Document(USAGE, key, usage_json(self._usage[key])) for key in sorted(self._changed)]
        self._changed.clear()
        return found


def account_documents(accounts: Sequence[Account]) -> list[Document]:
    return [Document(ACCOUNT, account_key(one.scope, one.name), account_json(one)) for one in accounts]
