"""Whether a container may use GPUs, and which, by its configuration.

Called by attribution with what the engine's inspection tells. Every rule that applies leaves a piece of
evidence. What the engine enforces has Trust.RUNTIME; NVIDIA_VISIBLE_DEVICES under a runtime that does not
heed it is a mere declaration, in nearly every CUDA image, and gives nothing.

A number is taken for the GPU's index, also in /dev/nvidiaN, where it is the minor number: the same unless
the cards were rearranged.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sentinel.core.container import Container, DeviceRequest
from sentinel.core.workload import Evidence, Trust


class Numbered(Protocol):
    """A GPU as far as it matters here: core.inventory.SeenGpu and core.gpu.Gpu are such."""

    @property
    def index(self) -> int: ...
    @property
    def uuid(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuAccess:
    """`has` None: it can't be told. `gpus` None: some, and it can't be told which. UUIDs of whole GPUs."""

    has: bool | None
    gpus: tuple[str, ...] | None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gift:
    """What one rule gives: `which` lists indices and UUIDs, or is "all", or None for unknown which."""

    which: tuple[str, ...] | str | None
    source: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """The GPUs of this machine, for finding them by whatever a configuration calls them."""

    gpus: Sequence[Numbered]
    known: bool = True  # False: the list of GPUs could not be read
    mig: Mapping[str, str] = field(default_factory=dict[str, str])  # MIG UUID → UUID of its GPU


ALL = "all"
_NOTHING = frozenset({"", "none", "void", "no-dev-mounts"})
_CDI = re.compile(r"(?:[a-z]+\.)*nvidia\.com/(?:gpu|mig[\w.-]*)=(.+)")
_CARD = re.compile(r"/dev/nvidia([0-9]{1,4})")
_PART = re.compile(
    r"/dev/(nvidiactl|nvidia-uvm(-tools)?|nvidia-modeset|nvidia-caps(/.*)?|dxg|nvmap|nvhost-.+|nvgpu(/.*)?)"
)
_INJECTED = re.compile(r"/(?:var/)?run/nvidia-container-devices/(.+)")
_RULE = re.compile(r"\s*([ac])\s+(\*|\d+)\s*:\s*(\*|\d+)(?:\s+\S+)?\s*")
_NVIDIA_MAJOR = "195"
_CONTROL_MINORS = frozenset({"254", "255"})  # modeset and nvidiactl


def gpu_access(container: Container, cards: Cards) -> GpuAccess:
    """What `container`'s configuration gives it of `cards`. Pure; takes any text."""
    gifts = [
        *_requests(container),
        *_devices(container),
        *_rules(container),
        *_mounts(container),
        *_variable(container),
    ]
    if container.privileged:
        gifts.append(_Gift(ALL, "privileged", "a privileged container sees every device"))
    evidence = tuple(
        Evidence(value="yes", source=gift.source, trust=Trust.RUNTIME, detail=gift.detail) for gift in gifts
    )
    if gifts:
        return GpuAccess(has=True, gpus=_given(gifts, cards), evidence=evidence)
    visible, doubt = _declaration(container)
    if visible is None:
        return GpuAccess(has=False, gpus=())
    has, word = (None, "unknown") if doubt else (False, "no")
    declared = Evidence(value=word, source="env:NVIDIA_VISIBLE_DEVICES", trust=Trust.DECLARED, detail=visible)
    return GpuAccess(has=has, gpus=None if doubt else (), evidence=(declared,))


# ------------------------------------------------------------------ the rules


def _requests(container: Container) -> Iterator[_Gift]:
    for request in container.device_requests:
        if request.driver == "cdi":
            names = [found[1] for id in request.device_ids if (found := _CDI.fullmatch(id))]
            yield from (_Gift(_listed(name), "device-request", f"CDI device {name}") for name in names)
        elif request.driver == "nvidia" or any("gpu" in every for every in request.capabilities):
            yield _Gift(_requested(request), "device-request", _told(request))


def _requested(request: DeviceRequest) -> tuple[str, ...] | str | None:
    if request.device_ids:
        return ALL if ALL in request.device_ids else request.device_ids
    return ALL if request.count < 0 else None


def _told(request: DeviceRequest) -> str:
    if request.device_ids:
        return "GPU " + ", ".join(request.device_ids)
    return "all GPUs" if request.count < 0 else f"{request.count or 'some'} GPU, whichever"


def _devices(container: Container) -> Iterator[_Gift]:
    for device in container.devices:
        for path in dict.fromkeys((device.host, device.container)):
            cdi = _CDI.fullmatch(path)
            if cdi:
                yield _Gift(_listed(cdi[1]), "device", f"CDI device {cdi[1]}")
            elif gift := _node(path, "device"):
                yield gift
                break


def _mounts(container: Container) -> Iterator[_Gift]:
    heeded = _heeds_nvidia(container)
    for mount in container.mounts:
        injected = _INJECTED.fullmatch(mount.destination) if heeded else None
        if injected:
            yield _Gift(_listed(injected[1]), "mount", f"{mount.destination}, which runtime nvidia heeds")
        elif mount.source.rstrip("/") == "/dev":
            yield _Gift(ALL, "mount", "/dev is mounted")
        elif gift := _node(mount.source, "mount"):
            yield gift


def _node(path: str, source: str) -> _Gift | None:
    """What a device node under /dev gives. A part without its card is access to something, without which."""
    card = _CARD.fullmatch(path)
    if card:
        return _Gift((str(int(card[1])),), source, path)
    return _Gift(None, source, path) if _PART.fullmatch(path) else None


def _rules(container: Container) -> Iterator[_Gift]:
    for rule in container.device_rules:
        found = _RULE.fullmatch(rule)
        if not found or found[2] not in ("*", _NVIDIA_MAJOR):
            continue
        minor = found[3]
        which = None if minor in _CONTROL_MINORS else (ALL if minor == "*" else (minor,))
        yield _Gift(which, "device-rule", rule.strip())


def _variable(container: Container) -> Iterator[_Gift]:
    visible = container.variables.get("NVIDIA_VISIBLE_DEVICES", "").strip()
    if not _heeds_nvidia(container) or visible.lower() in _NOTHING:
        return
    if visible.startswith("/"):
        return  # it says that the devices come as mounts
    yield _Gift(
        _listed(visible),
        "env:NVIDIA_VISIBLE_DEVICES",
        f"{visible!r}, heeded by runtime {container.oci_runtime}",
    )


def _declaration(container: Container) -> tuple[str | None, bool]:
    """What the variable claims where nobody is seen to heed it; and whether someone may heed it unseen."""
    visible = container.variables.get("NVIDIA_VISIBLE_DEVICES", "").strip()
    if _heeds_nvidia(container) or visible.lower() in _NOTHING:
        return None, False
    runtime = container.oci_runtime
    if runtime is None or (container.engine == "containerd" and runtime.startswith("io.containerd")):
        return f"{visible!r}; which runtime runs it is unknown", True
    return f"{visible!r} means nothing to runtime {runtime}", False


def _heeds_nvidia(container: Container) -> bool:
    return "nvidia" in (container.oci_runtime or "").lower()


# ------------------------------------------------------------------ which GPUs


def _listed(text: str) -> tuple[str, ...] | str:
    """A list as NVIDIA's runtime takes it; a CDI name in it as what it names."""
    names = [one.strip() for one in text.split(",") if one.strip()]
    plain = tuple(found[1] if (found := _CDI.fullmatch(name)) else name for name in names)
    return ALL if ALL in plain else plain


def _given(gifts: Sequence[_Gift], cards: Cards) -> tuple[str, ...] | None:
    """UUIDs that the gifts name together. A name that fits no GPU makes it unknown which."""
    everything = tuple(gpu.uuid for gpu in cards.gpus)
    if any(gift.which == ALL for gift in gifts):
        return everything if cards.known else None
    found: set[str] = set()
    named = [gift for gift in gifts if gift.which is not None]
    for gift in named:
        for name in gift.which or ():
            uuid = _find(name, cards)
            if uuid is None:
                return None
            found.add(uuid)
    # Control nodes come along with the cards themselves; alone they say nothing of which.
    if not named or any(gift.which is None and gift.source == "device-request" for gift in gifts):
        return None
    return tuple(uuid for uuid in everything if uuid in found)


def _find(name: str, cards: Cards) -> str | None:
    """The UUID of the GPU that is called so: index, UUID or the start of one, MIG UUID, or "GPU:MIG"."""
    if name in cards.mig:
        return cards.mig[name]
    if name.startswith("MIG-GPU-"):  # the older form: MIG-GPU-UUID/instance/instance
        name = name.removeprefix("MIG-").split("/", 1)[0]
    index = name.split(":", 1)[0]
    if index.isascii() and index.isdigit():
        return next((gpu.uuid for gpu in cards.gpus if str(gpu.index) == str(int(index[:6]))), None)
    starts = [gpu.uuid for gpu in cards.gpus if name.startswith("GPU-") and gpu.uuid.startswith(name)]
    return starts[0] if len(starts) == 1 else None
