"""`sentinel gpus`: one look at the GPUs of this machine. Works with no arbiter and no server.

Called by the table in `cli.app`. The JSON is documented in `core.gpu_json`.
"""

import contextlib
import json
from typing import Annotated

import typer

from sentinel.cli.local.gpu_table import show_reading, width_here
from sentinel.cli.local.wiring import GPU_SOURCES, gpu_source
from sentinel.core.gpu_json import gpu_json


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON list, one object a GPU; null is unknown.")
    ] = False,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help=f"One of: {', '.join(GPU_SOURCES)}.")
    ] = "auto",
) -> None:
    """Show the GPUs of this machine and the processes on them."""
    with contextlib.closing(gpu_source(source)) as opened:
        reading = opened.read()
    if as_json:
        print(json.dumps([gpu_json(gpu) for gpu in reading.gpus], indent=2))
    else:
        print(show_reading(reading, width_here()))
