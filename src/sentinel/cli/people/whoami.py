"""`sentinel whoami`. Called by the table in `cli.app`.

The JSON: {"url", "user", "role", "tenant", "token_id", "may": [ACTION…]}.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line


def command(as_json: AsJson = False) -> None:
    """Say as whom, and to which controller, you speak."""
    with connected() as client:
        found = client.whoami()
        url = client.settings.url
    if as_json:
        print_json({"url": url, **found})
    else:
        print(f"{one_line(found['user'])}, {found['role']}, at {one_line(url)}")
