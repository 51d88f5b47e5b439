"""Messages to send: an ordinary one, and one whose labels were written by somebody with ideas."""

from dataclasses import replace
from typing import Any

from sentinel.ports.notifier import Channel, ChannelKind, Message, MessageAlert

KEY = "6f1c0d-mail"
SENT_AT = 1_780_000_000.25
ROUTING_KEY = "R0UT1NGKEY-of-which-nobody-may-hear"

ALERT = MessageAlert(
    fingerprint="0123456789abcdef",
    rule="gpu-hot",
    state="firing",
    severity="warning",
    labels={"node": "gpu01", "gpu": "3"},
    summary="GPU 3 of gpu01 is at 91 degrees",
    next_step="Look at its fans.",
    started_at=1_779_999_900.0,
    ended_at=None,
    value=91.0,
)
MESSAGE = Message(
    title="[FIRING] GPU 3 of gpu01 is at 91 degrees",
    body="FIRING (warning): GPU 3 of gpu01 is at 91 degrees\n  Next: Look at its fans.",
    severity="warning",
    resolved=False,
    url="https://sentinel.example/alerts",
    sent_at=SENT_AT,
    group="a1b2c3d4e5f60718",
    route="night",
    group_labels={"rule": "gpu-hot"},
    alerts=(ALERT,),
)
RESOLVED = replace(
    MESSAGE,
    title="[RESOLVED] GPU 3 of gpu01 is at 60 degrees",
    resolved=True,
    alerts=(replace(ALERT, state="resolved", ended_at=1_780_000_000.0, value=60.0),),
)

IDEAS = (
    "<!channel> <script>alert(1)</script> @everyone <@U012> <users/all> [here](https://evil.example/) "
    '*b* `c` {"a": 1} \\n </pre> &lt; " \' é 😀 \udce9'
)
HOSTILE = replace(
    MESSAGE,
    title=f"job {IDEAS}\r\nBcc: everybody@evil.example",
    body=f"FIRING: job {IDEAS}\r\n.\r\nQUIT\r\n",
    alerts=(replace(ALERT, labels={"job": IDEAS, "node": "x\r\ny"}, summary=IDEAS, value=float("inf")),),
)


def channel(kind: ChannelKind, url: str, **more: Any) -> Channel:
    """One that is named as its kind."""
    if kind is ChannelKind.PAGERDUTY:
        more = {"secret": ROUTING_KEY, **more}
    return Channel(name=f"a-{kind.value}", kind=kind, url=url, **{"timeout": 20.0, **more})
