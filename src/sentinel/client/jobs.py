"""The calls about jobs and events. The part of `client.sync.Client` that most programs need.

Jobs are as JSON (core.job_json). An array has an id, too, and is

    {"id", "array": {"id", "size", "limit"}, "name", "owner", "submitted_at": TIME, "states": {STATE: N}}

Its tasks are jobs: `jobs(array=ID)`.
"""

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Any

from sentinel.client import calls
from sentinel.client.asking import Asking, Json
from sentinel.client.following import follow_events, follow_log, read_log
from sentinel.client.waiting import ENDED, until, wait_for
from sentinel.core.errors import ApiError


class JobCalls(Asking):
    """See `client.sync.Client`."""

    def submit(
        self,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        gpus: int | None = None,
        nodes: int | None = None,
        gpu_share: float | None = None,
        priority: int | None = None,
        name: str | None = None,
        time_limit: float | None = None,
        gpu_model: str | None = None,
        gpu_memory_bytes: int | None = None,
        cpus: int | None = None,
        memory_bytes: int | None = None,
        node: str | None = None,
        preemptible: bool | None = None,
        checkpoint: Sequence[str] | None = None,
        stop_signal: str | None = None,
        retries: int | None = None,
        retry_codes: Sequence[int] | None = None,
        singleton: bool | None = None,
        image: str | None = None,
        engine: str | None = None,
        mounts: Sequence[str] | None = None,
        setup: Sequence[str] | None = None,
        after: Sequence[Mapping[str, str]] | None = None,
        array: str | None = None,
        if_lost: str | None = None,
        grace: float | None = None,
        umask: int | None = None,
        limits: Mapping[str, int] | None = None,
        pty: bool | None = None,
        notify: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Json:
        """The job, which is durable by then. What is None is as `core.job.JobSpec` has it; `cwd`: this one.

        `gpu_share`: that part of one GPU, 0.5. `after`: what it waits for, [{"job": ID, "kind": "ok"}]; kinds
        are "ok", "any" and "notok". `notify`: which channels are told of it, ["mail:end"]; also "start" and
        "fail". With `array` ("0-9%2") there are many jobs, and the answer is
        {"id": ARRAY, "array": {"id", "size", "limit"}, "jobs": [ID…]}.

        Safe to repeat, and repeated when the controller restarts meanwhile: `key` (its Idempotency-Key,
        random if not given) makes one job however often it is sent.
        """
        fields: dict[str, Any] = {
            "command": list(command),
            "cwd": os.getcwd() if cwd is None else cwd,  # noqa: PTH109 - text, as it is sent
            "gpus": gpus,
            "nodes": nodes,
            "gpu_share": gpu_share,
            "priority": priority,
            "name": name,
            "time_limit": time_limit,
            "gpu_model": gpu_model,
            "gpu_memory_bytes": gpu_memory_bytes,
            "cpus": cpus,
            "memory_bytes": memory_bytes,
            "node": node,
            "preemptible": preemptible,
            "checkpoint": _list(checkpoint),
            "stop_signal": stop_signal,
            "retries": retries,
            "retry_codes": _list(retry_codes),
            "singleton": singleton,
            "image": image,
            "engine": engine,
            "mounts": _list(mounts),
            "setup": _list(setup),
            "after": None if after is None else [dict(one) for one in after],
            "array": array,
            "if_lost": if_lost,
            "grace": grace,
            "umask": umask,
            "limits": None if limits is None else dict(limits),
            "pty": pty,
            "notify": _list(notify),
            "environment": None if environment is None else dict(environment),
        }
        sent = {field: value for field, value in fields.items() if value is not None}
        return self._ask(calls.submit(sent, token_hex(16) if key is None else key))

    def jobs(
        self,
        *,
        state: Sequence[str] = (),
        owner: str | None = None,
        node: str | None = None,
        name: str | None = None,
        id_prefix: str | None = None,
        array: str | None = None,
        part_of: str | None = None,
        limit: int | None = 100,
    ) -> list[Json]:
        """Newest first, `limit` at most; None: all. `owner` may be "me". `array`: the tasks of that one;
        `part_of`: the parts of that gang, which are in no other list."""
        wanted = calls.jobs(
            state=state,
            owner=owner,
            node=node,
            name=name,
            id_prefix=id_prefix,
            array=array,
            part_of=part_of,
        )
        return self._all(wanted, limit)

    def find(self, id: str) -> Json:
        """The job or the array of that id, or of the unique beginning of one. An array has "states"."""
        return self._ask(calls.job(id))

    def job(self, id: str) -> Json:
        """One, by its id or the unique beginning of one. That of a gang has "parts"."""
        found = self.find(id)
        if "states" in found:
            raise ApiError(
                f"{found['id']} is an array of {found['array']['size']} jobs",
                status=409,
                kind="array",
                hint=f"name one of them; `sentinel job list --array {found['id']}` shows them",
            )
        return found

    def cancel(self, id: str, why: str = "") -> Json:
        """Asks for its end; ApiError (409) when it has ended. Of an array: of all its tasks; the answer is
        {"id", "jobs": [ID…]}, those that were asked."""
        return self._ask(calls.cancel(id, why))

    def retry(self, id: str) -> Json:
        """A new job like that one, which has ended."""
        return self._ask(calls.retry(id))

    def why(self, id: str) -> Json:
        """Why it waits: {"id", "state", "blocking", "reason", "held_by", "ahead", "estimated_start", "basis",
        "would_start_now_if"}."""
        return self._ask(calls.why(id))

    def environment(self, id: str) -> dict[str, str]:
        """What it was submitted with; for its owner alone."""
        return self._ask(calls.environment(id))

    def job_events(self, id: str) -> list[Json]:
        """What happened to it, oldest first."""
        return self._all(calls.job_events(id), None)

    def logs(
        self,
        id: str,
        *,
        attempt: int | None = None,
        rank: int | None = None,
        offset: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> Iterator[bytes]:
        """What it wrote, in pieces of any size. `attempt` None: the last. `tail`: only the last lines.
        `rank`: of which part of a gang; None: the first.

        `follow`: as it writes, to its end, later attempts included; after a broken connection it goes on
        where it was.
        """
        if follow:
            yield from follow_log(self, lambda: self._begun(id), id, attempt, offset, tail, rank=rank)
            return
        yield from read_log(self.log_stream, id, attempt=attempt, offset=offset, tail=tail, rank=rank)

    def until(self, id: str, fits: Callable[[Json], bool]) -> Json:
        """The job as soon as `fits` says so of it: `lambda job: job["state"] == "RUNNING"`."""
        return until(self, id, fits)

    def wait(self, *ids: str, timeout: float | None = None) -> list[Json]:
        """These jobs, in that order, once all have ended; in an array's place all its tasks, by their index.
        TimeoutError after `timeout` seconds."""
        return wait_for(self, ids, timeout)

    # ------------------------------------------------------------------ events

    def past_events(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        limit: int | None = 100,
    ) -> list[Json]:
        """Those with a greater id than `after`, oldest first."""
        return self._all(calls.events(after=after, types=types, subject=subject), limit)

    def events(
        self, *, after: int | None = None, types: Sequence[str] = (), subject: str | None = None
    ) -> Generator[Json]:
        """Each as it happens, for ever; those since `after` first. Goes on after a broken connection."""
        return follow_events(self.event_stream, self.new_patience(), after, types=types, subject=subject)

    def _begun(self, id: str) -> int:
        """The number of its present attempt, once it has one; 0 when it ended without."""
        return int(self.until(id, lambda job: job["attempt"] > 0 or job["state"] in ENDED)["attempt"])


def _list(words: Sequence[Any] | None) -> list[Any] | None:
    return None if words is None else list(words)
