"""`Client`: every call of the controller's API. For programs, and for the commands in `cli`.

    from sentinel.client import Client

    with Client() as client:                                   # SENTINEL_URL or ~/.config/sentinel/client.env
        job = client.submit(["python", "train.py"], gpus=2)
        for piece in client.logs(job["id"], follow=True): ...
        print(client.wait(job["id"])["exit_code"])

Any number of threads may use one client; each call takes a kept-alive connection from its pool. Jobs, nodes
and the rest are as JSON, documented in docs/queue.md. Every call raises ApiError when the controller says no,
ApiUnavailable (a kind of ApiError) when none answers, UsageError when the call itself makes no sense.
"""

import os
import ssl
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from sentinel.client import calls
from sentinel.client.calls import MOST_ITEMS, Call
from sentinel.client.connection import Answer, Stream
from sentinel.client.following import follow_events, follow_log, read_log
from sentinel.client.patience import Patience
from sentinel.client.pool import Pool
from sentinel.client.settings import Settings, checked_url, find_settings
from sentinel.client.waiting import ENDED, until, wait_for
from sentinel.core.errors import ApiError

Json = dict[str, Any]

_STREAM_SECONDS = 60.0  # a silent stream of events has a comment every 15
_LOG_SECONDS = 7 * 86400.0  # a job may print nothing for days; TCP itself sees that the other side is gone
_REMEMBERED = 16


class Client:
    """Without arguments as the environment says (`client.settings`).

    `timeout`: seconds for each answer. `patience`: for how long calls that may be repeated are, and streams
    are resumed, while a controller that had answered does not (it is restarted, say).
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca: str | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
    ) -> None:
        found = find_settings() if url is None else Settings(url=checked_url(url), token=token, ca=ca)
        self._set_up(found, Pool(found, timeout=timeout), patience)

    def _set_up(self, settings: Settings, pool: Pool, patience: float) -> None:
        self.settings = settings
        self._pool, self._patience = pool, patience
        self._known = False
        self._lists: OrderedDict[str, tuple[str, Any]] = OrderedDict()  # path -> ETag, answer

    def close(self) -> None:
        """Lets go of its connections; calls that another thread waits for fail. Idempotent."""
        self._pool.close()

    @property
    def tls(self) -> ssl.SSLContext:
        """For whoever opens a connection of another kind: a job's terminal is a web socket."""
        return self._pool.context

    def twin(self) -> "Client":
        """One with the same settings and connections of its own."""
        other = Client.__new__(Client)
        other._set_up(self.settings, self._pool.twin(), self._patience)
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ people

    def login(self, user: str, password: str) -> Json:
        """{"token", "expires_at", "user", "role"}."""
        return self._ask(calls.login(user, password))

    def whoami(self) -> Json:
        """Who the token says that this is."""
        return self._ask(calls.whoami())

    def version(self) -> Json:
        """The controller's."""
        return self._ask(calls.version())

    def health(self) -> Json:
        """Whether it works; needs no token."""
        return self._ask(calls.health())

    def users(self) -> list[Json]:
        return self._all(calls.users(), None)

    def add_user(self, name: str, role: str, *, password: str | None = None) -> Json:
        return self._ask(calls.add_user(name, role, password))

    def set_user(
        self,
        name: str,
        *,
        role: str | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> Json:
        """Changes what is given, no more."""
        return self._ask(calls.set_user(name, role, password, disabled))

    def remove_user(self, name: str) -> None:
        self._ask(calls.remove_user(name))

    def tokens(self) -> list[Json]:
        """Without their secrets, which nobody has."""
        return self._all(calls.tokens(), None)

    def create_token(
        self,
        label: str = "",
        *,
        kind: str = "api",
        expires_in: float | None = None,
        owner: str | None = None,
    ) -> Json:
        """`token` in the answer is the secret, this once. `kind`: "api" or "join"; `expires_in`: seconds."""
        return self._ask(calls.create_token(label, kind, expires_in, owner))

    def revoke_token(self, id: str) -> None:
        self._ask(calls.revoke_token(id))

    # ------------------------------------------------------------------ jobs

    def submit(
        self,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        gpus: int | None = None,
        priority: int | None = None,
        name: str | None = None,
        time_limit: float | None = None,
        gpu_model: str | None = None,
        gpu_memory_bytes: int | None = None,
        node: str | None = None,
        if_lost: str | None = None,
        grace: float | None = None,
        umask: int | None = None,
        limits: Mapping[str, int] | None = None,
        pty: bool | None = None,
        environment: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Json:
        """The job, which is durable by then. What is None is as `core.job.JobSpec` has it; `cwd`: this one.

        Safe to repeat, and repeated when the controller restarts meanwhile: `key` (its Idempotency-Key,
        random if not given) makes one job however often it is sent.
        """
        fields: dict[str, Any] = {
            "command": list(command),
            "cwd": os.getcwd() if cwd is None else cwd,  # noqa: PTH109 - text, as it is sent
            "gpus": gpus,
            "priority": priority,
            "name": name,
            "time_limit": time_limit,
            "gpu_model": gpu_model,
            "gpu_memory_bytes": gpu_memory_bytes,
            "node": node,
            "if_lost": if_lost,
            "grace": grace,
            "umask": umask,
            "limits": None if limits is None else dict(limits),
            "pty": pty,
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
        limit: int | None = 100,
    ) -> list[Json]:
        """Newest first, `limit` at most; None: all. `owner` may be "me"."""
        wanted = calls.jobs(state=state, owner=owner, node=node, name=name, id_prefix=id_prefix)
        return self._all(wanted, limit)

    def job(self, id: str) -> Json:
        """One, by its id or the unique beginning of one."""
        return self._ask(calls.job(id))

    def cancel(self, id: str, why: str = "") -> Json:
        """Asks for its end; ApiError (409) when it has ended."""
        return self._ask(calls.cancel(id, why))

    def retry(self, id: str) -> Json:
        """A new job like that one, which has ended."""
        return self._ask(calls.retry(id))

    def why(self, id: str) -> Json:
        """Why it waits: {"id", "state", "blocking", "reason", "held_by", "ahead"}."""
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
        offset: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> Iterator[bytes]:
        """What it wrote, in pieces of any size. `attempt` None: the last. `tail`: only the last lines.

        `follow`: as it writes, to its end, later attempts included; after a broken connection it goes on
        where it was.
        """
        if follow:
            yield from follow_log(self, lambda: self._begun(id), id, attempt, offset, tail)
            return
        yield from read_log(self.log_stream, id, attempt=attempt, offset=offset, tail=tail)

    def until(self, id: str, fits: Callable[[Json], bool]) -> Json:
        """The job as soon as `fits` says so of it: `lambda job: job["state"] == "RUNNING"`."""
        return until(self, id, fits)

    def wait(self, *ids: str, timeout: float | None = None) -> list[Json]:
        """These jobs, in that order, once all have ended. TimeoutError after `timeout` seconds."""
        return wait_for(self, ids, timeout)

    # ------------------------------------------------------------------ nodes

    def nodes(self) -> list[Json]:
        return self._all(calls.nodes(), None)

    def node(self, name: str) -> Json:
        return self._ask(calls.node(name))

    def drain(self, name: str, why: str = "") -> Json:
        """No new job goes there; what runs goes on."""
        return self._ask(calls.drain(name, why))

    def resume(self, name: str) -> Json:
        """Ends a drain."""
        return self._ask(calls.resume(name))

    def declare_dead(self, name: str, why: str) -> Json:
        """Says that nothing runs there any more, so that its lost jobs can be queued again."""
        return self._ask(calls.declare_dead(name, why))

    def remove_node(self, name: str) -> None:
        self._ask(calls.remove_node(name))

    def gpus(self) -> list[Json]:
        """Every GPU, with its node's name and the job that holds it."""
        return self._all(calls.gpus(), None)

    def workloads(self, *, node: str | None = None, owner: str | None = None) -> list[Json]:
        return self._all(calls.workloads(node, owner), None)

    def leases(self) -> list[Json]:
        return self._all(calls.leases(), None)

    def resume_queue(self) -> Json | None:
        """Lets jobs be placed again after a restore."""
        return self._ask(calls.resume_queue())

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

    # ------------------------------------------------------------------ inside

    @contextmanager
    def event_stream(self, call: Call) -> Generator[Stream]:
        """The raw stream; for `events` and `wait`."""
        with (
            self._pool.connection() as connection,
            connection.stream(call.method, call.path, headers=call.headers, timeout=_STREAM_SECONDS) as found,
        ):
            self._known = True
            yield found

    @contextmanager
    def log_stream(self, call: Call) -> Generator[Stream]:
        """The raw stream; for `logs`."""
        with (
            self._pool.connection() as connection,
            connection.stream(call.method, call.path, headers=call.headers, timeout=_LOG_SECONDS) as found,
        ):
            self._known = True
            yield found

    def _begun(self, id: str) -> int:
        """The number of its present attempt, once it has one; 0 when it ended without."""
        return int(self.until(id, lambda job: job["attempt"] > 0 or job["state"] in ENDED)["attempt"])

    def new_patience(self) -> Patience:
        """For one call or stream."""
        return Patience(self._patience, known=self._known)

    def _ask(self, call: Call) -> Any:
        answer = self._answer(call)
        return answer.json() if answer.body else None

    def _answer(self, call: Call) -> Answer:
        try:
            return self._once(call)
        except ApiError as error:
            if not (error.retry and call.repeatable):
                raise
            return self._again(call, error)

    def _again(self, call: Call, error: ApiError) -> Answer:
        patience = self.new_patience()
        while True:
            patience.wait(error)
            try:
                return self._once(call)
            except ApiError as again:
                if not again.retry:
                    raise
                error = again

    def _once(self, call: Call) -> Answer:
        with self._pool.connection() as connection:
            answer = connection.ask(call.method, call.path, json=call.json, headers=call.headers)
        self._known = True
        return answer

    def _all(self, call: Call, limit: int | None) -> list[Json]:
        """The items of a list, page after page."""
        found: list[Json] = []
        after: str | None = None
        while limit is None or len(found) < limit:
            size = MOST_ITEMS if limit is None else min(MOST_ITEMS, limit - len(found))
            page = self._page(_page_path(call.path, size, after))
            found += page["items"]
            after = page.get("next")
            if after is None:
                break
        return found if limit is None else found[:limit]

    def _page(self, path: str) -> Json:
        """One page; one that has not changed since it was last read is not sent again."""
        known = self._lists.get(path)
        headers = None if known is None else {"If-None-Match": known[0]}
        answer = self._answer(Call(method="GET", path=path, headers=headers, repeatable=True))
        if answer.status == 304 and known is not None:
            return known[1]
        page: Json = answer.json()
        if (tag := answer.headers.get("etag")) is not None:
            self._lists[path] = (tag, page)
            while len(self._lists) > _REMEMBERED:
                self._lists.popitem(last=False)
        return page


def _page_path(path: str, size: int, after: str | None) -> str:
    before, _, query = path.partition("?")
    pairs = [*parse_qsl(query), ("limit", str(size))]
    if after is not None:
        pairs = [(name, value) for name, value in pairs if name != "after"] + [("after", after)]
    return f"{before}?{urlencode(pairs)}"
