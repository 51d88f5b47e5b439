"""What a pass of placement decides, and why it did not decide otherwise. Nouns; made by placement and
preempt, read by the scheduler's loop, explain and the simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sentinel.scheduling.order import Kind
from sentinel.scheduling.site import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """These GPUs (UUIDs) of the node with this id."""

    node: str
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`job` is to have these seats: one, or one for each rank of a gang, all of them at once or none."""

    job: str
    seats: tuple[Seat, ...]

    @property
    def node(self) -> str:
        """The first one's."""
        return self.seats[0].node

    @property
    def gpus(self) -> tuple[str, ...]:
        """The first one's."""
        return self.seats[0].gpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """`job` (a gang, where it is one) is to make room for the job `makes_room_for`, at a loss of so many
    GPU-seconds of work."""

    job: str
    makes_room_for: str
    why: str
    loses: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What is kept for a waiting job: one Start a node. `at` None: when it can start is not known."""

    job: str
    starts: tuple[Start, ...]
    at: float | None


class Word(StrEnum):
    """Why a job is not placed."""

    BUSY = "busy"  # other jobs have the GPUs; one of its kind has a Booking, or too many came before it
    QUOTA = "quota"  # a limit of its owner or group
    ARRAY = "array"  # as many of its array run as may
    TOO_LARGE = "too-large"  # the nodes are not big enough, ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """For all of a kind. `job`: the first of them, to which `booking` belongs."""

    word: Word
    job: str
    why: str = ""
    booking: Booking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a pass decided. `bookings`: by job id; hand them to the next pass. `more`: it stopped early, as it
    had placed as many as it was to. `unsettled`: promises were given up that somebody had kept clear of, so
    another pass may find more. `again_at`: when it may decide otherwise although nothing has changed."""

    chosen: tuple[Chosen, ...] = ()
    stops: tuple[Stop, ...] = ()
    bookings: Mapping[str, Booking] = field(default_factory=dict[str, Booking])
    verdicts: Mapping[Kind, Verdict] = field(default_factory=dict[Kind, Verdict])
    more: bool = False
    unsettled: bool = False
    again_at: float | None = None
