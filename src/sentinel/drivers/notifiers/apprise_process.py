"""The process in which Apprise sends one message: `python -I -m` this module. Started by `apprise_service`.

Apprise logs addresses that hold passwords, waits for as long as it likes, and takes proxies and credentials
from the environment and from ~/.netrc. In a process of its own it can be ended, has an environment without
any of that, and its log goes nowhere. On standard input there is one JSON object, and one comes back:

    {"url", "title", "body", "type": "info" | "success" | "warning" | "failure"}
    {"sent": BOOL, "known": BOOL, "codes": ["http 429", "smtp 550", "none"…], "retry_after": TEXT | null}

`known` is false where Apprise can make nothing of the address. `codes` are the refusals on the way, "none"
where nobody answered.
"""

import importlib
import json
import logging
import os
import smtplib
import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Refusals:
    """What the services said no with."""

    codes: list[str] = field(default_factory=list[str])
    retry_after: str | None = None


def main() -> None:
    """One order in, one answer out. Whatever goes wrong, nothing of it is printed: it may hold a secret."""
    order: dict[str, str] = json.load(sys.stdin)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # as dup2 wants a descriptor
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    logging.disable(logging.CRITICAL)
    refusals = Refusals()
    try:
        known, sent = send(order, refusals)
    except Exception:  # noqa: BLE001  # a service's own mistakes end here
        known, sent = True, False
    answer = {
        "sent": sent,
        "known": known,
        "codes": refusals.codes,
        "retry_after": refusals.retry_after,
    }
    print(json.dumps(answer), file=out, flush=True)


def send(order: dict[str, str], refusals: Refusals) -> tuple[bool, bool]:
    """Whether the address is known, and the message was taken."""
    library: Any = importlib.import_module("apprise")  # half of its types are unknown
    _listen_to_http(refusals)
    _listen_to_smtp(refusals)
    asset = library.AppriseAsset(
        app_id="Sentinel",
        app_desc="Sentinel",
        app_url="",
        image_url_mask="",  # pictures from elsewhere would tell who reads
        image_url_logo="",
        storage_mode=library.PersistentStoreMode.MEMORY,
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
    )
    service = library.Apprise.instantiate(order["url"], asset=asset)
    if service is None:
        return False, False
    service.overflow_mode = library.OverflowMode.TRUNCATE  # one message too long for it is still one message
    apprise = library.Apprise(asset=asset)
    apprise.add(service)
    taken = apprise.notify(
        title=order["title"],
        body=order["body"],
        notify_type=library.NotifyType(order["type"]),
        body_format=library.NotifyFormat.TEXT,
        interpret_escapes=False,
    )
    return True, bool(taken)


def _listen_to_http(refusals: Refusals) -> None:
    import requests

    send = requests.Session.send

    def listening(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> Any:
        how["allow_redirects"] = False
        try:
            response = send(session, request, **how)
        except requests.RequestException:
            refusals.codes.append("none")
            raise
        if response.status_code >= 300:
            refusals.codes.append(f"http {response.status_code}")
            refusals.retry_after = response.headers.get("Retry-After", refusals.retry_after)
        return response

    requests.Session.send = listening  # pyright: ignore[reportAttributeAccessIssue]


def _listen_to_smtp(refusals: Refusals) -> None:
    reply = smtplib.SMTP.getreply

    def listening(self: smtplib.SMTP) -> Any:
        try:
            code, said = reply(self)
        except (OSError, smtplib.SMTPException):
            refusals.codes.append("none")
            raise
        if code >= 400:
            refusals.codes.append(f"smtp {code}")
        return code, said

    smtplib.SMTP.getreply = listening


if __name__ == "__main__":
    main()
