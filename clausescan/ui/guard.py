"""What every request passes: only pages of this server may ask, and a browser gets nothing that leads elsewhere.

A loopback page can still be reached by a stranger's website through the user's browser, by requests across origins or by a
name that is made to point here (DNS rebinding); so the `Host` and `Origin` headers are checked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's own page needs both
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NO_STORE = (b"cache-control", b"no-store")
"""Photos and results must not stay in the browser's cache."""
_PROGRAM = ("/assets/", "/static/")
"""Gradio's own files, which a browser may keep."""


class Guard:
    """ASGI middleware. `hosts` are the names under which the page may be called; None for any."""

    def __init__(self, app: App, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._may_ask(scope):
            await _refuse(scope, send)
            return
        private = not str(scope.get("path", "")).startswith(_PROGRAM)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = (*HEADERS, NO_STORE) if private else HEADERS
                names = {name for name, _ in own}
                message["headers"] = [h for h in message.get("headers", ()) if h[0].lower() not in names] + list(own)
            await send(message)

        await self._app(scope, receive, sending)

    def _may_ask(self, scope: Scope) -> bool:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        host = headers.get(b"host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return False
        origin = headers.get(b"origin")
        return origin is None or urlsplit(origin).netloc == host


def _name(host: str) -> str:
    """A `Host` header without its port and brackets; nothing for a malformed one."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This page answers only to its own address.\n"})
