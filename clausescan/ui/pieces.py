"""Small pieces of HTML that the page's parts share. Whatever a stranger wrote is escaped here."""

from __future__ import annotations

from clausescan.export.markup import escaped
from clausescan.schema.pagemap import Quad

_TEMPLATE_CHARACTERS = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})


def safe(text: object) -> str:
    """Text for an element or attribute. Characters that mean something to the page's templates are escaped, too."""
    return escaped(str(text)).translate(_TEMPLATE_CHARACTERS)


def words(name: str) -> str:
    """`notice_periods` as `notice periods`."""
    return name.replace("_", " ")


def percent(value: float | None) -> str:
    """`93 %`; nothing for None."""
    return "" if value is None else f"{100 * value:.0f} %"


def polygons(quads: tuple[Quad, ...]) -> str:
    """SVG polygons in the quads' own coordinates."""
    return "".join(f'<polygon points="{" ".join(f"{x:g},{y:g}" for x, y in quad)}"/>' for quad in quads)


def act(name: str, label: str, *, about: str = "", kind: str = "", number: int | None = None) -> str:
    """A button that the page's script knows by its act. `about` is added for those who cannot see where it stands."""
    said = f'<span class="cs-unseen"> {safe(about)}</span>' if about else ""
    target = "" if number is None else f' data-number="{number}"'
    return f'<button type="button" class="cs-button {kind}" data-act="{name}"{target}>{safe(label)}{said}</button>'


def verdict_words(verdict: str) -> str:
    """A verdict as people say it."""
    return {"found": "found", "absent": "absent", "cannot_tell": "cannot tell"}[verdict]
