"""Accounts by number: which are people's, and what they are called. For owner and origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOBODY = 65534
_GIVEN_OUT = 65_535
"""Up to here systemd gives out numbers as it runs; beyond it directory services have theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`first` and `last` are the range of people's uids, `users` the names that accounts have."""

    first: int = 1000
    last: int = 60000
    users: Mapping[int, str] = field(default_factory=dict[int, str])

    def person(self, uid: int | None) -> bool:
        """Whether it is a person's account. Beyond this machine's own numbers it has to have a name for that:

        one without may be an account inside of a container only.
        """
        if uid is None or uid == NOBODY:
            return False
        return self.first <= uid <= self.last or (uid > max(_GIVEN_OUT, self.last) and uid in self.users)

    def name(self, uid: int) -> str:
        """The account's name; "uid 1234" where it has none."""
        return self.users.get(uid, f"uid {uid}")
