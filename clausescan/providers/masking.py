"""Answers of any tokenizer's model held to a JSON Schema: a grammar masks every step of `generate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
import xgrammar
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedTokenizerBase


class Grammars:
    """Compiles schemas for one tokenizer, each once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, outputs: int, stops: Sequence[int]) -> None:
        """`outputs`: the model's logits a step, at least the tokenizer's tokens. `stops`: tokens that end an answer."""
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=outputs, stop_token_ids=list(stops))
        self.outputs = outputs
        # xgrammar lets raw control characters into strings of bounded length, which JSON does not.
        control = {*range(0x20), 0x7F}
        self._never = torch.tensor([n for n, token in enumerate(info.decoded_vocab) if control & set(token)], dtype=torch.long)
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=1)
        self._compiled: dict[str, xgrammar.CompiledGrammar] = {}

    def mask(self, schema: dict[str, Any]) -> GrammarMask:
        """A fresh mask for one answer: compact JSON, keys in the schema's order, no other keys."""
        key = json.dumps(schema)
        if key not in self._compiled:
            self._compiled[key] = self._compiler.compile_json_schema(
                key, any_whitespace=False, separators=(",", ":"), strict_mode=True
            )
        return GrammarMask(self._compiled[key], self.outputs, self._never)


class GrammarMask(LogitsProcessor):
    """For one `generate` of one sequence: every token that the grammar does not allow next gets no probability."""

    def __init__(self, grammar: xgrammar.CompiledGrammar, outputs: int, never: Tensor) -> None:
        """`never`: token numbers, (N,), that no answer may hold."""
        self._never = never
        self._matcher = xgrammar.GrammarMatcher(grammar)
        self._mask = xgrammar.allocate_token_bitmask(1, outputs)
        self._seen: int | None = None
        self._left = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`input_ids` (1, T) so far, `scores` (1, V) of the next; masked in place."""
        if self._seen is not None:
            self._follow(input_ids[0, self._seen :].tolist())
        self._seen = input_ids.shape[1]
        if not self._matcher.is_terminated() and not self._left:
            self._matcher.fill_next_token_bitmask(self._mask)
            scores = scores.float()
            xgrammar.apply_token_bitmask_inplace(scores, self._mask.to(scores.device))
            scores[:, self._never.to(scores.device)] = -torch.inf
        return scores

    def finished(self, output_ids: Tensor) -> bool:
        """Whether the whole output, (T,) with the question before it, ends where the grammar ends."""
        if self._seen is not None:
            self._follow(output_ids[self._seen :].tolist())
            self._seen = len(output_ids)
        return bool(self._matcher.is_terminated()) and not self._left

    def _follow(self, tokens: list[int]) -> None:
        for token in tokens:
            if self._left or self._matcher.is_terminated():
                return
            self._left = not self._matcher.accept_token(token)


def greedy(model: Any, inputs: dict[str, Tensor], mask: GrammarMask, steps: int, stops: Sequence[int], pad: int) -> Tensor:
    """Token numbers of the most likely answer under the mask, (T,) with the question before it."""
    with torch.inference_mode():
        out: Tensor = model.generate(
            **inputs, do_sample=False, num_beams=1, max_new_tokens=steps, logits_processor=[mask], eos_token_id=list(stops),
            pad_token_id=pad, temperature=None, top_p=None, top_k=None, repetition_penalty=1.0,
        )  # fmt: skip
    return out[0]
