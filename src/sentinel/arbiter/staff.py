"""The drivers that move the services, each with its thread, and who answers in a service's place.

Owned by the daemon's loop. Changes only when the config does.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sentinel.arbiter.attribution import Attribution
from sentinel.arbiter.config import Config, ServiceConfig
from sentinel.arbiter.states import Paused, State
from sentinel.arbiter.workers import Mover, Post
from sentinel.core.service import Rung
from sentinel.ports.processes import ProcessTable
from sentinel.ports.services import ServiceDriver

StandIn = Callable[[], None]
"""Ends whoever answers on a service's port in its place; returns when the port is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Employed:
    """One service's driver and thread."""

    config: ServiceConfig
    driver: ServiceDriver
    mover: Mover


class Staff:
    """`make` builds a service's driver; `stand_in` starts its placeholder."""

    def __init__(
        self,
        make: Callable[[ServiceConfig, Config], ServiceDriver],
        stand_in: Callable[[ServiceConfig], StandIn],
        processes: ProcessTable,
        post: Post,
    ) -> None:
        self._make = make
        self._stand_in = stand_in
        self._processes = processes
        self._post = post
        self._all: dict[str, Employed] = {}
        self._attribution: Attribution | None = None

    def drivers(self) -> Mapping[str, ServiceDriver]:
        """Safe to call from the reader's thread: what it answers is never changed, only replaced."""
        return {name: one.driver for name, one in self._all.items()}

    def attribution(self) -> Attribution:
        assert self._attribution is not None, "hire first"
        return self._attribution

    def hire(self, config: Config) -> Callable[[], None]:
        """Has a driver for each service of the config. Those that did not change stay; answers what
        parts with those that are no longer needed. UsageError leaves everything as it was."""
        fresh: dict[str, Employed] = {}
        for service in config.services:
            name = service.settings.name
            known = self._all.get(name)
            if known and replace(known.config, settings=service.settings) == service:
                fresh[name] = replace(known, config=service)
            else:
                driver = self._make(service, config)
                fresh[name] = Employed(config=service, driver=driver, mover=Mover(name, driver, self._post))
        kept = {id(one.driver) for one in fresh.values()}
        gone = [one for one in self._all.values() if id(one.driver) not in kept]
        self._all = fresh
        cgroups = {s.settings.name: s.cgroups for s in config.services}
        self._attribution = Attribution(self._processes, config.ignore, cgroups)

        def part() -> None:
            for one in gone:
                _dismiss(one)

        return part

    def evict(self, name: str, rung: Rung, enough_bytes: int | None) -> None:
        self._all[name].mover.evict(rung, enough_bytes)

    def restore(self, name: str) -> None:
        self._all[name].mover.restore()

    def fill_in(self, state: State) -> None:
        """Has somebody answer for each service that is stopped and wants that. Idempotent; whoever
        answers leaves before the service is started (see Mover)."""
        for name, one in self._all.items():
            service = state.services.get(name)
            if not one.config.placeholder or service is None:
                continue
            if isinstance(service.phase, Paused) and service.phase.rung is Rung.STOP:
                one.mover.stand_in(functools.partial(self._stand_in, one.config))

    def close(self) -> None:
        for one in self._all.values():
            one.mover.end_stand_in()
            one.driver.close()


def _dismiss(one: Employed) -> None:
    """A service that left the config: what we paused we bring back, what we ran we end."""
    if one.config.settings.supervised:
        one.mover.part()  # on its thread: a service may take its time to end
    else:
        one.mover.restore()
