"""The options with which a job is asked for, and what they make of it. `submit` and `run` have the same.

The folder is where the submitter stands, and the umask theirs, unless said otherwise: the API knows neither.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.cli.jobs import job_options as opts
from sentinel.cli.jobs import option_values as values
from sentinel.cli.jobs.environment import job_environment
from sentinel.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`fields` are the arguments of `Client.submit`."""

    fields: Mapping[str, Any]
    as_json: bool

    @property
    def pty(self) -> bool:
        return bool(self.fields["pty"])

    @property
    def array(self) -> bool:
        return self.fields["array"] is not None


def submitting(act: Callable[[Submission], None]) -> Callable[..., None]:
    """`act` as a command with these options; its docstring is the help."""

    def command(
        words: opts.Words,
        gpus: opts.Gpus = 1,
        gpu_share: opts.GpuShare = None,
        gpu_model: opts.GpuModel = None,
        gpu_memory: opts.GpuMemory = None,
        nodes: opts.Nodes = 1,
        node: opts.Node = None,
        cpus: opts.Cpus = None,
        memory: opts.Memory = None,
        priority: opts.Priority = 0,
        time_limit: opts.TimeLimit = None,
        after: opts.After = None,
        array: opts.Array = None,
        singleton: opts.Singleton = False,
        cwd: opts.Cwd = None,
        env: opts.Env = None,
        env_file: opts.EnvFile = None,
        no_env: opts.NoEnv = False,
        setup: opts.Setup = None,
        image: opts.Image = None,
        engine: opts.Engine = None,
        mount: opts.Mount = None,
        umask: opts.Umask = None,
        limit: opts.Limit = None,
        pty: opts.Pty = False,
        retries: opts.Retries = 0,
        retry_on: opts.RetryOn = None,
        preemptible: opts.Preemptible = False,
        checkpoint: opts.Checkpoint = None,
        stop_signal: opts.StopSignal = None,
        grace: opts.Grace = None,
        if_lost: opts.Lost = opts.LostChoice.REQUEUE,
        notify: opts.Notify = None,
        name: opts.JobName = None,
        as_json: opts.Json = False,
    ) -> None:
        _fits_together(gpus, nodes, gpu_share, node, pty)
        if image is None and (engine is not None or mount):
            raise UsageError("--engine and --mount are for a job in a container: name its --image, too")
        fields: dict[str, Any] = {
            "command": words,
            "cwd": folder_for(cwd),
            "gpus": gpus,
            "gpu_share": gpu_share,
            "gpu_model": gpu_model,
            "gpu_memory_bytes": None if gpu_memory is None else values.size("--gpu-memory", gpu_memory),
            "nodes": None if nodes == 1 else nodes,
            "node": node,
            "cpus": cpus,
            "memory_bytes": None if memory is None else values.size("--memory", memory),
            "priority": priority,
            "time_limit": None if time_limit is None else values.time_limit(time_limit),
            "after": values.after(after or ()),
            "array": None if array is None else values.array(array),
            "singleton": singleton or None,
            "environment": job_environment(
                os.environ, given=env or (), files=env_file or (), none_of_mine=no_env, terminal=pty
            ),
            "setup": values.setup(setup or ()),
            "image": None if image is None else values.image(image),
            "engine": None if engine is None else engine.value,
            "mounts": values.mounts(mount or ()),
            "umask": own_umask() if umask is None else values.octal(umask),
            "limits": values.limits(limit or ()),
            "pty": pty,
            "retries": retries or None,
            "retry_codes": None if retry_on is None else values.retry_codes(retry_on, retries),
            "preemptible": preemptible or None,
            "checkpoint": None if checkpoint is None else values.checkpoint(checkpoint),
            "stop_signal": None if stop_signal is None else values.stop_signal(stop_signal),
            "grace": None if grace is None else values.grace(grace),
            "if_lost": if_lost.value,
            "notify": values.notify(notify or ()),
            "name": name,
        }
        act(Submission(fields=fields, as_json=as_json))

    command.__doc__ = act.__doc__
    return command


def _fits_together(gpus: int, nodes: int, share: float | None, node: str | None, pty: bool) -> None:
    """UsageError for what cannot be wanted at the same time."""
    if share is not None and share < 1 and (gpus > 1 or nodes > 1):
        raise UsageError("--gpu-share is a part of one GPU: leave --gpus and --nodes out")
    if nodes > 1 and node is not None:
        raise UsageError("--node names one node, and --nodes asks for several: leave one of them out")
    if nodes > 1 and pty:
        raise UsageError("--pty is for a job on one node: leave --nodes out")


def folder_for(asked: str | None) -> str:
    """The folder to run in, absolute. Where that is here, as the shell names it: a home may be a link."""
    if asked is not None and asked.startswith("/"):
        return asked
    here = _here()
    return here if asked in (None, "", ".") else os.path.join(here, asked or "")  # noqa: PTH118 - text


def _here() -> str:
    try:
        real = os.getcwd()  # noqa: PTH109 - text
    except OSError:
        raise UsageError("the folder that you stand in is gone; name one with --cwd DIR") from None
    named = os.environ.get("PWD", "")
    try:
        return named if named.startswith("/") and os.path.samefile(named, real) else real  # noqa: PTH121
    except OSError:
        return real


def own_umask() -> int | None:
    """This process's. None where it cannot be read without changing it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("Umask:")), None)
    return None if found is None else int(found.split()[1], 8)
