"""`sentinel job submit`: a command into the queue. Called by the table in `cli.app`.

Prints the id, of an array that of the array; with --json the job as in `core.job_json`, of an array
{"id", "array": {"id", "size", "limit"}, "jobs": [ID…]}.
"""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.submission import Submission, submitting


def _submit(asked: Submission) -> None:
    """Queue a command, and print the job's id.

    It runs on the first GPUs that fit, as your user there, in the folder you stand in. Options go before the
    command: sentinel job submit --gpus 2 -- python train.py --epochs 3
    """
    with connected() as client:
        job = client.submit(**asked.fields)
    if asked.as_json:
        print_json(job)
    else:
        print(job["id"])


command = submitting(_submit)
