"""A source of metrics that is opened when it is first asked.

Used by the agent and the controller for what a config names: certificates that cannot be read are a reason
to do without that one source, and to try again; none to do without all else.
"""

from collections.abc import Callable

from sentinel.ports.metrics_source import MetricsSource, Page


class OpenedWhenAsked:
    """Implements ports.metrics_source.MetricsSource. `get` raises what `open_source` does, as well."""

    def __init__(self, open_source: Callable[[], MetricsSource]) -> None:
        self._open_source = open_source
        self._source: MetricsSource | None = None

    def get(self, path: str | None = None) -> Page:
        if self._source is None:
            self._source = self._open_source()
        return self._source.get(path)
