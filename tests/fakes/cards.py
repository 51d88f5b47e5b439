"""Cards as the stand-ins for NVML and nvidia-smi show them: what a test says is on the machine.

Called by `nvml_stand_in`, `nvidia_smi` and the tests. Sizes are in MiB, as nvidia-smi prints them.
"""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """A process on a card. `letters` as nvidia-smi writes them: "C", "G", "C+G", "M+C".

    `while_alive` lists it only as long as a process with that pid lives (NVML stand-in only).
    """

    pid: int
    letters: str = "C"
    memory_mib: int | None = None
    name: str = "python"
    slice: int | None = None  # the MIG index that it runs on
    while_alive: bool = False
    sm: int | None = None  # percent; None: the driver has seen it do nothing; -2: another each time
    memory_busy: int = 0
    seen_us: int = 0  # when it was last seen busy, microseconds since the epoch; 0: always just now


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A MIG device."""

    uuid: str
    gpu_instance: int
    compute_instance: int = 0
    name: str = "MIG 1g.10gb"
    total_mib: int = 9984
    used_mib: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An NVLink; -1: not supported."""

    active: int = 1
    version: int = 7
    replay: int = 0
    recovery: int = 0
    flit: int = 0
    data: int = -1


# As NVML has them: megahertz, milliwatts, millijoules, KB/s, nanoseconds of throttling.
SERVER = {
    "pstate": 0,
    "clock_graphics": 1980,
    "clock_sm": 1975,
    "clock_memory": 2619,
    "clock_video": 1545,
    "max_clock_graphics": 1985,
    "max_clock_sm": 1981,
    "max_clock_memory": 2620,
    "max_clock_video": 1546,
    "throttle": 0x4,
    "encoder": 3,
    "decoder": 4,
    "memory_temperature": 54,
    "shutdown_temperature": 92,
    "slowdown_temperature": 89,
    "margin": 26,
    "power_instant": 625_680,
    "power_average": 631_950,
    "default_limit": 700_000,
    "min_limit": 200_000,
    "max_limit": 700_000,
    "energy": 123_456_789,
    "ecc_mode": 1,
    "ecc_corrected_volatile": 11,
    "ecc_uncorrected_volatile": 12,
    "ecc_corrected_aggregate": 13,
    "ecc_uncorrected_aggregate": 14,
    "remapped_correctable": 5,
    "remapped_uncorrectable": 6,
    "remapped_pending": 1,
    "remapped_failure": 0,
    "pcie_generation": 4,
    "pcie_max_generation": 5,
    "pcie_width": 8,
    "pcie_max_width": 16,
    "pcie_replay": 7,
    "pcie_sent": 1000,
    "pcie_received": 2000,
    "bar1_total": 128 * 2**30,
    "bar1_used": 2**20,
    "persistence": 1,
    "compute_mode": 3,
    "brand": 14,
    "throttled_power": 3_000_000_000,
    "throttled_sync": 0,
    "throttled_sw_thermal": 1_500_000_000,
    "throttled_hw_thermal": 0,
    "throttled_brake": 0,
    "process_utilization": 1,
}
# An older card with fans, page retirement and no ECC.
DESKTOP = {
    **{name: SERVER[name] for name in SERVER if name.startswith(("clock", "max_clock", "pcie", "bar1"))},
    "pstate": 8,
    "throttle": 0x1,
    "fans": 2,
    "retired_single": 3,
    "retired_double": 2,
    "retired_pending": 0,
    "compute_mode": 0,
    "persistence": 0,
    "brand": 5,
    "process_utilization": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card. `used_mib` None is the sum of what its occupants hold; `errors` are NVML's, by function.

    The function "*" stands for every one that takes this card. `sensors` are what the NVML stand-in knows
    beyond the fields here, by the names in stand_in.c; what is not among them is not supported.
    """

    uuid: str = "GPU-00000000-aaaa-bbbb-cccc-000000000000"
    name: str = "NVIDIA Stand-in"
    address: str = "00000000:01:00.0"
    total_mib: int = 81920
    used_mib: int | None = None
    reserved_mib: int = 600
    utilization: int = 0
    temperature: int = 40
    milliwatts: int = 60_000
    limit_milliwatts: int = 350_000
    fan: int = 30
    mig: bool | None = None
    slices: tuple[Slice, ...] = ()
    occupants: tuple[Occupant, ...] = ()
    errors: dict[str, int] = field(default_factory=dict[str, int])
    sensors: dict[str, int] = field(default_factory=dict[str, int])
    serial: str = ""
    vbios: str = ""
    links: tuple[Link, ...] = ()
    reaches: tuple[int, ...] = ()  # by NVLink: the places of other cards

    def used(self) -> int:
        """MiB in use."""
        if self.used_mib is not None:
            return self.used_mib
        return sum(one.memory_mib or 0 for one in self.occupants)

    def having(self, *occupants: Occupant) -> "Card":
        """The card with these processes on it and no others."""
        return replace(self, occupants=occupants)


def cards(count: int) -> tuple[Card, ...]:
    """`count` different cards with nothing on them."""
    return tuple(
        Card(uuid=f"GPU-{index:08d}-aaaa-bbbb-cccc-000000000000", address=f"00000000:{index + 1:02X}:00.0")
        for index in range(count)
    )
