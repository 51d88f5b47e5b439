"""A round of alerting: 10,000 series and 100 rules, all of which watch all of them.

Most is well, as it is in life: two in a hundred series are above all of the thresholds. With the evaluation
goes what the round does besides: silences, grouping, and what is due. In the detail: the same when
a fifth is.
"""

import time

from bench.figure import Figure, percentile, spread
from sentinel.alerting.moment import Moment
from sentinel.alerting.round import Book, Look, Policy, turn
from sentinel.core.alert import Comparison, NoData, Route, Rule, Silence
from sentinel.core.series import Labels

SERIES, RULES, ROUNDS, TARGET = 10_000, 100, 20, 1.0
_METRIC = "gpu_temperature_celsius"
_BEGAN = 1_800_000_000.0


def measure(quick: bool) -> list[Figure]:
    """In processor time: a round waits for nothing."""
    rounds = 5 if quick else ROUNDS
    usual = _rounds(share=100, rounds=rounds)
    worse = _rounds(share=10, rounds=3)
    return [
        Figure(
            name="a round of alert rules",
            value=percentile(usual, 99),
            unit="s",
            target=TARGET,
            how=f"99th percentile of {rounds}, CPU time: {RULES} rules over {SERIES} series each,"
            f" 2 % of the series above every threshold",
            detail={"usual": spread(usual), "a_fifth_firing": spread(worse)},
        )
    ]


def _rounds(share: int, rounds: int) -> list[float]:
    """Seconds of each. One in `share` series is too hot; which ones moves from round to round."""
    policy = Policy(
        rules={name: _rule(name, index) for index in range(RULES) if (name := f"rule-{index}")},
        silences=[
            Silence(id=f"s{index}", matches={"node": (f"node{index}",)}, start=0.0, end=4e9, by="a", why="b")
            for index in range(20)
        ],
        routes=[Route(name="all", channels=("mail",), group_by=("rule",))],
    )
    labels = [_labels(index) for index in range(SERIES)]
    book, found = Book(), list[float]()
    for number in range(rounds + 1):
        values = {
            series: 95.0 if (index + number) % share == 0 or index % share == 0 else 40.0
            for index, series in enumerate(labels)
        }
        look = Look(values={_METRIC: values}, expected={_METRIC: labels})
        began = time.process_time()
        turned = turn(book, policy, look, Moment(wall=_BEGAN + number * 10, elapsed=10.0))
        found.append(time.process_time() - began)
        book = turned.book
    return found[1:]  # in the first one everything is new


def _rule(name: str, index: int) -> Rule:
    return Rule(
        name=name,
        metric=_METRIC,
        op=Comparison.ABOVE,
        threshold=80.0 + index / 10,
        hold=10.0 * (index % 3),
        no_data=list(NoData)[index % 3],
        annotations=(("summary", "GPU {gpu} of {node} is at {value} °C"),),
    )


def _labels(index: int) -> Labels:
    node, gpu = divmod(index, 8)
    return (("gpu", str(gpu)), ("node", f"node{node}"), ("sku", "NVIDIA H100"), ("uuid", f"GPU-{index:08x}"))
