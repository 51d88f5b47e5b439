"""HyperQueue draining N jobs of `true`, each submitted alone. Run by `peers` in the environment that has it.

Prints one line of JSON: the seconds from the first submit to the end of the last job.
"""

# pyright: basic, reportMissingImports=false, reportFunctionMemberAccess=false, reportAttributeAccessIssue=false

import json
import sys
import time

from hyperqueue import Job
from hyperqueue.cluster import LocalCluster, WorkerConfig


def main(count: int, slots: int) -> None:
    with LocalCluster() as cluster:
        cluster.start_worker(WorkerConfig(cores=slots))
        client = cluster.client()

        def submit() -> object:
            job = Job()
            job.program(["true"])
            return client.submit(job)

        client.wait_for_jobs([submit()])  # its worker is there and warm
        began = time.perf_counter()
        client.wait_for_jobs([submit() for _ in range(count)])
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
