import json

from clausescan import scan
from clausescan.export import to_json
from clausescan.schema.report import Report
from tests import specimen


def test_the_text_is_the_report(photo_file, fake_model):
    report = scan.extract(photo_file, model=fake_model)
    text = to_json(report)
    assert Report.model_validate_json(text) == report
    assert json.loads(text) == report.model_dump(mode="json")
    assert text.endswith("}\n")


def test_rows_of_numbers_stay_on_one_line(photo_file, fake_model):
    text = to_json(scan.extract(photo_file, model=fake_model))
    assert max(map(len, text.splitlines())) > 100
    assert len(text.splitlines()) < 600
    assert specimen.LINES[1] in text
