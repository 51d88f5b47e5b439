"""The card that these tests are about, and the lines for docs/verified.md."""

from collections.abc import Callable
from datetime import date

import pytest
from tests.gpu_hardware.card import compute_pids, plain, wait_until


@pytest.fixture(scope="session")
def first_gpu() -> str:
    """The UUID of the first GPU, which must be free."""
    try:
        rows = plain("uuid")
    except (OSError, AssertionError) as error:
        pytest.skip(f"no NVIDIA card here: {error}")
    assert not compute_pids(), "something computes on the card; end it first, then run this again"
    return rows[0][0]


@pytest.fixture
def card(first_gpu: str) -> str:
    """The same, once nothing of an earlier test is left on it."""
    wait_until(lambda: not compute_pids(), "what an earlier test ran is gone from the card")
    return first_gpu


@pytest.fixture
def verified(card: str) -> Callable[[str], None]:
    """Prints a line for docs/verified.md once the test has shown `feature`."""
    name, driver = plain("name,driver_version")[0]

    def shown(feature: str) -> None:
        print(f"\n| {feature} | {name}, driver {driver} | `make test-gpu` | {date.today().isoformat()} |")

    return shown


@pytest.fixture
def figure(card: str) -> Callable[..., None]:
    """Prints what was measured, with the card that it was measured on."""
    name, driver = plain("name,driver_version")[0]

    def measured(what: str, value: object) -> None:
        print(f"\nFIGURE {what}: {value} ({name}, driver {driver})")

    return measured
