"""Answers that can only be JSON of the right shape: a grammar made from the schema masks every step of decoding.

xgrammar compiles the JSON Schema against the tokenizer. Greedy decoding under its mask either reaches the grammar's end or
runs out of steps; what was written until then is not valid JSON and is refused by `clausescan.parse`, never passed on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
import xgrammar
from torch import Tensor

from clausescan.errors import AnswerError
from clausescan.model.language import GrowingCache
from clausescan.model.network import Parts
from clausescan.model.vocabulary import END, Vocabulary

MAX_ANSWER_TOKENS = 320
"""The longest labelled answer has 141 tokens; the grammar's bounds allow more."""


@dataclass
class Asked:
    """A question that the model has read: its states (T, D), the logits (V,) of what may follow, and the cache to go on from."""

    states: Tensor
    following: Tensor
    cache: GrowingCache


class AnswerWriter:
    """Writes answers with the compact model; each passage has a grammar of its own, compiled in a few milliseconds."""

    def __init__(self, model: Parts, vocabulary: Vocabulary) -> None:
        self.model, self.vocabulary = model, vocabulary
        info = xgrammar.TokenizerInfo(vocabulary.tokens(), xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=[vocabulary.id[END]])
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1)

    def grammar(self, schema: dict[str, Any]) -> xgrammar.CompiledGrammar:
        """The compiled grammar of a JSON Schema: compact JSON, keys in order, no other keys."""
        return self.compiler.compile_json_schema(
            json.dumps(schema), any_whitespace=False, separators=(",", ":"), strict_mode=True
        )

    @torch.no_grad()
    def ask(self, question: list[int], visual: Tensor) -> Asked:
        """Have the model read a question, which begins with one image token a visual token."""
        cache = GrowingCache()
        states = self.model.states(torch.tensor([question]), visual, len(question), cache)[0]
        return Asked(states, self.model.language.logits(states[-1]), cache)

    @torch.no_grad()
    def write(self, asked: Asked, schema: dict[str, Any]) -> str:
        """Answer a question, once; untrusted text, cut off after the step limit."""
        matcher = xgrammar.GrammarMatcher(self.grammar(schema))
        mask = xgrammar.allocate_token_bitmask(1, len(self.vocabulary))
        ids = out = self._forced(matcher)
        following = asked.following
        while len(out) < MAX_ANSWER_TOKENS and not matcher.is_terminated():
            if ids:
                following = self.model.language.logits(self.model.states(torch.tensor([ids]), None, 0, asked.cache)[0, -1])
            logits = following[None].float()
            matcher.fill_next_token_bitmask(mask)
            xgrammar.apply_token_bitmask_inplace(logits, mask)
            token = int(logits.argmax())
            if not matcher.accept_token(token):
                raise AnswerError("the model's answer left its grammar")
            if matcher.is_terminated():
                break
            ids = [token, *self._forced(matcher)]
            out = out + ids
        return self.vocabulary.decode(out)

    def _forced(self, matcher: xgrammar.GrammarMatcher) -> list[int]:
        """What must come next whatever the model says, such as a key: taken in one step instead of one a token."""
        try:
            text = matcher.find_jump_forward_string()
        except UnicodeDecodeError:  # the ways part inside a sign of several bytes: the mask leads through it, a token a step
            return []
        tokens = self.vocabulary.answer(text)
        for token in tokens:
            if not matcher.accept_token(token):
                raise AnswerError("the grammar forces what the tokenizer cannot write")
        return tokens
