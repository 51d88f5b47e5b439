"""`sentinel up`: a controller and this machine's agent, for trying out and for a lab's only machine.

Jobs run as one Unix user here, whoever submits them. As root that user has to be named.
"""

import contextlib
import os
import pwd
import sys
from dataclasses import dataclass

from sentinel.client.settings import client_env_file
from sentinel.core.atomic_file import replace_file
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.server import wiring
from sentinel.server.address import url_elsewhere
from sentinel.server.config import ServerConfig
from sentinel.server.first_run import join_token, of_another_controller, write_client_env
from sentinel.server.processes import Child, Command, Parent, python
from sentinel.server.running import Controller, dashboard_words, run_controller

AGENT = "the agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """As they were given. `arbiter` None: the agent looks for one; "none": there is to be none."""

    gpus: str | None = None
    run_jobs_as: str | None = None
    arbiter: str | None = None


def up(config: ServerConfig, options: UpOptions) -> int:
    """Until SIGTERM, SIGINT or SIGHUP; jobs go on after that."""
    user = job_user(options.run_jobs_as)
    return run_controller(
        config,
        "sentinel-up",
        more=lambda controller: [_agent(controller, options, user)],
        ready=lambda controller, parent: _ready(controller, parent, user),
    )


def job_user(asked: str | None) -> str:
    """Which Unix user jobs run as. UsageError where that has to be said, or cannot be."""
    me = os.geteuid()
    if asked is None:
        if me == 0:
            raise UsageError("as which user shall jobs run? --run-jobs-as USER")
        try:
            return pwd.getpwuid(me).pw_name
        except KeyError:
            raise UsageError(
                f"user id {me} has no name here; name the user with --run-jobs-as USER"
            ) from None
    try:
        found = pwd.getpwnam(asked)
    except KeyError:
        raise UsageError(f"there is no user {asked} on this machine; --run-jobs-as USER") from None
    if me not in (0, found.pw_uid):
        raise UsageError(
            f"only root can run jobs as {asked}; leave --run-jobs-as out to run them as yourself"
        )
    return asked


def _agent(controller: Controller, options: UpOptions, user: str) -> Child:
    def command(_: int) -> Command:
        _write_join_token(controller)
        folders = controller.config.folders
        words = ["run", "--node-dir", str(folders.node), "--controller", controller.url]
        words += ["--join-token-file", str(folders.join_token), "--run-jobs-as", user]
        words += ["--state-dir", str(folders.node / "inventory")]  # the machine may have an agent of its own
        more = {"--config": controller.config.path, "--gpus": options.gpus, "--arbiter": options.arbiter}
        for option, value in more.items():
            if value is not None:
                words += [option, value]
        return Command(words=python("sentinel.agent.__main__", *words))

    return Child(AGENT, command, waits=True)


def _write_join_token(controller: Controller) -> None:
    """A fresh one for each start: the agent needs it only if it has not joined yet."""
    config = controller.config
    with contextlib.suppress(SentinelError):  # an agent that has joined does without
        store = wiring.open_queue(config.database_url, migrate=False)
        try:
            token = join_token(store, controller.fingerprint, wall())
        finally:
            store.close()
        replace_file(config.folders.join_token, token.encode() + b"\n")


def _ready(controller: Controller, parent: Parent, user: str) -> None:
    parent.start(AGENT)
    note = _note_for_user(controller)
    folders, address = controller.config.folders, controller.config.address
    elsewhere = url_elsewhere(address, controller.port, controller.config.names)
    print(f"Sentinel is up at {controller.url} (data in {folders.root}; jobs run as {user})")
    if controller.token is None:
        print("  The admin of the first run is gone: use a token of your own (sentinel login)")
    else:
        print(f"  Settings and token for clients:  {folders.client_env}")
    for line in note:
        print(f"  {line}")
    print(f"  Another machine joins with:      sentinel agent join {elsewhere} --token TOKEN")
    print("                                   (the whole line, for a day: sentinel token create --join)")
    if address.local:
        print("                                   once this one listens: --listen 0.0.0.0:PORT --name HOST")
    print(f"  Its authority's SHA-256:         {controller.fingerprint}")
    print(f"  The dashboard:                   {dashboard_words(controller.url)}")
    print("  A first job:                     sentinel run -- nvidia-smi -L")
    print("  Ctrl-C ends this and leaves jobs running; sentinel down ends them, too")
    sys.stdout.flush()


def _note_for_user(controller: Controller) -> list[str]:
    """Puts client.env where this user's commands look; what there is to say about that."""
    if controller.token is None:
        return []
    folders = controller.config.folders
    file = client_env_file()
    other = of_another_controller(file, folders.ca) if file.exists() else None
    if other is not None:
        return [f"{file} is of {other} and stays so; to use this one: set -a; . {folders.client_env}"]
    try:
        write_client_env(file, controller.url, controller.token, folders.ca)
    except OSError as error:
        return [f"{file} could not be written: {error.strerror}; use {folders.client_env}"]
    return [f"{file} has them, too: sentinel commands of this user find it"]
