"""A clause type of the user's own for the tests, a page that has such a clause, and what a good model says of it."""

from __future__ import annotations

from tests import specimen
from tests.fakeserver import asked, completion, listing

# As the README's steps write it: under ten lines.
FORCE_MAJEURE = """\
description: A force majeure clause excuses a party while events beyond its control keep it from performing.
fields:
  events: {kind: phrases, meaning: "the events that excuse, as written", cues: [such as]}
  notice_periods: {kind: durations, meaning: every period of notice of such an event, cues: [notice]}
  payment_excepted: {kind: flag, meaning: duties to pay are not excused, cues: [pay]}
  consequence: {kind: choice, choices: [suspended, ended], meaning: what happens to the agreement, cues: [terminate]}
"""
NAME = "force_majeure"
LINES = (
    *specimen.LINES,
    "14. Force Majeure. Neither party is liable for delays caused by events such as acts of God or war,",
    "of which it gives notice within five (5) Business Days. Duties to pay stay as they are. After 90 days",
    "either party may terminate at an interest of one and one-half percent (1.5%) on US$ 5,000.",
)
LISTED = (NAME, "14. Force Majeure. Neither party is", "(1.5%) on US$ 5,000.")
FIELDS = {
    "events": ["acts of God", "war"],
    "notice_periods": [{"value": 5, "unit": "business_days"}],
    "payment_excepted": True,
    "consequence": "ended",
}


def answer(**fields) -> str:
    return specimen.answer_text(3, **(FIELDS | fields))


def replying(answers=None, listed=None):
    """A model that lists the clause and answers about it."""

    def reply(body, n):
        kind = asked(body)
        if kind == "page":
            return completion(listing(LISTED) if listed is None else listed)
        return completion((answers or {}).get(kind, answer()))

    return reply


def write(folder, text=FORCE_MAJEURE, name=f"{NAME}.yaml"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder
