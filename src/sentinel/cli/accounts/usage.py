"""`sentinel usage`. Called by the table in `cli.app`.

The JSON is a list of {"scope": "user" | "group", "name", "running_gpus": N, "gpu_hours": N,
"recent_gpu_hours": N, "share": 0 to 1 | null, "weight": N, "limits": {…} | null, "days": {"YYYY-MM-DD":
GPU_HOURS}}.
"""

from sentinel.cli.accounts.words import usage_lines
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width


def command(as_json: AsJson = False) -> None:
    """Show who has and had how much of the GPUs.

    GPU-HOURS are those of the last 30 days. RECENT is how they count for who is next, each by half after a
    week; SHARE is their part of those of all users, or of all groups, to be compared with WEIGHT.
    """
    with connected() as client:
        found = client.usage()
    if as_json:
        print_json(found)
    elif not found:
        print("nobody has had a GPU yet; queue a job: sentinel job submit -- nvidia-smi -L")
    else:
        print("\n".join(usage_lines(found, table_width())))
