"""Drafts of corrections, and questions before something is lost, in a real browser."""

import pytest

from tests.uibrowser import FAKE, browser, drop, finished, photos, running, shown_text, visit

__all__ = ["browser", "visit"]  # fixtures


@pytest.fixture
def two(tmp_path, visit):
    """A page with two documents, the first one shown."""
    with running(tmp_path / "home", FAKE) as server:
        page = visit(server.url)
        drop(page, *photos(tmp_path / "p", "one.png", "two.png"))
        finished(page)
        page.get_by_role("button", name="one.png").first.click()
        title(page, "one.png")
        yield page


def title(page, name):
    page.wait_for_function("name => document.querySelector('#cs-title')?.textContent === name", arg=name)


def draft(page, clause, text):
    """Open a clause's form and enter a text; the form."""
    page.locator(f".cs-card[data-clause='{clause}'] [data-act=edit]").click()
    form = page.locator(f".cs-form[data-clause='{clause}']")
    form.get_by_label("Text").fill(text)
    return form


def test_drafts_are_there_again_with_their_document(two):
    form = draft(two, 0, "Half a thought")
    two.get_by_role("button", name="two.png").first.click()
    title(two, "two.png")
    assert not form.is_visible()
    two.locator(".cs-card[data-clause='0'] [data-act=edit]").click()
    assert form.get_by_label("Text").input_value() == shown_text(two, 0)  # nothing of the other document's draft
    two.get_by_role("button", name="one.png").first.click()
    title(two, "one.png")
    assert form.get_by_label("Text").input_value() == "Half a thought"
    form.get_by_role("button", name="Save").click()
    two.locator(".cs-card[data-clause='0'] .cs-review.corrected").wait_for()
    assert not form.is_visible()
    assert shown_text(two, 0) == "Half a thought"


def test_an_act_leaves_the_photo_where_it_was(two):
    two.locator("[data-act=zoom-in]").click(click_count=4)
    place = "box => { box.scrollTop = 0.7 * box.scrollHeight; return box.scrollTop; }"
    before = two.locator(".cs-scroll").evaluate(place)
    assert before > 0
    two.locator(".cs-card[data-clause='0'] [data-act=accept]").evaluate("button => button.click()")
    two.locator(".cs-card[data-clause='0'] .cs-review.accepted").wait_for()
    assert abs(two.locator(".cs-scroll").evaluate("box => box.scrollTop") - before) < 2


def test_nothing_is_removed_before_a_question(two):
    asked = []
    two.once("dialog", lambda question: (asked.append(question.message), question.dismiss()))
    two.locator("[data-act=remove]").first.click()
    assert asked == ["Remove one.png with its result? This cannot be undone."]
    assert two.locator(".cs-job").count() == 2
    two.once("dialog", lambda question: question.accept())
    two.locator("[data-act=remove]").first.click()
    two.wait_for_function("document.querySelectorAll('.cs-job').length === 1")
