"""The hundred jobs of ElasticFlow's figure 10, on as many GPUs: mean completion time beside Tiresias'.

A reconstruction: the input trace is not public. When jobs came, and on how many GPUs, is in the log of the
run under Tiresias, and how long each computed there is taken for its work. Sentinel is told no durations.
Needs SENTINEL_REAL_DATA.
"""

import statistics

from bench.figure import Figure
from bench.scheduling.traces import trace_at
from sentinel.simulation.replay.cluster import Cluster, cluster_of
from sentinel.simulation.replay.engine import Replayed, replay
from sentinel.simulation.replay.figures import completion
from sentinel.simulation.replay.policies import POLICIES
from sentinel.simulation.replay.trace import LimitRule, Limits, fitted

PUBLISHED = 51_046.0  # Tiresias' mean over the 100 jobs, in seconds
CLUSTER = "16x8"
CONTENDED = "4x8"  # a quarter of it, on which jobs do wait


def measure(quick: bool) -> list[Figure]:
    del quick  # it takes less than a second
    found = trace_at("elasticflow_jobs", "fig10_logs", "dlas-gpu", "job.csv")

    def run(cluster: Cluster, policy: str) -> Replayed:
        jobs = fitted(found, cluster, Limits(rule=LimitRule.NONE)).jobs
        return replay(jobs, cluster, POLICIES[policy])

    whole, few = cluster_of(CLUSTER), cluster_of(CONTENDED)
    ours = run(whole, "sentinel")
    alone = statistics.fmean(job.run for job in found.jobs)
    most = max(ours.series.used) / 1000
    mean = _mean(ours)
    return [
        Figure(
            name="elasticflow: mean completion, 100 jobs, 128 GPUs",
            value=round(mean, 1),
            unit="s",
            target=PUBLISHED,
            how=(
                f"Tiresias: {PUBLISHED:,.0f} s, published; work as that run executed it, durations untold. "
                f"Nothing was short: at most {most:g} of {whole.gpus} GPUs were wanted at once, and all jobs "
                f"alone take {alone:,.1f} s on the mean: nobody who leaves jobs their GPUs could do better"
            ),
            detail={
                "alone_s": round(alone, 2),
                "most_gpus_in_use": most,
                "below_s": round(PUBLISHED - mean, 1),
            },
        ),
        *(
            Figure(
                name=f"elasticflow on {few.gpus} GPUs: {policy}",
                value=round(_mean(run(few, policy)), 1),
                unit="s",
                how="mean completion of the same jobs where they do compete; nothing published",
            )
            for policy in ("sentinel", "fifo")
        ),
    ]


def _mean(replayed: Replayed) -> float:
    return statistics.fmean(completion(one) for one in replayed.ran)
