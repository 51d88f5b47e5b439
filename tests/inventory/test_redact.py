"""Nothing secret survives, nothing that a terminal obeys, and what is harmless stays readable."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.inventory.evidence.redact import LONGEST, redacted

SECRET = "S3CR3T"
OPTIONS = st.sampled_from(
    [
        "--token",
        "--api-key",
        "-password",
        "--hf-auth-token",
        "--private-key",
        "--client_secret",
        "--dbPassword",
    ]
)
VARIABLES = st.sampled_from(
    ["HF_TOKEN", "WANDB_API_KEY", "PASSWORD", "AWS_SECRET_ACCESS_KEY", "apikey", "MY_CREDENTIALS", "GH_PAT"]
)
PLAIN = st.sampled_from(
    ["python", "-m", "train.py", "--lr", "0.1", "bash", "-c", "--no-auth", "", "a b", "--token="]
)
WORD = st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=5).map(lambda end: SECRET + end)
TEXT = st.text(max_size=8).map(lambda end: SECRET + end)


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    value, word = draw(TEXT), draw(WORD)
    hidden = draw(
        st.sampled_from(
            [
                [draw(OPTIONS), value],
                [f"{draw(OPTIONS)}={value}"],
                [f"{draw(VARIABLES)}={value}"],
                ["-e", f"{draw(VARIABLES)}={value}"],
                [f"--env={draw(VARIABLES)}={value}"],
                ["-c", f"export {draw(VARIABLES)}={value}; run"],
                ["-c", f"run {draw(OPTIONS)} {value} --fast"],
                [f'{{"{draw(VARIABLES)}": "{value}"}}'],
                ["-H", f"Authorization: Bearer {value}"],
                [f"https://ann:{word}@host/x"],
                [f"https://{word}@host/x.git"],
                ["curl", "-u", f"ann:{value}"],
                [f"hf_{word}"],
                [f"see sk-{word}abc here"],
            ]
        )
    )
    return [*draw(st.lists(PLAIN, max_size=4)), *hidden, *draw(st.lists(PLAIN, max_size=3))]


@given(commands())
def test_no_secret_survives(command: list[str]) -> None:
    assert SECRET not in redacted(command)


@given(st.lists(st.text(), max_size=6))
def test_one_printable_line_of_bounded_length(command: list[str]) -> None:
    line = redacted(command)
    assert line.isprintable()
    assert len(line) <= LONGEST


@pytest.mark.parametrize(
    "command",
    [
        ["python", "train.py", "--max_tokens", "512", "--tokenizer", "meta/llama"],
        ["vllm", "serve", "model", "--max-new-tokens=3", "--author", "me"],
        ["curl", "https://host:8080/a/b?x=1"],
        ["docker", "run", "--user", "1000:1000", "image:latest"],
    ],
)
def test_what_is_harmless_stays(command: list[str]) -> None:
    assert redacted(command) == shlex.join(command)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["x", "--token", "abc", "--lr", "1"], "x --token *** --lr 1"),
        (["x", "--api-key=abc"], "x '--api-key=***'"),
        (["git", "clone", "https://u:p@h/r"], "git clone 'https://***@h/r'"),
        (["AKIAIOSFODNN7EXAMPLE"], "***"),
        (["eyJhbGciOi.eyJzdWIi.abc"], "***"),
        (["a\x1b[31m\nb"], "'a?[31m?b'"),
        ([], ""),
    ],
)
def test_what_is_shown(command: list[str], shown: str) -> None:
    assert redacted(command) == shown


def test_a_long_command_is_cut() -> None:
    line = redacted(["x" * 400, "y" * 400, "z" * 10**6])
    assert len(line) == LONGEST
    assert line.endswith("…")
