"""Reads `nvidia-smi -q -x`. Pure: bytes to nouns.

Called by the `smi` driver and by `smi_file`. Elements come and go between drivers (DTD v6 to v13 and
none), so each value names every place it has lived in, newest last, and what is not there is unknown.
The document has no index: it is the order of the cards, as everywhere in `nvidia-smi`.
"""

import re
from dataclasses import dataclass

from sentinel.core.errors import UsageError
from sentinel.core.gpu import Gpu, GpuProcess, MigDevice, unnamed
from sentinel.drivers.gpus import smi_values as values
from sentinel.drivers.gpus.listing import kind_of, merged, pci_address
from sentinel.drivers.gpus.smi_document import Node, parse_document
from sentinel.drivers.gpus.smi_sensors import sensors_in_node

_POWER = ("power_readings", "gpu_power_readings")
_DRAW = ("power_draw", "average_power_draw", "instant_power_draw")
_LIMIT = ("enforced_power_limit", "power_limit", "current_power_limit")
_VITAL = (
    "fb_memory_usage/total",
    "fb_memory_usage/used",
    "fb_memory_usage/free",
    "utilization/gpu_util",
    "temperature/gpu_temp",
    "fan_speed",
    *(f"{place}/{field}" for place in _POWER for field in _DRAW),
)
_NAMES = re.compile(r"(<process_name>)(.*?)(</process_name>)")
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmiLog:
    """A whole document. `attached` is how many cards the driver has, listed or not."""

    gpus: tuple[Gpu, ...]
    attached: int | None = None
    driver_version: str | None = None
    cuda_version: str | None = None


def parse_xml(data: bytes) -> SmiLog:
    """The cards in `data`. Raises UsageError, in one line, for what is no document of `nvidia-smi -q -x`."""
    if not data.strip():
        raise UsageError("it is empty")
    root = parse_document(data)
    if root.tag != "nvidia_smi_log":
        raise UsageError(f"its root element is <{root.tag[:40]}>, not <nvidia_smi_log>")
    return SmiLog(
        gpus=tuple(_gpu(index, node) for index, node in enumerate(root.all("gpu"))),
        attached=values.whole(root.value("attached_gpus")),
        driver_version=values.text(root.value("driver_version")),
        cuda_version=values.text(root.value("cuda_version")),
    )


def document_in(said: str) -> str:
    """The document in what a running `nvidia-smi` printed: warnings stand before and after it.

    Any user chooses the name of a process, so names that would break the document are mended; a file is
    read as it is instead.
    """
    start, end = _ends(said)
    kept = _NO_XML.sub("?", said[start:end])
    return _NAMES.sub(lambda match: match[1] + _escaped(match[2]) + match[3], kept)


def around_document(said: str) -> list[str]:
    """The lines before and after the document: the driver's words alone, no user's."""
    start, end = _ends(said)
    return [*said[:start].split("\n"), *said[end:].split("\n")]


def _ends(said: str) -> tuple[int, int]:
    start = said.find("<")
    return (start, said.rfind(">") + 1) if start >= 0 else (len(said), len(said))


def _escaped(name: str) -> str:
    return _ESCAPED.sub("&amp;", name).replace("<", "&lt;").replace(">", "&gt;")


def _gpu(index: int, node: Node) -> Gpu:
    address = pci_address(node.attributes.get("id") or node.value("pci/pci_bus_id") or "")
    devices = tuple(_mig_devices(node))
    troubles = [said for path in _VITAL if (said := values.trouble(path, node.value(path)))]
    return Gpu(
        index=index,
        uuid=values.text(node.value("uuid")) or unnamed(address or index),
        name=values.text(node.value("product_name")),
        pci_bus_id=address,
        memory_total_bytes=values.memory(node.value("fb_memory_usage/total")),
        memory_used_bytes=values.memory(node.value("fb_memory_usage/used")),
        memory_free_bytes=values.memory(node.value("fb_memory_usage/free")),
        utilization_percent=values.number(node.value("utilization/gpu_util"), "%"),
        temperature_celsius=values.number(node.value("temperature/gpu_temp"), "C", negative=True),
        power_watts=_watts(node, _DRAW),
        power_limit_watts=_watts(node, _LIMIT),
        fan_percent=values.number(node.value("fan_speed"), "%"),
        processes=_processes(node, devices),
        mig_enabled=values.flag(node.value("mig_mode/current_mig")),
        mig_devices=devices,
        error=troubles[0] if troubles else None,
        sensors=sensors_in_node(node),
    )


def _watts(node: Node, fields: tuple[str, ...]) -> float | None:
    found = (values.number(node.value(f"{place}/{field}"), "W") for field in fields for place in _POWER)
    return next((watts for watts in found if watts is not None), None)


def _mig_nodes(node: Node) -> list[Node]:
    devices = node.at("mig_devices")
    return list(devices.all("mig_device")) if devices else []


def _mig_devices(node: Node) -> list[MigDevice]:
    return [
        MigDevice(
            index=place if (index := values.whole(device.value("index"))) is None else index,
            uuid=values.text(device.value("uuid", "mig_uuid")),
            name=values.text(device.value("name", "product_name")),
            gpu_instance_id=values.whole(device.value("gpu_instance_id")),
            compute_instance_id=values.whole(device.value("compute_instance_id")),
            memory_total_bytes=values.memory(device.value("fb_memory_usage/total")),
            memory_used_bytes=values.memory(device.value("fb_memory_usage/used")),
        )
        for place, device in enumerate(_mig_nodes(node))
    ]


def _processes(node: Node, devices: tuple[MigDevice, ...]) -> tuple[GpuProcess, ...] | None:
    """The processes of the card and of its MIG devices; None unless the whole list is known."""
    listed = _listed(node.at("processes"), devices, None)
    for nested, device in zip(_mig_nodes(node), devices, strict=True):
        own = nested.at("processes")
        if own is not None:
            more = _listed(own, devices, device)
            listed = None if listed is None or more is None else listed + more
    return None if listed is None else merged(listed)


def _listed(
    node: Node | None, devices: tuple[MigDevice, ...], device: MigDevice | None
) -> list[GpuProcess] | None:
    if node is None:
        return None
    if not node.children:
        # "" and "None" are an empty list; "N/A" and the like are the driver's way to decline.
        return [] if node.text.strip() in ("", "None") else None
    found = [_process(entry, devices, device) for entry in node.all("process_info")]
    known = [entry for entry in found if entry is not None]
    # Somebody is there and cannot be named: the list is not known, rather than shorter.
    return known if len(known) == len(found) else None


def _process(node: Node, devices: tuple[MigDevice, ...], device: MigDevice | None) -> GpuProcess | None:
    pid = values.whole(node.value("pid"))
    if pid is None:
        return None
    instance = values.whole(node.value("gpu_instance_id"))
    part = values.whole(node.value("compute_instance_id"))
    if device is None and instance is not None:
        ids = (instance, part)
        device = next((d for d in devices if (d.gpu_instance_id, d.compute_instance_id) == ids), None)
    return GpuProcess(
        pid=pid,
        kind=kind_of(node.value("type") or ""),
        memory_bytes=values.memory(node.value("used_memory")),
        name=values.text(node.value("process_name")),
        mig_uuid=device.uuid if device else None,
        gpu_instance_id=device.gpu_instance_id if device else instance,
        compute_instance_id=device.compute_instance_id if device else part,
    )
