"""Simulated nodes and their GPUs, users and their groups. Pure, and the same for the same seed.

Called by `timeline`, `seed` and `live`. A simulated node is told from a real one by its `agent_version`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sentinel.core.node import Block, BlockKind, Node, NodeGpu, NodeState, Sharing
from sentinel.core.secret import ID_LENGTH, ID_LETTERS

SIMULATED = "simulated"  # the agent's version
STAYS_SILENT = "simulated-silent"  # the boot id of a node that nothing is to be heard of
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A model of GPU: what it draws at rest and at most, and how warm it gets."""

    model: str
    memory_bytes: int
    idle_watts: float
    most_watts: float
    idle_celsius: float
    most_celsius: float
    linked: bool  # by NVLink
    share: float  # of the nodes


CARDS = (
    Card(model="NVIDIA H100 80GB HBM3", memory_bytes=80 * GIB, idle_watts=72, most_watts=690, idle_celsius=31,
         most_celsius=72, linked=True, share=0.5),
    Card(model="NVIDIA A100-SXM4-80GB", memory_bytes=80 * GIB, idle_watts=58, most_watts=395, idle_celsius=29,
         most_celsius=68, linked=True, share=0.25),
    Card(model="NVIDIA L40S", memory_bytes=46068 * 2**20, idle_watts=34, most_watts=345, idle_celsius=33,
         most_celsius=77, linked=False, share=0.15),
    Card(model="NVIDIA A40", memory_bytes=46068 * 2**20, idle_watts=30, most_watts=298, idle_celsius=34,
         most_celsius=79, linked=False, share=0.1),
)  # fmt: skip
CARD_OF = {card.model: card for card in CARDS}

GROUPS = ("vision", "speech", "genomics", "physics", "robotics", "language")
USERS = (
    "ada", "bela", "chen", "dina", "emil", "fatma", "goran", "hana", "ivo", "jana", "kofi", "lena", "mira",
    "nils", "olga", "pavel", "quinn", "rosa", "sami", "tara", "umut", "vera", "wen", "yuki",
)  # fmt: skip


def group_of(user: str) -> str:
    """The group that a simulated user is in."""
    return GROUPS[USERS.index(user) % len(GROUPS)]


def an_id(random: Random) -> str:
    """Looks like any other id."""
    return "".join(random.choices(ID_LETTERS, k=ID_LENGTH))


def nodes(random: Random, *, count: int, gpus: int, joined_at: float, now: float) -> list[Node]:
    """`sim-001` and so on, all up. Models come in blocks, as machines are bought."""
    width = max(3, len(str(count)))
    return [
        _node(random, f"sim-{number + 1:0{width}}", _card_at((number + 0.5) / count), gpus, joined_at, now)
        for number in range(count)
    ]


def _card_at(place: float) -> Card:
    for card in CARDS:
        if place < card.share:
            return card
        place -= card.share
    return CARDS[-1]


def _node(random: Random, name: str, card: Card, gpus: int, joined_at: float, now: float) -> Node:
    return Node(
        id=an_id(random),
        name=name,
        joined_at=joined_at,
        state=NodeState.UP,
        boot_id=f"{SIMULATED}-{random.getrandbits(32):08x}",
        agent_version=SIMULATED,
        last_seen_at=now,
        gpus=tuple(
            NodeGpu(
                uuid=_uuid(random),
                index=index,
                model=card.model,
                memory_total_bytes=card.memory_bytes,
                island=0 if card.linked and gpus > 1 else None,
                numa=index * 2 // gpus,
            )
            for index in range(gpus)
        ),
        cpus=16 * gpus,
        memory_bytes=256 * gpus * GIB,
        sharing=Sharing.MPS,
    )


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return "GPU-" + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def unmanaged(user: str, what: str) -> Block:
    """The block of a GPU that somebody has without having queued for it."""
    return Block(kind=BlockKind.UNMANAGED, why=f"{what} of {user}, which nobody queued, holds it")


def lanes(random: Random, gpus: int) -> Sequence[int]:
    """How the GPUs of a node are used side by side: sizes that add up to all of them."""
    sizes: list[int] = []
    left = gpus
    while left:
        fitting = [size for size in (8, 4, 2, 1) if size <= left] or [left]
        weights = [4 / (place + 1) for place in range(len(fitting))]
        sizes.append(random.choices(fitting, weights)[0])
        left -= sizes[-1]
    return sizes
