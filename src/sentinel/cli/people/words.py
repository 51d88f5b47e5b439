"""Users and tokens as tables. Pure. Called by the commands in `cli.people`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import age_since, age_text
from sentinel.cli.table import table_lines
from sentinel.core.timestamp import epoch

Row = Mapping[str, Any]

_USERS = (
    Column(title="NAME", least=6, most=32),
    Column(title="ROLE"),
    Column(title="GROUP", least=6, most=32),
    Column(title="LOG-IN"),
    Column(title="AGE", right=True),
)
_TOKENS = (
    Column(title="ID"),
    Column(title="KIND"),
    Column(title="OWNER", least=6, most=20),
    Column(title="STATE"),
    Column(title="EXPIRES IN", right=True),
    Column(title="USED", right=True),
    Column(title="LABEL", least=6, sentence=True),
)


def user_lines(users: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    """LOG-IN is how somebody can: by password, by token alone, or not at all."""
    rows = [
        (user["name"], user["role"], user.get("group"), _log_in(user), _age(user["created_at"], now))
        for user in users
    ]
    paints = [Paint.BAD if user["disabled"] else Paint.PLAIN for user in users]
    return table_lines(_USERS, rows, width, paints=paints, painted_column="LOG-IN", colours=colours)


def token_lines(tokens: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    """USED is how long ago, now and then brought up to date."""
    rows = [
        (
            token["id"],
            token["kind"],
            token["owner"],
            token_state(token, now),
            _left(token["expires_at"], now),
            _age(token["last_used_at"], now),
            token["label"],
        )
        for token in tokens
    ]
    paints = [Paint.GOOD if token_state(token, now) == "valid" else Paint.DIM for token in tokens]
    return table_lines(_TOKENS, rows, width, paints=paints, painted_column="STATE", colours=colours)


def token_state(token: Mapping[str, Any], now: float) -> str:
    """Whether it opens anything: "valid", "revoked", "expired"."""
    if token["revoked_at"]:
        return "revoked"
    end = epoch(token["expires_at"]) if token["expires_at"] else None
    return "expired" if end is not None and end <= now else "valid"


def _log_in(user: Mapping[str, Any]) -> str:
    if user["disabled"]:
        return "disabled"
    return "password" if user["has_password"] else "tokens only"


def _age(text: str | None, now: float) -> str | None:
    return None if text is None else age_since(epoch(text), now)


def _left(text: str | None, now: float) -> str:
    if text is None:
        return "never"
    end = epoch(text)
    return age_text(None if end is None else end - now)
