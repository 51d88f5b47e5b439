"""A command line as it may be shown and stored: one line, quoted for a shell, secrets blotted out.

Called by attribution for every workload. Better one word too many is blotted than one secret shown: of an
argument in which something is named like a secret, nothing survives after that name.
"""

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

LONGEST = 500
BLOT = "***"

_MOST = 8192  # characters of one argument that are looked at
_NAME = re.compile(r"(?<![\w.-])([\w.-]++)([\"']*+\s*+[+:?]?=|[\"']*+\s*+:|\s++|[\"'])")
_OPTION = re.compile(r"-{1,2}([A-Za-z][\w.-]*+)=?")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDINGS = (
    "token password passwd passphrase secret secrets apikey privatekey secretkey accesskey credential"
    " credentials auth authorization bearer cookie jwt"
).split()
_ALONE = {"pass", "pwd", "key", "sas", "pin", "otp", "creds", "cred", "pat", "dsn"}
_KINDS = {"api", "auth", "access", "secret"}
_KINDS_OF = {"key", "keys", "tokens"}

_LOGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)(?:[^\s@/]{0,200}:[^\s]{0,1000}|[^\s/?#]{0,1000})@")
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{6,}|gh[opsur]_[A-Za-z0-9]{6,}|github_pat_\w{6,}|glpat-[\w-]{6,}|sk-[\w-]{6,}"
    r"|xox[a-z]-[\w-]{6,}|(?:AKIA|ASIA)[A-Z0-9]{8,}|AIza[\w-]{10,}|nvapi-[\w-]{6,}|dckr_pat_[\w-]{6,}"
    r"|npm_[A-Za-z0-9]{10,}|pypi-[\w-]{10,}|eyJ[\w-]{6,}(?:\.[\w-]*)*"
    r"|-----BEGIN[\s\S]*"
    r")"
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s++\S++")
_CURL_USER = {"-u", "--user", "--proxy-user"}


def redacted(command: Sequence[str]) -> str:
    """`command` on one line of at most LONGEST characters, with nothing in it that a terminal would obey."""
    shown: list[str] = []
    length, before = 0, ""
    for argument in command:
        if length > LONGEST:
            break
        safe = shlex.quote(_safe(argument[:_MOST], before)) if argument else "''"
        shown.append(safe.replace(f"'{BLOT}'", BLOT))
        length += len(shown[-1]) + 1
        before = argument
    line = "".join(one if one.isprintable() else "?" for one in " ".join(shown))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _safe(argument: str, before: str) -> str:
    option = _OPTION.fullmatch(before)
    if option and _secret(option[1]):
        return BLOT
    if before in _CURL_USER and ":" in argument and not argument.replace(":", "").isdigit():
        return f"{argument.split(':', 1)[0]}:{BLOT}"
    for found in _NAME.finditer(argument):
        if _secret(found[1]) and found.end() < len(argument):
            argument = argument[: found.end()] + BLOT
            break
    argument = _LOGIN.sub(rf"\1{BLOT}@", argument)
    argument = _SCHEME.sub(rf"\1 {BLOT}", argument)
    return _KNOWN.sub(BLOT, argument)


def _secret(name: str) -> bool:
    """Whether something of this name smells of a secret: HF_TOKEN, --api-key, dbPassword; not max_tokens."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word.endswith(tuple(_ENDINGS)) for word in words) or (words and words[-1] in _ALONE):
        return True
    pairs = list(pairwise(words))
    return ("private", "key") in pairs or any(a in _KINDS and b in _KINDS_OF for a, b in pairs)
