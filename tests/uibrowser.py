"""A real browser for the tests of the page. `CLAUSESCAN_SCREENSHOTS` names a folder to keep a picture of every state in."""

import os
from pathlib import Path

import pytest

from clausescan.ui.downloads import FORMAT_NAMES
from tests import specimen
from tests.system_tools import need
from tests.uiserver import FAKE, running

sync_api = pytest.importorskip("playwright.sync_api")
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
"""A camera that shows a test picture, without asking."""


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
