"""YAML as objects that know their lines. Called by `cli.alerts.written_file`, which says what to install
where PyYAML is missing.

Only plain data is made of it (no tag makes an object of Python), and a key comes once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from sentinel.core.errors import ConfigError

MOST_NODES = 20_000
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+")


class _Loader(yaml.SafeLoader):
    """As JSON has numbers: 1e5 is one, too. What PyYAML leaves untyped has its types here."""

    def plain_data(self, node: yaml.Node) -> Any:
        """The plain data of a document."""
        return self.construct_document(node)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def let_go(self) -> None:
        self.dispose()  # pyright: ignore[reportUnknownMemberType]


_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Something that stands in a file. `lines`: of each field, where it is an object; `parts`: the objects in
    each field that is a list."""

    value: Any
    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    parts: "Mapping[str, tuple[Written, ...]]" = field(default_factory=dict[str, "tuple[Written, ...]"])

    def error(self, message: str) -> ConfigError:
        """With the line of the field that `message` names, as core.alert_fields words it."""
        for name, line in self.lines.items():
            if f": {name}: " in message or f": {name!r} is no field" in message:
                return ConfigError(message, file=self.file, line=line)
        return ConfigError(message, file=self.file, line=self.line)


def objects(text: str, file: str) -> list[Written]:
    """Every document of `text`; of one that is a list, its entries. ConfigError."""
    if text.lstrip()[:1] in ("{", "["):
        text = text.replace("\t", " ")  # in JSON a tab is a blank, in YAML a mistake
    try:
        return _objects(text, file)
    except yaml.YAMLError as error:
        raise _told(error, file) from None
    except RecursionError:
        raise ConfigError("it is nested too deeply", file=file) from None
    except ValueError as error:  # a date that is none
        raise ConfigError(f"it cannot be read: {error}", file=file) from None


def _objects(text: str, file: str) -> list[Written]:
    loader = _Loader(text)
    found: list[Written] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            _check(node, file, {})
            value = loader.plain_data(node)
            if value is not None:
                found += _entries(node, value, file)
    finally:
        loader.let_go()
    return found


def dumped(value: Mapping[str, Any]) -> str:
    """`value` as YAML. What would not be plainly visible is escaped."""
    plain = all(text.isprintable() for text in _texts(value))
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=plain, width=100, default_flow_style=False)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in cast("Mapping[Any, Any]", value).items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple):
        for one in cast("list[Any]", value):
            yield from _texts(one)


def _entries(node: yaml.Node, value: Any, file: str) -> list[Written]:
    if isinstance(node, yaml.SequenceNode) and isinstance(value, list):
        inner = cast("list[yaml.Node]", node.value)
        return [_written(one, each, file) for one, each in zip(inner, cast("list[Any]", value), strict=True)]
    return [_written(node, value, file)]


def _written(node: yaml.Node, value: Any, file: str) -> Written:
    lines: dict[str, int] = {}
    parts: dict[str, tuple[Written, ...]] = {}
    if isinstance(node, yaml.MappingNode) and isinstance(value, dict):
        known = cast("dict[Any, Any]", value)
        for key, inner in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = str(key.value)
            lines[name] = _line(key)
            if isinstance(inner, yaml.SequenceNode) and isinstance(known.get(name), list):
                parts[name] = tuple(_entries(inner, known[name], file))
    return Written(value=value, file=file, line=_line(node), lines=lines, parts=parts)


def _check(node: yaml.Node, file: str, known: dict[int, int]) -> int:
    """How many nodes it has, each alias (`*name`) as often as it stands there. ConfigError for more than
    anybody means, and for a key that comes twice: which of them is meant, nobody can tell."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES + 1  # what is in itself has no end
    count = 1
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = str(key.value)
            if name in keys:
                raise ConfigError(f"{name[:60]!r} comes twice; leave one out", file=file, line=_line(key))
            keys.add(name)
            count += 1 + _check(value, file, known)
    elif isinstance(node, yaml.SequenceNode):
        count += sum(_check(one, file, known) for one in cast("list[yaml.Node]", node.value))
    if count > MOST_NODES:
        raise ConfigError("too much is in it, or is repeated by an alias", file=file, line=_line(node))
    known[id(node)] = count
    return count


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1 if node.start_mark is not None else 1


def _told(error: yaml.YAMLError, file: str) -> ConfigError:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return ConfigError(
            f"this is no YAML: {what}", file=file, line=None if mark is None else mark.line + 1
        )
    return ConfigError("this is no YAML: it has a character that cannot be in it", file=file)
