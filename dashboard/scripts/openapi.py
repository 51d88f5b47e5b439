"""Prints the OpenAPI document of a controller as JSON, without starting one. Called by scripts/types.mjs.

.venv/bin/python dashboard/scripts/openapi.py
"""

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from sentinel.api.app import make_app, openapi_of
from sentinel.api.state import ApiSettings

if TYPE_CHECKING:
    from sentinel.api.state import ApiState

# The document is made of the routes alone; of the state nothing but the version is looked at. It is left
# empty, so that a release changes no type.
state = cast("ApiState", SimpleNamespace(settings=ApiSettings(version="")))
json.dump(openapi_of(make_app(state)), sys.stdout, sort_keys=True)
