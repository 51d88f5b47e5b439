"""`sentinel history metrics`. Called by the table in `cli.app`.

The JSON is a list of {"name", "help": TEXT | null, "unit", "series": N}.
"""

from sentinel.cli.columns import Column
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_lines, table_width

_COLUMNS = (
    Column(title="METRIC", least=24, most=48),
    Column(title="SERIES", right=True),
    Column(title="WHAT IT IS", least=10, sentence=True),
)


def command(as_json: AsJson = False) -> None:
    """Show which metrics there are of the past, and of how many series."""
    with connected() as client:
        found = client.history_metrics()
    if as_json:
        print_json(found)
    elif not found:
        print("nothing was recorded yet; nodes send what they measure once they have joined: sentinel agent")
    else:
        rows = [(one["name"], str(one["series"]), one["help"]) for one in found]
        print("\n".join(table_lines(_COLUMNS, rows, table_width())))
