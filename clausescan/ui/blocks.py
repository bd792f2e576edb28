"""The page's layout in Gradio; what each of its events does is in `handlers`."""

from __future__ import annotations

from importlib.resources import files as resource_files
from typing import Any

import gradio as gr

from clausescan.config import BUDGETS
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.corrections import MAX_NAME_CHARS
from clausescan.ui.desk import Desk
from clausescan.ui.downloads import FORMAT_NAMES
from clausescan.ui.handlers import Handlers, address, labelled
from clausescan.ui.view import view_html

TICK_SECONDS = 0.5
"""Between two looks at the queue while something is in it."""
TYPES = ["image", ".pdf", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".webp"]

_KEEP = "() => [sessionStorage.getItem('clausescan') || '']"
"""The tab's key, if it was here before."""
_KEPT = "(key) => { sessionStorage.setItem('clausescan', key); }"
_THEME = """(theme) => {
  const dark = theme === 'dark' || (theme === 'system' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.body.classList.toggle('dark', dark);
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
}"""


def build(desk: Desk) -> gr.Blocks:
    """The page."""
    blocks: gr.Blocks = _Page(desk).blocks
    return blocks


def style() -> str:
    """The sheet of the page's own parts."""
    return _static("page.css")


def theme() -> gr.themes.Base:
    """Fonts of the machine itself: Gradio's own would be asked for from another host."""
    sans, mono = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
    return gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=sans, font_mono=mono)


def _static(name: str) -> str:
    return resource_files("clausescan.ui").joinpath("static", name).read_text(encoding="utf-8")


class _Page:
    """The components, and which handler each event has."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.on = desk, Handlers(desk)
        with gr.Blocks(title="clausescan", analytics_enabled=False, fill_width=True) as self.blocks:
            self.key = gr.Textbox(visible="hidden", show_label=False)
            self.seen = gr.State((-1, -1))
            gr.HTML(
                '<header class="cs-head"><h1>clausescan</h1><p>Clauses from photos of contract pages, read on this '
                "machine.</p></header>",
                js_on_load=None,
            )
            self._files()
            with gr.Row(equal_height=False):
                self._camera()
                self._settings()
            script = _static("page.js")
            self.jobs = gr.HTML("", js_on_load=script, elem_id="cs-jobs", apply_default_css=False)
            self._downloads()
            self.view = gr.HTML(view_html(None, address), js_on_load=script, elem_id="cs-view", apply_default_css=False)
            self.timer = gr.Timer(TICK_SECONDS, active=False)
            self._events()

    def _files(self) -> None:
        self.files = gr.File(label="Photos or PDFs of contract pages", file_count="multiple", file_types=TYPES, height=140)

    def _camera(self) -> None:
        with gr.Accordion("Take a photo with this machine's camera", open=False) as self.camera_part:
            # With an image_mode, Gradio hands on a copy of a picture of another mode, and the upload itself is never forgotten.
            self.camera = gr.Image(
                label="Camera", sources=["webcam"], type="filepath", format="jpeg", image_mode=None, height=320
            )
            self.snap = gr.Button("Read this photo")

    def _downloads(self) -> None:
        with gr.Row(equal_height=False, visible=False, elem_id="cs-taking") as self.taking:
            choices = [(label, name) for name, label in FORMAT_NAMES.items()]
            self.format = gr.Dropdown(choices, value="pdf", label="Download as", scale=2)
            self.one = gr.Button("Download this document", scale=1, size="md")
            self.all = gr.Button("Download all documents", scale=1, size="md")
            self.ready = gr.HTML("", js_on_load=_static("page.js"), elem_id="cs-ready", apply_default_css=False, scale=1)

    def _settings(self) -> None:
        with gr.Accordion("Settings", open=False):
            self.types = gr.CheckboxGroup(
                labelled(BUILT_IN), label="Clauses to look for", info="Those with * need a larger model than the one that ships."
            )
            budgets: list[tuple[str, str | int | float]] = [(str(budget), budget) for budget in BUDGETS]
            self.budget = gr.Radio(
                budgets, label="Visual tokens a question", info="Fewer are a little faster; more read fields better."
            )
            self.model = gr.Dropdown(self.desk.models(), label="Model")
            self.together = gr.Checkbox(label="Files dropped together are pages of one document, in the order of their names")
            said = "Sign-in name, used for corrections" if self.desk.signed_in else "Your name, for corrections"
            self.name = gr.Textbox(label=said, max_length=MAX_NAME_CHARS, interactive=not self.desk.signed_in)
            looks: list[tuple[str, str | int | float]] = [("As the system", "system"), ("Light", "light"), ("Dark", "dark")]
            self.theme = gr.Radio(looks, label="Colours")

    def _events(self) -> None:
        shown = [self.seen, self.jobs, self.taking, self.view, self.timer]
        chosen: list[Any] = [self.types, self.budget, self.model, self.together, self.name, self.theme]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        opened = self.blocks.load(self.on.open, [self.key], [self.key, *shown, *chosen], js=_KEEP, **quiet)
        opened.then(None, [self.key], None, js=_KEPT, api_visibility="private").then(
            None, [self.theme], None, js=_THEME, api_visibility="private"
        )
        self.timer.tick(self.on.tick, [self.key, self.seen], shown, **quiet)
        self.files.upload(self.on.upload, [self.key, self.files], [self.files, *shown], **quiet)
        self.snap.click(self.on.photograph, [self.key, self.camera], [self.camera, *shown], **quiet)
        for part in (self.jobs, self.view):
            part.act(self.on.act, [self.key], [*shown, self.ready], trigger_mode="multiple", concurrency_limit=1, **quiet)
        self.one.click(self.on.download_one, [self.key, self.format], [self.ready], **quiet)
        self.all.click(self.on.download_all, [self.key, self.format], [self.ready], **quiet)
        one_by_one: dict[str, Any] = {"concurrency_id": "settings", "concurrency_limit": 1}  # the last choice is saved last
        for control in chosen:
            noticed = control.blur if control is self.name else control.input  # not with every letter
            noticed(self.on.choose, [self.key, *chosen], None, trigger_mode="always_last", **one_by_one, **quiet)
        self.theme.input(None, [self.theme], None, js=_THEME, api_visibility="private")
