"""`sentinel alert route apply`. Called by the table in `cli.app`.

The JSON is as of `sentinel alert route list`. The file is {"routes": [ROUTE…], "inhibitions":
[INHIBITION…]}, or a list of routes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sentinel.cli.alerts.channel_words import route_lines
from sentinel.cli.alerts.written_file import File, meant, read_file
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.alert_json import inhibition_from, inhibition_json, route_from, route_json

if TYPE_CHECKING:
    from sentinel.cli.alerts.yaml_objects import Written

_FIELDS = ("routes", "inhibitions")
_SHOWN = ("default", "shipped_inhibitions")  # of what `route list --json` prints; they are nobody's to write


def command(file: File, as_json: AsJson = False) -> None:
    """Write all routes, and inhibitions, anew: those that are not in the file are gone. For operators.

    Without any route, all channels hear of everything.
    """
    routes, inhibitions = _meant(read_file(file))
    with connected() as client:
        found = client.put_alert_routes(routes, inhibitions)
    if as_json:
        print_json(found)
    else:
        print("\n".join(route_lines(found, table_width())))


def _meant(found: "list[Written]") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    first = found[0]
    if not isinstance(first.value, Mapping) or not {*_FIELDS} & first.lines.keys():
        return [route_json(meant(one, route_from)) for one in found], []
    if len(found) > 1:
        raise found[1].error("all routes and inhibitions stand in one document")
    for field in first.lines:
        if field not in (*_FIELDS, *_SHOWN):
            raise first.error(f"the routes: {field!r} is no field of it; known are: {', '.join(_FIELDS)}")
    for field in _FIELDS:
        if field in first.lines and field not in first.parts:
            raise first.error(f"the file: {field}: is a list")
    return (
        [route_json(meant(one, route_from)) for one in first.parts.get("routes", ())],
        [inhibition_json(meant(one, inhibition_from)) for one in first.parts.get("inhibitions", ())],
    )
