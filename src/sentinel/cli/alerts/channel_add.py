"""`sentinel alert channel add`. Called by the table in `cli.app`.

The JSON is the channel, as `sentinel alert channel list` has it. With -f the file has the fields "kind",
"url", "secret", "headers", "ca_file" and "timeout".
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, cast

import typer

from sentinel.cli.alerts.channel_name import ChannelName
from sentinel.cli.alerts.channel_words import channel_text
from sentinel.cli.alerts.secret_text import headers_in, secret_in, secret_typed
from sentinel.cli.alerts.written_file import read_file
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.errors import UsageError

_FIELDS = ("kind", "url", "secret", "headers", "ca_file", "timeout")


class KindChoice(StrEnum):
    """As the API has them; here for the help."""

    WEBHOOK = "webhook"
    ALERTMANAGER = "alertmanager-webhook"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"


def command(
    name: ChannelName,
    kind: Annotated[
        KindChoice | None,
        typer.Option(
            "--kind", help="How it is spoken to; apprise: Slack, e-mail, Teams, ntfy and many more."
        ),
    ] = None,
    url_file: Annotated[
        str | None,
        typer.Option(
            "--url-file", metavar="FILE", help="Its address, in a file; - for stdin. Else asked for."
        ),
    ] = None,
    secret_file: Annotated[
        str | None,
        typer.Option("--secret-file", metavar="FILE", help="What webhooks are signed with; PagerDuty's key."),
    ] = None,
    header_file: Annotated[
        str | None,
        typer.Option("--header-file", metavar="FILE", help="NAME: VALUE lines that are sent along."),
    ] = None,
    ca_file: Annotated[
        str | None,
        typer.Option("--ca-file", metavar="FILE", help="Authorities to trust: a file on the controller."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, max=60, metavar="SECONDS", help="Else 10.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="All of that as YAML or JSON; - for stdin."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a channel, or write it anew. For operators.

    Its secrets come from files or the terminal, and are never shown again.
    Try it with: sentinel alert channel test NAME
    """
    options = (kind, url_file, secret_file, header_file, ca_file, timeout)
    if file is not None:
        if any(option is not None for option in options):
            raise UsageError("-f has all of the channel; leave the other options out")
        fields = _in_file(file, name)
    else:
        if (url_file, secret_file, header_file).count("-") > 1:
            raise UsageError("only one of the files can be stdin")
        fields = _asked(kind, url_file, secret_file, header_file)
        fields |= {key: one for key, one in (("ca_file", ca_file), ("timeout", timeout)) if one is not None}
    with connected() as client:
        made = client.put_channel(name, fields)
    if as_json:
        print_json(made)
        return
    print(channel_text(made))
    note(f"to try it: sentinel alert channel test {name}")


def _asked(
    kind: KindChoice | None, url_file: str | None, secret_file: str | None, header_file: str | None
) -> dict[str, Any]:
    if kind is None:
        raise UsageError(f"say which kind: --kind {' | '.join(KindChoice)}")
    fields: dict[str, Any] = {"kind": kind.value}
    if url_file is not None:
        fields["url"] = secret_in(url_file, "address")
    elif kind is not KindChoice.PAGERDUTY:
        fields["url"] = _needed(secret_typed("Address"), "--url-file FILE")
    if secret_file is not None:
        fields["secret"] = secret_in(secret_file, "secret")
    elif kind is KindChoice.PAGERDUTY:
        fields["secret"] = _needed(secret_typed("Integration key"), "--secret-file FILE")
    if header_file is not None:
        fields["headers"] = headers_in(header_file)
    return fields


def _needed(typed: str | None, option: str) -> str:
    if typed is None:
        raise UsageError(f"it is needed, and secret, so no argument: {option}, or - for stdin")
    return typed


def _in_file(path: str, name: str) -> dict[str, Any]:
    """The fields; what is wrong is told without any value, which may be secret."""
    found = read_file(path)
    written = found[0]
    if len(found) > 1 or not isinstance(written.value, Mapping):
        raise written.error(f"it is to have one channel: fields like {', '.join(_FIELDS)}")
    fields = dict(cast("Mapping[str, Any]", written.value))
    if str(fields.pop("name", name)) != name:
        raise written.error(f"the channel: name: is another one than {name}; leave it out")
    for field in fields:
        if field not in _FIELDS:
            raise written.error(f"the channel: {field!r} is no field of it; known are: {', '.join(_FIELDS)}")
    return fields
