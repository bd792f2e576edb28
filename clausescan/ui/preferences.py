"""What a user chose on the page, kept in the platform's configuration folder."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_config_path
from pydantic import Field, ValidationError

from clausescan.errors import InputError
from clausescan.files import make_folder, write_atomic
from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType, Strict
from clausescan.schema.corrections import MAX_NAME_CHARS

Theme = Literal["system", "light", "dark"]


class Preferences(Strict):
    """The settings of the page. Fields that a file lacks have their defaults."""

    types: Annotated[tuple[ClauseType, ...], Field(min_length=1, strict=False)] = CLAUSE_TYPES
    budget: Literal[64, 128, 256] = 256
    model: str | None = None
    """As `--model`; None for the one that ships."""
    name: Annotated[str, Field(max_length=MAX_NAME_CHARS)] = ""
    """Who corrects; empty for the name of the account."""
    theme: Theme = "system"
    together: bool = False
    """Files that are dropped together are pages of one document."""

    @property
    def reader(self) -> str:
        """The name that corrections carry."""
        return self.name.strip() or account()


def account() -> str:
    """The name of the account that the page runs under."""
    try:
        return getpass.getuser()[:MAX_NAME_CHARS] or "reader"
    except (OSError, KeyError, ImportError):  # an account without a name, as in some containers
        return "reader"


def path_of(user: str | None) -> Path:
    """The settings file: one for who runs the page, one each for those who sign in."""
    folder = user_config_path("clausescan", appauthor=False)
    return folder / ("ui.json" if user is None else f"ui-{hashlib.sha256(user.encode()).hexdigest()[:16]}.json")


def load(user: str | None = None) -> Preferences:
    """What was saved; the defaults where nothing was. Raises `InputError` for a damaged file, naming it."""
    path = path_of(user)
    try:
        return Preferences.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        raise InputError(f"the settings in {path} cannot be read ({error.strerror}); the defaults are used") from None
    except ValidationError:
        raise InputError(f"the settings in {path} are damaged; the defaults are used until you choose again") from None


def save(preferences: Preferences, user: str | None = None) -> None:
    """Write the file whole. Raises `OutputError`."""
    path = path_of(user)
    make_folder(path.parent)
    write_atomic(path, (preferences.model_dump_json(indent=1) + "\n").encode())
