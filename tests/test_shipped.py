"""The shipped weights on the samples: photos of pages of our own, whose truth is known to the letter."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from rapidfuzz.distance import LCSseq, Levenshtein

from clausescan import scan
from clausescan.config import ExtractConfig
from clausescan.model import engine
from clausescan.page import Photo
from clausescan.photo import pages
from clausescan.rectify import rectify
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.report import Report

pytestmark = pytest.mark.weights

SAMPLES = Path(__file__).parents[1] / "samples"
TRUTH = {page["id"]: page for page in json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))}
ALIKE = str.maketrans("“”‘’–—", "\"\"''--")


@cache
def model() -> engine.CompactModel:
    """The shipped model, loaded once."""
    return engine.load()


@cache
def report(name: str, budget: int = 256) -> Report:
    """A sample's report."""
    return scan.extract(SAMPLES / f"{name}.jpg", ExtractConfig(budget=budget), model=model())


def words(text: str) -> list[str]:
    """Words to compare."""
    return [w.strip(".,;:()\"'").casefold() for w in text.translate(ALIKE).split() if w.strip(".,;:()\"'")]


def word_f1(found: dict[str, Report]) -> float:
    """Words of the truth's clauses found in order in the reports' clauses of the same type, over all pages and types."""
    same = said = true = 0
    for name, one in found.items():
        for kind in CLAUSE_TYPES:
            gold = [w for c in TRUTH[name]["clauses"] if c["type"] == kind for w in words(c["text"])]
            got = [w for c in one.clauses if c.type == kind for w in words(c.text)]
            same, said, true = same + LCSseq.similarity(gold, got), said + len(got), true + len(gold)
    return 2 * same / (said + true)


@pytest.mark.parametrize("budget", [64, 128, 256])
def test_clauses_are_found_with_every_budget(budget: int) -> None:
    found = {name: report(name, budget) for name in TRUTH}
    assert word_f1(found) > 0.85
    for one in found.values():
        assert one.visual_tokens <= budget
        assert all(clause.complete for clause in one.clauses)


def test_what_is_on_a_page_and_what_is_not() -> None:
    right = sum(
        (report(name).verdicts[kind].verdict == "found") == any(c["type"] == kind for c in page["clauses"])
        for name, page in TRUTH.items()
        for kind in CLAUSE_TYPES
    )
    assert right >= len(TRUTH) * len(CLAUSE_TYPES) - 2


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_pages_are_read_to_the_letter(name: str) -> None:
    page = scan.read(SAMPLES / f"{name}.jpg", model=model()).pages[0]
    read = sorted((line.box_page[1], line.text) for line in page.lines)
    truth = " ".join(line["text"] for line in TRUTH[name]["lines"]).translate(ALIKE)
    text = " ".join(text for _, text in read).translate(ALIKE)
    # Headers with two parts on one height may be read in either order, so bags of words are compared: a wrong word counts twice.
    assert Levenshtein.distance(sorted(truth.split()), sorted(text.split())) <= 2 * 0.02 * len(truth.split())


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_clauses_are_drawn_where_they_stand(name: str) -> None:
    page = TRUTH[name]
    width, height = page["size"]
    for kind in CLAUSE_TYPES:
        gold = [q for c in page["clauses"] if c["type"] == kind for q in c["quads"]]
        got = [q for c in report(name).clauses if c.type == kind for q in c.quads]
        if not gold or not got:
            continue
        masks = []
        for quads in (gold, got):
            mask = np.zeros((height // 8 + 1, width // 8 + 1), np.uint8)
            for quad in quads:
                cv2.fillPoly(mask, [np.round(np.array(quad) / 8).astype(np.int32)], 1)
            masks.append(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))
        truth, drawn = masks
        assert (truth & drawn).sum() > 0.5 * truth.sum()
        assert all(0 <= x <= width and 0 <= y <= height for quad in got for x, y in quad)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_gives_the_same_clauses(turns: int, tmp_path: Path) -> None:
    name = "services-agreement"
    photo = cv2.imread(str(SAMPLES / f"{name}.jpg"))
    cv2.imwrite(str(tmp_path / "turned.png"), np.rot90(photo, turns), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    turned = scan.extract(tmp_path / "turned.png", model=model())
    assert [c.type for c in turned.clauses] == [c.type for c in report(name).clauses]
    for a, b in zip(turned.clauses, report(name).clauses, strict=True):
        assert Levenshtein.normalized_similarity(a.text, b.text) > 0.85  # an end may fall a few words earlier or later


def test_printed_instructions_change_nothing() -> None:
    assert "ignore previous instructions" in " ".join(TRUTH["hosting-agreement"]["words"])
    caps = [c for c in report("hosting-agreement").clauses if c.type == "liability_cap"]
    assert caps
    assert not any(c.fields and c.fields.uncapped for c in caps if "unlimited" not in c.text)


def test_a_blurred_page_upside_down_is_no_empty_success() -> None:
    photo = next(iter(pages((SAMPLES / "services-agreement.jpg",), ExtractConfig())))
    assert isinstance(photo, Photo)
    blurred = cv2.GaussianBlur(np.ascontiguousarray(photo.rgb[::-1, ::-1]), (0, 0), 12)
    page = rectify(replace(photo, rgb=blurred), readability=model().readability)
    assert any(d.kind == "blurred" for d in page.defects)


def test_extract_needs_no_network_and_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("a connection was made"))
    report.cache_clear()
    report("amendment")
    command = [sys.executable, "-m", "clausescan", "extract", str(SAMPLES / "services-agreement.jpg"), "--json", "-"]
    watched = "import re, runpy, sys; sys.argv = sys.argv[1:]\ntry: runpy.run_module('clausescan', run_name='__main__')\n"
    watched += r"finally: print(re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", watched, *command[2:]], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clauses"]
    assert int(done.stderr.split()[-1]) < 1.5e6  # kB


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_samples_give_the_expected_reports(name: str) -> None:
    """Other processors round differently, so ends of clauses and single letters may differ a little."""
    expected = Report.model_validate_json((SAMPLES / f"{name}.report.json").read_text(encoding="utf-8"))
    found = report(name)
    assert found.model.weights_sha256 == expected.model.weights_sha256
    assert {t: v.verdict for t, v in found.verdicts.items()} == {t: v.verdict for t, v in expected.verdicts.items()}
    for kind in CLAUSE_TYPES:
        texts = [" ".join(c.text for c in r.clauses if c.type == kind) for r in (found, expected)]
        assert Levenshtein.normalized_similarity(*texts) > 0.9
