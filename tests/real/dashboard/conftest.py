"""One house and one Chromium for all tests of the dashboard; a `browser` of its own for each."""

from collections.abc import Generator, Iterator

import pytest
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import House
from tests.real.dashboard.seeded import Seeded

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House.running(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="package")
def _chromium(house: House) -> Iterator[Browser]:
    with Browser.running(house.url, house.passwords) as browser:
        yield browser


@pytest.fixture
def browser(_chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Closes its pages afterwards, each of which must be clean."""
    yield _chromium
    failed = request.node.stash.get(FAILED, False)
    if failed:
        print(_chromium.seen())
    _chromium.finish(failed=failed)


@pytest.fixture(scope="package")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    with Seeded.running(tmp_path_factory.mktemp("seeded")) as seeded:
        yield seeded


@pytest.fixture(scope="package")
def _onlooker(_chromium: Browser, seeded: Seeded) -> Browser:
    return _chromium.elsewhere(seeded.url, {"admin": seeded.token})


@pytest.fixture
def onlooker(_onlooker: Browser, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """As `browser`, on the seeded fleet."""
    yield _onlooker
    failed = request.node.stash.get(FAILED, False)
    if failed:
        print(_onlooker.seen())
    _onlooker.finish(failed=failed)
