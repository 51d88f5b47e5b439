"""Help whose options stand under headings: a command with forty of them is read by those. Called by `app`.

An option's heading is its `rich_help_panel`, as Typer has it; Typer itself shows those with Rich alone.
"""

from typing import Any

from typer.core import TyperCommand

_ARGUMENTS, _OTHERS = "Arguments", "Options"


class GroupedCommand(TyperCommand):
    """A command of `sentinel`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments first, then the headings in the order in which they come, then what has none."""
        groups: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: []}
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            heading: str | None = getattr(parameter, "rich_help_panel", None)
            if parameter.param_type_name == "argument":
                heading = _ARGUMENTS
            (others if heading is None else groups.setdefault(heading, [])).append(record)
        for heading, records in [*groups.items(), (_OTHERS, others)]:
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
