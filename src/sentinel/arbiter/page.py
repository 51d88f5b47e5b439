"""Keeps the status page's process running, as a user without rights. Called by the daemon's wiring."""

from collections.abc import Callable

from sentinel.arbiter.config import Config
from sentinel.arbiter.sidecar import start_sidecar


def start_page(config: Config, socket_path: str) -> Callable[[], None]:
    """Starts it, and again whenever it ends; answers what stops it for good."""
    arguments = ["--listen", config.web.listen, "--socket", socket_path]
    return start_sidecar("status page", "sentinel.arbiter.web", arguments, user=config.web.user)
