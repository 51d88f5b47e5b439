"""What the commands about the past ask the controller. Called by `query` and `export`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentinel.cli.history.options import How, asked_moment, asked_step, labels_of, matches
from sentinel.client.sync import Client
from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError

Answer = Mapping[str, Any]

_MOST_PIECES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The options, checked. `since` and `until` as the API takes them."""

    metric: str
    choice: Mapping[str, Any]
    since: str | None
    until: str | None
    step: str | None
    how: How

    def ask(self, client: Client) -> Answer:
        return self._ask(client, self.since, self.until, self.step)

    def ask_all(self, client: Client) -> list[Answer]:
        """In pieces of time where one answer does not take all of it; in the order of time, on one grid."""
        whole = self.ask(client)
        if not whole["truncated"]:
            return [whole]
        step, start, end = whole["step"], whole["start"], whole["end"]
        found: list[Answer] = []
        waiting = [(int(start // step), -int(-end // step))]
        while waiting:
            first, last = waiting.pop()
            if len(found) + len(waiting) > _MOST_PIECES:
                raise SentinelError("that is too much for one file: ask for fewer series or a longer --step")
            until = min(last * step, end)
            one = self._ask(client, rfc3339(max(first * step, start)), rfc3339(until), f"{step:.3f}s")
            if not one["truncated"]:
                found.append(one)
            elif last - first <= 1:
                raise SentinelError("too many series: choose some with --node, --user or --match")
            else:
                middle = (first + last) // 2
                waiting += [(middle, last), (first, middle)]
        return found

    def _ask(self, client: Client, since: str | None, until: str | None, step: str | None) -> Answer:
        return client.history(
            self.metric, **self.choice, since=since, until=until, step=step, how=self.how.value
        )


def question(
    now: float,
    *,
    metric: str,
    node: str | None,
    gpu: str | None,
    user: str | None,
    job: str | None,
    workload: str | None,
    match: list[str] | None,
    since: str | None,
    until: str | None,
    step: str | None,
    how: How,
    by: str | None,
) -> Question:
    """UsageError names the option that cannot be."""
    choice = {
        "node": node,
        "gpu": gpu,
        "user": user,
        "job": job,
        "workload": workload,
        "match": matches(match or ()),
        "by": labels_of(by),
    }
    return Question(
        metric=metric,
        choice=choice,
        since=asked_moment("--since", since, now),
        until=asked_moment("--until", until, now),
        step=asked_step(step),
        how=how,
    )
