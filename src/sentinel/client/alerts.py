"""The calls about alerts: what stands, rules, silences, channels, routes. Part of `client.sync.Client`.

What they answer is in docs/guides/alerts.md; rules, silences and routes are as in core.rule_json and
core.alert_json.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.client import calls
from sentinel.client.asking import Asking, Json
from sentinel.client.calls import Call, part


class AlertCalls(Asking):
    """See `client.sync.Client`."""

    # ------------------------------------------------------------------ alerts

    def alerts(
        self,
        *,
        state: Sequence[str] = (),
        rule: str | None = None,
        node: str | None = None,
        severity: Sequence[str] = (),
    ) -> list[Json]:
        """The worst first; all but resolved ones, unless `state` names them. That there are none says
        something only while somebody looks: see `alert_watch`."""
        return self._all(_alerts(state, rule, node, severity), None)

    def alert_watch(self) -> Json | None:
        """How the last look for alerts went: {"round_at": TIME, "age": SECONDS, "history": "ok" or why not,
        …}. None: nobody ever looked."""
        return self._ask(calls.get("alerts", limit=1))["watch"]

    def alert(self, id: str) -> Json:
        """By its id, or a unique beginning of at least 4 characters."""
        return self._ask(calls.get(f"alerts/{part(id)}"))

    def ack_alert(self, id: str, why: str = "") -> Json:
        """Says that somebody has seen it: no reminders."""
        return self._ask(calls.post(f"alerts/{part(id)}/ack", {"why": why}))

    def unack_alert(self, id: str) -> Json:
        """Takes that back."""
        return self._ask(calls.delete(f"alerts/{part(id)}/ack"))

    # ------------------------------------------------------------------ rules

    def alert_rules(self) -> list[Json]:
        """Shipped ones included; each has its "origin"."""
        return self._all(calls.get("alert-rules"), None)

    def alert_rule(self, name: str) -> Json:
        return self._ask(calls.get(f"alert-rules/{part(name)}"))

    def put_alert_rule(self, name: str, rule: Mapping[str, Any]) -> Json:
        """Sets it in full; "did" in the answer is "created", "changed" or "unchanged"."""
        return self._ask(calls.put(f"alert-rules/{part(name)}", rule))

    def remove_alert_rule(self, name: str) -> None:
        """A shipped one that was changed is as it was shipped again."""
        self._ask(calls.delete(f"alert-rules/{part(name)}"))

    def preview_alert_rule(self, rule: Mapping[str, Any], since: str = "7d") -> Json:
        """What it would have done in the past: {"says", "times", "fired": […], "step": SECONDS, …}."""
        return self._ask(calls.post("alert-rules/preview", {"rule": dict(rule), "since": since}))

    # ------------------------------------------------------------------ silences

    def silences(self) -> list[Json]:
        """Which ends first is first; those that ended stay for seven days."""
        return self._all(calls.get("silences"), None)

    def silence(self, id: str) -> Json:
        return self._ask(calls.get(f"silences/{part(id)}"))

    def add_silence(
        self,
        matches: Mapping[str, str | Sequence[str]],
        *,
        end: str,
        why: str,
        start: str | None = None,
        weekly: Mapping[str, Any] | None = None,
    ) -> Json:
        """Nobody is told of alerts with these labels until `end`. Times are RFC 3339; `start`: now."""
        wanted = {name: one if isinstance(one, str) else list(one) for name, one in matches.items()}
        fields = calls.given(start=start, weekly=weekly)
        return self._ask(calls.post("silences", {"matches": wanted, "end": end, "why": why, **fields}))

    def end_silence(self, id: str) -> None:
        self._ask(calls.delete(f"silences/{part(id)}"))

    # ------------------------------------------------------------------ channels and routes

    def channels(self) -> list[Json]:
        """Without their secrets; "fares" is how the sending to each goes."""
        return self._all(calls.get("channels"), None)

    def channel(self, name: str) -> Json:
        return self._ask(calls.get(f"channels/{part(name)}"))

    def put_channel(self, name: str, channel: Mapping[str, Any]) -> Json:
        """Sets it in full, secrets included: "kind" and "url", and "secret", "headers", "ca_file",
        "timeout"."""
        return self._ask(calls.put(f"channels/{part(name)}", channel))

    def remove_channel(self, name: str) -> None:
        self._ask(calls.delete(f"channels/{part(name)}"))

    def test_channel(self, name: str) -> Json:
        """Sends a message there, now. ApiError (502) that says why, when it was not taken."""
        return self._ask(calls.post(f"channels/{part(name)}/test"))

    def alert_routes(self) -> Json:
        """{"default": BOOL, "routes": [ROUTE…], "inhibitions": […], "shipped_inhibitions": […]}."""
        return self._ask(calls.get("alert-routes"))

    def put_alert_routes(
        self, routes: Sequence[Mapping[str, Any]], inhibitions: Sequence[Mapping[str, Any]] = ()
    ) -> Json:
        """Sets all of them anew."""
        body = {"routes": [dict(one) for one in routes], "inhibitions": [dict(one) for one in inhibitions]}
        return self._ask(calls.put("alert-routes", body))

    def deliveries(
        self, *, state: Sequence[str] = (), channel: str | None = None, limit: int | None = None
    ) -> list[Json]:
        """What was sent, waits or was given up ("waiting", "sent", "given-up"); newest first."""
        return self._all(calls.get("deliveries", state=tuple(state), channel=channel), limit)


def _alerts(state: Sequence[str], rule: str | None, node: str | None, severity: Sequence[str]) -> Call:
    return calls.get("alerts", state=tuple(state), rule=rule, node=node, severity=tuple(severity))
