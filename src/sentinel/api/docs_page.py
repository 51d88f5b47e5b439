"""/docs: every call on one page, made from the OpenAPI document alone. Served by `make_app`.

The framework's own page fetches scripts from elsewhere; clusters have no internet, and a page that shows how
to use tokens should run no script at all.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any, cast

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8884; text-transform: capitalize; }
article { margin: 1.2rem 0 2rem; } h3 { font: 600 1rem ui-monospace, monospace; margin: 0 0 .2rem; }
h3 b { display: inline-block; min-width: 4.5rem; } p { margin: .2rem 0; }
table { border-collapse: collapse; margin: .5rem 0; }
td { padding: .15rem .8rem .15rem 0; vertical-align: top; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; } .needed { font-weight: 600; }
summary { cursor: pointer; } nav a { margin-right: 1rem; text-transform: capitalize; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8bf; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'; base-uri 'none'"

Doc = Mapping[str, Any]


def docs_page(openapi: Doc) -> str:
    """The page, as HTML."""
    by_tag: dict[str, list[str]] = {}
    for path, methods in cast("Mapping[str, Mapping[str, Doc]]", openapi["paths"]).items():
        for method, operation in methods.items():
            tag = str((operation.get("tags") or ["other"])[0])
            by_tag.setdefault(tag, []).append(_operation(openapi, method.upper(), path, operation))
    links = "".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in by_tag)
    sections = "".join(
        f'<section id="{escape(tag)}"><h2>{escape(tag)}</h2>{"".join(found)}</section>'
        for tag, found in by_tag.items()
    )
    info = cast("Doc", openapi["info"])
    title = escape(f"{info['title']} {info['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(str(info.get('description', '')))}</p>"
        f'<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p><nav>{links}</nav>{sections}</html>'
    )


def _operation(openapi: Doc, method: str, path: str, operation: Doc) -> str:
    rows = [
        _row(
            str(one["name"]),
            str(one["in"]),
            bool(one.get("required")),
            cast("Doc", one.get("schema", {})),
            one,
        )
        for one in cast("list[Doc]", operation.get("parameters", []))
    ]
    body = cast("Doc", operation.get("requestBody", {})).get("content", {}).get("application/json", {})
    schema = _resolved(openapi, cast("Doc", body.get("schema", {})))
    needed = cast("list[str]", schema.get("required", []))
    for name, field in cast("Mapping[str, Doc]", schema.get("properties", {})).items():
        rows.append(_row(name, "body", name in needed, field, field))
    said = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{escape(str(one['description']))}"
        for status, one in cast("Mapping[str, Doc]", operation["responses"]).items()
    )
    token = "" if operation.get("security") else " Needs no token."
    return (
        f"<article><h3><b>{method}</b>{escape(path)}</h3>"
        f"<p>{escape(str(operation.get('summary', '')))}.{token}</p>"
        f"<p>{escape(str(operation.get('description', '')))}</p>"
        + (f"<table>{''.join(rows)}</table>" if rows else "")
        + f"<details><summary>Answers</summary><table>{said}</table></details></article>"
    )


def _row(name: str, where: str, needed: bool, schema: Doc, about: Doc) -> str:
    mark = ' class="needed"' if needed else ""
    return (
        f"<tr><td{mark}><code>{escape(name)}</code><td>{where}<td>{escape(_type(schema))}"
        f"<td>{escape(str(about.get('description', '')))}"
    )


def _type(schema: Doc) -> str:
    """In a few words: "integer, 1 to 4096"."""
    options = [one for one in cast("list[Doc]", schema.get("anyOf", [])) if one.get("type") != "null"]
    if options:
        return " or ".join(_type(one) for one in options)
    if "enum" in schema:
        return " | ".join(str(one) for one in cast("list[object]", schema["enum"]))
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"list of {_type(cast('Doc', schema.get('items', {})))}"
    least, most = schema.get("minimum"), schema.get("maximum", schema.get("maxLength"))
    if most is not None:
        kind += f", {least} to {most}" if least is not None else f", at most {most}"
    return kind


def _resolved(openapi: Doc, schema: Doc) -> Doc:
    for one in (schema, *cast("list[Doc]", schema.get("anyOf", []))):
        if "$ref" in one:
            name = str(one["$ref"]).rpartition("/")[2]
            return cast("Doc", openapi["components"]["schemas"][name])
    return schema
