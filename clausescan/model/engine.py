"""The compact model as the pipeline sees it: readability, reading, finding. Loads and checks the weights."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from clausescan.answer import PageAnswer, Passage, Prompt
from clausescan.errors import ModelError
from clausescan.headings import heading_words, words_alone
from clausescan.model.choice import Run, clauses_of, presence_odds, sections_of, word_places
from clausescan.model.copying import candidates, copying_schema
from clausescan.model.dimensions import Dimensions
from clausescan.model.fieldhead import NOTHING_SETTLED, field_odds, settle
from clausescan.model.network import Network, Sight
from clausescan.model.transcribe import best_path, is_text, words_of
from clausescan.model.vocabulary import ANSWER, ASK, IMAGE, Vocabulary, paragraph_starts
from clausescan.page import Line, Reading
from clausescan.schema.clauses import ClauseType
from clausescan.schema.shapes import ClauseShape

if TYPE_CHECKING:
    from clausescan.model.grammar import AnswerWriter

WEIGHTS = Path(__file__).parent.parent / "weights"
MANIFEST = "manifest.json"


def load(folder: Path | None = None) -> CompactModel:
    """The shipped model, or one in a folder. Raises `ModelError` when it is missing, damaged or of a wrong hash."""
    folder = folder or WEIGHTS
    digest = check(folder)
    try:
        model = Network(Dimensions.load(folder / "config.json"))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        vocabulary = Vocabulary(folder / "tokenizer.json")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"the model in {folder} cannot be loaded ({type(error).__name__}); install clausescan again") from None
    model.train(False)
    return CompactModel(model, vocabulary, digest)


def check(folder: Path) -> str:
    """SHA-256 of the weights file, checked against the manifest. Raises `ModelError`."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        names: dict[str, str] = manifest["sha256"]
    except (OSError, ValueError, KeyError):
        raise ModelError(f"{folder} holds no model of ours: {MANIFEST} is missing or damaged") from None
    for name, expected in names.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            raise ModelError(f"{folder / name} is missing; install clausescan again") from None
        if found != expected:
            raise ModelError(f"{folder / name} is not the file it should be (SHA-256 differs); install clausescan again")
    return names["model.safetensors"]


class CompactModel:
    """Fulfils `clausescan.answer.PageModel`; remembers what it saw on the last page it read."""

    def __init__(self, model: Network, vocabulary: Vocabulary, digest: str) -> None:
        model.fold()
        self.model, self.vocabulary = model, vocabulary
        self._digest = digest
        self._last: tuple[int, Sight, list[int]] | None = None

    @cached_property
    def writer(self) -> AnswerWriter:
        """Writes the answers. Made when the first clause is found: its grammars' library takes long to import."""
        from clausescan.model.grammar import AnswerWriter

        return AnswerWriter(self.model, self.vocabulary)

    @property
    def name(self) -> str:
        """The model's name, for the report."""
        return "clausescan-compact"

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights file in use, for the report."""
        return self._digest

    @property
    def config(self) -> Dimensions:
        """The model's dimensions."""
        return self.model.config

    def look(self, gray: NDArray[np.uint8]) -> Sight:
        """See a page or a piece of one, (H, W) uint8; its sides are padded with paper to whole cells."""
        h, w = gray.shape
        padded = np.pad(gray, ((0, -h % 16), (0, -w % 16)), mode="edge")
        ink = 1.0 - torch.from_numpy(padded)[None, None].float() / 255.0
        with torch.autocast("cpu", torch.bfloat16):
            return self.model.look(ink)

    def readability(self, gray: NDArray[np.uint8]) -> float:
        """0 to 1: how surely letters are read, weighted by how many of the lines' frames hold letters at all."""
        sight = self.look(gray)
        total = sure = 0.0
        for n, log_p in enumerate(sight.sequence):
            letters = best_path(log_p, sight.strips[n])
            total += len(letters.p)
            sure += float((letters.p**2).sum())
        return sure / (total + 20.0)

    def read(self, gray: NDArray[np.uint8]) -> Reading:
        """All text lines of a rectified page."""
        sight = self.look(gray)
        lines: list[Line] = []
        kept: list[int] = []
        for n, line in enumerate(sight.lines):
            letters = best_path(sight.sequence[n], sight.strips[n])
            other = best_path(sight.glyphs[n], sight.strips[n])
            words = words_of(letters, line, other) if is_text(letters, other) else None
            if words is not None:
                lines.append(words)
                kept.append(n)
        self._last = (id(gray), sight, kept)
        lengths = [len(line.y) for line in sight.lines]
        return Reading(tuple(lines), 1 - sum(lengths[n] for n in kept) / max(1, sum(lengths)))

    @torch.no_grad()
    def find(self, gray: NDArray[np.uint8], reading: Reading, prompts: Mapping[ClauseType, Prompt], budget: int) -> PageAnswer:
        """The clauses of the asked types that it was taught, with at most `budget` visual tokens a question."""
        if self._last is None or self._last[0] != id(gray):
            self.read(gray)
        assert self._last is not None
        _, sight, kept = self._last
        words = [[w.text for w in line.words] for line in reading.lines]
        taught = {kind: prompt for kind, prompt in prompts.items() if kind in self.config.clause_types}
        untaught = tuple(kind for kind in prompts if kind not in taught)
        if not words or not taught:
            return PageAnswer((), dict.fromkeys(taught, 0.0), untaught=untaught)
        begins = paragraph_starts([float(line.centre_page_px[:, 1].mean()) for line in reading.lines])
        tokens, first = self.vocabulary.lines(words, begins)
        with torch.autocast("cpu", torch.bfloat16):
            visual = self.model.visual_tokens(sight, budget)
            scores = self.model.choose(visual, torch.tensor(tokens), torch.tensor(first)).log_softmax(-1).double().numpy()
        places = [(n, k) for n, line in enumerate(words) for k in range(len(line))]
        standing = word_places(words, begins)
        passages: list[Passage] = []
        presence: dict[ClauseType, float] = {}
        for kind, prompt in taught.items():
            log_p = scores[:, self.config.clause_types.index(kind)]
            found, runs = runs_of(log_p, standing, reading, places)
            presence[kind] = self._calibrated(presence_odds(log_p, found))
            passages += [self._answer(prompt, run, places, words, begins, sight, kept, budget) for run in runs]
        return PageAnswer(tuple(passages), presence, untaught=untaught)

    def _calibrated(self, odds: float) -> float:
        """Log-odds to the calibrated probability that the page holds a clause."""
        return 1 / (1 + math.exp(-(self.config.presence_scale * odds + self.config.presence_shift)))

    def _answer(
        self,
        prompt: Prompt,
        run: Run,
        places: list[tuple[int, int]],
        words: list[list[str]],
        begins: list[bool],
        sight: Sight,
        kept: list[int],
        budget: int,
    ) -> Passage:
        first, last = places[run.first], places[run.last]
        outside = {places[w] for w in run.outside}
        lines, flags, chosen, skipped = [], [], [], []
        for n in range(first[0], last[0] + 1):
            low = first[1] if n == first[0] else 0
            high = last[1] + 1 if n == last[0] else len(words[n])
            if all((n, k) in outside for k in range(low, high)):
                skipped.append(n)
                continue
            lines.append(words[n][low:high])
            flags.append(begins[n])
            chosen.append(kept[n])
        if prompt.type not in self.config.answered_types:
            return Passage(prompt.type, first, last, tuple(skipped), run.confidence, None, 0)
        visual = self.model.visual_tokens(sight, budget, chosen)
        answer = self.answer(prompt.shape, prompt.short, lines, flags, visual)
        return Passage(prompt.type, first, last, tuple(skipped), run.confidence, answer, budget)

    @torch.no_grad()
    def answer(
        self, shape: ClauseShape, short: str, lines: Sequence[Sequence[str]], begins: Sequence[bool], visual: Tensor
    ) -> str:
        """The language model's answer about one passage, its words by line, and the visual tokens (n, D) of these lines."""
        v = self.vocabulary
        before = [v.id[IMAGE]] * len(visual) + [v.id[ASK], *v.text(" " + short)]
        tokens, first = v.lines(lines, begins)
        asked = self.writer.ask([*before, *tokens, v.id[ANSWER]], visual)
        words = [w for line in lines for w in line]
        settled = NOTHING_SETTLED
        if self.model.fields is not None:
            scores = self.model.fields(asked.states[torch.tensor(first) + len(before)].float()).float()
            found = candidates(shape, words)
            settled = settle(field_odds(scores, self.config.settled_fields, shape.kinds, found), found, self.config.field_shifts)
        return self.writer.write(asked, copying_schema(shape, words, settled))


def runs_of(
    log_p: NDArray[np.float64], standing: NDArray[np.int8], reading: Reading, places: Sequence[tuple[int, int]]
) -> tuple[list[Run], list[Run]]:
    """A type's runs by its (W, 3) log-probabilities, and the clauses that they make, unheaded parts of one section joined.

    `standing` (W,) are `word_places`, `places` the words' (line, word), counted through the page.
    """
    words = [reading.lines[line].words[word].text for line, word in places]
    found = clauses_of(log_p, standing)
    return found, sections_of(found, log_p, words, lambda run: is_headed(run, reading, places))


def is_headed(run: Run, reading: Reading, places: Sequence[tuple[int, int]]) -> bool:
    """Whether a run begins with a heading."""
    outside = set(run.outside)
    own = [places[w] for w in range(run.first, run.last + 1) if w not in outside]
    texts = [reading.lines[line].words[word].text for line, word in own]
    return heading_words(texts, words_alone(reading, own)) > 0
