"""Where the controller is, and who is asking. Called by the SDK and by every command that needs a controller.

From the environment (SENTINEL_URL, SENTINEL_TOKEN, SENTINEL_CA), else from `client.env` in the user's
configuration, which `sentinel login` and `sentinel up` write. A token goes only to the controller that it was
written down with: with SENTINEL_URL set, the file counts only if it names the same address.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sentinel.client.env_file import read_env_file
from sentinel.core.errors import UsageError

URL, TOKEN, CA = "SENTINEL_URL", "SENTINEL_TOKEN", "SENTINEL_CA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`ca` None: the system's certificate authorities. `token` None: nobody yet, as before a login."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca: str | None = None


def client_env_file(environment: Mapping[str, str] | None = None) -> Path:
    """`~/.config/sentinel/client.env`, or where XDG_CONFIG_HOME has it."""
    given = os.environ if environment is None else environment
    base = given.get("XDG_CONFIG_HOME") or Path(given.get("HOME") or Path.home()) / ".config"
    return Path(base) / "sentinel" / "client.env"


def find_settings(environment: Mapping[str, str] | None = None, *, needs_token: bool = True) -> Settings:
    """What is set. UsageError, which says what to set, when that is too little or not safe."""
    given = dict(os.environ if environment is None else environment)
    file = client_env_file(given)
    found = _from(given)
    if found.get(URL) is None or found.get(TOKEN) is None:
        written = _from(_written(file))
        if found.get(URL) in (None, written.get(URL)):
            found = {**written, **found}
    url = found.get(URL)
    if url is None:
        raise UsageError(
            f"no controller is known: set {URL}, {TOKEN} and {CA}, or have them in {file}, "
            "which `sentinel login` and `sentinel up` write"
        )
    checked_url(url)
    if needs_token and found.get(TOKEN) is None:
        raise UsageError(f"no token for {url}: run `sentinel login --url {url}`, or set {TOKEN} (or {file})")
    return Settings(url=url, token=found.get(TOKEN), ca=found.get(CA))


def checked_url(url: str) -> str:
    """`url` without a last "/". UsageError unless it is https."""
    if url.startswith("http://"):
        raise UsageError(f"{url}: a token is sent over https only; write https://{url[7:]}")
    if not url.startswith("https://"):
        raise UsageError(f"{url!r} is no address of a controller; write it like https://gpu-01:8443")
    return url.rstrip("/")


def _from(given: Mapping[str, str]) -> dict[str, str]:
    """Those of the three that are set; an address without its last "/", so that two can be compared."""
    found = {name: given[name] for name in (URL, TOKEN, CA) if given.get(name)}
    if URL in found:
        found[URL] = found[URL].rstrip("/")
    return found


def _written(file: Path) -> dict[str, str]:
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"others can read {file}, which holds a token: chmod 600 {file}")
    return read_env_file(file)
