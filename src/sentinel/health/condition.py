"""A code that a component can find, with all that is the same each time. Used by each component's file.

The registry documents components from these, so that what is listed is what is found.
"""

from dataclasses import dataclass

from sentinel.core.finding import Finding, GpuRef, Layer, Proof, Severity

MOST_EVIDENCE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`about` is one line for the list of codes. `{gpu}` in `next_step` becomes the card's number."""

    component: str
    code: str
    severity: Severity
    layer: Layer
    title: str
    about: str
    next_step: str
    quarantine: bool = False

    def found(
        self,
        gpu: GpuRef | None,
        cause: str,
        evidence: tuple[Proof, ...],
        *,
        severity: Severity | None = None,
        quarantine: bool | None = None,
        count: int = 1,
    ) -> Finding:
        """This condition on `gpu` (None: on the node), seen when its evidence was. `cause` is a sentence."""
        times = [proof.at for proof in evidence if proof.at is not None]
        number = "ID" if gpu is None or gpu.index is None else str(gpu.index)
        return Finding(
            component=self.component,
            code=self.code,
            severity=self.severity if severity is None else severity,
            layer=self.layer,
            title=self.title,
            cause=cause if cause.endswith(".") else f"{cause}.",
            next_step=self.next_step.replace("{gpu}", number),
            gpu=gpu,
            evidence=evidence[-MOST_EVIDENCE:],
            quarantine=self.quarantine if quarantine is None else quarantine,
            count=count,
            first_at=min(times, default=None),
            last_at=max(times, default=None),
        )
