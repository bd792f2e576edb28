"""HTML pieces that hold strangers' words: everything is escaped, nothing can run, nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable

_DROPPED = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd")
"""Control characters and the like, which HTML does not allow; a tab and ends of lines stay."""


def escaped(text: str) -> str:
    """Text for an element's content or a quoted attribute."""
    return html.escape(text.translate(_DROPPED), quote=True)


def data_uri(jpeg: bytes) -> str:
    """A JPEG as the value of an attribute."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def document(title: str, style: str, body: Iterable[str]) -> Iterable[str]:
    """A whole page. Its policy allows the one style sheet and embedded pictures: no script, no request, no form."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="referrer" content="no-referrer">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield from body
    yield "</body>\n</html>\n"


def colour(rgb: tuple[int, int, int]) -> str:
    """As CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)
