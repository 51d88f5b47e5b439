"""What is at `/` where the dashboard was not built. Used by routes.dashboard.

Everything else works without it, so the page says how to get it, and where the rest is.
"""

import base64
import hashlib

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
code { font: .95em ui-monospace, monospace; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8bf; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
NOT_BUILT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'; base-uri 'none'"
)
NOT_BUILT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sentinel</title>'
    f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    "<h1>The dashboard is not built</h1>"
    "<p>This controller has no web pages, because they were not built where it was installed. Either</p><ul>"
    "<li>it runs from a checkout: install Node.js 20.19 or newer and npm, and run "
    "<code>make dashboard</code> in the checkout's folder;</li>"
    "<li>it was installed by <code>pip</code> from a repository: install Node.js 20.19 or newer and npm, and "
    "the same once more with <code>--force-reinstall --no-deps</code> (a release needs no Node.js);</li>"
    "<li>or <code>SENTINEL_DASHBOARD</code> is set, and names a folder that has no build.</li></ul>"
    "<p>Then reload this page; the controller need not be started again.</p>"
    "<p>All else works without it: the command <code>sentinel</code>, and the API, every call of which is at "
    '<a href="/docs">/docs</a>.</p></html>'
).encode()
