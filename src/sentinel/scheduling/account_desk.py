"""What is done to accounts and usage, each within a transaction of the store.

Called by the API (accounts), desk (the limit of queued jobs), writing (usage, when a lease is let go of) and
housekeeping. Who may have how much is decided in accounts. Times are the epoch's.
"""

from collections.abc import Sequence
from typing import Any

from sentinel.core.account import Account, Scope, Usage
from sentinel.core.account_json import (
    ACCOUNT,
    USAGE,
    account_from,
    account_json,
    account_key,
    usage_from,
    usage_json,
)
from sentinel.core.errors import SentinelError
from sentinel.core.job import WHOLE, JobState
from sentinel.ports.store import JobFilter, NewEvent, Reader, Transaction
from sentinel.scheduling.accounts import Accounts
from sentinel.scheduling.usage import charged, decayed_at, within_window

_NOTHING = 1.0  # GPU-seconds; what is less, and counts for no day, is forgotten


class OverQuota(SentinelError):
    """More jobs would wait than an account allows."""


class NoSuchAccount(SentinelError):
    """Nobody has set one for that user or group."""


# ------------------------------------------------------------------ accounts


def accounts(reader: Reader) -> Sequence[Account]:
    """All that were set, by key: the default, groups, users."""
    kept = sorted(reader.documents(ACCOUNT), key=lambda one: one.key)  # a database may sort otherwise
    return [account_from(one.data) for one in kept if one.data is not None]


def find_account(reader: Reader, scope: Scope, name: str) -> Account:
    """NoSuchAccount."""
    kept = reader.document(ACCOUNT, account_key(scope, name))
    if kept is None or kept.data is None:
        raise NoSuchAccount(
            f"no quota was set for {spoken(scope, name)}; `sentinel quota list` has those set"
        )
    return account_from(kept.data)


def put_account(tx: Transaction, account: Account, *, by: str, tenant: str, now: float) -> bool:
    """Sets it, with its event; whether anything is other than it was."""
    key = account_key(account.scope, account.name)
    kept, data = tx.document(ACCOUNT, key), account_json(account)
    if kept is not None and kept.data == data:
        return False
    tx.put_document(ACCOUNT, key, data)
    _tell(tx, "set", account, by, tenant, now, {"weight": account.weight, "limits": data["limits"]})
    return True


def remove_account(tx: Transaction, scope: Scope, name: str, *, by: str, tenant: str, now: float) -> Account:
    """From now on the default holds, or nothing. What was used stays. NoSuchAccount."""
    account = find_account(tx, scope, name)
    tx.remove_document(ACCOUNT, account_key(scope, name))
    _tell(tx, "removed", account, by, tenant, now, {})
    return account


def forget_user(tx: Transaction, name: str, *, by: str, tenant: str, now: float) -> None:
    """The user is removed: whoever gets that name later begins with nothing of theirs."""
    key = account_key(Scope.USER, name)
    if tx.document(ACCOUNT, key) is not None:
        remove_account(tx, Scope.USER, name, by=by, tenant=tenant, now=now)
    tx.remove_document(USAGE, key)


def spoken(scope: Scope, name: str) -> str:
    """Whose account it is, in a sentence."""
    return "users without one of their own" if scope is Scope.DEFAULT else f"{scope.value} {name}"


# ------------------------------------------------------------------ the queue


def check_queue(tx: Reader, owner: str, group: str | None, more: int) -> None:
    """Whether `owner` may queue `more` jobs; what waits already counts, for a group that of its members.
    OverQuota."""
    account = _kept(tx, Scope.USER, owner) or _kept(tx, Scope.DEFAULT, "")
    if account is not None and account.limits.queued_jobs is not None:
        _check_waiting(f"user {owner}", account.limits.queued_jobs, _waiting(tx, owner), more)
    account = None if group is None else _kept(tx, Scope.GROUP, group)
    if account is not None and account.limits.queued_jobs is not None:
        members = {user.name for user in tx.users() if user.group == group} | {owner}
        waiting = sum(_waiting(tx, name) for name in members)
        _check_waiting(f"group {group}", account.limits.queued_jobs, waiting, more)


def _check_waiting(who: str, most: int, waiting: int, more: int) -> None:
    if waiting + more > most:
        asked = "this one is" if more == 1 else f"these {more} are"
        raise OverQuota(
            f"{who} may have {most} jobs waiting, and has {waiting}: {asked} too many. "
            "Wait until some have begun, or cancel some"
        )


def _waiting(reader: Reader, owner: str) -> int:
    return sum(reader.count_jobs(JobFilter(owner=owner, states=(JobState.QUEUED,))).values())


def _kept(reader: Reader, scope: Scope, name: str) -> Account | None:
    kept = reader.document(ACCOUNT, account_key(scope, name))
    return None if kept is None or kept.data is None else account_from(kept.data)


# ------------------------------------------------------------------ usage


def charge_usage(
    tx: Transaction, *, owner: str, group: str | None, milli: int, seconds: float, now: float
) -> None:
    """A lease on `milli` thousandths of GPUs is let go of, which was held for `seconds`: nothing when that is
    negative, and usage.MOST_SECONDS at most."""
    if milli <= 0 or not seconds > 0:
        return
    _charge(tx, Scope.USER, owner, milli, seconds, now)
    if group is not None:
        _charge(tx, Scope.GROUP, group, milli, seconds, now)


def _charge(tx: Transaction, scope: Scope, name: str, milli: int, seconds: float, now: float) -> None:
    key = account_key(scope, name)
    kept = tx.document(USAGE, key)
    before = (
        Usage(scope=scope, name=name, at=now) if kept is None or kept.data is None else usage_from(kept.data)
    )
    tx.put_document(USAGE, key, usage_json(charged(before, milli, seconds, now)))


def forget_usage(tx: Transaction, now: float) -> int:
    """Drops what has faded and counts for no day any more; how many."""
    old = [
        kept.key
        for kept in tx.documents(USAGE)
        if kept.data is not None
        and decayed_at(usage := usage_from(kept.data), now) < _NOTHING
        and not within_window(usage, now)
    ]
    for key in old:
        tx.remove_document(USAGE, key)
    return len(old)


def books(reader: Reader) -> Accounts:
    """All accounts and usage, and what runs, as the store has it now; for showing."""
    found = Accounts()
    found.take(reader.documents(ACCOUNT))
    found.take(reader.documents(USAGE))
    leases = [lease for lease in reader.leases() if lease.gpus]
    jobs = reader.jobs([lease.job for lease in leases])
    for lease in leases:
        milli = lease.milli if lease.milli < WHOLE else len(lease.gpus) * WHOLE
        group = None if (job := jobs.get(lease.job)) is None else job.account
        found.charge(lease.owner, group, milli, lease.taken_at)
    return found


def _tell(
    tx: Transaction, what: str, account: Account, by: str, tenant: str, now: float, data: dict[str, Any]
) -> None:
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.account.{what}",
            subject=account_key(account.scope, account.name),
            owner=account.name if account.scope is Scope.USER else None,
            tenant=tenant,
            data={"scope": account.scope.value, "name": account.name, "by": by, **data},
        )
    )
