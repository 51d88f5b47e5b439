"""Alert rules as people write and read them. Pure but for the YAML. Called by the commands about rules."""

from collections.abc import Mapping
from typing import Any

from sentinel.cli.alerts.written_file import as_yaml, meant, read_file
from sentinel.core.alert import Comparison, Rule
from sentinel.core.rule_json import FIELDS, rule_from, rule_json

DURATIONS = ("for", "keep_firing_for")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_PLAIN = rule_json(Rule(name="", metric="", op=Comparison.ABOVE, threshold=0))


def rules_in(path: str) -> list[Rule]:
    """The rules of a file, each once. ConfigError that names file and line."""
    found: dict[str, Rule] = {}
    for one in read_file(path):
        rule = meant(one, rule_from)
        if rule.name in found:
            raise one.error(f"there is another rule {rule.name} in it; rename one")
        found[rule.name] = rule
    return list(found.values())


def rule_yaml(rule: Mapping[str, Any]) -> str:
    """As `rules_in` reads it; what is as in a new rule is left out."""
    needed = ("name", "metric", "op", "threshold")
    kept = {name: rule[name] for name in FIELDS if name in needed or rule[name] != _PLAIN[name]}
    kept["threshold"] = _number(kept["threshold"])
    for name in DURATIONS:
        if name in kept:
            kept[name] = duration_text(kept[name])
    return as_yaml(kept)


def condition(rule: Mapping[str, Any]) -> str:
    """ "gpu_temperature_celsius > 88 for 2m, node=gpu01"."""
    of = f" in % of {rule['of']}" if rule["of"] else ""
    hold = f" for {duration_text(rule['for'])}" if rule["for"] else ""
    scope = "".join(f", {name}={'|'.join(values)}" for name, values in rule["scope"].items())
    return f"{rule['metric']}{of} {rule['op']} {_number(rule['threshold']):.12g}{hold}{scope}"


def duration_text(seconds: float) -> str | float:
    """ "2m", "36h"; what no unit fits is seconds."""
    if seconds != int(seconds):
        return seconds
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0 and seconds >= one[0]), (1, "s"))
    return f"{int(seconds) // size}{unit}"


def _number(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e15 else value
