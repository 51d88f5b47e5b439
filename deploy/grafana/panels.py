"""Pieces of Grafana's dashboards: panels, rows and variables, as its JSON has them. Called by `dashboards`.

For Grafana 10 and newer (schema 38). Panels are laid out in rows of 24 units by `laid_out`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Panel = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, GREY = "green", "yellow", "red", "text"
WIDTH = 24


def query(expr: str, legend: str = "", *, instant: bool = False, table: bool = False) -> dict[str, Any]:
    """One PromQL expression. `legend` may name labels as {{label}}."""
    return {
        "datasource": SOURCE,
        "expr": expr,
        "legendFormat": legend or "__auto",
        "instant": instant or table,
        "range": not (instant or table),
        "format": "table" if table else "time_series",
    }


def thresholds(*steps: tuple[float, str]) -> dict[str, Any]:
    """Green, and another colour from each step on."""
    first: list[dict[str, Any]] = [{"color": GREEN, "value": None}]
    return {"mode": "absolute", "steps": first + [{"color": color, "value": at} for at, color in steps]}


def lines(
    title: str,
    what: str,
    *queries: Mapping[str, Any],
    unit: str,
    least: float | None = 0,
    most: float | None = None,
    stacked: bool = False,
    limits: Sequence[tuple[float, str]] = (),
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Values over time."""
    custom: dict[str, Any] = {"lineWidth": 1, "fillOpacity": 25 if stacked else 5, "spanNulls": False}
    custom["stacking"] = {"mode": "normal" if stacked else "none", "group": "A"}
    custom["thresholdsStyle"] = {"mode": "line" if limits else "off"}
    defaults: dict[str, Any] = {"unit": unit, "custom": custom, "thresholds": thresholds(*limits)}
    defaults["color"] = {"mode": "palette-classic"}
    if least is not None:
        defaults["min"] = least
    if most is not None:
        defaults["max"] = most
    legend = {
        "displayMode": "table",
        "placement": "bottom",
        "showLegend": True,
        "calcs": ["lastNotNull", "max"],
    }
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, what, queries, defaults, options, width, height)


def number(
    title: str,
    what: str,
    one: Mapping[str, Any],
    *,
    unit: str = "short",
    limits: Sequence[tuple[float, str]] = (),
    width: int = 4,
    height: int = 4,
) -> Panel:
    """One value now; "unknown" where there is no series, as that is never 0."""
    defaults: dict[str, Any] = {"unit": unit, "thresholds": thresholds(*limits), "noValue": "unknown"}
    defaults["color"] = {"mode": "thresholds"}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value" if limits else "none",
        "graphMode": "none",
        "textMode": "value",
    }
    return _panel("stat", title, what, (one,), defaults, options, width, height)


def bars(
    title: str, what: str, one: Mapping[str, Any], *, unit: str, width: int = 8, height: int = 8
) -> Panel:
    """One value now of each series, the largest first, as its query sorts them."""
    defaults = {"unit": unit, "min": 0, "thresholds": thresholds(), "color": {"mode": "palette-classic"}}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "text",
        "showUnfilled": True,
    }
    return _panel("bargauge", title, what, (one,), defaults, options, width, height)


def rows_of(
    title: str,
    what: str,
    one: Mapping[str, Any],
    *,
    columns: Sequence[str],
    value: str,
    unit: str = "short",
    nothing: str,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """A table of labels (`columns`) with the value, under the name `value`, last. `nothing` where empty."""
    defaults = {"unit": unit, "noValue": nothing, "thresholds": thresholds(), "custom": {"align": "auto"}}
    options = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
    panel = _panel("table", title, what, (one,), defaults, options, width, height)
    order = {name: place for place, name in enumerate((*columns, "Value"))}
    panel["transformations"] = [
        {"id": "filterFieldsByName", "options": {"include": {"names": list(order)}}},
        {
            "id": "organize",
            "options": {"indexByName": order, "renameByName": {"Value": value}, "excludeByName": {}},
        },
    ]
    return panel


def row(title: str, *, repeat: str | None = None) -> Panel:
    """A heading; with `repeat`, one for each value of that variable, and the panels below it as well."""
    found: Panel = {"type": "row", "title": title, "collapsed": False, "panels": []}
    found["gridPos"] = {"w": WIDTH, "h": 1}
    return found if repeat is None else {**found, "repeat": repeat}


def variable(name: str, label: str, metric: str, of: str = "") -> dict[str, Any]:
    """The values that label `name` has in `metric`, several at once, or all. `of` narrows the metric down."""
    asked = f"label_values({metric}{of}, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": asked,
        "query": {"query": asked, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def dashboard(
    uid: str, title: str, what: str, variables: Sequence[Mapping[str, Any]], panels: Sequence[Panel]
) -> dict[str, Any]:
    """The whole, to be imported into Grafana."""
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": uid,
        "title": title,
        "description": what,
        "tags": ["sentinel", "gpu"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [{**source, "refresh": 1}, *variables]},
        "annotations": {"list": []},
        "links": [],
        "panels": laid_out(panels),
    }


def laid_out(panels: Sequence[Panel]) -> list[Panel]:
    """Each with its id and its place: from the left to the right, then the next line."""
    found: list[Panel] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        found.append({"id": number, **panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
        x, tallest = x + width, max(tallest, height)
    return found


def _panel(
    kind: str,
    title: str,
    what: str,
    queries: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    options: Mapping[str, Any],
    width: int,
    height: int,
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": what,
        "datasource": SOURCE,
        "targets": [{"refId": chr(ord("A") + place), **one} for place, one in enumerate(queries)],
        "fieldConfig": {"defaults": dict(defaults), "overrides": []},
        "options": dict(options),
        "gridPos": {"w": width, "h": height},
    }
