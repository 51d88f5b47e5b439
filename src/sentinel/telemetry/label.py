"""Text from elsewhere as a label's value. Pure.

Called by `gpu_metrics`, `process_metrics` and `dcgm`. Names of processes, containers and users are chosen
by whoever runs them: a value must neither grow without bound nor carry what a terminal would act on.
"""

MOST_CHARACTERS = 128


def label(text: str | int | None) -> str:
    """`text` cut to 128 characters, "?" for each that cannot be printed; "" when unknown."""
    if text is None:
        return ""
    shown = str(text)[:MOST_CHARACTERS]
    return shown if shown.isprintable() else "".join(one if one.isprintable() else "?" for one in shown)
