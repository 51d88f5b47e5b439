"""Shipped rules about GPUs, over what every agent samples. Read by `library`.

What takes a diagnosis (ECC, Xid, links, idle memory) are findings of health, which are alerts by themselves.
Here is what is a matter of taste and place: how hot is too hot, how full is too full.
"""

from sentinel.alerting.library.shipped import shipped
from sentinel.core.alert import Comparison, NoData
from sentinel.core.finding import Severity

RULES = (
    shipped(
        "gpu-hot",
        "gpu_temperature_celsius",
        Comparison.ABOVE,
        88,
        hold=120,
        summary="GPU {gpu} of {node} is at {value} °C",
        why="Above 88 °C most cards slow down, and every job on them with them.",
        next_step="Look at the fans and at the air around {node}; `sentinel gpus` there shows its neighbours",
    ),
    shipped(
        "gpu-at-its-limit",
        "gpu_temperature_margin_celsius",
        Comparison.AT_MOST,
        2,
        hold=60,
        severity=Severity.CRITICAL,
        summary="GPU {gpu} of {node} is {value} °C below the temperature at which it slows down",
        why="A card that gets warmer than this slows down, and then switches itself off with the job on it.",
        next_step="Lower its power limit, or drain {node}; then look at its cooling",
    ),
    shipped(
        "gpu-memory-hot",
        "gpu_memory_temperature_celsius",
        Comparison.ABOVE,
        98,
        hold=300,
        summary="The memory of GPU {gpu} of {node} is at {value} °C",
        why="Memory that stays this hot makes errors sooner and ages faster.",
        next_step="Look at the cooling of {node}; where it is as it should be, lower the power limit",
    ),
    shipped(
        "gpu-slowed-by-heat",
        "gpu_throttle_active",
        Comparison.EQUAL,
        1,
        hold=300,
        scope={"reason": ("sw_thermal_slowdown", "hw_thermal_slowdown")},
        summary="GPU {gpu} of {node} has been slowed down by heat ({reason}) for minutes",
        why="Jobs there take longer than they should, and a gang takes as long as its slowest part.",
        next_step="Look at the fans and the air of {node}, and move long jobs elsewhere",
    ),
    shipped(
        "gpu-power-brake",
        "gpu_throttle_active",
        Comparison.EQUAL,
        1,
        hold=60,
        scope={"reason": ("hw_power_brake",)},
        severity=Severity.CRITICAL,
        summary="The power supply of {node} slows GPU {gpu} down",
        why="The machine says that it cannot feed its cards: the next step of it is switching off.",
        next_step="Look at the power supplies and the power cables of {node}",
    ),
    shipped(
        "gpu-memory-full",
        "gpu_memory_used_bytes",
        Comparison.ABOVE,
        98,
        of="gpu_memory_total_bytes",
        hold=600,
        severity=Severity.INFO,
        summary="The memory of GPU {gpu} of {node} is {value} % full",
        why="The next allocation there may fail, and end the process that asks.",
        next_step="`sentinel workloads` there shows who holds it",
    ),
    shipped(
        "gpu-broken",
        "gpu_up",
        Comparison.BELOW,
        1,
        hold=60,
        severity=Severity.CRITICAL,
        no_data=NoData.ALERT,
        summary="GPU {gpu} of {node} is broken, or is not reported any more",
        why="The card itself says so, or whoever asks it gets no answer: what runs there is probably lost.",
        next_step="`sentinel health` on {node} says more; where all its cards are silent: is it up?",
    ),
)
