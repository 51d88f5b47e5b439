"""The rules that come with Sentinel, in one table, and how a site's own ones are laid over them.

Called by whoever runs rounds, and by the CLI and API that list rules. A site changes a shipped rule by
writing one of its name, and switches it off by one with `enabled: false`.
"""

from collections.abc import Iterable, Mapping

from sentinel.alerting.library import gpus, jobs, nodes, queue, slurm
from sentinel.core.alert import Inhibition, Rule

SHIPPED: Mapping[str, Rule] = {
    rule.name: rule for module in (gpus, nodes, jobs, queue, slurm) for rule in module.RULES
}

SHIPPED_INHIBITIONS = (
    Inhibition(
        name="silent-node",
        source={"rule": ("node-silent",)},
        target={"rule": ("gpu-broken", "node-source-down", "node-sample-old")},
        equal=("node",),
    ),
    Inhibition(
        name="hot-anyway",
        source={"rule": ("gpu-at-its-limit",)},
        target={"rule": ("gpu-hot", "gpu-slowed-by-heat")},
        equal=("node", "gpu"),
    ),
)
"""One cause, one alert."""


def in_force(own: Iterable[Rule]) -> dict[str, Rule]:
    """All rules by name: a site's own instead of the shipped ones of their names."""
    return dict(SHIPPED) | {rule.name: rule for rule in own}
