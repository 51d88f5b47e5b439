"""Tokens of attempts that are over with."""

from sentinel.agent.link import spent
from sentinel.agent.link.spent import KEPT, Spent


def test_they_are_remembered_for_longer_than_an_answer_takes_and_not_for_ever() -> None:
    now = [0.0]
    tokens = Spent(lambda: now[0])
    tokens.add("a")
    now[0] = KEPT - 1
    tokens.add("b")
    assert "a" in tokens and "b" in tokens
    now[0] = KEPT
    tokens.add("c")
    assert "a" not in tokens and "b" in tokens


def test_there_are_never_too_many() -> None:
    tokens = Spent(lambda: 0.0)
    for number in range(spent._MOST + 5):
        tokens.add(str(number))
    assert "4" not in tokens and "5" in tokens
