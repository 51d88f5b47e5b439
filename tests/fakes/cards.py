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
class Card:
    """A card. `used_mib` None is the sum of what its occupants hold; `errors` are NVML's, by function.

    The function "*" stands for every one that takes this card.
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
