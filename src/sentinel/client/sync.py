"""`Client`: every call of the controller's API. For programs, and for the commands in `cli`.

    from sentinel.client import Client

    with Client() as client:                                   # SENTINEL_URL or ~/.config/sentinel/client.env
        job = client.submit(["python", "train.py"], gpus=2)
        for piece in client.logs(job["id"], follow=True): ...
        print(client.wait(job["id"])[0]["exit_code"])

Any number of threads may use one client; each call takes a kept-alive connection from its pool. Jobs, nodes
and the rest are as JSON, documented in docs/queue.md. Every call raises ApiError when the controller says no,
ApiUnavailable (a kind of ApiError) when none answers, UsageError when the call itself makes no sense.
"""

from sentinel.client import calls
from sentinel.client.accounts import AccountCalls
from sentinel.client.alerts import AlertCalls
from sentinel.client.asking import Json
from sentinel.client.history import HistoryCalls
from sentinel.client.jobs import JobCalls

__all__ = ["Client", "Json"]


class Client(JobCalls, AccountCalls, AlertCalls, HistoryCalls):
    """Without arguments as the environment says (`client.settings`).

    `timeout`: seconds for each answer. `patience`: for how long calls that may be repeated are, and streams
    are resumed, while a controller that had answered does not (it is restarted, say).
    """

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

    def add_user(
        self, name: str, role: str, *, password: str | None = None, group: str | None = None
    ) -> Json:
        return self._ask(calls.add_user(name, role, password, group))

    def set_user(
        self,
        name: str,
        *,
        role: str | None = None,
        password: str | None = None,
        disabled: bool | None = None,
        group: str | None = None,
    ) -> Json:
        """Changes what is given, no more. `group` "": in none any more."""
        return self._ask(calls.set_user(name, role, password, disabled, group))

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

    def create_session_code(self) -> Json:
        """`code` in the answer begins one session in a browser within a minute, as whoever has this token."""
        return self._ask(calls.create_session_code())

    def revoke_token(self, id: str) -> None:
        self._ask(calls.revoke_token(id))

    # ------------------------------------------------------------------ nodes

    def nodes(self) -> list[Json]:
        return self._all(calls.nodes(), None)

    def node(self, name: str) -> Json:
        return self._ask(calls.node(name))

    def node_arbiter(self, name: str) -> Json:
        """What the node's arbiter says, as in core.node_arbiter, with "node"."""
        return self._ask(calls.node_arbiter(name))

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
