"""Which alerts are meant, as people type and read it: "node=gpu01", "gpu*". Pure.

Called by the commands about silences and routes.
"""

from collections.abc import Mapping, Sequence

from sentinel.core.alert_fields import label_name
from sentinel.core.errors import UsageError


def parse_matches(words: Sequence[str]) -> dict[str, list[str]]:
    """Label → any of its values, of "LABEL=VALUE"; a label that comes twice has both. UsageError."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is no LABEL=VALUE, like node=gpu01 or rule=gpu-hot")
        try:
            found.setdefault(label_name(name), []).append(value)
        except UsageError as error:
            raise UsageError(f"{word!r}: before the = {error.message}") from None
    return found


def shown_matches(matches: Mapping[str, Sequence[str]]) -> str:
    """As it may be typed: "node=gpu01 node=gpu02 rule=gpu-hot"; "everything" for none."""
    return " ".join(f"{name}={value}" for name, values in matches.items() for value in values) or "everything"
