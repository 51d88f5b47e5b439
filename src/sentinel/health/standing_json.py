"""`Standing` as JSON and back, so that an agent that starts anew goes on where it was.

Called by whoever keeps rounds, which writes the file. What stands keeps its `first_at`, and is not announced
again. What cannot be read is left out: if it still holds, the next round finds it anew.

    {"open": [{"finding": {as in core.finding}, "clean_rounds": N, "clean_since": TIME | null}, …]}
"""

from typing import Any, cast

from sentinel.core.clock import rfc3339
from sentinel.core.finding import Finding, GpuRef, Layer, Proof, Severity, finding_json
from sentinel.core.timestamp import epoch
from sentinel.health.standing import Open, Standing

_MOST = 10_000
_WORDS = ("component", "code", "title", "cause", "next_step")


def standing_json(standing: Standing) -> dict[str, Any]:
    """`standing` as in this module's docstring."""
    return {"open": [_open_json(one) for one in standing.open.values()]}


def standing_from(found: object) -> Standing:
    """The standing in a JSON value; what is none of ours is left out, never raised over."""
    raw = _object(found).get("open")
    listed = cast("list[object]", raw)[:_MOST] if isinstance(raw, list) else []
    known = [one for entry in listed if (one := _open_from(_object(entry))) is not None]
    return Standing(open={one.finding.id: one for one in known})


def _open_json(one: Open) -> dict[str, Any]:
    return {
        "finding": finding_json(one.finding),
        "clean_rounds": one.clean_rounds,
        "clean_since": None if one.clean_since is None else rfc3339(one.clean_since),
    }


def _open_from(raw: dict[str, Any]) -> Open | None:
    finding = _finding(_object(raw.get("finding")))
    if finding is None:
        return None
    return Open(
        finding=finding,
        clean_rounds=_count(raw.get("clean_rounds")) or 0,
        clean_since=_time(raw.get("clean_since")),
    )


def _finding(raw: dict[str, Any]) -> Finding | None:
    words = {name: raw.get(name) for name in _WORDS}
    severity, layer = raw.get("severity"), raw.get("layer")
    if not all(isinstance(word, str) for word in words.values()):
        return None
    if severity not in tuple(Severity) or layer not in tuple(Layer):
        return None
    proofs = raw.get("evidence")
    return Finding(
        **cast("dict[str, Any]", words),
        severity=Severity(severity),
        layer=Layer(layer),
        gpu=_gpu(raw.get("gpu")),
        evidence=tuple(map(_proof, cast("list[object]", proofs))) if isinstance(proofs, list) else (),
        quarantine=raw.get("quarantine") is True,
        count=_count(raw.get("count")) or 1,
        first_at=_time(raw.get("first_at")),
        last_at=_time(raw.get("last_at")),
    )


def _gpu(found: object) -> GpuRef | None:
    if not isinstance(found, dict):
        return None
    raw = _object(cast("object", found))
    return GpuRef(
        uuid=_word(raw.get("uuid")), index=_count(raw.get("index")), pci_bus_id=_word(raw.get("pci_bus_id"))
    )


def _proof(found: object) -> Proof:
    raw = _object(found)
    return Proof(
        read=_word(raw.get("read")) or "", where=_word(raw.get("where")) or "", at=_time(raw.get("at"))
    )


def _object(found: object) -> dict[str, Any]:
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _word(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _count(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _time(found: object) -> float | None:
    return epoch(found) if isinstance(found, str) else None
