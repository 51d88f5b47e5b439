"""One look at the machine, with every source asked at the same time and none waited for too long.

Called by the keeper. What is slow is remembered between looks, and between processes through `memory`: facts
about processes that are still the same, containers that have not changed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sentinel.core.clock import boottime, wall
from sentinel.core.container import Container
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.inventory.asking import Question
from sentinel.inventory.attribution.joining import placements, wanted_pids
from sentinel.inventory.engines import EngineView
from sentinel.inventory.evidence.gpu_access import Cards, gpu_access
from sentinel.inventory.evidence.paths import to_look_up
from sentinel.inventory.known_processes import KnownProcesses
from sentinel.inventory.observation import Absent, Answer, Engine, Leases, Observation, Pod, Seen
from sentinel.ports.process_facts import ProcessFactsSource

OFF = Absent(why="switched off in the configuration", switched_off=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Processes:
    """What /proc and the account database said."""

    facts: Mapping[int, ProcessFacts] = field(default_factory=dict[int, ProcessFacts])
    usage: Mapping[int, Usage] = field(default_factory=dict[int, Usage])
    groups: Mapping[str, Usage] = field(default_factory=dict[str, Usage])
    users: Mapping[int, str] = field(default_factory=dict[int, str])
    owners: Mapping[str, int] = field(default_factory=dict[str, int])


class Scanner:
    """Looks. Used by one thread."""

    def __init__(
        self,
        *,
        node: str,
        boot_id: str,
        processes: ProcessFactsSource,
        gpus: Callable[[], GpuReading] | None,
        engines: Mapping[str, EngineView | None],
        pods: Callable[[], tuple[Pod, ...]] | None,
        leases: Callable[[], Leases] | None,
        home_roots: Sequence[str],
        seconds: float,
    ) -> None:
        """`seconds` is how long a source may take; None in place of a source is one that is switched off."""
        self.boot_id = boot_id
        self._node, self._seconds = node, seconds
        self._source, self._home_roots = processes, home_roots
        self._engines = engines
        self._gpus = None if gpus is None else Question("gpus", gpus)
        self._pods = None if pods is None else Question("pods", pods)
        self._leases = None if leases is None else Question("arbiter", leases)
        self._looks = {
            name: None if view is None else Question(name, view.look) for name, view in engines.items()
        }
        self._known = KnownProcesses(processes)

    def observe(self, previous: Inventory | None) -> Observation:
        """Asks everything; takes `seconds` twice at the most. Raises nothing for a source that fails.

        What ran at the `previous` look is looked at again, whether or not anybody lists it.
        """
        until = boottime() + self._seconds
        gpus = self._gpus and self._gpus.ask()
        looks = {name: question and question.ask() for name, question in self._looks.items()}
        pods, leases = self._pods and self._pods.ask(), self._leases and self._leases.ask()
        seen: Answer[GpuReading] = OFF if gpus is None else gpus.answer(until)
        engines: dict[str, Answer[Engine]] = {
            name: OFF if asked is None else asked.answer(until) for name, asked in looks.items()
        }
        granted: Answer[Leases] = OFF if leases is None else leases.answer(until)
        found = Question("processes", lambda: self._processes(seen, engines, previous)).ask()
        answer = found.answer(boottime() + self._seconds)
        known = answer.value if isinstance(answer, Seen) else _Processes()
        return Observation(
            at=wall(),
            boottime=boottime(),
            boot_id=self.boot_id,
            node=self._node,
            gpus=seen,
            processes=known.facts,
            process_usage=known.usage,
            engines=engines,
            group_usage=known.groups,
            users=known.users,
            path_owners=known.owners,
            pods=OFF if pods is None else pods.answer(until),
            leases=granted,
            blind=None if isinstance(answer, Seen) else f"/proc: {answer.why}",
        )

    # -------------------------------------------------------------- processes

    def _processes(
        self, gpus: Answer[GpuReading], engines: Mapping[str, Answer[Engine]], previous: Inventory | None
    ) -> _Processes:
        on_gpu, now = _on_gpus(gpus), boottime()
        wanted = wanted_pids(gpus, engines, previous, self.boot_id)
        facts, usage = self._known.look(wanted, on_gpu, now)
        containers = _containers(engines)
        return _Processes(
            facts=facts,
            usage=usage,
            groups=self._groups(_with_gpus(containers, gpus, facts, on_gpu), facts),
            users=self._users(facts.values()),
            owners=self._owners(containers),
        )

    def _groups(self, containers: Sequence[Container], facts: Mapping[int, ProcessFacts]) -> dict[str, Usage]:
        found: dict[str, Usage] = {}
        for container in containers:
            first = facts.get(container.pid) if container.pid is not None else None
            if first is None or not first.cgroups:
                continue
            if (usage := self._source.group_usage(first.cgroups)) is not None:
                found[container.id] = usage
        return found

    def _users(self, facts: Iterable[ProcessFacts]) -> dict[int, str]:
        uids = {uid for one in facts for uid in (one.uid, one.login_uid) if uid is not None}
        return {uid: name for uid in uids if (name := self._source.user_name(uid)) is not None}

    def _owners(self, containers: Sequence[Container]) -> dict[str, int]:
        folders = {folder for container in containers for folder in to_look_up(container, self._home_roots)}
        return {path: uid for path in folders if (uid := self._source.owner_of(path)) is not None}

    # -------------------------------------------------------------- between processes

    def memory(self) -> dict[str, Any]:
        """What makes the next look quick, as JSON values. Means something on this boot only."""
        return {
            "engines": {name: view.memory() for name, view in self._engines.items() if view is not None},
            "processes": self._known.memory(),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Takes what `memory` gave; what cannot be read is looked up anew."""
        engines = memory.get("engines")
        for name, found in cast("dict[str, Any]", engines).items() if isinstance(engines, dict) else ():
            view = self._engines.get(name)
            if view is not None and isinstance(found, dict):
                view.remember(cast("dict[str, Any]", found))
        self._known.remember(memory.get("processes"))


def _containers(engines: Mapping[str, Answer[Engine]]) -> tuple[Container, ...]:
    return tuple(
        container
        for answer in engines.values()
        if isinstance(answer, Seen)
        for container in answer.value.details.values()
    )


def _on_gpus(gpus: Answer[GpuReading]) -> frozenset[int]:
    if not isinstance(gpus, Seen):
        return frozenset()
    return frozenset(one.pid for gpu in gpus.value.gpus for one in gpu.processes or ())


def _with_gpus(
    containers: Sequence[Container],
    gpus: Answer[GpuReading],
    facts: Mapping[int, ProcessFacts],
    on_gpu: frozenset[int],
) -> list[Container]:
    """Those that may use a GPU, or do: the others are listed, and not looked into."""
    cards = Cards(gpus=gpus.value.gpus) if isinstance(gpus, Seen) else Cards(gpus=(), known=False)
    places = placements({pid: one for pid, one in facts.items() if pid in on_gpu})
    seen = {place.container_id for place in places.values()}
    return [one for one in containers if one.id in seen or gpu_access(one, cards).has is not False]
