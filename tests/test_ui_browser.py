"""The page in a real browser. `CLAUSESCAN_SCREENSHOTS` names a folder to keep a picture of every state in."""

import csv
import io
import json
import os
import re
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from clausescan.overlay import STYLES
from clausescan.schema.report import Report
from clausescan.ui.downloads import FORMAT_NAMES
from tests import specimen
from tests.system_tools import need
from tests.test_export_formats import annotations
from tests.uiserver import FAKE, REAL, running, wait_for

sync_api = pytest.importorskip("playwright.sync_api")
SAMPLES = Path(__file__).parents[1] / "samples"
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
"""A camera that shows a test picture, without asking."""
MOST_PHOTOS = ("services-agreement", "supply-agreement", "hosting-agreement", "consulting-agreement")


@pytest.fixture(scope="module")
def browser():
    path = need("chromium", "chromium-browser", "google-chrome")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Open pages as different people; each page's requests to other hosts, errors and failures are gathered."""
    contexts = []

    def open_page(url, **options):
        context = browser.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True, **options)
        context.set_default_timeout(120_000)
        contexts.append(context)
        page = context.new_page()
        page.outside, page.errors = [], []
        context.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else page.outside.append(r.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#cs-view .cs-empty, #cs-view .cs-view")
        page.wait_for_function("sessionStorage.getItem('clausescan')")
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            assert (page.outside, page.errors) == ([], [])
        context.close()


@pytest.fixture
def shoot(tmp_path):
    folder = Path(os.environ.get("CLAUSESCAN_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page, name):
        page.wait_for_timeout(300)  # transitions
        page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=55)

    return take


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    with running(tmp_path_factory.mktemp("fake"), FAKE) as server:
        yield server


def drop(page, *files):
    page.locator("input[type=file]").first.set_input_files([str(f) for f in files])


def photos(folder, *names):
    """The specimen's page under several names, which differ in content, too."""
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        image = specimen.picture()
        image.putpixel((0, 0), (i, 0, 0))
        image.save(folder / name)
    return [folder / name for name in names]


def states(page):
    return page.locator(".cs-job .cs-state").all_inner_texts()


def finished(page, seconds=240):
    """Until nothing waits or runs."""
    page.wait_for_function(
        "document.querySelector('.cs-job') && !document.querySelector('.cs-job [data-act=cancel]')", timeout=seconds * 1000
    )


def shown_text(page, clause):
    """A card's words without the other readings, which only screen readers get."""
    script = """node => {
      const copy = node.cloneNode(true);
      copy.querySelectorAll('.cs-unseen').forEach(unseen => unseen.remove());
      return copy.textContent;
    }"""
    return page.locator(f".cs-card[data-clause='{clause}'] > blockquote").evaluate(script).strip(" …")


def take(page, name, folder, button="Download this document"):
    """Download the document in a format; the file's path."""
    page.get_by_label("Download as").click()
    page.get_by_role("option", name=FORMAT_NAMES[name], exact=True).click()
    with page.expect_download() as coming:
        page.get_by_role("button", name=button).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def grave(page):
    """Serious and critical findings of axe-core: (rule, where)."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], node["target"]) for v in found if v["impact"] in ("serious", "critical") for node in v["nodes"]]


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
    assert len(report.clauses) >= 6
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
    assert card.locator(".cs-value").first.inner_text() == "60 days" or "60 days" in card.locator(".cs-fields").inner_text()
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


def test_the_html_download_opens_in_the_browser_without_a_request(visit, fake, browser, tmp_path):
    page = visit(fake.url)
    drop(page, *photos(tmp_path / "p", "one.png"))
    finished(page)
    path = take(page, "html", tmp_path)
    context, asked = browser.new_context(), []
    context.on("request", lambda request: asked.append(request.url))
    file = context.new_page()
    file.goto(path.as_uri())
    headings = [heading.split(":")[0] for heading in file.locator(".card h3").all_inner_texts()]
    assert headings == ["1. Termination", "2. Liability cap", "3. Indemnity"]
    assert file.locator("svg polygon").count() == 6
    file.locator("#mark-2 polygon").first.hover()
    assert file.locator("#clause-2").evaluate("card => getComputedStyle(card).backgroundColor") == "rgb(255, 248, 214)"
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_axe(visit, fake, shoot, tmp_path, scheme):
    page = visit(fake.url, color_scheme=scheme)
    assert grave(page) == []
    drop(page, *photos(tmp_path / "p", "one.png", "bug.png"))
    finished(page)
    page.locator("[data-act=accept]").nth(0).click()
    page.locator(".cs-review.accepted").wait_for()
    page.locator("[data-act=reject]").nth(1).click()
    page.locator(".cs-review.rejected").wait_for()
    page.locator("[data-act=edit]").nth(2).click()
    page.locator(".cs-form:not([hidden]) input[type=text]:visible").first.fill(";".join("abcdefgh"))
    page.keyboard.press("Enter")
    page.locator("[role=alert].cs-wrong").wait_for()
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Your name, for corrections").wait_for()
    shoot(page, f"settings-{scheme}")
    assert grave(page) == []


def test_the_keyboard_is_enough(visit, fake, tmp_path):
    page = visit(fake.url)
    (path,) = photos(tmp_path / "p", "keys.png")

    def tab_to(selector):
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached with Tab")

    with page.expect_file_chooser() as chooser:
        tab_to("button:has(input[type=file]), button[aria-label*='pload'], .center button, button:has(.wrap)")
        page.keyboard.press("Enter")
    chooser.value.set_files(str(path))
    finished(page)
    page.evaluate("document.activeElement.blur()")
    tab_to(".cs-scroll")
    tab_to(".cs-mark[data-clause='1']")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "cs-name-1"
    assert page.locator(".cs-card.chosen").get_attribute("data-clause") == "1"
    tab_to(".cs-card[data-clause='1'] [data-act=accept]")
    page.keyboard.press("Space")
    page.locator(".cs-card[data-clause='1'] .cs-review.accepted").wait_for()
    wait_for(lambda: page.evaluate("document.activeElement.dataset.act") == "accept", 10)  # where it was
    tab_to("[data-act=edit]")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.act") == "edit"
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("Typed by hand.")
    tab_to("button[type=submit]")
    page.keyboard.press("Enter")
    page.locator(".cs-card[data-clause='1'] .cs-review.corrected").wait_for()
    assert shown_text(page, 1) == "Typed by hand."
    page.evaluate("document.activeElement.blur()")
    tab_to("[data-act=remove]")
    page.once("dialog", lambda question: question.accept())
    page.keyboard.press("Enter")
    page.wait_for_selector(".cs-empty")


def test_reload_and_cancel_in_the_middle(visit, fake, tmp_path):
    page = visit(fake.url)
    (first, *others) = photos(tmp_path / "p", "first.png", "second.png", "third.png")
    with Image.open(first) as frame:  # a document that does not end before it is cancelled
        small = frame.convert("L")
        small.save(tmp_path / "long.tiff", save_all=True, append_images=[small] * 99, compression="tiff_deflate")
    drop(page, tmp_path / "long.tiff", *others)
    page.wait_for_selector(".cs-job progress")
    page.reload()
    page.wait_for_selector(".cs-job progress")
    assert page.locator(".cs-job").count() == 3
    page.locator(".cs-job [data-act=cancel]").nth(2).click()
    page.locator(".cs-job.cancelled").wait_for()
    page.locator(".cs-job.running [data-act=cancel]").click()
    finished(page)
    assert sorted(states(page)) == ["3 clauses", "cancelled", "cancelled"]
    assert page.locator("[data-status]").inner_text() == "1 of 3 done, 2 cancelled"


def test_too_large_a_file_is_refused_with_a_word(visit, tmp_path):
    with running(tmp_path / "home", REAL, "--max-bytes", "20000") as server:
        page = visit(server.url)
        drop(page, *photos(tmp_path / "p", "large.png"))
        page.get_by_text(re.compile("exceed|too large|maximum", re.IGNORECASE)).first.wait_for()
        assert page.locator(".cs-job").count() == 0
        assert not [p for p in server.cache.rglob("*") if p.is_file() and p.stat().st_size > 20000]


def test_two_users_at_once(visit, fake, tmp_path):
    first, second = visit(fake.url), visit(fake.url)
    (same,) = photos(tmp_path / "s", "same.png")
    drop(first, same, *photos(tmp_path / "1", "slow one.png", "slow two.png"))
    drop(second, same, *photos(tmp_path / "2", "slow three.png"))
    finished(first)
    finished(second)
    names = [sorted(page.locator(".cs-open").all_inner_texts()) for page in (first, second)]
    assert [len(n) for n in names] == [3, 2]
    assert not {"slow one.png", "slow two.png"} & set(names[1])
    first.locator("[data-act=reject]").first.click()
    first.locator(".cs-review.rejected").wait_for()
    second.reload()
    second.wait_for_selector(".cs-card")
    assert second.locator(".cs-review").count() == 0
    keys = [page.evaluate("sessionStorage.getItem('clausescan')") for page in (first, second)]
    assert len(set(keys)) == 2


def test_pages_of_one_document(visit, fake, tmp_path):
    page = visit(fake.url)
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Files dropped together").check()
    page.get_by_label("Your name, for corrections").fill("Ada Lovelace")
    page.keyboard.press("Tab")
    page.wait_for_timeout(1000)  # saved when it is left
    drop(page, *photos(tmp_path / "p", "page 2.png", "page 1.png"))
    finished(page)
    assert page.locator(".cs-open").all_inner_texts() == ["page 1.png and 1 more"]
    assert page.locator(".cs-pages figure").count() == 2
    assert page.locator(".cs-card").count() == 6
    page.locator("[data-act=accept]").nth(4).click()
    assert "Ada Lovelace" in page.locator(".cs-review.accepted").inner_text()
    with zipfile.ZipFile(take(page, "png", tmp_path)) as archive:
        assert archive.namelist() == ["page 1.png", "page 1-2.png"]
    saved = json.loads((fake.home / "config" / "clausescan" / "ui.json").read_text())
    assert (saved["together"], saved["name"]) == (True, "Ada Lovelace")
    page.reload()
    page.wait_for_selector(".cs-card")
    page.get_by_text("Settings", exact=True).click()
    assert page.get_by_label("Files dropped together").is_checked()
    page.get_by_label("Files dropped together").uncheck()
    page.get_by_label("Your name, for corrections").fill("")
    page.keyboard.press("Tab")
    page.wait_for_timeout(1000)


def test_a_photo_is_taken_with_the_camera(visit, fake):
    page = visit(fake.url)
    page.get_by_text("Take a photo with this").click()
    page.get_by_text("Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('video')?.currentTime > 0")  # it shows something
    page.get_by_label("capture photo").click()
    page.locator("img[src*='/file=']:visible").wait_for()
    page.get_by_role("button", name="Read this photo").click()
    finished(page)
    assert states(page) == ["3 clauses"]


def test_strangers_words_are_only_words(visit, fake, tmp_path):
    page = visit(fake.url)
    drop(page, *photos(tmp_path / "p", "hostile.png"))
    finished(page)
    assert "onerror=document.title='pwned'" in shown_text(page, 0)
    assert "{{value}}" in shown_text(page, 0)
    assert "${document.title" in shown_text(page, 0)
    page.locator("[data-act=edit]").first.click()
    assert "`${alert(1)}`" in page.locator(".cs-form textarea").first.input_value()
    page.locator(".cs-form textarea").first.press("End")
    page.locator(".cs-form textarea").first.type(" </textarea><img src=x onerror=document.title='pwned'>")
    page.locator(".cs-form:not([hidden])").get_by_role("button", name="Save").click()
    page.locator(".cs-review.corrected").wait_for()
    assert "</textarea><img" in shown_text(page, 0)
    assert page.locator("#cs-view img[src=x], #cs-view script").count() == 0
    assert page.title() == "clausescan"


def test_a_photo_that_fails_costs_only_itself(visit, fake, tmp_path):
    page = visit(fake.url)
    drop(page, *photos(tmp_path / "p", "bug.png", "blank.png", "fine.png"))
    finished(page)
    told = sorted(states(page))
    assert told[:2] == ["0 clauses, needs a look", "3 clauses"]
    assert re.fullmatch(r"failed: internal error: RuntimeError at \w+\.py:\d+", told[2])
    page.get_by_role("button", name="blank.png").first.click()
    page.get_by_text("Page 1 unreadable").wait_for()
    assert page.locator(".cs-verdicts .cannot_tell").count() == 3


def test_it_can_be_installed_and_keeps_nothing_in_the_browser(visit, fake, tmp_path):
    page = visit(fake.url)
    drop(page, *photos(tmp_path / "p", "one.png"))
    finished(page)
    manifest = page.evaluate("fetch(document.querySelector('link[rel=manifest]').href).then(answer => answer.json())")
    assert (manifest["name"], manifest["display"]) == ("clausescan", "standalone")
    assert page.evaluate("fetch('/pwa_icon/512').then(answer => answer.status)") == 200
    assert page.evaluate("Object.keys(sessionStorage)") == ["clausescan"]
    held = page.evaluate("JSON.stringify(localStorage)")
    assert "one.png" not in held
    assert "Termination" not in held
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    image = page.locator(".cs-pages img").get_attribute("src")
    assert page.evaluate("address => fetch(address).then(answer => answer.headers.get('cache-control'))", image) == "no-store"


def test_a_password_is_asked_for(visit, browser, tmp_path):
    (tmp_path / "password").write_text("correct horse")
    with running(tmp_path / "home", FAKE, str(tmp_path / "password")) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.get_by_label("username").or_(page.locator("input").first).first.wait_for()
        assert page.locator("#cs-view").count() == 0
        assert page.request.get(f"{server.url}gradio_api/file={server.cache}").status in (401, 403)
        page.locator("input").nth(0).fill("Grace")
        page.locator("input[type=password]").fill("wrong horse")
        page.get_by_role("button").last.click()
        page.get_by_text("Incorrect").wait_for()
        assert page.locator("#cs-view").count() == 0
        page.locator("input").nth(0).fill("Grace")
        page.locator("input[type=password]").fill("correct horse")
        page.get_by_role("button").last.click()
        page.wait_for_selector(".cs-empty")
        page.wait_for_function("sessionStorage.getItem('clausescan')")
        drop(page, *photos(tmp_path / "p", "one.png"))
        finished(page)
        page.locator("[data-act=accept]").first.click()
        assert "Grace" in page.locator(".cs-review.accepted").inner_text()
        key = page.evaluate("sessionStorage.getItem('clausescan')")
        context.close()

        context = browser.new_context()  # another user with the first one's key
        other = context.new_page()
        other.goto(server.url)
        other.locator("input").nth(0).fill("Mallory")
        other.locator("input[type=password]").fill("correct horse")
        other.evaluate("key => sessionStorage.setItem('clausescan', key)", key)
        other.get_by_role("button").last.click()
        other.wait_for_selector(".cs-empty")
        other.wait_for_function("key => sessionStorage.getItem('clausescan') !== key", arg=key)
        assert other.locator(".cs-job").count() == 0
        context.close()
