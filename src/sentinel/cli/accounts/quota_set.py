"""`sentinel quota set`. Called by the table in `cli.app`.

The JSON is the account, as in core.account, and "users": how many it holds for now.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sentinel.cli.accounts.who import Who, parse_who
from sentinel.cli.accounts.words import quota_text
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.client.sync import Client
from sentinel.core.account import Scope
from sentinel.core.errors import ApiError, UsageError

_NONE = "none"


def command(
    who: Who,
    gpus: Annotated[
        str | None, typer.Option("--gpus", metavar="N", help="How many at once, at most.")
    ] = None,
    soft_gpus: Annotated[
        str | None,
        typer.Option(
            "--soft-gpus",
            metavar="N",
            help="Above it jobs run on what is idle, and make room for those within theirs.",
        ),
    ] = None,
    queued: Annotated[
        str | None, typer.Option("--queued", metavar="N", help="How many jobs may wait; one more is refused.")
    ] = None,
    gpu_hours: Annotated[
        str | None,
        typer.Option(
            "--gpu-hours", metavar="N", help="In 30 days. Once they are used up, nothing more begins."
        ),
    ] = None,
    soft_gpu_hours: Annotated[
        str | None,
        typer.Option(
            "--soft-gpu-hours", metavar="N", help="In 30 days. After that its jobs come after all others."
        ),
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option("--weight", metavar="N", help="Its part of the GPUs, against that of others. Else 1."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set what a user or a group may have. For operators.

    What is not named stays; the word none lifts a limit: --gpus none. A user's limits and those of the user's
    group both hold.
    """
    scope, name = parse_who(who)
    given = {
        "running_gpus": _whole("--gpus", gpus),
        "running_gpus_soft": _whole("--soft-gpus", soft_gpus),
        "queued_jobs": _whole("--queued", queued),
        "gpu_hours": _hours("--gpu-hours", gpu_hours),
        "gpu_hours_soft": _hours("--soft-gpu-hours", soft_gpu_hours),
    }
    named = {field: value for field, value in given.items() if value is not None}
    if not named and weight is None:
        raise UsageError("name what to set: --gpus, --queued, --gpu-hours, --weight, …")
    if weight is not None and not 0.001 <= weight <= 1_000_000:
        raise UsageError(f"--weight {weight:g}: a number above 0, like 2 or 0.5")
    with connected() as client:
        before = _before(client, scope, name)
        old: Mapping[str, Any] = before["limits"] if before else {}
        limits = {**old, **{field: None if value == _NONE else value for field, value in named.items()}}
        _check(limits)
        kept: float = before["weight"] if before else 1.0
        account = client.put_account(
            scope.value, name, weight=kept if weight is None else weight, limits=limits
        )
    if as_json:
        print_json(account)
        return
    print(quota_text(account))
    if scope is Scope.GROUP and not account["users"]:
        note(f"nobody is in that group yet: sentinel user set NAME --group {name}")


def _before(client: Client, scope: Scope, name: str) -> Mapping[str, Any] | None:
    try:
        return client.account(scope.value, name)
    except ApiError as error:
        if error.kind != "no-such-account":
            raise
        return None


def _check(limits: Mapping[str, Any]) -> None:
    for field, option in (("running_gpus", "gpus"), ("gpu_hours", "gpu-hours")):
        hard, soft = limits.get(field), limits.get(f"{field}_soft")
        if hard is not None and soft is not None and soft > hard:
            raise UsageError(
                f"--soft-{option} would be {soft:g}, above --{option} {hard:g}, which is never passed; "
                f"lower it, or say --soft-{option} none"
            )


def _whole(option: str, text: str | None) -> int | str | None:
    if text is None or text == _NONE:
        return text
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise UsageError(f"{option} {text}: a whole number below a million, or none")
    return int(text)


def _hours(option: str, text: str | None) -> float | str | None:
    if text is None or text == _NONE:
        return text
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= 1e9:
        raise UsageError(f"{option} {text}: a number of hours, like 500, or none")
    return hours
