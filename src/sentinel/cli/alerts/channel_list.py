"""`sentinel alert channel list`. Called by the table in `cli.app`.

The JSON is a list of {"name", "kind", "to", "signed", "headers": [NAME…], "ca_file", "timeout", "fares":
{"waiting": N, "sent": N, "given_up": N, "last_sent_at": TIME | null, "error"}}. No secret is in it.
"""

from sentinel.cli.alerts.channel_words import channel_lines
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(as_json: AsJson = False) -> None:
    """Show where people are told, and how the sending of the last day went. Secrets are never shown."""
    with connected() as client:
        found = client.channels()
    if as_json:
        print_json(found)
    elif not found:
        print(
            "no channels, so nobody is told of anything; to make one: "
            "sentinel alert channel add NAME --kind webhook"
        )
    else:
        print("\n".join(channel_lines(found, wall(), table_width())))
