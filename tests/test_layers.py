"""The import contracts of pyproject.toml, and the module map of the README."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_imports_run_one_way():
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_module_map_is_the_tree():
    readme = (ROOT / "README.md").read_text()
    block = readme.split("<!-- module map -->")[1].split("<!-- end of module map -->")[0]
    named = set(re.findall(r"`([a-z_]+/?)`", block))
    package = ROOT / "clausescan"
    files = {p.stem for p in package.glob("*.py")} - {"__init__", "__main__"}
    folders = {f"{p.name}/" for p in package.iterdir() if (p / "__init__.py").is_file()}
    assert named == files | folders


def test_no_two_modules_share_a_name():
    names = [p.stem for p in (ROOT / "clausescan").rglob("*.py") if p.stem not in ("__init__", "cli")]
    assert not {n for n in names if names.count(n) > 1}
    assert not {"utils", "common", "helpers", "base"} & set(names)


def test_every_module_has_its_test():
    tests = {p.stem for p in (ROOT / "tests").rglob("test_*.py")}
    modules = {p.stem for p in (ROOT / "clausescan").glob("*.py")} - {"__init__", "__main__"}
    modules -= {"answer", "options", "page", "errors", "tables"}  # types without behaviour; tables are shown by test_cli
    assert {f"test_{m}" for m in modules} <= tests
