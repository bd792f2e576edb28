"""What tests of the page's parts send it: an upload, a form."""

from clausescan.review import report_reviews
from tests import specimen

AT = "2026-01-02T03:04:05Z"


def upload(tmp_path, name="page.png"):
    path = tmp_path / "uploads" / name
    path.parent.mkdir(exist_ok=True)
    specimen.picture().save(path)
    return path


def review_of(done, clause):
    return report_reviews(done[1].report)[clause]


def entered(review, **changes):
    """What the browser sends for an untouched form."""
    values = {"type": review.clause.type, "text": review.clause.text}
    for name, value in review.clause.fields.model_dump(mode="json").items():
        values[f"{review.clause.type}.{name}"] = value if isinstance(value, bool) else ""
    texts = {"notice_periods": "30 days", "cure_periods": "10 business days", "amounts": "1,000,000.00 USD"}
    values |= {f"{review.clause.type}.{k}": v for k, v in texts.items() if f"{review.clause.type}.{k}" in values}
    if review.clause.type == "indemnity":
        values["indemnity.indemnifying_parties"] = "Supplier"
    return values | changes
