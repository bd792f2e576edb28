"""The tokenizer: byte-level BPE over contract text, with the marks that structure a page.

Every word is encoded on its own, as a space and its letters, so that tokens map back to words exactly.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

PAD, LINE, PARAGRAPH, ASK, ANSWER, END, MASK, IMAGE = (
    "<pad>",
    "<line>",
    "<para>",
    "<ask>",
    "<answer>",
    "<end>",
    "<mask>",
    "<image>",
)
SPECIALS = (PAD, LINE, PARAGRAPH, ASK, ANSWER, END, MASK, IMAGE)
"""In the order of their token numbers, from 0."""

PARAGRAPH_GAP = 1.35
"""A line this many usual line pitches below the one above it begins a paragraph."""
SAME_ROW_GAP = 0.3
"""Of a usual gap: lines closer than that stand beside each other, and tell nothing of the lines' pitch."""


_ANSWER_PARTS = re.compile(r"[^\W\d_]+|.", re.DOTALL)


class Vocabulary:
    """A trained tokenizer, read from a `tokenizer.json`."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(file))
        self.id = {s: int(self.tokenizer.token_to_id(s) or 0) for s in SPECIALS}
        self.word = functools.lru_cache(200_000)(self._word)
        self.word_piece = functools.lru_cache(20_000)(self._piece)

    def __len__(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def tokens(self) -> list[str]:
        """Every token as the tokenizer writes it down, its bytes as letters, in the order of their numbers."""
        known = self.tokenizer.get_vocab()
        return sorted(known, key=known.__getitem__)

    def _word(self, word: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(" " + word, add_special_tokens=False).ids)

    def _piece(self, piece: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(piece, add_special_tokens=False).ids)

    def text(self, text: str) -> list[int]:
        """Token numbers of a free text, such as an answer."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def answer(self, text: str) -> list[int]:
        """Token numbers of an answer or a part of one: words whole, every sign and digit a token of its own.

        So what the grammar forces between two choices has the tokens it had in training, wherever it is cut.
        """
        return [t for part in _ANSWER_PARTS.findall(text) for t in self.word_piece(part)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token numbers, specials left out."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def lines(self, lines: Iterable[Sequence[str]], paragraph: Sequence[bool]) -> tuple[list[int], list[int]]:
        """A transcript as tokens, and where each word's first token stands among them (words counted through)."""
        tokens: list[int] = []
        first: list[int] = []
        for words, begins in zip(lines, paragraph, strict=True):
            tokens.append(self.id[PARAGRAPH if begins else LINE])
            for word in words:
                first.append(len(tokens))
                tokens.extend(self.word(word))
        return tokens, first


def paragraph_starts(middles: Sequence[float]) -> list[bool]:
    """Whether each line begins a paragraph, by its distance from the line above; `middles` are the lines' heights on the page."""
    if len(middles) < 2:
        return [True] * len(middles)
    gaps = [b - a for a, b in pairwise(middles)]
    usual = sorted(g for g in gaps if g > 0) or [1.0]
    usual = [g for g in usual if g > SAME_ROW_GAP * usual[-1 - len(usual) // 3]]
    pitch = usual[len(usual) // 3]
    return [True] + [g > PARAGRAPH_GAP * pitch or g < -pitch for g in gaps]


def train_vocabulary(texts: Iterable[str], size: int, file: Path) -> None:
    """Learn `size` tokens from texts and write the tokenizer to `file`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(file))
