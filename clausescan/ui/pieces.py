"""Small pieces of HTML that the page's parts share. Whatever a stranger wrote is escaped here."""

from __future__ import annotations

from clausescan.export.markup import colour, escaped
from clausescan.overlay import Style
from clausescan.schema.pagemap import Quad

_TEMPLATE_CHARACTERS = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})


_LIGHT, _DARK = "#fff", "#1b1d21"
LEAST_CONTRAST = 3.0
"""Of a clause's number and the disc that it stands on: both are large."""


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


def look(style: Style) -> str:
    """How a type is drawn, as the value of a `style` attribute that the page's sheet builds on."""
    dash = "none" if style.dash is None else f"{2 * style.dash[0]:g} {2 * style.dash[1]:g}"
    ink = _LIGHT if _contrast_with_white(style.colour) >= LEAST_CONTRAST else _DARK
    return f"--cs-type: {colour(style.colour)}; --cs-ink: {ink}; --cs-dash: {dash}"


def _contrast_with_white(rgb: tuple[int, int, int]) -> float:
    """WCAG 2.2, "contrast ratio" and "relative luminance"."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def act(name: str, label: str, *, about: str = "", kind: str = "", number: int | None = None, ask: str = "") -> str:
    """A button that the page's script knows by its act. `about` is added for those who cannot see where it stands; `ask` is
    asked before it acts.
    """
    said = f'<span class="cs-unseen"> {safe(about)}</span>' if about else ""
    target = "" if number is None else f' data-number="{number}"'
    target += f' data-ask="{safe(ask)}"' if ask else ""
    return f'<button type="button" class="cs-button {kind}" data-act="{name}"{target}>{safe(label)}{said}</button>'


def verdict_words(verdict: str) -> str:
    """A verdict as people say it."""
    return {"found": "found", "absent": "absent", "cannot_tell": "cannot tell"}[verdict]
