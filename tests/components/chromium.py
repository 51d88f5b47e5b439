"""A real Chromium, for the tests that look at the web dashboard.

If it is missing, Debian's apt installs it: that takes root. What cannot be had raises: nothing is skipped.
"""

import shutil

from tests.components.debian import install_packages
from tests.components.missing import ComponentMissing

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""Root has no sandbox of Chromium's, a container has no graphics and a small /dev/shm."""


def chromium() -> str:
    """The path of one. Raises ComponentMissing."""
    found = _found()
    if found is None:
        install_packages(["chromium"], "Chromium")
        found = _found()
    if found is None:
        raise ComponentMissing("Chromium was installed, and there is no program chromium")
    return found


def _found() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)
