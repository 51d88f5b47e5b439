"""PCI addresses, which every tool spells its own way. Called wherever one is read: drivers and health."""


def pci_address(raw: str) -> str | None:
    """`raw` in one spelling, "0000000A:5F:00.0"; None when it is no address.

    Tools differ in the domain's digits and in case; kernel logs leave out the function, which is then 0, and
    those of very old drivers the domain as well.
    """
    parts = raw.strip().split(":")
    if len(parts) == 2:
        parts = ["0", *parts]
    if len(parts) != 3:
        return None
    device, dot, function = parts[2].partition(".")
    try:
        numbers = [int(part, 16) for part in (parts[0], parts[1], device, function if dot else "0")]
    except ValueError:
        return None
    if numbers[0] > 0xFFFFFFFF or any(number > 0xFF for number in numbers[1:]) or min(numbers) < 0:
        return None
    return "{:08X}:{:02X}:{:02X}.{:X}".format(*numbers)
