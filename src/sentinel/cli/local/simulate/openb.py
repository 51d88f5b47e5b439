"""`sentinel simulate openb`: how full each policy gets the cluster of Alibaba's openb trace.

Called by the table in `cli.app`. What is simulated, and how, is in `simulation.openb`.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.controller import PATIENCE, print_json
from sentinel.cli.local.simulate.needing_numpy import needing_numpy
from sentinel.cli.table import fact_lines
from sentinel.core.clock import monotonic
from sentinel.core.errors import UsageError
from sentinel.simulation.openb.check import Verdict, check

_NAMES = "sentinel, fgd, bestfit, gpu-packing, gpu-clustering, dotprod, random"


def command(
    nodes: Annotated[Path, typer.Option("--nodes", metavar="FILE", help="The trace's nodes: CSV or CSV.gz.")],
    pods: Annotated[Path, typer.Option("--pods", metavar="FILE", help="The trace's pods: CSV or CSV.gz.")],
    policy: Annotated[
        str, typer.Option("--policy", metavar="NAME", help=f"Who places: {_NAMES}.")
    ] = "sentinel",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the order in which pods arrive.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write where each pod went, as CSV.")
    ] = None,
    checked: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", help="Place nothing; prove that such a file is feasible."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Fill the cluster of the openb trace with pods, and say how much of its GPUs was allocated.

    Pods arrive in random order until they have asked for 130 % of the GPUs. Each is placed when it arrives,
    or never, and none leaves. Exit 1 when --check finds a placement that cannot be.
    """
    if checked is not None:
        _tell_verdict(check(nodes, pods, checked), checked, as_json=as_json)
        return
    with needing_numpy():
        from sentinel.simulation.openb.engine import fill
        from sentinel.simulation.openb.policies import POLICIES
        from sentinel.simulation.openb.reading import read_nodes, read_pods
        from sentinel.simulation.openb.result import figures, write_placements
    chosen = POLICIES.get(policy)
    if chosen is None:
        raise UsageError(f"no policy is called {policy}; there are {', '.join(POLICIES)}")
    machines, wanted = read_nodes(nodes), read_pods(pods)
    begun = monotonic()
    filled = fill(machines, wanted, seed=seed, policy=chosen, progress=_progress(begun))
    seconds = round(monotonic() - begun, 2)
    if out is not None:
        write_placements(out, filled.placements)
    found = figures(filled, wanted)
    if as_json:
        print_json(found.as_json() | {"seconds": seconds})
        return
    failed = ", ".join(f"{count} {kind}" for kind, count in found.failed.items() if count)
    facts = [
        ("policy", f"{found.policy}: {chosen.help}"),
        ("seed", str(found.seed)),
        ("cluster", f"{found.nodes} nodes, {found.gpus} GPUs"),
        ("demand", f"{found.demand_percent:.2f} % by {found.pods} pods"),
        ("allocated", f"{found.allocated_percent:.2f} %"),
        ("fragmented", f"{found.fragmented_percent:.2f} %"),
        ("placed", f"{found.placed} pods"),
        ("failed", f"{found.pods - found.placed} pods" + (f": {failed}" if failed else "")),
        ("time", f"{seconds:.1f} s"),
    ]
    print("\n".join(fact_lines(facts)))


def _progress(begun: float) -> Callable[[int, int], None] | None:
    """On a terminal, once it has taken a while."""
    if not sys.stderr.isatty():
        return None

    def tell(arrived: int, of: int) -> None:
        if monotonic() - begun > PATIENCE:
            print(f"\r{arrived} of {of} pods\x1b[K", end="\r", file=sys.stderr, flush=True)

    return tell


def _tell_verdict(verdict: Verdict, file: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(verdict.as_json())
    else:
        for wrong in verdict.wrong:
            print(wrong)
        if verdict.faults > len(verdict.wrong):
            print(f"and {verdict.faults - len(verdict.wrong)} more")
        state = f"{verdict.faults} faults" if verdict.faults else "all feasible"
        print(
            f"{file}: {verdict.placements} placements, {state}; "
            f"{verdict.allocated_percent:.2f} % of {verdict.gpus} GPUs allocated"
        )
    if verdict.faults:
        raise typer.Exit(1)
