import csv
import io
import os

import pytest

from clausescan import cli, scan
from clausescan.schema.report import Report
from tests import specimen

ALL = "json,jsonl,csv,html,pdf,png,coco,w3c"


@pytest.fixture
def run(capsysbinary, monkeypatch, fake_model):
    monkeypatch.setattr(scan._Run, "model", property(lambda self: fake_model))

    def call(*arguments):
        status = cli.run_command([str(a) for a in arguments])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


def test_files_are_named_after_the_first_photo(run, photo_file, tmp_path):
    out = tmp_path / "new" / "results"
    assert run("extract", photo_file, photo_file, "--format", ALL, "--out", out) == (0, "", "")
    suffixes = "json jsonl csv html pdf png coco.json w3c.json".split()
    assert set(os.listdir(out)) == {f"page.{suffix}" for suffix in suffixes} | {"page-2.png"}
    assert len(Report.model_validate_json((out / "page.json").read_text()).clauses) == 6


def test_a_folder_alone_gets_json(run, photo_file, tmp_path):
    assert run("extract", photo_file, "--out", tmp_path / "r") == (0, "", "")
    assert os.listdir(tmp_path / "r") == ["page.json"]


def test_one_text_format_goes_to_standard_output(run, photo_file):
    status, out, _ = run("extract", photo_file, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert (status, len(rows)) == (0, 3)
    status, out, _ = run("extract", photo_file, "--format", "jsonl")
    assert Report.model_validate_json(out).clauses[0].text.startswith("11. Termination")


def test_json_may_be_asked_for_beside_it(run, photo_file, tmp_path):
    assert run("extract", photo_file, "--format", "html", "--out", tmp_path / "o", "--json", tmp_path / "r.json") == (0, "", "")
    assert Report.model_validate_json((tmp_path / "r.json").read_text()).clauses
    _, out, _ = run("extract", photo_file, "--format", "html", "--out", tmp_path / "o", "--json", "-")
    assert Report.model_validate_json(out).clauses


@pytest.mark.parametrize(
    "arguments",
    [("--format", "docx"), ("--format", ""), ("--format", "pdf"), ("--format", "csv,html"), ("--format", "csv", "--json", "-")],
)
def test_usage_errors_end_with_2(run, photo_file, arguments, fake_model):
    status, out, err = run("extract", photo_file, *arguments)
    assert (status, out, len(err.splitlines()), fake_model.pages) == (2, "", 1, 0)


def test_a_photo_is_never_overwritten(run, photo_file, tmp_path, fake_model):
    second = photo_file.with_name("page-2.png")
    second.write_bytes(photo_file.read_bytes())
    for photos in ([photo_file], [tmp_path / "page.jpg", second]):
        status, _, err = run("extract", *photos, "--format", "png", "--out", photo_file.parent)
        assert (status, fake_model.pages) == (2, 0)
        assert "overwritten" in err


def test_a_folder_that_cannot_be_made_ends_with_5_before_anything_is_read(run, photo_file, tmp_path, fake_model):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "under"):
        status, _, err = run("extract", photo_file, "--format", "csv", "--out", out)
        assert (status, fake_model.pages) == (5, 0)
        assert "cannot write" in err


def test_an_unreadable_page_is_shown_with_its_reason(run, photo_file, tmp_path, fake_model):
    fake_model.text = specimen.reading(())
    assert run("extract", photo_file, "--format", ALL, "--out", tmp_path / "o")[0] == 3
    assert "unreadable" in (tmp_path / "o" / "page.html").read_text()


def test_the_overlay_of_a_later_page_overwrites_no_photo_either(run, photo_file, fake_model):
    second = photo_file.with_name("p-2.png")
    second.write_bytes(photo_file.read_bytes())
    status, _, err = run("extract", photo_file, second, "--overlay", photo_file.with_name("p.png"))
    assert (status, fake_model.pages) == (2, 0)
    assert "p-2.png" in err and "overwritten" in err


def test_a_json_file_is_written_beside_a_format_on_standard_output(run, photo_file, tmp_path):
    status, out, _ = run("extract", photo_file, "--format", "csv", "--json", tmp_path / "r.json")
    assert status == 0 and out.startswith("number,file,")
    assert len(Report.model_validate_json((tmp_path / "r.json").read_bytes()).clauses) == 3


def test_pictures_bear_their_pages_numbers(run, photo_file, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    pictures = ("--overlay", tmp_path / "o.png", "--format", "png", "--out", tmp_path / "out")
    assert run("extract", photo_file, broken, photo_file, *pictures)[0] == 6
    assert sorted(os.listdir(tmp_path / "out")) == ["page-3.png", "page.png"]
    assert sorted(p.name for p in tmp_path.glob("o*.png")) == ["o-3.png", "o.png"]


def test_a_name_that_is_no_text_is_written_out(run, photo_file, tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(path, "wb") as stream:
        stream.write(photo_file.read_bytes())
    assert run("extract", os.fsdecode(path), "--json", tmp_path / "r.json")[0] == 0
    report = Report.model_validate_json((tmp_path / "r.json").read_bytes())
    assert report.pages[0].source.name == "caf\\udce9.png"


def test_no_overlay_of_an_earlier_run_stays_for_a_page_that_cannot_be_decoded(run, photo_file, tmp_path):
    second, marked = tmp_path / "second.png", [tmp_path / "m.png", tmp_path / "m-2.png"]
    second.write_bytes(photo_file.read_bytes())
    assert run("extract", photo_file, second, "--overlay", marked[0], "--json", tmp_path / "j.json")[0] == 0
    assert all(path.exists() for path in marked)
    second.write_bytes(b"torn")
    assert run("extract", photo_file, second, "--overlay", marked[0], "--json", tmp_path / "j.json")[0] == 6
    assert [path.exists() for path in marked] == [True, False]
    assert run("extract", second, "--overlay", marked[0])[0] == 3
    assert not marked[0].exists()


def test_the_json_may_lie_in_the_new_folder_but_not_under_a_formats_name(run, photo_file, tmp_path):
    out = tmp_path / "results"
    assert run("extract", photo_file, "--format", "csv", "--out", out, "--json", out / "page.json") == (0, "", "")
    assert set(os.listdir(out)) == {"page.csv", "page.json"}
    for option in ("--json", "--overlay"):
        status, _, err = run("extract", photo_file, "--format", "csv", "--out", out, option, out / "page.csv")
        assert (status, "page.csv, which --format writes" in err) == (2, True)
