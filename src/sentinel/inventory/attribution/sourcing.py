"""How each source of the inventory stands after this look. Called by attribution, first of all.

A source that was here before and now seems absent has most likely just stopped: it is unknown, and what it
told of is not gone. Only the configuration takes a source away.
"""

from collections.abc import Mapping

from sentinel.core.inventory import SOURCES, Inventory, SourceReport, SourceState
from sentinel.inventory.observation import Absent, Answer, Observation, Seen, Unknown

ENGINES = ("docker", "podman", "containerd")
"""Where two of them list the same container, the first one's word counts: the later serves the earlier."""

_NOT_LOOKED_FOR: Absent = Absent(why="it was not looked for")


def reports(observation: Observation, previous: Inventory | None) -> dict[str, SourceReport]:
    """The report on every name in SOURCES."""
    earlier: Mapping[str, SourceReport] = previous.sources if previous else {}
    return {name: _since(_report(name, observation, earlier), name, observation, earlier) for name in SOURCES}


def _answer(name: str, observation: Observation) -> Answer[object]:
    match name:
        case "gpus":
            return observation.gpus
        case "processes":
            return Seen(None) if observation.blind is None else Unknown(observation.blind)
        case "kubernetes":
            return observation.pods
        case "arbiter":
            return observation.leases
        case _:
            return observation.engines.get(name, _NOT_LOOKED_FOR)


def _report(name: str, observation: Observation, earlier: Mapping[str, SourceReport]) -> SourceReport:
    match _answer(name, observation):
        case Seen():
            return SourceReport(state=SourceState.OK)
        case Unknown(why=why):
            return SourceReport(state=SourceState.UNKNOWN, why=why)
        case Absent(why=why, switched_off=True):
            return SourceReport(
                state=SourceState.ABSENT, why=why or "it is switched off in the configuration"
            )
        case Absent(why=why):
            was = earlier.get(name)
            if was is None or was.state is SourceState.ABSENT:
                return SourceReport(state=SourceState.ABSENT, why=why)
            lost = f"it was here and is no more{f' ({why})' if why else ''}"
            advice = f"if that is meant, set {name} = false under [inventory]"
            return SourceReport(state=SourceState.UNKNOWN, why=f"{lost}; {advice}")


def _since(
    report: SourceReport, name: str, observation: Observation, earlier: Mapping[str, SourceReport]
) -> SourceReport:
    if report.state is SourceState.OK:
        return report
    was = earlier.get(name)
    begun = was.since if was is not None and was.state is report.state else None
    return SourceReport(state=report.state, why=report.why, since=observation.at if begun is None else begun)
