"""Axes and lines as SVG, which stands alone and suits light and dark. Used by `chart`."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

LEFT, RIGHT, TOP, BOTTOM = 76, 24, 34, 44  # around the area of a panel
COLOURS = (("#0b62a8", "#6cb8f0"), ("#c2410c", "#fb9a5c"), ("#0f7a55", "#5fd3a6"), ("#8a2f8f", "#d993e0"))
"""Of each run, on light and on dark."""

_STYLE = """
svg { color-scheme: light dark; }
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2937; }
.title { font-size: 17px; font-weight: 600; } .panel { font-weight: 600; } .small { fill: #4b5563; }
.back { fill: #ffffff; } .grid { stroke: #e2e5ea; } .axis { stroke: #6b7280; } .limit { stroke: #6b7280; }
"""
_DARK = """
text { fill: #e5e7eb; } .small { fill: #a9b1bd; }
.back { fill: #14171c; } .grid { stroke: #2b313a; } .axis { stroke: #8b94a3; } .limit { stroke: #9aa3b2; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From `low` to `high`. `ticks`: where, and what it says there. `log`: by powers."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    says: str
    log: bool = False

    def place(self, value: float) -> float:
        """0 at `low`, 1 at `high`."""
        if self.log:
            low, high = log10(self.low), log10(self.high)
            return (log10(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def counted(high: float, says: str) -> Axis:
    """From 0 to at least `high`, in round steps."""
    step = _step(max(high, 1.0) / 4)
    count = -(-max(high, 1.0) // step)
    ticks = [(n * step, f"{n * step:,.10g}") for n in range(int(count) + 1)]
    return Axis(low=0.0, high=count * step, ticks=ticks, says=says)


def elapsed(seconds: float) -> Axis:
    """Time since the beginning, in the unit that suits."""
    size, unit = next(
        (size, unit)
        for size, unit, most in (
            (60.0, "minutes", 3 * 3600.0),
            (3600.0, "hours", 3 * 86400.0),
            (86400.0, "days", 0),
        )
        if seconds <= most or not most
    )
    step = max(_step(max(seconds, 1.0) / size / 8), 1e-9)
    count = int(max(seconds, 1.0) / size / step + 1e-9)
    ticks = [(n * step * size, f"{n * step:,.10g}") for n in range(count + 1)]
    return Axis(low=0.0, high=max(seconds, 1.0), ticks=ticks, says=f"{unit} since the first submission")


def _step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least `rough`."""
    power = 10.0 ** floor(log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * (1 - 1e-9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One diagram. `lines`: run → points, in the units of the axes; `limits`: run → a height that its line
    cannot pass."""

    title: str
    across: Axis
    up: Axis
    lines: Sequence[Sequence[tuple[float, float]]]
    limits: Sequence[float | None] = ()

    def drawn(self, top: int, width: int, height: int) -> list[str]:
        wide, high = width - LEFT - RIGHT, height - TOP - BOTTOM
        base = top + TOP + high

        def x(value: float) -> float:
            return LEFT + wide * self.across.place(value)

        def y(value: float) -> float:
            return base - high * self.up.place(value)

        parts = [f'<text class="panel" x="{LEFT}" y="{top + TOP - 12}">{escape(self.title)}</text>']
        for value, says in self.up.ticks:
            at = y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + wide}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(
                f'<text class="small" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{says}</text>'
            )
        for value, says in self.across.ticks:
            at = x(value)
            parts.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{base}" y2="{base + 5}"/>')
            parts.append(
                f'<text class="small" x="{at:.1f}" y="{base + 19}" text-anchor="middle">{says}</text>'
            )
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{LEFT + wide}" y1="{base}" y2="{base}"/>')
        middle = top + TOP + high / 2
        parts.append(
            f'<text class="small" x="{LEFT + wide / 2}" y="{base + 37}" text-anchor="middle">'
            f"{self.across.says}</text>"
        )
        parts.append(
            f'<text class="small" transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">'
            f"{self.up.says}</text>"
        )
        for run, limit in enumerate(self.limits):
            if limit is not None:
                at = y(limit)
                parts.append(
                    f'<line class="run{run}" x1="{LEFT}" x2="{LEFT + wide}" y1="{at:.1f}" y2="{at:.1f}" '
                    'stroke-dasharray="5 4" stroke-width="1.2"/>'
                )
        for run, points in enumerate(self.lines):
            path = " ".join(f"{x(across):.1f},{y(up):.1f}" for across, up in points)
            parts.append(f'<polyline class="run{run}" fill="none" stroke-width="1.8" points="{path}"/>')
        return parts


def document(title: str, runs: Sequence[str], panels: Sequence[Panel], *, width: int = 960) -> str:
    """The whole picture: a heading, a legend, the panels one below the other."""
    high, head = 260, 44 + 22 * len(runs)
    height = head + high * len(panels) + 8
    style = _STYLE + "".join(f".run{n} {{ stroke: {light}; }}\n" for n, (light, _) in enumerate(COLOURS))
    dark = _DARK + "".join(f".run{n} {{ stroke: {colour}; }}\n" for n, (_, colour) in enumerate(COLOURS))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{style}@media (prefers-color-scheme: dark) {{{dark}}}</style>",
        f'<rect class="back" width="{width}" height="{height}"/>',
        f'<text class="title" x="24" y="30">{escape(title)}</text>',
    ]
    for run, name in enumerate(runs):
        at = 54 + 22 * run
        parts.append(f'<line class="run{run}" x1="24" x2="52" y1="{at - 4}" y2="{at - 4}" stroke-width="3"/>')
        parts.append(f'<text x="60" y="{at}">{escape(name)}</text>')
    for number, panel in enumerate(panels):
        parts += panel.drawn(head + high * number, width, high)
    return "\n".join([*parts, "</svg>"]) + "\n"
