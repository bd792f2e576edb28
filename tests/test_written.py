"""What is written beside the code: docstrings stand under what they tell of, and tables of the pages of text hold together."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "clausescan"


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_two_docstrings_follow_each_other():
    """A constant put between another and its docstring leaves two in a row."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            body = node.body if isinstance(node, ast.Module | ast.ClassDef) else []
            rows = [after.lineno for before, after in pairwise(body) if is_text(before) and is_text(after)]
            assert not rows, f"{file.name}:{rows[0]}"


@pytest.mark.parametrize("name", ["weights/MODEL_CARD.md", "train/GUIDE.md"])
def test_every_row_of_a_table_stands_under_its_head(name):
    lines = (PACKAGE / name).read_text(encoding="utf-8").splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith("|") and not lines[n - 1].startswith("|")]
    assert heads and all(set(lines[n + 1]) <= set("|-: ") for n in heads)
