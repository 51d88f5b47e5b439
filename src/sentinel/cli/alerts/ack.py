"""`sentinel alert ack`. Called by the table in `cli.app`. The JSON is a list of those alerts."""

from typing import Annotated

import typer

from sentinel.cli.alerts.alert_id import AlertIds
from sentinel.cli.alerts.alert_words import SHORT
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line


def command(
    alert_ids: AlertIds,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever else looks.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: there are reminders again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that you have seen it: no reminders, until it ends, changes or becomes worse. For operators."""
    with connected() as client:
        found = [client.unack_alert(id) if undo else client.ack_alert(id, why) for id in alert_ids]
    if as_json:
        print_json(found)
        return
    for alert in found:
        told = "there are reminders again" if undo else "acked: no reminders while it is as it is"
        print(one_line(f"{alert['fingerprint'][:SHORT]} {alert['summary']}: {told}"))
