"""`sentinel slurm-exporter`: the metrics of a Slurm cluster for Prometheus, on port 9341.

Called by the table in `cli.app`. It needs no controller and no agent, and runs wherever Slurm's commands or
its slurmrestd can be reached.
"""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.controller import print_json
from sentinel.cli.local.slurm_exporter.as_json import reading_json
from sentinel.cli.local.slurm_exporter.sampling import SlurmSampler
from sentinel.cli.local.slurm_exporter.wiring import RestOptions, Way, slurm_source
from sentinel.cli.plain import one_line
from sentinel.core import clock
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.units import parse_duration
from sentinel.telemetry.metrics_access import TlsFiles, read_token
from sentinel.telemetry.metrics_server import MetricsServer

LISTEN = "127.0.0.1:9341"
_LEAST_SECONDS = 1.0


def command(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to serve metrics.")
    ] = LISTEN,
    source: Annotated[Way, typer.Option("--source", help="How to read Slurm.")] = Way.AUTO,
    restd: Annotated[
        str | None,
        typer.Option("--restd", metavar="URL", help="slurmrestd: unix:///PATH or http://HOST:6820."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="Holds the JWT for slurmrestd; read at each look."),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Whom to be to slurmrestd.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Who vouches for an https slurmrestd.")
    ] = None,
    api: Annotated[
        str | None,
        typer.Option("--api", metavar="VERSION", help="Its interface, v0.0.38 or newer: found out."),
    ] = None,
    interval: Annotated[
        str, typer.Option("--interval", metavar="TIME", help="Between two looks at Slurm.")
    ] = "30s",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="For one look; then it has failed.")
    ] = "10s",
    series: Annotated[
        int, typer.Option("--series", min=1, max=100_000, metavar="N", help="Of one metric, at most.")
    ] = 512,
    metrics_token_file: Annotated[
        Path | None,
        typer.Option("--metrics-token-file", metavar="FILE", help="The token that scrapes must show."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="To serve HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, print it, end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object.")] = False,
) -> None:
    """Serve a Slurm cluster's nodes, GPUs, queue and scheduler statistics as metrics, until Ctrl-C.

    Off loopback, a token or a certificate is a must, as metrics name users. With --once, exit 1 when nothing
    answered.
    """
    if as_json and not once:
        raise UsageError("--json prints one look: add --once")
    rest = RestOptions(url=restd, token_file=token_file, user=user, ca_file=ca_file, api=api)
    pause, patience = _seconds("--interval", interval), _seconds("--timeout", timeout)
    reader, longest = slurm_source(source, rest, timeout=patience)
    sampler = SlurmSampler(reader, _tell)
    # One look begins at the latest when the pause and the look before it are over.
    stale_after = 2 * (pause + longest)
    if once:
        _once(sampler, stale_after, series, as_json=as_json)
        return
    with _needing_prometheus_client():
        from sentinel.telemetry.slurm_metrics import not_ready, render
    server = MetricsServer(
        _address(listen),
        lambda accept: render(
            accept, sampler.watch, clock.boottime(), stale_after=stale_after, most_series=series
        ),
        lambda: not_ready(sampler.watch, clock.boottime(), stale_after=stale_after),
        None if metrics_token_file is None else read_token(metrics_token_file),
        _tls(tls_cert, tls_key),
    )
    _serve(server, sampler, pause)


def _once(sampler: SlurmSampler, stale_after: float, series: int, *, as_json: bool) -> None:
    reading = sampler.take()
    if as_json:
        print_json(reading_json(reading))
    else:
        with _needing_prometheus_client():
            from sentinel.telemetry.slurm_metrics import render
        body, _ = render("", sampler.watch, clock.boottime(), stale_after=stale_after, most_series=series)
        print(body.decode(), end="")
    if not reading.answered:
        raise typer.Exit(1)  # why, has been told


def _serve(server: MetricsServer, sampler: SlurmSampler, interval: float) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    server.start()
    sampler.start(interval)
    host, port = server.address
    _tell(f"metrics of Slurm on {host}:{port}")
    ended.wait()
    sampler.stop()
    server.close()


def _tell(text: str) -> None:
    print(f"sentinel: {one_line(text)}", file=sys.stderr, flush=True)


def _seconds(option: str, text: str) -> float:
    try:
        found = parse_duration(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}") from None
    if found < _LEAST_SECONDS:
        raise UsageError(f"{option} is a second at least, such as 30s")
    return found


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        raise UsageError(f"--listen {text} is no HOST:PORT; try {LISTEN}")
    return host.strip("[]"), int(port)


def _tls(cert: Path | None, key: Path | None) -> TlsFiles | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("--tls-cert and --tls-key are given together")
    return TlsFiles(certificate=cert, key=key)


@contextmanager
def _needing_prometheus_client() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        raise SentinelError('metrics need prometheus-client: pip install "sentinel-gpu[agent]"') from error
