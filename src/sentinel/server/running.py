"""A controller from its start to its end: one lock, one socket, one first run, three children, or four.

Called by `server` (without an agent) and `up` (with one).
"""

import contextlib
import resource
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sentinel.api.dashboard_place import is_built
from sentinel.core.clock import wall
from sentinel.core.notify import Journal, Supervisor
from sentinel.server import pid_file, wiring
from sentinel.server.address import certified_names, listen, url_here
from sentinel.server.config import DATABASE_VARIABLE, ServerConfig
from sentinel.server.first_run import admin_token, write_client_env
from sentinel.server.folders import make_folders
from sentinel.server.observing import observing
from sentinel.server.processes import Child, Command, Parent, python


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What is known once it listens. `token` None: the admin of the first run is gone."""

    config: ServerConfig
    port: int
    url: str
    token: str | None
    fingerprint: str


MoreChildren = Callable[[Controller], Sequence[Child]]
Ready = Callable[[Controller, Parent], None]


def run_controller(
    config: ServerConfig, name: str, *, more: MoreChildren | None = None, ready: Ready | None = None
) -> int:
    """Until SIGTERM, SIGINT or SIGHUP; 0 then. SentinelError when it cannot start, in one line.

    `more` children wait until `Parent.start` names them. `ready` is called once, when the API answers."""
    folders = config.folders
    observing(config.path)  # what cannot be used is said now, not by a child
    make_folders(folders)
    lock = pid_file.take(folders.pid_file, "cannot start")
    try:
        with listen(config.address) as listener:
            controller = _prepare(config, listener)
            _many_files()
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            journal, manager = Journal(name=name), Supervisor()
            parent = Parent(journal)
            first = True

            def answers() -> None:
                nonlocal first
                if not first:
                    return
                first = False
                if controller.token is not None:
                    write_client_env(folders.client_env, controller.url, controller.token, folders.ca)
                if ready is not None:
                    ready(controller, parent)
                else:
                    journal.write("info", f"answers at {controller.url}; for clients: {folders.client_env}")
                    journal.write("info", f"the dashboard: {dashboard_words(controller.url)}")
                manager.tell("READY=1", f"STATUS=answers at {controller.url}")

            children = [_api(controller, listener, answers), _loops(controller), _watch(controller)]
            parent.run([*children, *(more(controller) if more else ())])
            manager.tell("STOPPING=1")
            return 0
    finally:
        lock.release()


def dashboard_words(url: str) -> str:
    """Where it is and how to sign in; or that there is none, and what to do. A line for people."""
    if is_built():
        return f"{url}/ (sentinel dashboard prints an address that signs you in)"
    return f"not built; {url}/ says what to do, and all else works without it"


def _prepare(config: ServerConfig, listener: socket.socket) -> Controller:
    folders = config.folders
    authority = wiring.certify_server(folders.pki, certified_names(config.address, config.names))
    store = wiring.open_queue(config.database_url, migrate=True)
    try:
        token = admin_token(store, folders, wall())
    finally:
        store.close()
    port = int(listener.getsockname()[1])
    return Controller(
        config=config,
        port=port,
        url=url_here(config.address, port),
        token=token,
        fingerprint=authority.fingerprint,
    )


def _api(controller: Controller, listener: socket.socket, ready: Callable[[], None]) -> Child:
    def command(ready_fd: int) -> Command:
        words = python(
            "sentinel.server.api_process",
            *("--data-dir", str(controller.config.folders.root)),
            *("--listen-fd", str(listener.fileno()), "--ready-fd", str(ready_fd)),
            *_lease(controller.config),
            *_file(controller.config),
        )
        return Command(words=words, pass_fds=(listener.fileno(),), environment=_database(controller.config))

    return Child("the API", command, ready=ready)


def _loops(controller: Controller) -> Child:
    folder = str(controller.config.folders.root)
    words = python("sentinel.server.loops_process", "--data-dir", folder, *_lease(controller.config))
    environment = _database(controller.config)
    return Child("the scheduler", lambda _: Command(words=words, environment=environment))


def _watch(controller: Controller) -> Child:
    folder = str(controller.config.folders.root)
    words = python("sentinel.server.watch_process", "--data-dir", folder, *_file(controller.config))
    environment = _database(controller.config)
    return Child("the watch", lambda _: Command(words=words, environment=environment))


def _file(config: ServerConfig) -> tuple[str, ...]:
    return () if config.path is None else ("--config", config.path)


def _lease(config: ServerConfig) -> tuple[str, str]:
    return "--lease-seconds", f"{config.lease_seconds:g}"


def _database(config: ServerConfig) -> dict[str, str]:
    """By the environment, which others cannot read: a URL may have a password."""
    return {DATABASE_VARIABLE: config.database_url}


def _many_files() -> None:
    """Each agent holds some connections; the children inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with_hard = min(hard, 1 << 20) if hard != resource.RLIM_INFINITY else 1 << 20
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, with_hard), hard))
