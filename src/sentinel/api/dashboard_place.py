"""Where the dashboard is that was built. Used by state and dashboard_files, and by the controller's first
process, which says at its start whether there is one. That process stays small: this imports nothing.
"""

import os
from pathlib import Path

FOLDER_VARIABLE = "SENTINEL_DASHBOARD"
BUILT = Path(__file__).parents[1] / "dashboard_files"
INDEX = "index.html"


def dashboard_folder() -> Path:
    """In the package, or where $SENTINEL_DASHBOARD says."""
    return Path(os.environ.get(FOLDER_VARIABLE) or BUILT)


def is_built() -> bool:
    """Whether there is one now."""
    return (dashboard_folder() / INDEX).is_file()
