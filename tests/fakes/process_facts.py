"""A ProcessFactsSource whose processes a test writes down."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage


@dataclass
class FakeProcessFacts:
    """Edit the fields; reads see them at once."""

    known: dict[int, ProcessFacts] = field(default_factory=dict[int, ProcessFacts])
    used: dict[int, Usage] = field(default_factory=dict[int, Usage])
    groups: dict[str, Usage] = field(default_factory=dict[str, Usage])  # by a line of cgroups
    users: dict[int, str] = field(default_factory=dict[int, str])
    owners: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, facts: ProcessFacts) -> None:
        self.known[facts.process.pid] = facts

    def identify(self, pid: int) -> ProcessId | None:
        found = self.known.get(pid)
        return None if found is None else found.process

    def facts(self, pid: int) -> ProcessFacts | None:
        return self.known.get(pid)

    def usage(self, process: ProcessId) -> Usage | None:
        return self.used.get(process.pid, Usage()) if self.identify(process.pid) == process else None

    def group_usage(self, cgroups: Sequence[str]) -> Usage | None:
        return next((self.groups[line] for line in cgroups if line in self.groups), None)

    def user_name(self, uid: int) -> str | None:
        return self.users.get(uid)

    def owner_of(self, path: str) -> int | None:
        return self.owners.get(path)
