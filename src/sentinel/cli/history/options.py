"""Options that the commands about the past share. Called by the commands in `cli.history`."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from sentinel.cli.accounts.moments import parse_moment
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.units import parse_duration

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


class How(StrEnum):
    """How many values become one."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    LAST = "last"
    COUNT = "count"


def _metric(text: str) -> str:
    if not _METRIC.fullmatch(text):
        raise UsageError(f"--metric {text!r}: a name like gpu_temperature_celsius; sentinel history metrics")
    return text


Metric = Annotated[
    str,
    typer.Option(
        "--metric", "-m", metavar="NAME", callback=_metric, help="Which; sentinel history metrics lists them."
    ),
]
Node = Annotated[str | None, typer.Option("--node", metavar="NAME", help="Only of this node.")]
Gpu = Annotated[
    str | None,
    typer.Option("--gpu", metavar="GPU", help="Only of this GPU: UUID, its beginning; index, with --node."),
]
User = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only of this user.")]
Job = Annotated[
    str | None,
    typer.Option("--job", metavar="ID", help="Only of the GPUs of this job, while it had them."),
]
Workload = Annotated[
    str | None, typer.Option("--workload", metavar="ID", help="The same of a workload that runs.")
]
Match = Annotated[
    list[str] | None,
    typer.Option("--match", metavar="LABEL=VALUE", help="Only with this label. Repeatable."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help='How far back, like 1h or 30d; or "2026-12-01 08:00".'),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to when; else up to now.")]
Step = Annotated[str | None, typer.Option("--step", metavar="TIME", help="Between two points: 10s, 5m, 1h.")]
HowOption = Annotated[How, typer.Option("--how", help="How the values of a step become one.")]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="LABEL,…", help="Put series together by these labels: user, node, sku."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")]


def asked_moment(option: str, text: str | None, now: float) -> str | None:
    """As the API takes it: a duration as it is, a local time as RFC 3339. UsageError when it is neither."""
    if text is None:
        return None
    try:
        parse_duration(text)
    except UsageError:
        try:
            return rfc3339(parse_moment(text, now))
        except UsageError:
            raise UsageError(
                f'{option} {text}: a duration like 90m or 30d, or a time like "2026-12-01 08:00"'
            ) from None
    return text.strip().replace(" ", "").lower()


def asked_step(text: str | None) -> str | None:
    """The same of a duration."""
    if text is None:
        return None
    try:
        parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--step: {error.message}") from None
    return text.strip().replace(" ", "").lower()


def matches(given: Sequence[str]) -> dict[str, list[str]]:
    """Of --match."""
    found: dict[str, list[str]] = {}
    for text in given:
        label, equals, value = text.partition("=")
        if not equals or not _LABEL.fullmatch(label):
            raise UsageError(f"--match {text}: LABEL=VALUE, like sku=H100")
        found.setdefault(label, []).append(value)
    return found


def labels_of(by: str | None) -> list[str]:
    """Of --by."""
    found = [one.strip() for one in (by or "").split(",")] if by is not None else []
    for label in found:
        if not _LABEL.fullmatch(label):
            raise UsageError(f"--by {by}: labels with commas between them, like user or node,gpu")
    return found
