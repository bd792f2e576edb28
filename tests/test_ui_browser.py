"""The page in a real browser, with a model that answers at once."""

import json
import re
import zipfile

import pytest
from PIL import Image

from tests.uibrowser import browser, drop, fake, finished, grave, photos, shoot, shown_text, states, take, visit
from tests.uiserver import FAKE, REAL, running, wait_for

__all__ = ["browser", "fake", "shoot", "visit"]  # fixtures


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
    assert len(list(fake.cache.glob("page-*/uploads/*/image.png"))) <= 1  # no copy, of which the page would know nothing


def test_the_link_to_a_download_goes_with_its_document(visit, fake, tmp_path):
    page = visit(fake.url)
    drop(page, *photos(tmp_path / "p", "one.png", "two.png"))
    finished(page)
    page.once("dialog", lambda question: question.accept())
    assert take(page, "csv", tmp_path).name == "one.csv"
    page.get_by_role("button", name="Remove two.png").click()
    page.wait_for_function("document.querySelectorAll('.cs-job').length === 1")
    address = page.locator("#cs-ready a").get_attribute("href")
    assert page.request.get(f"{fake.url}{address}").ok
    page.once("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Remove one.png").click()
    page.locator("#cs-ready a").wait_for(state="detached")
    assert not page.request.get(f"{fake.url}{address}").ok


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
    assert re.fullmatch(r"failed: bug\.png: internal error: RuntimeError at \w+\.py:\d+; please report it", told[2])
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
