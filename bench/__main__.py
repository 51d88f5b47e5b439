"""`python -m bench`: runs every benchmark, prints a table, and one line of JSON last.

Exit status 1 when a target is missed or something could not be measured.
"""

import argparse
import json
import sys
from collections.abc import Callable

from bench.alerting import delivery, rules
from bench.dashboard import page, streams
from bench.figure import Figure, machine
from bench.health import kernel_log
from bench.health import round as health_round
from bench.history import ingest, query
from bench.inventory import agent, scan
from bench.queue import agents, drain, latency
from bench.scheduling import cold_pass, elasticflow, openb, philly
from bench.telemetry import scrape, snapshot
from bench.workstation import alarm, at_rest, crowd, round_trip, turns, wrapper
from bench.workstation.arbiter import BenchmarkError

BENCHMARKS: dict[str, Callable[[bool], list[Figure]]] = {
    "wrapper": wrapper.measure,
    "round-trip": round_trip.measure,
    "at-rest": at_rest.measure,
    "crowd": crowd.measure,
    "alarm": alarm.measure,
    "turns": turns.measure,
    "snapshot": snapshot.measure,
    "scrape": scrape.measure,
    "scan": scan.measure,
    "agent": agent.measure,
    "kernel-log": kernel_log.measure,
    "health-round": health_round.measure,
    "drain": drain.measure,
    "latency": latency.measure,
    "help": latency.measure_help,
    "agents": agents.measure,
    "openb": openb.measure,
    "cold-pass": cold_pass.measure,
    "elasticflow": elasticflow.measure,
    "philly": philly.measure,
    "history-ingest": ingest.measure,
    "history-query": query.measure,
    "rules": rules.measure,
    "delivery": delivery.measure,
    "fleet-streams": streams.measure,
    "dashboard": page.measure,
}


def row(figure: Figure) -> str:
    target = "" if figure.target is None else f"≤ {figure.target:g} {figure.unit}"
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    return f"{figure.name:<44} {figure.value:>10.3f} {figure.unit:<6} {target:>14}  {verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Sentinel's figures.")
    parser.add_argument("--json", action="store_true", help="only the JSON on stdout, the table on stderr")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; for trying out, not for quoting")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHMARKS)}")
    args = parser.parse_args()
    if unknown := set(args.names) - BENCHMARKS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")

    where = machine()
    out = sys.stderr if args.json else sys.stdout
    print(f"{where['cpu']}, {where['cores']} cores, Linux {where['kernel']}", file=out)
    print(f"{where['interpreter']} ({where['python']}); load before: {where['load_before']:.2f}\n", file=out)
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    for name in args.names or BENCHMARKS:
        try:
            measured = BENCHMARKS[name](args.quick)
        except BenchmarkError as error:
            failed[name] = str(error)
            print(f"{name}: FAILED: {error}", file=out, flush=True)
            continue
        figures += measured
        for figure in measured:
            print(row(figure), f"{'':<4}{figure.how}", sep="\n", file=out, flush=True)
    ok = not failed and all(figure.met is not False for figure in figures)
    report = {
        "ok": ok,
        "failed": failed,
        "quick": args.quick,
        "machine": where,
        "figures": [figure.as_json() for figure in figures],
    }
    print(json.dumps(report), flush=True)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
