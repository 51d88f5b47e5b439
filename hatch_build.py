"""Puts the web dashboard into what is built of this project. Called by hatchling, which finds it by its name.

A checkout has the dashboard's sources alone; they are built with Node.js. What happens where that cannot be
done depends on what is asked for:

- a source distribution: fails. A release begins with one (`python -m build` makes the wheel out of it), and
  whoever installs a release is to have the dashboard without Node.js. What was built goes in, beside its
  sources;
- a wheel from a checkout (`pip install .`, `pip install git+…`): is made without it, so that a machine
  without Node.js can run the rest. A line says so (pip shows it with -v), and so do the controller when it
  starts and the page at `/`;
- an editable installation: nothing. `make dashboard` builds it there.
"""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPT = Path("requirements", "dashboard.sh")


class DashboardHook(BuildHookInterface[Any]):
    """Named in pyproject.toml, for both."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's
        """Before any file is collected. `version`: "standard" or "editable"."""
        if version == "editable":
            return
        strict = self.target_name == "sdist"
        words = ["sh", str(SCRIPT), "build" if strict else "ready"]
        try:
            status = subprocess.run(words, cwd=self.root, check=False).returncode
        except OSError as error:
            trouble = f"{' '.join(words)}: {error.strerror}"
        else:
            trouble = "the lines above say why" if status else ""
        if trouble and strict:
            raise RuntimeError(f"no source distribution without the web dashboard: {trouble}")
        if trouble:
            self.app.display_warning(f"this wheel has no web dashboard: {trouble}; all else works without it")
