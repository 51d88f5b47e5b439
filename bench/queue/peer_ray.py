"""Ray draining N tasks that run `true`, on warm workers. Run by `peers` in the environment that has it.

Prints one line of JSON: the seconds from the first submit to the end of the last task.
"""

# pyright: basic, reportMissingImports=false, reportFunctionMemberAccess=false, reportAttributeAccessIssue=false

import json
import subprocess
import sys
import time

import ray


def main(count: int, slots: int) -> None:
    ray.init(num_cpus=slots, include_dashboard=False, log_to_driver=False, logging_level="error")

    @ray.remote(num_cpus=1)
    def run() -> int:
        return subprocess.call(["true"])

    ray.get([run.remote() for _ in range(8 * slots)])  # every worker has started
    began = time.perf_counter()
    codes = ray.get([run.remote() for _ in range(count)])
    seconds = time.perf_counter() - began
    ray.shutdown()
    if any(codes):
        raise SystemExit("a task failed")
    print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
