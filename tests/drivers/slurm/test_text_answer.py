"""The text that Slurm's commands print, with what hostile users can put into it."""

import pytest

from sentinel.core.slurm import SlurmJob
from sentinel.drivers.slurm import text_answer as ta

MARK = "f00d"
SCONTROL = (
    "NodeName=vm Arch=x86_64 CoresPerSocket=1  CPUAlloc=3 CPUEfctv=16 CPUTot=16 CPULoad=7.21 "
    "Gres=gpu:h100:8 GresDrain=N/A GresUsed=gpu:h100:4(IDX:0-3) Version=22.05.8 "
    "OS=Linux 6.1 #1 SMP State=here? RealMemory=1000 State=MIXED+DRAIN ThreadsPerCore=1 "
    "Partitions=test  CfgTRES=cpu=16 AllocTRES=cpu=3 Reason=it said State=IDLE\nand CPUTot=9 [root@now]\n"
    "NodeName=w2 CPUAlloc=0 CPUTot=N/A Gres=(null) GresUsed=(null) State=IDLE*+CLOUD \n"
)
SDIAG = """\
*******************************************************
sdiag output at Thu Nov 26 17:46:05 2026 (1795715165)
Data since      Thu Nov 26 17:46:02 2026 (1795715162)
*******************************************************
Server thread count:  3
Agent queue size:     0
DBD Agent queue size: 5

Jobs submitted: 70
Jobs failed:    x

Main schedule statistics (microseconds):
\tLast cycle:   20
\tMax cycle:    1500000
\tTotal cycles: 2
\tLast queue length: 4

Backfilling stats
\tTotal backfilled jobs (since last slurm start): 3
\tTotal cycles: 7
\tLast cycle when: N/A
\tLast cycle: 406
\tLast queue length: 1

Latency for 1000 calls to gettimeofday(): 23 microseconds

Remote Procedure Call statistics by message type
\tREQUEST_PARTITION_INFO                  ( 2009) count:21     ave_time:154    total_time:3250000

Remote Procedure Call statistics by user
\troot            (       0) count:63     ave_time:204    total_time:12892
\tann of us       (    1000) count:1      ave_time:204    total_time:5

Pending RPC statistics
\tNo pending RPCs
"""


def test_jobs() -> None:
    text = f"{MARK} 2_[3-40%2]|PENDING|test|root|phys\n{MARK} 1|RUNNING|a,b|ann|(null)\n"
    assert ta.jobs_from(text, MARK) == (
        SlurmJob(state="pending", partition="test", user="root", account="phys", tasks=38),
        SlurmJob(state="running", partition="a,b", user="ann", account=None),
    )


def test_nobody_forges_a_job() -> None:
    evil = "ev|il\n9|RUNNING|test|bob|x\nMARK 9|RUNNING|test|bob|"
    text = f"{MARK} 1|RUNNING|test|ann|{evil}\n{MARK} 2|PENDING|t|bob|y\n"
    first, second = ta.jobs_from(text, MARK)
    assert (first.user, second.user, second.account) == ("ann", "bob", "y")
    assert first.account == evil


def test_an_empty_queue_is_one() -> None:
    assert ta.jobs_from("", MARK) == ()


@pytest.mark.parametrize("text", ["slurm_load_jobs error\n", f"{MARK} 1|RUNNING\n", "{}\n"])
def test_what_is_no_queue_is_not_an_empty_one(text: str) -> None:
    with pytest.raises(ValueError, match="squeue prints"):
        ta.jobs_from(text, MARK)


def test_nodes() -> None:
    one, two = ta.nodes_from(SCONTROL)
    assert (one.name, one.cpus, one.cpus_allocated) == ("vm", 16, 3)
    assert (one.gpus, one.gpus_allocated) == ({"h100": 8}, {"h100": 4})
    assert (two.name, two.state, two.usable) == ("w2", "idle", False)
    assert (two.cpus, two.cpus_allocated, two.gpus) == (None, 0, {})


def test_a_reason_changes_no_state() -> None:
    text = "NodeName=a CPUTot=4 State=DOWN Reason=was State=IDLE and\nGres=gpu:9 [root@now]\n"
    (node,) = ta.nodes_from(text)
    assert (node.state, node.cpus) == ("down", 4)


def test_gpus_in_use_that_are_not_told_are_unknown() -> None:
    (node,) = ta.nodes_from("NodeName=a Gres=gpu:a:2 State=MIXED AllocTRES=cpu=3\n")
    assert (node.gpus, node.gpus_allocated) == ({"a": 2}, None)
    (node,) = ta.nodes_from("NodeName=a Gres=gpu:a:2 State=MIXED AllocTRES=cpu=3,gres/gpu=1\n")
    assert node.gpus_allocated == {"a": 1}


def test_no_nodes() -> None:
    assert ta.nodes_from("No nodes in the system\n") == ()
    for text in ("", "slurm_load_node error", "x\nNodeName=a"):
        with pytest.raises(ValueError, match="scontrol prints"):
            ta.nodes_from(text)


def test_statistics() -> None:
    stats = ta.scheduler_from(SDIAG)
    assert (stats.since, stats.server_threads, stats.agent_queue, stats.dbd_agent_queue) == (
        1795715162,
        3,
        0,
        5,
    )
    assert (stats.jobs_submitted, stats.jobs_failed, stats.jobs_started) == (70, None, None)
    assert (stats.cycles, stats.backfill_cycles, stats.backfilled_jobs) == (2, 7, 3)
    assert (stats.cycle_last, stats.cycle_max) == (20e-6, 1.5)
    assert (stats.backfill_cycle_last, stats.backfill_last_at) == (406e-6, None)
    assert (stats.queue_length, stats.backfill_queue_length) == (4, 1)
    assert [(one.name, one.count, one.seconds) for one in stats.rpcs] == [
        ("REQUEST_PARTITION_INFO", 21, 3.25)
    ]
    assert [one.name for one in stats.user_rpcs] == ["root", "ann of us"]


def test_what_are_no_statistics_says_so() -> None:
    with pytest.raises(ValueError, match="sdiag prints"):
        ta.scheduler_from("sdiag: error\n")
