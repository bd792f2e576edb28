"""One reader's whole session on the page, in a real browser and with the shipped weights."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from clausescan.overlay import STYLES
from clausescan.schema.report import Report
from tests.test_export_formats import annotations
from tests.uibrowser import browser, drop, finished, shoot, shown_text, states, take, visit
from tests.uiserver import REAL, running, wait_for

__all__ = ["browser", "shoot", "visit"]  # fixtures
SAMPLES = Path(__file__).parents[1] / "samples"
MOST_PHOTOS = ("services-agreement", "supply-agreement", "hosting-agreement", "consulting-agreement")


@pytest.mark.weights
def test_a_readers_session(visit, shoot, tmp_path):
    bad = tmp_path / "torn.jpg"
    bad.write_bytes(b"no picture at all")
    with running(tmp_path / "home", REAL) as server:
        page = visit(server.url, color_scheme="light")
        shoot(page, "empty")
        drop(
            page,
            *(SAMPLES / f"{name}.jpg" for name in MOST_PHOTOS[:2]),
            bad,
            *(SAMPLES / f"{name}.jpg" for name in MOST_PHOTOS[2:]),
        )
        page.wait_for_selector(".cs-job progress")
        assert page.locator(".cs-job").count() == 5
        assert "waiting" in states(page)
        seen = set()

        def far_enough():
            seen.update(states(page))
            page.wait_for_timeout(50)
            return len(seen & {"opening the photo", "flattening the page", "reading the words", "finding clauses"}) >= 2

        wait_for(far_enough)
        page.wait_for_selector(".cs-card")  # the first result is there before the last
        assert page.locator(".cs-job [data-act=cancel]").count() > 0
        shoot(page, "queue")
        finished(page)
        assert page.locator("[data-status]").inner_text() == "4 of 5 done, 1 failed"
        (failed,) = [state for state in states(page) if state.startswith("failed")]
        assert "torn.jpg" in failed
        assert len(page.locator("#cs-live").inner_text()) > 0

        read_cards(page, tmp_path, shoot)
        correct(page, shoot)
        every_format(page, tmp_path)

        page.reload()
        page.wait_for_selector(".cs-card")
        assert [text.split(" ")[0] for text in page.locator(".cs-review").all_inner_texts()] == [
            "Corrected",
            "Accepted",
            "Rejected",
        ]
        assert page.locator(".cs-job").count() == 5
        page.get_by_text("Settings", exact=True).click()
        page.get_by_label("Dark", exact=True).check()
        page.wait_for_function("document.body.classList.contains('dark')")
        page.wait_for_timeout(1000)  # saved
        page.reload()
        page.wait_for_selector(".cs-card")
        page.wait_for_function("document.body.classList.contains('dark')")
        page.locator("#cs-title").evaluate("title => title.scrollIntoView()")
        shoot(page, "dark")
        assert server.log.read_text() == ""
    assert [p.name for p in server.cache.iterdir()] == ["lock"]


def read_cards(page, tmp_path, shoot):
    report = Report.model_validate_json(take(page, "json", tmp_path).read_text())
    assert report.pages[0].source.name == "services-agreement.jpg"
    assert len(report.clauses) == 5  # as labelled
    cards = page.locator(".cs-card")
    assert cards.count() == page.locator(".cs-mark").count() == len(report.clauses)
    for i, clause in enumerate(report.clauses):
        assert shown_text(page, i) == clause.text
        assert page.locator(f".cs-card[data-clause='{i}'] mark").count() == len(clause.uncertain_words)
        assert f"{i + 1}. {STYLES[clause.type].title}" in cards.nth(i).locator("h3").inner_text()
        assert f"confidence {100 * clause.confidence:.0f} %" in cards.nth(i).inner_text()
    verdicts = page.locator(".cs-verdicts li").all_inner_texts()
    assert [v.split(" found ")[0] for v in verdicts] == ["Termination", "Indemnity", "Liability cap"]
    size = page.locator(".cs-pages img").evaluate("image => image.complete && [image.naturalWidth, image.naturalHeight]")
    assert max(size) == 1600

    last = len(report.clauses) - 1
    page.locator("[data-act=zoom-in]").click(click_count=4)
    cards.nth(last).locator(".cs-choose").click()
    mark = page.locator(f".cs-mark[data-clause='{last}']")
    assert mark.get_attribute("aria-pressed") == "true"
    wait_for(lambda: page.evaluate(IN_SIGHT, last), 30)
    page.locator("[data-act=zoom-fit]").click()
    page.locator(".cs-mark[data-clause='1'] circle").click()
    assert cards.nth(1).evaluate("card => card.classList.contains('chosen')")
    wait_for(
        lambda: cards.nth(1).evaluate("c => { const r = c.getBoundingClientRect(); return r.top < innerHeight && r.bottom > 0 }"),
        10,
    )
    shoot(page, "chosen")

    words = page.locator(".cs-evidence-button").first
    words.click()
    key = words.get_attribute("data-evidence")
    clause, number = map(int, key.split("-"))
    drawn = page.locator(f".cs-words[data-evidence='{key}']")
    assert drawn.evaluate("group => getComputedStyle(group).visibility") == "visible"
    assert drawn.locator("polygon").count() == len(report.clauses[clause].field_evidence[number].quads)


IN_SIGHT = """(clause) => {
  const mark = document.querySelector(`.cs-mark[data-clause="${clause}"]`).getBoundingClientRect();
  const box = document.querySelector('.cs-scroll').getBoundingClientRect();
  return mark.top < box.bottom && mark.bottom > box.top;
}"""


def correct(page, shoot):
    card = page.locator(".cs-card[data-clause='0']")
    card.locator("[data-act=edit]").click()
    form = card.locator("form")
    shown = form.locator("fieldset:not([hidden])")  # of the clause's type
    form.get_by_label("Text").fill("Corrected words of the clause.")
    shown.get_by_label("notice periods").fill("whenever it suits")
    form.get_by_role("button", name="Save").click()
    form.get_by_role("alert").wait_for()
    assert shown.get_by_label("notice periods").get_attribute("aria-invalid") == "true"
    assert form.get_by_label("Text").input_value() == "Corrected words of the clause."  # nothing that was typed is lost
    shoot(page, "wrong")
    shown.get_by_label("notice periods").fill("60 days; 2 weeks")
    form.get_by_role("button", name="Save").click()
    card.locator(".cs-review.corrected").wait_for()
    assert not form.is_visible()
    assert shown_text(page, 0) == "Corrected words of the clause."
    assert "60 days" in card.locator(".cs-fields").inner_text()
    assert card.locator("details blockquote").text_content() != "Corrected words of the clause."
    page.locator(".cs-card[data-clause='1'] [data-act=accept]").click()
    page.locator(".cs-card[data-clause='1'] .cs-review.accepted").wait_for()
    page.locator(".cs-card[data-clause='2'] [data-act=accept]").click()
    page.locator(".cs-card[data-clause='2'] .cs-review.accepted").wait_for()
    page.locator(".cs-card[data-clause='2'] [data-act=undo]").click()
    page.locator(".cs-card[data-clause='2'] .cs-review").wait_for(state="detached")
    page.locator(".cs-card[data-clause='2'] [data-act=reject]").click()
    page.locator(".cs-card[data-clause='2'] .cs-review.rejected").wait_for()
    assert page.locator(".cs-mark[data-clause='2']").evaluate("mark => mark.classList.contains('rejected')")
    card.scroll_into_view_if_needed()
    shoot(page, "corrected")


def every_format(page, folder):
    report = Report.model_validate_json(take(page, "json", folder).read_text())
    assert [(c.clause, c.by, c.act) for c in report.corrections] == [
        (0, "tester", "edit"),
        (1, "tester", "accept"),
        (2, "tester", "accept"),
        (2, "tester", "undo"),
        (2, "tester", "reject"),
    ]
    edit = report.corrections[0]
    assert (edit.text, edit.fields.notice_periods[0].value) == ("Corrected words of the clause.", 60)
    assert report.clauses[0].text != edit.text
    assert Report.model_validate_json(take(page, "jsonl", folder).read_text()) == report
    rows = list(csv.DictReader(io.StringIO(take(page, "csv", folder).read_text(), newline="")))
    assert [row["review"] for row in rows[:4]] == ["corrected", "accepted", "rejected", ""]
    assert rows[0]["corrected_text"] == edit.text
    assert "Corrected by tester" in take(page, "html", folder).read_text()
    pdf = pypdfium2.PdfDocument(take(page, "pdf", folder))[0]
    notes = [contents for _, contents, _ in annotations(pdf)]
    assert len(notes) == len(report.clauses)
    assert edit.text in notes[0]
    assert report.clauses[1].text.split()[0] in pdf.get_textpage().get_text_bounded()  # the text layer
    with Image.open(take(page, "png", folder)) as drawn, Image.open(SAMPLES / "services-agreement.jpg") as original:
        assert drawn.size == original.size  # the full photo, not the preview
    assert json.loads(take(page, "coco", folder).read_text())["annotations"][2]["attributes"]["review"]["status"] == "rejected"
    assert len(json.loads(take(page, "w3c", folder).read_text())["items"]) == len(report.clauses)
    with zipfile.ZipFile(take(page, "csv", folder, "Download all documents")) as archive:
        assert sorted(archive.namelist()) == sorted(f"{name}.csv" for name in MOST_PHOTOS)
