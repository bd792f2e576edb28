"""Each format, opened by a program that is not ours; and words that would be code anywhere else."""

import base64
import csv
import ctypes
import hashlib
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from clausescan import scan
from clausescan.export import csv_rows, markup
from clausescan.export.formats import FORMATS, DocumentFiles, parse_formats
from clausescan.export.json_lines import to_line
from clausescan.export.pdf_file import _parts
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.generated import all_schemas
from clausescan.schema.report import Report, TextLine
from tests import specimen

HOSTILE = (
    "MASTER AGREEMENT",
    """=HYPERLINK("http://x";1) '"><img src=x onerror=alert(1)> <script>alert(1)</script> may terminate""",
    "</style></title> upon thirty (30) days' prior written notice &amp; more %s {} ]]>",
    "(a) cure period of ten (10) Business Days. \\) Tj ET § “quoted” \u2028 caf\u00e9",
    "Page 7",
    "+12. Limitation of Liability. US$ 1,000,000,",
    "except for fraud.",
    "@13. Indemnity. Supplier shall indemnify",
)


@pytest.fixture
def written(tmp_path, fake_model):
    """Write a report of the lines in every format; (report, format -> bytes)."""

    def write(lines=specimen.LINES, pages=1, **save):
        photo = tmp_path / "page one.jpg"
        specimen.picture().save(photo, **save)
        ends = {p.type: p for p in fake_model.passages}
        fake_model.text = specimen.reading(lines)
        fake_model.passages = tuple(
            replace(p, last=(p.last[0], len(fake_model.text.lines[p.last[0]].words) - 1)) for p in ends.values()
        )
        document = DocumentFiles(FORMATS, tmp_path / "page one")
        report = scan.extract([photo] * pages, model=fake_model, on_picture=document.page)
        assert document.end(report) == []
        return report, {name: (tmp_path / f"page one{f.suffix}").read_bytes() for name, f in FORMATS.items()}

    return write


def test_json_and_json_lines_carry_everything(written):
    report, files = written()
    schema = json.loads(all_schemas()["report.json"])
    for name in ("json", "jsonl"):
        assert Report.model_validate_json(files[name]) == report
        jsonschema.validate(json.loads(files[name]), schema)
    assert files["jsonl"].count(b"\n") == 1
    assert len(to_line(report.model_copy(update={"warnings": ("a\u2028b\nc",)})).splitlines()) == 1


def test_csv_has_a_row_a_clause(written):
    report, files = written(pages=2)
    rows = list(csv.DictReader(io.StringIO(files["csv"].decode(), newline="")))
    assert [(r["type"], r["page"], r["number"]) for r in rows] == [
        (c.type, str(c.page + 1), str(n)) for n, c in enumerate(report.clauses, 1)
    ]
    assert rows[0]["text"] == report.clauses[0].text
    assert (rows[0]["notice_periods"], rows[0]["cure_periods"]) == ("30 days", "10 business days")
    assert (rows[1]["amounts"], rows[1]["uncapped"], rows[1]["for_cause"]) == ("1,000,000.00 USD", "true", "")
    assert [tuple(map(tuple, q)) for q in json.loads(rows[2]["quads_photo_px"])] == list(report.clauses[2].quads)


def test_no_cell_is_a_formula(written):
    _, files = written(HOSTILE)
    cells = [cell for row in csv.reader(io.StringIO(files["csv"].decode(), newline="")) for cell in row]
    assert [c for c in cells if c.startswith("'=HYPERLINK")]
    assert not [c for c in cells if c.startswith(csv_rows.DANGEROUS)]
    for start in "=+-@\t\r":
        (row,) = csv.reader(io.StringIO(csv_rows.csv_line([f"{start}1+1", "plain"]), newline=""))
        assert row == [f"'{start}1+1", "plain"]


class Tags(html.parser.HTMLParser):
    """Every element with its attributes, and the text outside of the style sheet."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self._open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    def every(self, tag):
        return [a for t, a in self.tags if t == tag]


def test_html_is_one_page_that_shows_everything(written):
    report, files = written(pages=2)
    page = Tags(files["html"].decode())
    assert page._open == []
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(set(ids)) == len(ids) == 2 * len(report.clauses)
    assert {a["href"].removeprefix("#") for a in page.every("a")} == set(ids)
    assert len(page.every("polygon")) == sum(len(c.quads) for c in report.clauses)
    assert all(c.text in page.text for c in report.clauses)
    (policy,) = (a["content"] for a in page.every("meta") if a.get("http-equiv") == "Content-Security-Policy")
    style = files["html"].decode().split("<style>")[1].split("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for image in page.every("img"):
        kind, data = image["src"].split(",")
        assert kind == "data:image/jpeg;base64"
        assert max(Image.open(io.BytesIO(base64.b64decode(data))).size) == 1600
    assert page.every("svg")[0]["viewbox"] == "0 0 2048 1400"


def test_html_escapes_what_it_quotes(written):
    _, files = written(HOSTILE)
    page = Tags(files["html"].decode())
    known = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "h3",
        "table",
        "tr",
        "th",
        "td",
        "section",
        "div",
        "img",
    }
    assert {t for t, _ in page.tags} <= known | {"svg", "a", "polygon", "article", "blockquote", "p", "footer"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert len(page.every("img")) == 1
    assert "onerror=alert(1)" in " ".join(page.text)
    assert not re.search(r"(?:href|src)=\"(?!#|data:image/jpeg)", files["html"].decode())
    assert "\0" not in markup.escaped("a\0\x1b\ud800<") and "<" not in markup.escaped("a\0\x1b\ud800<")


def test_html_denies_no_clause_that_may_be_there(written, fake_model):
    fake_model.passages = ()
    fake_model.presence = {"termination": 0.5, "indemnity": 0.01, "liability_cap": 0.01}
    _, files = written()
    assert "<p>No clause is quoted from this page; whether it has one cannot be told: Termination.</p>" in files["html"].decode()
    fake_model.presence["termination"] = 0.01
    _, files = written()
    assert "<p>No clause on this page.</p>" in files["html"].decode()


def annotations(page):
    """(subtype, contents, quads) of every annotation, by PDFium."""
    raw = pypdfium2.raw
    out = []
    for i in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, i)
        length = raw.FPDFAnnot_GetStringValue(annotation, b"Contents", None, 0)
        buffer = ctypes.create_string_buffer(length)
        raw.FPDFAnnot_GetStringValue(annotation, b"Contents", ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
        quads = []
        for k in range(raw.FPDFAnnot_CountAttachmentPoints(annotation)):
            quad = raw.FS_QUADPOINTSF()
            assert raw.FPDFAnnot_GetAttachmentPoints(annotation, k, quad)
            quads.append([(quad.x1, quad.y1), (quad.x2, quad.y2), (quad.x3, quad.y3), (quad.x4, quad.y4)])
        out.append((raw.FPDFAnnot_GetSubtype(annotation), buffer.raw.decode("utf-16-le").rstrip("\0"), quads))
        raw.FPDFPage_CloseAnnot(annotation)
    return out


def test_pdf_can_be_searched_and_is_highlighted(written):
    report, files = written(pages=2)
    pdf = pypdfium2.PdfDocument(files["pdf"])
    assert len(pdf) == 2
    page = pdf[0]
    scale = 842 / 2048
    assert page.get_size() == pytest.approx((842, 1400 * scale))
    text = page.get_textpage()
    assert [line.rstrip() for line in text.get_text_bounded().splitlines()] == list(specimen.LINES)
    assert text.search("Limitation of Liability").get_next() is not None
    inside = text.get_text_bounded(*(v * scale for v in (190, 1400 - 430, 1400, 1400 - 375)))
    assert inside.strip() == specimen.LINES[1]
    found = annotations(page)
    assert len(found) == 3
    for (kind, contents, quads), clause in zip(found, report.clauses[:3], strict=True):
        assert kind == pypdfium2.raw.FPDF_ANNOT_HIGHLIGHT
        assert clause.text in contents
        assert contents.startswith(clause.type.split("_")[0].capitalize())
        expected = [[(x * scale, (1400 - y) * scale) for x, y in (q[0], q[1], q[3], q[2])] for q in clause.quads]
        assert np.array(quads) == pytest.approx(np.array(expected), abs=0.01)
    shown = np.asarray(page.render(scale=1, may_draw_forms=False, draw_annots=False).to_pil())
    assert np.abs(shown[:100].astype(int) - 255).max() < 4
    objects = list(page.get_objects())
    assert [o.type for o in objects].count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE) == 1
    modes = {pypdfium2.raw.FPDFTextObj_GetTextRenderMode(o) for o in objects if o.type == pypdfium2.raw.FPDF_PAGEOBJ_TEXT}
    assert modes == {pypdfium2.raw.FPDF_TEXTRENDERMODE_INVISIBLE}


def test_pdf_holds_any_words(written):
    report, files = written(HOSTILE)
    page = pypdfium2.PdfDocument(files["pdf"])[0]
    text = " ".join(page.get_textpage().get_text_bounded().split())
    assert "<script>alert(1)</script>" in text
    assert "§ “quoted” café" in text
    assert [contents.split("\n")[1] for _, contents, _ in annotations(page)] == [c.text for c in report.clauses]


def test_a_bent_line_shares_its_words_among_its_quads():
    quads = tuple(((x, 0.0), (x + 100.0, 0.0), (x + 100.0, 10.0), (x, 10.0)) for x in (0.0, 100.0, 200.0))
    line = TextLine(text="one two three four five six", quads=quads, box_page=(0, 0, 300, 10), confidence=1.0, uncertain_words=())
    assert [words for words, _ in _parts(line)] == ["one two", "three four", "five six"]


def test_png_shows_each_page(written, tmp_path):
    written(pages=2)
    first, second = Image.open(tmp_path / "page one.png"), Image.open(tmp_path / "page one-2.png")
    assert first.size == second.size == (2048, 1400)
    assert first.tobytes() != second.tobytes()  # the numbers go on


def test_coco_is_what_its_readers_expect(written):
    report, files = written(pages=2)
    data = json.loads(files["coco"])
    images = {i["id"]: i for i in data["images"]}
    categories = {c["id"]: c["name"] for c in data["categories"]}
    assert tuple(categories.values()) == CLAUSE_TYPES
    assert len({a["id"] for a in data["annotations"]}) == len(report.clauses)
    for annotation, clause in zip(data["annotations"], report.clauses, strict=True):
        image = images[annotation["image_id"]]
        assert (image["file_name"], image["width"], image["height"]) == ("page one.jpg", 2048, 1400)
        assert categories[annotation["category_id"]] == clause.type
        assert annotation["iscrowd"] == 0
        points = np.array(annotation["segmentation"]).reshape(-1, 2)
        assert points.tolist() == [list(p) for q in clause.quads for p in q]
        x, y, w, h = annotation["bbox"]
        assert [x, y] == points.min(0).tolist() and [x + w, y + h] == pytest.approx(points.max(0).tolist())
        quads = points.reshape(-1, 4, 2)
        assert annotation["area"] == pytest.approx(sum(np.ptp(q[:, 0]) * np.ptp(q[:, 1]) for q in quads), rel=1e-3)


def test_coco_stays_within_the_photo():
    from clausescan.export.coco import _inside

    assert _inside((-3.0, 5000.0), (2048, 1400)) == (0.0, 1400.0)


def test_web_annotations_are_what_the_recommendation_asks(written):
    report, files = written()
    page = json.loads(files["w3c"])
    assert page["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert page["type"] == "AnnotationPage"
    assert len({a["id"] for a in page["items"]}) == 3
    for annotation, clause in zip(page["items"], report.clauses, strict=True):
        assert annotation["type"] == "Annotation"
        assert [b["value"] for b in annotation["body"][:2]] == [clause.type, clause.text]
        assert {b["type"] for b in annotation["body"]} == {"TextualBody"}
        assert annotation["target"]["source"] == "page%20one.jpg"
        selector = annotation["target"]["selector"]
        assert selector["type"] == "SvgSelector"
        svg = ET.fromstring(selector["value"])
        assert svg.attrib["viewBox"] == "0 0 2048 1400"
        drawn = [[tuple(map(float, p.split(","))) for p in g.attrib["points"].split()] for g in svg]
        assert drawn == [list(q) for q in clause.quads]


def test_nothing_carries_the_photos_metadata(written):
    exif = Image.Exif()
    exif[0x010F], exif[0x0131] = "CanaryCam", "CanarySoft"
    exif.get_ifd(0x8825)[1] = "N"
    _, files = written(exif=exif, comment=b"CanaryNote")
    for name, data in files.items():
        assert b"Canary" not in data, name
        assert b"Exif" not in data, name


def test_the_same_report_gives_the_same_bytes(written):
    _, first = written()
    second = written()[1]
    changing = ("json", "jsonl")  # these hold the seconds
    assert {n: d for n, d in first.items() if n not in changing} == {n: d for n, d in second.items() if n not in changing}


def test_format_lists():
    assert parse_formats(" CSV,html,,csv ") == ("csv", "html")
    assert parse_formats(",".join(FORMATS)) == tuple(FORMATS)
