"""Leaving a terminal without ending what runs on it: Enter ~ . as people know it from ssh. Pure.

Called by `cli.jobs.terminal`.
"""


class Leaving:
    """Sees what is typed. `~~` at the beginning of a line is one `~`; anything else is passed on as it is."""

    __slots__ = ("_after_enter", "_after_tilde", "left")

    def __init__(self) -> None:
        self.left = False
        self._after_enter, self._after_tilde = True, False

    def typed(self, keys: bytes) -> bytes:
        """What of it is the job's."""
        passed = bytearray()
        for key in keys:
            if self._after_tilde:
                self._after_tilde = False
                if key == ord("."):
                    self.left = True
                    break
                if key != ord("~"):
                    passed.append(ord("~"))
                passed.append(key)
                self._after_enter = key in b"\r\n"
            elif self._after_enter and key == ord("~"):
                self._after_tilde = True
            else:
                passed.append(key)
                self._after_enter = key in b"\r\n"
        return bytes(passed)
