import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from clausescan import resources
from clausescan.errors import ClausescanError

ROOT = Path(__file__).parents[1]


def test_the_checkout_comes_first():
    assert resources.repository() == ROOT
    assert resources.folder("prompts") == ROOT / "prompts"


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    with pytest.raises(ClausescanError, match=r"nothing\.md"):
        resources.read_text("prompts", "nothing.md")
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "clausescan")
    with pytest.raises(ClausescanError, match="incomplete"):
        resources.folder("prompts")


def test_a_wheel_carries_prompts_and_schemas(tmp_path):
    """Built without isolation and without the weights, unpacked and read from elsewhere, as an installed package would be."""
    pytest.importorskip("hatchling")
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns("*.safetensors", "__pycache__")
    shutil.copytree(ROOT / "clausescan", source / "clausescan", ignore=ignore)
    for name in ("prompts", "schemas"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for kind in ("prompts", "schemas"):
        assert {f"clausescan/{kind}/{p.name}" for p in (ROOT / kind).iterdir()} <= names
    assert "clausescan/py.typed" in names
    code = (
        "from clausescan import resources, prompt\nfrom clausescan.schema.clauses import CLAUSE_TYPES\n"
        "print(resources.repository(), prompt.combined_sha256(prompt.load(CLAUSE_TYPES)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "installed", capture_output=True, text=True, check=True)
    from clausescan import prompt
    from clausescan.schema.clauses import CLAUSE_TYPES

    assert done.stdout.split() == ["None", prompt.combined_sha256(prompt.load(CLAUSE_TYPES))]
