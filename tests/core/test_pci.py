import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.pci import pci_address


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        ("00000000:01:00.0", "00000000:01:00.0"),
        ("0000:af:00.0", "00000000:AF:00.0"),
        (" 10002:01:1f.7\n", "00010002:01:1F.7"),
        ("0000:01:00", "00000000:01:00.0"),
        ("01:00.0", "00000000:01:00.0"),
        ("0001:00", "00000000:01:00.0"),
        ("", None),
        ("invalid", None),
        ("0000:01", "00000000:00:01.0"),
        ("0000:01:00.", None),
        ("0000:100:00.0", None),
        ("0000:-1:00.0", None),
        ("1:2:3:4", None),
        ("100000000:00:00.0", None),
    ],
)
def test_one_spelling(raw: str, spelled: str | None) -> None:
    assert pci_address(raw) == spelled


@given(st.text(max_size=30))
def test_any_text_gives_an_address_or_none(raw: str) -> None:
    found = pci_address(raw)
    assert found is None or pci_address(found) == found
