"""`sentinel alert show`. Called by the table in `cli.app`.

The JSON is the alert, as in docs/guides/alerts.md.
"""

from sentinel.cli.alerts.alert_id import AlertId
from sentinel.cli.alerts.alert_words import alert_text, watch_warnings
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(alert_id: AlertId, as_json: AsJson = False) -> None:
    """Show one alert: since when, why, what to do, who was told and why nobody is."""
    with connected() as client:
        alert = client.alert(alert_id)
        watch = client.alert_watch()
    for warning in watch_warnings(watch):
        note(warning)
    if as_json:
        print_json(alert)
    else:
        print("\n".join(alert_text(alert, wall(), table_width())))
