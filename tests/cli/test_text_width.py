import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.inventories import HOSTILE

from sentinel.cli.columns import Column, aligned, joined, widths
from sentinel.cli.text_width import cell, cut, padded, squeezed, width_of
from sentinel.cli.text_wrap import wrapped

ANYTHING = st.one_of(
    st.text(),
    st.text("e\u0301\u0302\u200d\ufe0f\u3164日🚀x \t\x1b\u202e"),
    st.text(st.characters(categories=["Cs", "Mn", "So"])),
)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("日本", 4),
        ("🚀", 2),
        ("e\u0301", 1),
        ("\uff46\uff55", 4),
        ("עברית", 5),
        ("", 0),
        ("é", 1),
    ],
)
def test_columns_on_a_terminal(text: str, width: int) -> None:
    assert width_of(cell(text)) == width


def test_what_could_be_drawn_in_more_than_one_way_is_left_out() -> None:
    assert cell("a\ufe0f") == "a"
    assert cell("\u3164\u1160") == "??"
    assert cell("e" + "\u0301" * 40) == "e\u0301\u0301"
    assert cell("\u0301x") == "x"
    assert cell("a \u0301b") == "a b"
    assert cell("a\u200db\u202ec") == "a?b?c"


@given(ANYTHING)
def test_a_cell_is_one_plain_line(text: str) -> None:
    found = cell(text)
    assert found.isprintable()
    assert cell(found) == found


@given(ANYTHING, st.integers(0, 60))
def test_cutting_and_filling_meet_the_width(text: str, width: int) -> None:
    line = cell(text)
    for found in (cut(line, width), squeezed(line, width)):
        assert width_of(found) <= width
    assert line.startswith(cut(line, width))
    assert width_of(padded(squeezed(line, width), width)) == width
    if width_of(line) <= width:
        assert squeezed(line, width) == line == cut(line, width)


def test_squeezing_keeps_both_ends() -> None:
    assert squeezed("compose-project-worker-12", 14) == "compos...er-12"
    assert squeezed("日本語のコンテナ名前", 11) == "日本...名前"
    assert squeezed("abcdefgh", 6) == "abcdef"


@given(st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING), max_size=5), st.integers(30, 120))
def test_columns_line_up_and_fit(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = (
        Column(title="FIXED"),
        Column(title="USER", least=6, most=12),
        Column(title="NAME", least=8, right=True),
    )
    table = [(cell(a)[:3], cell(b), cell(c)) for a, b, c in rows]
    sizes = widths(columns, table, width)
    lines = [aligned(columns, row, sizes) for row in table]
    for cells in lines:
        assert [width_of(one) for one in cells] == sizes
        assert width_of(joined(cells)) <= width
    for row, cells in zip(table, lines, strict=True):
        assert cells[0].rstrip() == row[0].rstrip()


def test_columns_without_a_limit_cut_nothing() -> None:
    columns = (Column(title="A", most=4), Column(title="B", least=2))
    assert widths(columns, [("x" * 9, "y" * 500)], None) == [9, 500]


def test_hostile_names_are_tamed() -> None:
    for name in HOSTILE:
        assert cell(name).isprintable()
        assert width_of(cell(name)) >= 0


@given(ANYTHING, st.integers(8, 60))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    sentence = cell(text)
    lines = wrapped(sentence, width)
    assert max(map(width_of, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(sentence.split())
