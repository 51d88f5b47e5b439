"""What the stand-in `nvidia-smi` runs: see `nvidia_smi`. Called as PROGRAM FOLDER ARGUMENTS…"""

import json
import signal
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape

UNITS = {"memory": "MiB", "utilization": "%", "power": "W", "fan": "%", "used_gpu_memory": "MiB"}


def main(folder: Path, arguments: list[str]) -> int:
    with (folder / "runs").open("a") as runs:
        runs.write(json.dumps(arguments) + "\n")
    state = json.loads((folder / "state.json").read_text())
    if "say" in state:
        sys.stdout.write(state["say"][0])
        sys.stderr.write(state["say"][1])
        return state["code"]
    if state["hang"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    time.sleep(state["delay"])
    sys.stdout.write(state["before"] + answer(state, arguments) + state["after"])
    return state["code"]


def answer(state: dict, arguments: list[str]) -> str:
    lost = set(state["lost"])
    alive = [(index, card) for index, card in enumerate(state["cards"]) if index not in lost]
    for index in sorted(lost):
        address = state["cards"][index]["address"][4:]
        sys.stderr.write(f"Unable to determine the device handle for GPU{index}: {address}: Unknown Error\n")
    first = arguments[0] if arguments else ""
    if first.startswith("--query-gpu="):
        return csv(first, arguments, state, [gpu_row(index, card, state) for index, card in alive])
    if first.startswith("--query-compute-apps="):
        return csv(first, arguments, state, [row for _, card in alive for row in app_rows(card)])
    if "-x" in arguments:
        return xml(state, alive)
    if first == "-L":
        return listing(alive)
    if first == "pmon":
        return pmon(alive)
    if arguments == ["topo", "-m"]:
        return topology(alive)
    return f"Invalid combination of input arguments: {arguments}\n"


def csv(asked: str, arguments: list[str], state: dict, rows: list[dict[str, str]]) -> str:
    fields = asked.partition("=")[2].split(",")
    for field in fields:
        if field in state["unknown_fields"]:
            state["code"] = 2
            return f'Field "{field}" is not a valid field to query.\n\n'
    bare = any("nounits" in argument for argument in arguments)
    lines = [", ".join(cell(row[field], field, bare) for field in fields) for row in rows]
    if not any("noheader" in argument for argument in arguments):
        lines.insert(0, ", ".join(fields))
    return "".join(line + "\n" for line in lines)


def cell(value: str, field: str, bare: bool) -> str:
    unit = UNITS.get(field.partition(".")[0])
    return value if bare or unit is None or not value[:1].isdigit() else f"{value} {unit}"


def gpu_row(index: int, card: dict, state: dict) -> dict[str, str]:
    mig = {True: "Enabled", False: "Disabled", None: "[N/A]"}[card["mig"]]
    return {
        "index": str(index),
        "uuid": card["uuid"],
        "name": card["name"],
        "pci.bus_id": card["address"],
        "memory.total": str(card["total_mib"]),
        "memory.used": str(card["used_mib"]),
        "memory.free": str(card["total_mib"] - card["used_mib"] - card["reserved_mib"]),
        "utilization.gpu": "[N/A]" if card["mig"] else str(card["utilization"]),
        "temperature.gpu": str(card["temperature"]),
        "power.draw": f"{card['milliwatts'] / 1000:.2f}",
        "power.limit": f"{card['limit_milliwatts'] / 1000:.2f}",
        "enforced.power.limit": f"{card['limit_milliwatts'] / 1000:.2f}",
        "fan.speed": str(card["fan"]),
        "mig.mode.current": mig,
        "driver_version": "570.86.15",
        "count": str(len(state["cards"])),
    }


def app_rows(card: dict) -> list[dict[str, str]]:
    return [
        {
            "gpu_uuid": card["uuid"],
            "pid": str(one["pid"]),
            "used_gpu_memory": "[N/A]" if one["memory_mib"] is None else str(one["memory_mib"]),
            "process_name": one["name"],
        }
        for one in card["occupants"]
        if "C" in one["letters"]
    ]


def element(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def xml(state: dict, alive: list[tuple[int, dict]]) -> str:
    cards = "".join(xml_card(card) for _, card in alive)
    return (
        '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n<nvidia_smi_log>\n'
        + element("driver_version", "570.86.15")
        + element("cuda_version", "12.8")
        + element("attached_gpus", len(state["cards"]))
        + f"{cards}\n</nvidia_smi_log>\n"
    )


def xml_card(card: dict) -> str:
    memory = (
        element("total", f"{card['total_mib']} MiB")
        + element("used", f"{card['used_mib']} MiB")
        + element("free", f"{card['total_mib'] - card['used_mib'] - card['reserved_mib']} MiB")
    )
    power = element("power_draw", f"{card['milliwatts'] / 1000:.2f} W") + element(
        "current_power_limit", f"{card['limit_milliwatts'] / 1000:.2f} W"
    )
    mode = {True: "Enabled", False: "Disabled", None: "N/A"}[card["mig"]]
    busy = "N/A" if card["mig"] else f"{card['utilization']} %"
    warm = f"{card['temperature']} C"
    slices = "".join(xml_slice(index, one) for index, one in enumerate(card["slices"]))
    return (
        f'\n<gpu id="{card["address"]}">'
        + element("product_name", card["name"])
        + f"<mig_mode>{element('current_mig', mode)}</mig_mode>"
        + f"<mig_devices>{slices or 'None'}</mig_devices>"
        + element("uuid", card["uuid"])
        + element("fan_speed", f"{card['fan']} %")
        + f"<fb_memory_usage>{memory}</fb_memory_usage>"
        + f"<utilization>{element('gpu_util', busy)}</utilization>"
        + f"<temperature>{element('gpu_temp', warm)}</temperature>"
        + f"<gpu_power_readings>{power}</gpu_power_readings>"
        + f"<processes>{''.join(xml_process(one, card) for one in card['occupants'])}</processes></gpu>"
    )


def xml_slice(index: int, one: dict) -> str:
    memory = element("total", f"{one['total_mib']} MiB") + element("used", f"{one['used_mib']} MiB")
    return (
        "<mig_device>"
        + element("index", index)
        + element("gpu_instance_id", one["gpu_instance"])
        + element("compute_instance_id", one["compute_instance"])
        + f"<fb_memory_usage>{memory}</fb_memory_usage></mig_device>"
    )


def xml_process(one: dict, card: dict) -> str:
    place = card["slices"][one["slice"]] if one["slice"] is not None else None
    memory = "N/A" if one["memory_mib"] is None else f"{one['memory_mib']} MiB"
    return (
        "<process_info>"
        + element("gpu_instance_id", place["gpu_instance"] if place else "N/A")
        + element("compute_instance_id", place["compute_instance"] if place else "N/A")
        + element("pid", one["pid"])
        + element("type", one["letters"])
        + element("process_name", one["name"])
        + element("used_memory", memory)
        + "</process_info>"
    )


def listing(alive: list[tuple[int, dict]]) -> str:
    lines: list[str] = []
    for index, card in alive:
        lines.append(f"GPU {index}: {card['name']} (UUID: {card['uuid']})")
        lines += [
            f"  {one['name']:<15} Device {at:>2}: (UUID: {one['uuid']})"
            for at, one in enumerate(card["slices"])
        ]
    return "".join(line + "\n" for line in lines)


def topology(alive: list[tuple[int, dict]]) -> str:
    names = [f"GPU{index}" for index, _ in alive]
    lines = ["\t\x1b[4m" + "\t".join([*names, "CPU Affinity", "NUMA Affinity", "GPU NUMA ID"]) + "\x1b[0m"]
    for index, card in alive:
        cells = [
            " X " if other == index else "NV12" if other in card["reaches"] else "SYS" for other, _ in alive
        ]
        lines.append("\t".join([f"GPU{index}", *cells, "0-31", str(index // 4), "", "N/A"]))
    return "".join(line + "\n" for line in [*lines, "", "Legend:", "", "  X    = Self"])


def pmon(alive: list[tuple[int, dict]]) -> str:
    lines = [
        "# gpu         pid   type     sm    mem    enc    dec    jpg    ofa    command ",
        "# Idx           #    C/G      %      %      %      %      %      %    name ",
    ]
    for index, card in alive:
        for one in card["occupants"]:
            busy = "-" if card["mig"] else str(card["utilization"])
            name = one["name"].rpartition("/")[2][:15]
            lines.append(f"    {index} {one['pid']:>10} {one['letters']:>5} {busy:>6} - - - - - {name:<15}")
        if not card["occupants"]:
            lines.append(f"    {index}          -     -      -      -      -      -      -      -    -")
    return "".join(line + "\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
