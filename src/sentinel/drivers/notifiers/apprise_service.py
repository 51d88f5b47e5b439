"""Slack, e-mail, Teams, Discord, ntfy and a hundred others, through Apprise. Opened by `opening`.

The address is Apprise's own. Apprise runs in a process of its own for each message (see apprise_process),
where everything about the message and its address arrives by standard input.
"""

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from sentinel.core import clock
from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers import apprise_process
from sentinel.drivers.notifiers.apprise_text import body_of, title_of
from sentinel.drivers.notifiers.exchange import trusting
from sentinel.drivers.notifiers.verdict import final, wait
from sentinel.ports.notifier import Channel, Message, NotifyError

# They make Apprise read a file of the controller, and some send what is in it.
_FILES = {"template", "keyfile", "subfile", "pgppub", "pgpprv", "pgpkey", "pgp", "cert", "certfile", "attach"}
_NO = {"no", "0", "false", "off", "n", "f", "disable", "disabled", "never", "deny", "none"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


class AppriseService:
    """UsageError when Apprise is not installed, or the address asks for what is not allowed here."""

    def __init__(
        self,
        channel: Channel,
        *,
        wall: Callable[[], float] = clock.wall,
    ) -> None:
        if importlib.util.find_spec("apprise") is None:
            raise UsageError("Apprise's channels need `pip install 'sentinel-gpu[notify]'`")
        scheme = _SCHEME.match(channel.url)
        if scheme is None:
            raise UsageError(f"channel {channel.name}: url: is no address of Apprise")
        _refuse_options(channel)
        if channel.ca_file is not None:
            trusting(channel.ca_file)
        self._channel, self._scheme, self._wall = channel, scheme[1].lower(), wall

    def send(self, message: Message, key: str) -> None:  # noqa: ARG002  # the port's
        """See the port. Apprise knows no keys: a message that comes twice is read twice."""
        order = {
            "url": self._channel.url,
            "title": title_of(message, self._scheme),
            "body": body_of(message, self._scheme),
            "type": "success" if message.resolved else _TYPES.get(message.severity, "info"),
        }
        self._judge(self._answer(json.dumps(order)))

    def close(self) -> None:
        """Nothing is held open."""

    def _answer(self, order: str) -> Mapping[str, Any]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", apprise_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=_environment(self._channel.ca_file),
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(order, self._channel.timeout)
            found: Any = json.loads(said)
        except subprocess.TimeoutExpired:
            raise NotifyError(
                f"{self._scheme} was not told within {self._channel.timeout:g} s: is it up, and the address "
                "right? A longer `timeout` may help",
                retry=True,
            ) from None
        except ValueError:
            raise NotifyError(
                f"Apprise ended without telling {self._scheme}: try `pip install -U apprise`", retry=True
            ) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return cast("Mapping[str, Any]", found)

    def _judge(self, answer: Mapping[str, Any]) -> None:
        if answer["sent"]:
            return
        if not answer["known"]:
            raise NotifyError(
                f"Apprise can make nothing of that {self._scheme}:// address: compare it with Apprise's "
                "description of the service",
                retry=False,
            )
        codes = cast("list[str]", answer["codes"])
        # Where several were to be told, one that may take it later is reason enough to try again.
        retry = not codes or any(not _final(code) for code in codes)
        reasons = ", ".join(sorted({code.upper() for code in codes if code != "none"}))
        raise NotifyError(
            f"Apprise could not tell {self._scheme} ({reasons or 'no answer'}): is it up, and the address "
            "right?",
            retry=retry,
            retry_after=wait(cast("str | None", answer["retry_after"]), self._wall()) if retry else None,
        )


def _final(code: str) -> bool:
    kind, _, number = code.partition(" ")
    if kind == "smtp":
        return number.startswith("5")
    return kind == "http" and (number.startswith("3") or final(int(number)))


def _refuse_options(channel: Channel) -> None:
    for name, value in parse_qsl(channel.url.partition("?")[2], keep_blank_values=True):
        option = name.strip().lower()
        if option in _FILES:
            raise UsageError(
                f"channel {channel.name}: url: the option {option!r} would read files of the controller; "
                "leave it out"
            )
        if option == "verify" and value.strip().lower() in _NO:
            raise UsageError(
                f"channel {channel.name}: url: certificates are always checked; leave out 'verify' and name "
                "the authority in `ca_file`"
            )


def _environment(ca_file: str | None) -> dict[str, str]:
    """Nothing of ours: no proxy, no token, no home with a .netrc."""
    found = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "NETRC": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if ca_file is not None:
        found |= {"REQUESTS_CA_BUNDLE": ca_file, "SSL_CERT_FILE": ca_file, "SSL_CERT_DIR": "/nonexistent"}
    return found
