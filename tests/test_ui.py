"""The page's parts, without a browser."""

import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from clausescan import cli
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, ModelError, OutputError, UsageError
from clausescan.export.formats import FORMATS
from clausescan.export.markup import colour
from clausescan.overlay import styles
from clausescan.review import Review, report_reviews
from clausescan.schema.clauses import BUILT_IN, CLAUSE_TYPES, IndemnityFields
from clausescan.schema.corrections import Correction
from clausescan.schema.report import OwnType, Report
from clausescan.schema.shapes import SHAPES
from clausescan.ui import folders, preferences
from clausescan.ui.cards import card_html, marked_text
from clausescan.ui.downloads import FORMAT_NAMES, download
from clausescan.ui.folders import private_folder, sweep
from clausescan.ui.form import FormError, correction
from clausescan.ui.guard import Guard
from clausescan.ui.joblist import state
from clausescan.ui.pieces import safe
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from clausescan.ui.server import ServerSettings, is_loopback, listening
from clausescan.ui.workspace import Workspaces, now
from tests import owntypes, specimen
from tests.uiserver import FAKE, ROOT, environment, running, wait_for

AT = "2026-01-02T03:04:05Z"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def workspaces(tmp_path):
    (tmp_path / "private").mkdir()
    return Workspaces(tmp_path / "private")


def upload(tmp_path, name="page.png"):
    path = tmp_path / "uploads" / name
    path.parent.mkdir(exist_ok=True)
    specimen.picture().save(path)
    return path


@pytest.fixture
def done(workspaces, tmp_path, fake_model):
    """A workspace with one document that is done."""
    pipeline = Pipeline(lambda config: fake_model)
    pipeline.start()
    workspace = workspaces.open("", None)
    document = workspace.add([upload(tmp_path)], ExtractConfig())
    pipeline.submit(workspace, document)
    wait_for(lambda: not workspace.busy, 20)
    pipeline.end()
    assert document.status == "done", document.message
    return workspace, document


# The form


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


@pytest.mark.parametrize("clause", [0, 1, 2])
def test_an_untouched_form_says_nothing(done, clause):
    review = review_of(done, clause)
    assert correction(review, clause, entered(review), "x", AT) is None


def test_a_form_without_answer_stays_without(done):
    review = review_of(done, 0)
    blank = replace(review, clause=review.clause.model_copy(update={"fields": None, "complete": False}))
    values = {"type": "termination", "text": "Only the words."}
    assert correction(blank, 0, values, "x", AT).model_dump(exclude_none=True, exclude={"by", "at"}) == {
        "clause": 0,
        "act": "edit",
        "text": "Only the words.",
    }


@pytest.mark.parametrize(
    ("clause", "name", "typed", "value"),
    [
        (0, "notice_periods", "1 month; 45 days", [{"value": 1, "unit": "months"}, {"value": 45, "unit": "days"}]),
        (0, "cure_periods", "5 Business Days;", [{"value": 5, "unit": "business_days"}]),
        (0, "cure_periods", "", []),
        (1, "amounts", "EUR 1,500.50; 200", [{"amount": 1500.5, "currency": "EUR"}, {"amount": 200, "currency": None}]),
        (1, "fee_months", "12; 6 months", [12, 6]),
        (2, "indemnifying_parties", "Customer; The Seller", ["Customer", "The Seller"]),
    ],
)
def test_lists_are_entered_as_people_write_them(done, clause, name, typed, value):
    review = review_of(done, clause)
    made = correction(review, clause, entered(review, **{f"{review.clause.type}.{name}": typed}), "x", AT)
    assert made.fields.model_dump(mode="json")[name] == value


@pytest.mark.parametrize(
    ("clause", "field", "typed"),
    [
        (0, "termination.notice_periods", "soon"),
        (0, "termination.notice_periods", "0 days"),
        (0, "termination.notice_periods", "30 zebrafish"),
        (0, "termination.cure_periods", ";".join(["1 day"] * 7)),
        (1, "liability_cap.amounts", "1,00 USD"),
        (1, "liability_cap.amounts", "USD 5 EUR"),
        (1, "liability_cap.fee_months", "a year"),
        (1, "liability_cap.fee_months", "0"),
        (2, "indemnity.indemnifying_parties", "x" * 61),
        (2, "text", "  "),
        (2, "text", "x" * 20_001),
        (2, "type", "warranty"),
    ],
)
def test_what_cannot_be_meant_is_told_without_quoting_it(done, clause, field, typed):
    review = review_of(done, clause)
    with pytest.raises(FormError) as told:
        correction(review, clause, entered(review, **{field: typed}), "x", AT)
    assert told.value.field == field
    assert specimen.CANARY not in str(told.value)


def test_a_new_type_takes_the_fields_of_its_own_fieldset(done):
    review = review_of(done, 0)
    values = entered(review, type="indemnity") | {"indemnity.mutual": True, "indemnity.indemnifying_parties": "Supplier"}
    made = correction(review, 0, values, "x", AT)
    assert (made.type, made.fields.mutual, made.fields.defend) == ("indemnity", True, False)


# Cards


def test_uncertain_words_are_marked_and_everything_is_escaped(photo_file, fake_model):
    from clausescan import scan

    fake_model.text = specimen.reading(second={"terminate": "<i>${x}"})
    (clause, *_) = scan.extract(photo_file, model=fake_model).clauses
    marked = marked_text(clause)
    assert marked.count("<mark") == 1
    assert 'title="or “&lt;i&gt;&#36;&#123;x&#125;”">terminate<' in marked
    card = card_html(Review(clause, clause), 0, 1)
    assert "<i>" not in card
    assert "confidence 90 %" in card


def test_nothing_that_templates_run_passes():
    assert safe("${a} {{b}} `c` <d> \"e\" 'f' \0") == (
        "&#36;&#123;a&#125; &#123;&#123;b&#125;&#125; &#96;c&#96; &lt;d&gt; &quot;e&quot; &#x27;f&#x27; \ufffd"
    )


# The workspace and the queue


def test_a_key_opens_only_its_own_users_workspace(workspaces):
    mine = workspaces.open("", "ada")
    assert workspaces.open(mine.key, "ada") is mine
    other = workspaces.open(mine.key, "mallory")
    assert other is not mine
    with pytest.raises(UsageError):
        workspaces.find(mine.key, "mallory")
    with pytest.raises(UsageError):
        workspaces.find("guess", None)
    assert len(mine.key) >= 32


def test_an_upload_stays_for_a_moment_for_whoever_sent_the_same(workspaces, tmp_path, monkeypatch):
    monkeypatch.setattr("clausescan.ui.workspace.UPLOAD_SECONDS", 0.2)
    path = upload(tmp_path)
    documents = [workspaces.open("", None).add([path], ExtractConfig()) for _ in range(2)]
    assert documents[0].sources[0] != documents[1].sources[0]
    wait_for(lambda: not path.exists(), 5)
    assert all(document.sources[0].is_file() for document in documents)
    with pytest.raises(OutputError, match=r"page\.png cannot be kept"):
        workspaces.open("", None).add([path], ExtractConfig())


def test_removing_a_document_deletes_its_files(done):
    workspace, document = done
    assert document.previews[0].path.is_file()
    assert workspace.shown == document.number
    workspace.remove(document.number)
    assert not document.folder.exists()
    assert workspace.shown is None
    with pytest.raises(UsageError):
        workspace.find(document.number)


def test_users_take_turns(workspaces, tmp_path, fake_model):
    order, gate = [], threading.Event()

    def opener(config):
        gate.wait(20)
        return fake_model

    pipeline = Pipeline(opener)
    pipeline.start()
    first, second = workspaces.open("", None), workspaces.open("", None)
    for workspace, name in ((first, "a1"), (first, "a2"), (first, "a3"), (second, "b1")):
        document = workspace.add([upload(tmp_path, f"{name}.png")], ExtractConfig())
        document.changed = lambda d=document: order.append(d.name) if d.status == "done" else None
        pipeline.submit(workspace, document)
        if name == "a1":
            wait_for(lambda d=document: d.status == "running", 20)
    gate.set()
    wait_for(lambda: not first.busy and not second.busy, 30)
    pipeline.end()
    assert [name.split(".")[0] for name in order] == ["a1", "b1", "a2", "a3"]


def test_a_failure_is_told_in_our_own_words(workspaces, tmp_path, flat):
    def opener(config):
        raise ModelError("the weights are damaged") if config.budget == 64 else RuntimeError(specimen.CANARY)

    pipeline = Pipeline(opener)
    pipeline.start()
    workspace = workspaces.open("", None)
    documents = [workspace.add([upload(tmp_path)], ExtractConfig(budget=budget)) for budget in (64, 128)]
    for document in documents:
        pipeline.submit(workspace, document)
    wait_for(lambda: not workspace.busy, 20)
    pipeline.end()
    assert state(documents[0]) == "failed: the weights are damaged"
    assert "RuntimeError" in state(documents[1])
    assert specimen.CANARY not in state(documents[1])


def test_stages_are_told_in_order_and_may_end_the_run(photo_file, fake_model):
    from clausescan import pagework, scan

    told = []
    scan.extract([photo_file, photo_file], model=fake_model, on_stage=lambda page, stage: told.append((page, stage)))
    assert told == [(page, stage) for page in (0, 1) for stage in pagework.STAGES] + [(2, "decode")]

    class StopError(Exception):
        pass

    def stop(page, stage):
        if stage == "read":
            raise StopError

    with pytest.raises(StopError):
        scan.extract(photo_file, model=fake_model, on_stage=stop)


def test_every_format_can_be_chosen():
    assert tuple(FORMAT_NAMES) == tuple(FORMATS)


def test_downloads_have_names_of_their_own(done, tmp_path):
    workspace, document = done
    workspace.correct(document.number, Correction(clause=0, by="x", at=now(), act="accept"))
    twins = [document, replace(document, number=2)]
    one = download([document], "csv", tmp_path)
    assert (one.name, one.read_text().count("accepted")) == ("page.csv", 1)
    assert download(twins, "csv", tmp_path).name == "clausescan.csv.zip"
    assert one.parent != download([document], "csv", tmp_path).parent
    with pytest.raises(UsageError):
        download([], "csv", tmp_path)
    with pytest.raises(UsageError):
        download([document], "docx", tmp_path)


# The settings


def test_settings_are_kept(home):
    assert preferences.load() == Preferences()
    chosen = Preferences(types=("indemnity",), budget=64, name="Ada", theme="dark", together=True)
    preferences.save(chosen)
    assert preferences.load() == chosen
    assert preferences.load("someone else") == Preferences()
    assert chosen.reader == "Ada"
    assert Preferences().reader == preferences.account()


@pytest.mark.parametrize("content", [b"", b"{", b'{"budget": 7}', b'{"types": []}', b'{"more": 1}', b"\xff"])
def test_damaged_settings_are_named(home, content):
    preferences.save(Preferences())
    preferences.path_of(None).write_bytes(content)
    with pytest.raises(InputError, match=r"ui\.json are damaged"):
        preferences.load()


# The private folder


def test_the_private_folder_is_private_and_goes(tmp_path):
    with private_folder(tmp_path / "ui") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "photo.jpg").write_bytes(b"x")
    assert not folder.exists()


def test_what_dead_pages_left_is_swept_and_nothing_else(tmp_path):
    code = (
        "import sys, os, pathlib\nfrom clausescan.ui.folders import private_folder\n"
        "with private_folder(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'photo.jpg').write_bytes(b'x'); print(folder, flush=True); sys.stdin.read()\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], cwd=ROOT, env=environment(tmp_path / "h"), stdin=-1, stdout=-1, text=True
        )
        for _ in range(2)
    ]
    dead, alive = (tmp_path / process.stdout.readline().strip() for process in started)
    started[0].kill()
    started[0].wait()
    assert (dead / "photo.jpg").exists()
    assert sweep(tmp_path) == [dead]
    assert not dead.exists()
    assert (alive / "photo.jpg").exists()
    started[1].communicate("")
    assert not alive.exists()


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), private_folder(tmp_path / "file" / "ui"):
        pass
    assert folders.root().parts[-2:] == ("clausescan", "ui")


# The door


@pytest.mark.parametrize(
    ("host", "origin", "passes"),
    [
        ("127.0.0.1:7860", None, True),
        ("localhost:7860", "http://localhost:7860", True),
        ("[::1]:7860", None, True),
        ("evil.example", None, False),
        ("127.0.0.1.evil.example", None, False),
        ("", None, False),
        ("[", None, False),
        ("127.0.0.1:7860", "http://evil.example", False),
        ("127.0.0.1:7860", "http://127.0.0.1:9999", False),
        ("127.0.0.1:7860", "null", False),
    ],
)
def test_only_the_page_itself_may_ask(host, origin, passes):
    import asyncio

    sent, asked = [], []

    async def app(scope, receive, send):
        asked.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    guard = Guard(app, frozenset({"localhost", "127.0.0.1", "::1"}))
    asyncio.run(guard({"type": "http", "path": "/", "headers": headers}, None, send))
    assert bool(asked) is passes
    assert sent[0]["status"] == (200 if passes else 403)
    if passes:
        assert dict(sent[0]["headers"])[b"cache-control"] == b"no-store"
        assert b"connect-src 'self'" in dict(sent[0]["headers"])[b"content-security-policy"]


def test_hosts():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.2", "::", "box.local", "")))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"),
        ("--host", "192.168.1.2"),
        ("--host", "box.local"),
        ("--port", "70000"),
        ("--port", "-1"),
        ("--certificate", "README.md"),
        ("--timeout", "0"),
        ("--max-pixels", "0"),
    ],
)
def test_usage_errors_end_with_2_before_anything_is_served(arguments, capsys, monkeypatch):
    monkeypatch.delenv("CLAUSESCAN_UI_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    assert cli.run_command(["ui", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_short_password_is_refused():
    with pytest.raises(UsageError, match="8 characters"):
        ServerSettings("0.0.0.0", password="short")
    assert "sesame sesame" not in repr(ServerSettings("0.0.0.0", password="sesame sesame"))


def test_a_busy_port_is_told_with_a_free_one():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with (
            pytest.raises(UsageError, match=rf"port {port} of 127\.0\.0\.1 is in use; (\d+) is free") as told,
            listening("127.0.0.1", port),
        ):
            pass
    free = int(str(told.value).rsplit(" ", 1)[1])
    assert free > port
    with listening("127.0.0.1", free):
        pass


def test_without_gradio_it_says_what_to_install(capsys, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "gradio" else found(name, *rest))
    assert cli.run_command(["ui", "--port", "0"]) == 2
    assert "pip install 'clausescan[ui]'" in capsys.readouterr().err


def test_its_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom clausescan import cli\ncli.run_command(['ui', '--help'])\n"
        "heavy = [m for m in ('torch', 'gradio', 'cv2', 'numpy', 'pandas', 'fastapi') if m in sys.modules]\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--host" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_clean(tmp_path, number):
    with running(tmp_path / "home", FAKE) as server:
        assert len(list(server.cache.glob("page-*"))) == 1
        assert server.end(number) == 0
    assert [p.name for p in server.cache.iterdir()] == ["lock"]
    assert "Traceback" not in server.log.read_text()


def test_types_are_kept_in_their_order():
    assert Preferences.model_validate_json('{"types": ["indemnity", "termination"]}').types == ("indemnity", "termination")
    assert Preferences().types == CLAUSE_TYPES


# Further types, and those of the user's own


@pytest.fixture
def own_shapes(tmp_path):
    (source,) = find_types(owntypes.write(tmp_path / "types"))
    return SHAPES | {source.name: own_prompt(source).shape}


def test_a_clause_can_be_corrected_to_a_type_of_ones_own(done, tmp_path, own_shapes):
    workspace, document = done
    review, kind = review_of(done, 0), owntypes.NAME
    values = {"type": kind, "text": review.clause.text, f"{kind}.events": "war; acts of God", f"{kind}.payment_excepted": True}
    values |= {f"{kind}.notice_periods": "5 business days", f"{kind}.consequence": "ended"}
    made = correction(review, 0, values, "x", AT, own_shapes)
    described = OwnType(type=kind, sha256="0" * 64, fields=own_shapes[kind].kinds)
    document.report = Report.model_validate(dict(document.report) | {"own_types": (described,)})
    workspace.correct(document.number, made)
    fixed = review_of(done, 0)
    assert fixed.clause.type == kind
    assert fixed.clause.fields.model_dump(mode="json") == owntypes.FIELDS | {"events": ["war", "acts of God"]}
    card = card_html(fixed, 0, 1, shapes=own_shapes)
    assert "1. Force majeure" in card
    assert "<span class='cs-value'>ended</span>" in card
    assert '<option value="ended" selected>' in card
    assert correction(fixed, 0, values, "x", AT, own_shapes) is None
    with pytest.raises(FormError) as told:
        correction(fixed, 0, values | {f"{kind}.consequence": "doomed"}, "x", AT, own_shapes)
    assert told.value.field == f"{kind}.consequence"


@pytest.mark.parametrize(("typed", "value"), [("1.5 %; 8", [1.5, 8]), ("12 per cent", [12]), ("", [])])
def test_rates_and_choices_are_entered(done, typed, value):
    review = review_of(done, 0)
    values = {"type": "payment_terms", "text": review.clause.text, "payment_terms.late_interest": typed}
    made = correction(review, 0, values | {"payment_terms.interest_period": "month"}, "x", AT)
    assert made.fields.model_dump(mode="json")["late_interest"] == value
    assert made.fields.interest_period == "month"
    for wrong in ("soon", "-1", "1001"):
        with pytest.raises(FormError, match="late interest"):
            correction(review, 0, values | {"payment_terms.late_interest": wrong}, "x", AT)


def test_what_a_field_shows_unchanged_keeps_its_value(done):
    review = review_of(done, 2)
    fields = IndemnityFields(mutual=False, indemnifying_parties=("Smith; Sons",), defend=True)
    held = replace(review, clause=review.clause.model_copy(update={"fields": fields}))
    values = entered(held) | {"indemnity.indemnifying_parties": "Smith; Sons"}
    assert correction(held, 2, values, "x", AT) is None


def test_every_type_can_be_chosen_that_types_lists(home, capsys, workspaces):
    pytest.importorskip("gradio")
    from clausescan.clausetypes.finding import user_folder
    from clausescan.ui.desk import Desk

    user_folder().parent.mkdir(parents=True)
    owntypes.write(user_folder())
    assert cli.run_command(["types"]) == 0
    listed = tuple(line.split(":")[0] for line in capsys.readouterr().out.splitlines())
    desk = Desk(workspaces, Pipeline(lambda config: None), ExtractConfig(), home, signed_in=False)
    assert desk.types() == listed
    config = desk.config(Preferences(types=("renewal", owntypes.NAME)))
    assert (config.types, [source.name for source in config.own_types]) == (("renewal", owntypes.NAME), [owntypes.NAME])
    (user_folder() / f"{owntypes.NAME}.yaml").unlink()
    with pytest.raises(UsageError, match="Force majeure is no longer there"):
        desk.config(Preferences(types=(owntypes.NAME,)))


def test_types_are_drawn_as_in_the_overlay(done, own_shapes):
    review = review_of(done, 0)
    for kind, style in styles([*BUILT_IN, owntypes.NAME]).items():
        clause = review.clause.model_copy(update={"type": kind, "fields": None})
        card = card_html(replace(review, clause=clause), 0, 1, style=style, shapes=own_shapes)
        assert f"--cs-type: {colour(style.colour)};" in card
        assert ("--cs-dash: none" in card) == (style.dash is None)
