"""The Xid codes that have a meaning of their own, up to what is documented today. Read by `xid_catalog`.

Which codes there are and what resolves them is NVIDIA's Xid catalogue; the words are ours.
"""

from sentinel.core.finding import Layer
from sentinel.health.xid_catalog_entry import Action as A
from sentinel.health.xid_catalog_entry import Entry

_APP, _DRV, _HW = Layer.APPLICATION, Layer.DRIVER, Layer.HARDWARE

SINGLE: dict[int, Entry] = {
    8: Entry(_APP, A.RESTART_APP, "GPU stopped processing", "A channel made no progress and was given up."),
    11: Entry(
        _APP, A.RESTART_APP, "broken command stream", "The GPU was given commands that it does not have."
    ),
    13: Entry(
        _APP,
        A.RESTART_APP,
        "graphics engine exception",
        "A kernel did what the GPU does not allow, mostly an access out of range; rarely it is the GPU.",
    ),
    14: Entry(_DRV, A.NOTHING, "test error", "A made-up error that drivers use for testing."),
    25: Entry(
        _APP, A.RESTART_APP, "illegal command stream", "The GPU was given commands that are not allowed."
    ),
    31: Entry(
        _APP,
        A.RESTART_APP,
        "GPU memory page fault",
        "A program accessed GPU memory that is not mapped for it: mostly a bug in the program.",
    ),
    32: Entry(
        _APP,
        A.RESTART_APP,
        "broken push buffer",
        "The commands of a program arrived damaged: a bug in it or its libraries, or a bad PCIe connection.",
    ),
    37: Entry(_DRV, A.CHECK_APP, "firmware refused a call", "The GPU's scheduler firmware got an odd call."),
    38: Entry(
        _DRV,
        A.WATCH,
        "firmware watchdog",
        "The GPU's scheduler firmware did not finish in time; the driver ended what ran.",
    ),
    43: Entry(
        _APP,
        A.RESTART_APP,
        "channel reset",
        "A program's work was ended after a fault of its own; the GPU and other programs go on.",
    ),
    44: Entry(
        _DRV,
        A.WATCH,
        "fault in a context switch",
        "The GPU failed while changing from one program to another.",
    ),
    45: Entry(
        _APP,
        A.SEE_OTHERS,
        "clean-up after another fault",
        "The driver took a program's work off the GPU, after another fault or as the program was killed.",
    ),
    46: Entry(_DRV, A.RESET, "GPU timed out", "The GPU no longer answers the driver's commands."),
    48: Entry(
        _HW,
        A.RESET,
        "double-bit memory error",
        "A memory cell of the GPU gave wrong data that ECC could not correct.",
    ),
    54: Entry(
        _HW,
        A.POWER_CABLE,
        "power cable missing",
        "The board's auxiliary power is not connected, or not fully.",
    ),
    58: Entry(_HW, A.ASK_SUPPORT, "unstable video memory", "The interface to the video memory is unstable."),
    57: Entry(
        _HW, A.ASK_SUPPORT, "video memory training failed", "The interface to the memory could not be set up."
    ),
    59: Entry(
        _DRV, A.RESET, "power controller error", "The GPU's own power controller failed (old drivers)."
    ),
    60: Entry(_DRV, A.RESTART_APP, "security engine exception", "The GPU's security engine raised an error."),
    61: Entry(
        _DRV,
        A.RESET,
        "power controller stopped",
        "The GPU's own power controller hit a breakpoint; clocks often stay stuck until a reset.",
    ),
    62: Entry(_DRV, A.RESET, "power controller halted", "The GPU's own power controller has crashed."),
    63: Entry(
        _HW,
        A.REMAP,
        "memory is being replaced",
        "A bad row or page of GPU memory was noted; a spare takes its place at the next reset.",
    ),
    64: Entry(
        _HW,
        A.RESET,
        "memory could not be replaced",
        "A bad row or page of GPU memory could not be noted or replaced: there may be no spare left.",
    ),
    66: Entry(_DRV, A.WATCH, "driver's illegal access", "The driver touched a register it may not touch."),
    67: Entry(_DRV, A.WATCH, "driver's illegal access", "The driver broke a rule of the GPU's firmware."),
    69: Entry(
        _APP,
        A.RESTART_APP,
        "graphics class error",
        "A program used a method or value that this class of GPU does not have.",
    ),
    74: Entry(
        _HW,
        A.LINK,
        "NVLink error",
        "A link between GPUs failed: a bad connector, the peer, or the GPU itself.",
    ),
    78: Entry(
        _DRV, A.UPDATE, "vGPU did not start", "Guest and host driver, or the license, do not fit together."
    ),
    79: Entry(
        _HW,
        A.REBOOT,
        "fallen off the bus",
        "The GPU no longer answers on PCIe: power, heat, seat, slot, or a broken card.",
    ),
    80: Entry(_APP, A.RESTART_APP, "damaged data to the GPU", "A checksum of what a program sent was wrong."),
    81: Entry(_HW, A.ASK_SUPPORT, "VGA part failed", "The VGA part of the GPU reported an error."),
    92: Entry(
        _HW,
        A.WATCH,
        "many corrected memory errors",
        "Single-bit memory errors come so often that the driver says so; each was corrected.",
    ),
    93: Entry(_HW, A.WATCH, "InfoROM worn", "The board's InfoROM was written more often than planned."),
    94: Entry(
        _HW,
        A.RESTART_APP,
        "contained memory error",
        "Memory gave wrong data that could not be corrected; only the program that used it was ended.",
    ),
    95: Entry(
        _HW,
        A.RESET,
        "uncontained memory error",
        "Memory gave wrong data that could not be corrected, and it may have reached several programs.",
    ),
    109: Entry(
        _DRV,
        A.RESET,
        "context switch timed out",
        "The GPU could not take a program off in time; its engine hangs until a reset.",
    ),
    110: Entry(_DRV, A.RESET, "security fault", "The GPU's security checks stopped it."),
    119: Entry(
        _DRV, A.RESET, "GSP does not answer", "The GPU's system processor did not answer the driver in time."
    ),
    120: Entry(_DRV, A.RESET, "GSP failed", "The firmware on the GPU's system processor has crashed."),
    121: Entry(
        _HW,
        A.WATCH,
        "chip-to-chip link error",
        "The link between the GPU and its CPU had an error and went on; a reset brings it to full health.",
    ),
    136: Entry(_HW, A.LINK, "NVLink did not train", "A link between GPUs could not be brought up."),
    137: Entry(
        _APP,
        A.CHECK_APP,
        "NVLink access refused",
        "A program accessed a peer's memory over NVLink without the right to, mostly as the peer's died.",
    ),
    138: Entry(_HW, A.ASK_SUPPORT, "DLA error", "The deep learning accelerator beside the GPU failed."),
    140: Entry(
        _HW,
        A.RESET,
        "unrecovered memory error",
        "Memory errors that could not be corrected were met outside of a program's own work.",
    ),
    141: Entry(_DRV, A.WATCH, "CUDA fast path error", "A short cut of the CUDA driver failed."),
    143: Entry(_HW, A.RESET, "GPU did not start", "The driver could not initialise the GPU."),
    144: Entry(_HW, A.DECODE, "NVLink 5: SAW", "The memory side of NVLink 5 reports a fault."),
    145: Entry(_HW, A.DECODE, "NVLink 5: RLW", "The requesting side of NVLink 5 reports a fault."),
    146: Entry(_HW, A.DECODE, "NVLink 5: TLW", "The transport of NVLink 5 reports a fault."),
    147: Entry(_HW, A.DECODE, "NVLink 5: TREX", "The test unit of NVLink 5 reports a fault."),
    148: Entry(_HW, A.DECODE, "NVLink 5: NVLPW", "The control unit of NVLink 5 reports a fault."),
    149: Entry(_HW, A.DECODE, "NVLink 5: NETIR", "The link itself of NVLink 5 reports a fault."),
    150: Entry(_HW, A.DECODE, "NVLink 5: MSE", "The firmware of NVLink 5 reports a fault."),
    151: Entry(_DRV, A.RESTART_VM, "key rotation failed", "Confidential computing could not renew its keys."),
    152: Entry(_DRV, A.WATCH, "DLA memory fault", "The deep learning accelerator met a bad address."),
    153: Entry(_DRV, A.WATCH, "DLA timed out", "The deep learning accelerator did not finish in time."),
    154: Entry(
        _DRV,
        A.RECOVERY,
        "driver asks for recovery",
        "After other faults the driver changed its mind on what the GPU needs to recover.",
    ),
    155: Entry(_HW, A.LINK, "NVLink error", "The driver's NVLink software found a fault."),
    156: Entry(
        _HW,
        A.RESET,
        "part of the GPU is being retired",
        "A bad part of the GPU was noted; it is left out from the next reset on.",
    ),
    157: Entry(
        _HW, A.WATCH, "part of the GPU not retired", "A bad part of the GPU was found and could not be noted."
    ),
    158: Entry(_HW, A.RESET, "fatal timeout in the GPU", "A unit inside the GPU hangs for good."),
    159: Entry(_HW, A.WATCH, "CPU link error", "The coherent link between CPU and GPU reported an error."),
    160: Entry(
        _HW, A.WATCH, "memory channel retired", "A bad memory channel was noted and will be left out."
    ),
    161: Entry(
        _HW, A.WATCH, "memory channel not retired", "A bad memory channel was found and could not be noted."
    ),
    162: Entry(_HW, A.NOTHING, "power smoothing is back", "Power smoothing works again."),
    163: Entry(_HW, A.WATCH, "power smoothing is off", "The power smoothing circuit switched itself off."),
    164: Entry(_HW, A.WATCH, "power smoothing wears out", "The power smoothing circuit nears its end."),
    165: Entry(_HW, A.WATCH, "power smoothing worn out", "The power smoothing circuit is at its end."),
    166: Entry(
        _DRV,
        A.RESET,
        "NVLink used before encryption",
        "In confidential computing, traffic came over a link that was not set up for it.",
    ),
    167: Entry(_HW, A.REBOOT, "PCIe timed out", "The GPU's PCIe connection hangs for good."),
    168: Entry(
        _HW,
        A.WATCH,
        "less GPU memory",
        "Bad memory in a protected region was left out: the GPU has less now.",
    ),
    169: Entry(_DRV, A.RESET, "security engine halted", "The GPU's security processor has crashed."),
    170: Entry(
        _DRV,
        A.WATCH,
        "NVLink in confidential mode",
        "NVLink raised an unexpected signal in confidential mode.",
    ),
    171: Entry(
        _HW,
        A.WATCH,
        "details: video memory",
        "Says of a memory error that could not be corrected (Xid 48) that it was in the video memory.",
    ),
    172: Entry(
        _HW,
        A.RESET,
        "details: on-chip memory",
        "Says of a memory error that could not be corrected (Xid 48) that it was inside the chip.",
    ),
    173: Entry(_HW, A.REBOOT, "chip-to-chip link lost", "The link between the GPU and its CPU has failed."),
}
