"""Answers in the place of a service that is stopped, so that its clients read why instead of "connection
refused". Called by the daemon: started when the service has stopped, ended before it is started again.
"""

from collections.abc import Callable

from sentinel.arbiter.sidecar import start_sidecar

GRACE_SECONDS = 2.0


def start_placeholder(
    listen: str, api: str | None, service_name: str, socket_path: str, user: str
) -> Callable[[], None]:
    """Starts answering on `listen` (HOST:PORT) with 503 in the format of `api`; does not block.

    As long as the port is still in use it tries again. Answers what ends it: that returns when the process
    is gone and the port is free, in half a second with clients connected, in `GRACE_SECONDS` and a kill at
    worst. `user` serves when we are root; a port below 1024 is then only to be had where the kernel's
    net.ipv4.ip_unprivileged_port_start allows it.
    """
    arguments = ["--listen", listen, "--socket", socket_path, "--service", service_name]
    arguments += ["--api", api or "openai"]
    return start_sidecar(
        f"placeholder of {service_name}",
        "sentinel.arbiter.placeholder_server",
        arguments,
        user=user,
        grace_seconds=GRACE_SECONDS,
    )
