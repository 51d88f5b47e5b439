"""What the web dashboard is built from: its lock names no registry, and none of it speaks to anybody else."""

import json
import re
from pathlib import Path

DASHBOARD = Path(__file__).parents[1] / "dashboard"


def test_the_lock_has_hashes_and_no_address_of_a_registry() -> None:
    lock = json.loads((DASHBOARD / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name and not one.get("link")}
    assert packages
    assert all("resolved" not in one for one in packages.values())
    assert all(re.match(r"sha512-", one["integrity"]) for one in packages.values())


def test_versions_are_exact() -> None:
    package = json.loads((DASHBOARD / "package.json").read_text())
    for version in {**package["dependencies"], **package["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), version


def test_the_page_brings_nothing_from_elsewhere() -> None:
    page = (DASHBOARD / "index.html").read_text()
    assert '<div id="root">' in page
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
    assert "<style" not in page and not re.search(r"<script(?![^>]*\bsrc=)", page)
