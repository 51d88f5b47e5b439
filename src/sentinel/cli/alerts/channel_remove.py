"""`sentinel alert channel remove`. Called by the table in `cli.app`. The JSON: {"removed": [NAME…]}."""

from sentinel.cli.alerts.channel_name import ChannelNames
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson


def command(names: ChannelNames, as_json: AsJson = False) -> None:
    """Remove channels. What waits to be sent there is given up. For operators."""
    with connected() as client:
        for name in names:
            client.remove_channel(name)
            if not as_json:
                print(f"{name} is removed")
    if as_json:
        print_json({"removed": names})
