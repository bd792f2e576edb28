import subprocess
import sys
from pathlib import Path

import pytest

import clausescan

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there():
    for name in clausescan.__all__:
        assert getattr(clausescan, name) is not None
    assert dir(clausescan) == sorted(clausescan.__all__)
    with pytest.raises(AttributeError):
        _ = clausescan.nothing


def test_every_error_is_public():
    from clausescan import errors

    own = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.ClausescanError)}
    assert own <= set(clausescan.__all__)


def test_importing_it_is_light():
    code = "import sys, clausescan; print([m for m in ('torch', 'cv2', 'numpy', 'pydantic', 'PIL', 'typer') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
