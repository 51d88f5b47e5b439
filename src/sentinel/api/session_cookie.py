"""The cookie that stands for a session in a browser, and when it counts. Used by deps, by the streams and by
routes.session.

A program shows its token on purpose; a browser sends a cookie with whatever asks. So with the cookie more is
wanted: whatever may change something comes from a page of this controller (`Origin`), and says so in a header
that no other site can add without asking first. A web socket, which no header of a page's goes with, has to
come from such a page, too.
"""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sentinel.api.problems import Problem

COOKIE = "sentinel_session"
CSRF = "X-Sentinel-Csrf"
_SAFE = frozenset(("GET", "HEAD"))
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def authorization_of(asking: HTTPConnection) -> str | None:
    """What says who is asking: the header `Authorization`, or what the cookie stands for. Problem 403 when
    there is the cookie alone, and another site may have made the browser ask."""
    shown = asking.headers.get("authorization")
    if shown is not None:
        return shown
    token = cookie_of(asking)
    if token is None:
        return None
    require_own_page(asking)
    return f"Bearer {token}"


def cookie_of(asking: HTTPConnection) -> str | None:
    """The token in the cookie."""
    return asking.cookies.get(COOKIE) or None


def require_own_page(asking: HTTPConnection) -> None:
    """Problem 403 unless this changes nothing, or comes from a page of this controller."""
    socket = asking.scope["type"] == "websocket"
    if not socket and asking.scope["method"] in _SAFE:
        return
    if not socket and asking.headers.get(CSRF) != "1":
        raise _refused(f"with the session's cookie, this needs the header {CSRF}: 1")
    if not is_own(asking, asking.headers.get("origin")):
        raise _refused("with the session's cookie, this has to come from a page of this controller")


def is_own(asking: HTTPConnection, origin: str | None) -> bool:
    """Whether a page of that origin is one of ours: the same scheme, host and port as what was asked."""
    host = asking.headers.get("host")
    if not origin or not host:
        return False
    scheme = "https" if asking.scope["scheme"] in ("https", "wss") else "http"
    return _plain(origin, scheme) == _plain(f"{scheme}://{host}", scheme)


def give(response: Response, token: str, seconds: float) -> None:
    """The browser keeps it for so long, shows it to no script, and sends it to nobody else."""
    _set(response, token, max(1, round(seconds)))


def take_back(response: Response) -> None:
    """The browser drops it."""
    _set(response, "", 0)


def _set(response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        COOKIE, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def _plain(origin: str, scheme: str) -> str:
    """As browsers write it: in lower case, without a port that goes without saying."""
    return origin.lower().removesuffix(_DEFAULT_PORTS[scheme])


def _refused(detail: str) -> Problem:
    return Problem(
        403,
        detail,
        kind="cross-site",
        hint="reload the dashboard, and do it there; programs send `Authorization: Bearer snt_…` instead",
    )
