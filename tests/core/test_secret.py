"""Tokens and ids: their shape, their randomness, and what is no token."""

import hashlib

import pytest

from sentinel.core.errors import UsageError
from sentinel.core.identity import TokenKind
from sentinel.core.secret import ID_LETTERS, looks_like_token, new_id, new_token, parse_join, sha256_of

CA = "ab" * 32


def test_an_id_is_ten_crockford_letters() -> None:
    ids = {new_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert {len(one) for one in ids} == {10}
    assert set("".join(ids)) == set(ID_LETTERS)


@pytest.mark.parametrize("kind", [TokenKind.API, TokenKind.SESSION])
def test_a_token_names_its_id_and_is_never_the_same(kind: TokenKind) -> None:
    id = new_id()
    one, other = new_token(kind, id), new_token(kind, id)
    assert one != other
    assert one.startswith(f"snt_{id}_")
    assert len(one) == 4 + 10 + 1 + 48
    assert looks_like_token(one)


def test_a_join_token_carries_whom_to_trust() -> None:
    id = new_id()
    token = new_token(TokenKind.JOIN, id, CA)
    assert parse_join(token) == (id, CA)
    assert parse_join(f" {token}\n") == (id, CA)
    assert not looks_like_token(token)


def test_a_join_token_without_an_authority_is_not_made() -> None:
    with pytest.raises(UsageError):
        new_token(TokenKind.JOIN, new_id())


@pytest.mark.parametrize(
    "text",
    ["", "snj_", "snt_0123456789_" + "a" * 48, "snj_0123456789_" + "a" * 48 + "_" + "g" * 64, "x" * 100_000],
)
def test_what_is_no_join_token_says_how_to_get_one(text: str) -> None:
    with pytest.raises(UsageError, match="sentinel token create"):
        parse_join(text)


def test_what_is_kept_of_a_token_is_its_sha256() -> None:
    assert sha256_of("snt_x") == hashlib.sha256(b"snt_x").hexdigest()
    assert len(sha256_of("\ud800")) == 64
