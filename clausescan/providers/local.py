"""A vision-language model of another house in a folder on this machine, as transformers saves it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import torch
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.utils import logging

from clausescan.errors import AnswerError, ClausescanError, ModelError, TruncatedAnswerError
from clausescan.providers.families import FAMILIES, Family
from clausescan.providers.masking import Grammars, greedy
from clausescan.providers.question import Question, Written
from clausescan.providers.seeing import LOCAL, Preparation
from clausescan.providers.store import check

UNKNOWN = Family("another family", "", "whole", 0)


class LocalModel:
    """Fulfils `clausescan.providers.question.Asker`.

    Loads only safetensors and only code of transformers itself, and nothing from a network. Raises `ModelError` when the folder
    is damaged, of an unknown kind, or needs a package that is not installed.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._name, self._sha256 = name, check(folder)
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        with _offline(), _told(folder):
            config = AutoConfig.from_pretrained(folder, **LOCAL)
            self._family = FAMILIES.get(config.model_type, UNKNOWN)
            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            model = _whole(folder)
            if device.type == "cpu" and model.dtype == torch.float16:  # processors count in bfloat16 or float32
                model = model.to(torch.bfloat16)
            self._model = model.to(device).eval()
            self._preparation = Preparation(folder, config, self._family)
            outputs = int(model.get_output_embeddings().weight.shape[0])
            self._stops = self._stop_tokens(outputs)
            self._grammars = Grammars(self._preparation.tokenizer, outputs, self._stops)

    @property
    def name(self) -> str:
        """The folder's or the fetched model's name, for the report."""
        return self._name

    @property
    def sha256(self) -> str:
        """Hash of the model's files."""
        return self._sha256

    @property
    def budget(self) -> int:
        """Visual tokens that the family takes at most; 0 for a family that is not known by name."""
        return self._family.visual_tokens

    def ask(self, questions: Sequence[Question]) -> list[Written | AnswerError]:
        """Answers under the grammar of each question's schema, one after the other; an error for each that was cut off."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Written | AnswerError:
        try:
            mask = self._grammars.mask(question.schema)
            inputs = self._preparation.inputs(question.picture, f"{question.system}\n\n{question.user}")
            placed = {k: self._placed(v) for k, v in inputs.items()}
            pad = self._preparation.tokenizer.pad_token_id
            pad = self._stops[0] if pad is None else int(pad)
            output = greedy(self._model, placed, mask, question.max_tokens, self._stops, pad)
        except torch.OutOfMemoryError:
            raise ModelError(f"{self.name} needs more memory than there is") from None
        except (ClausescanError, MemoryError):
            raise
        except Exception as error:  # whatever a template or tokenizer raises; its message may quote the question
            raise ModelError(f"{self.name} cannot be asked this way ({type(error).__name__})") from None
        asked = inputs["input_ids"].shape[1]
        if not mask.finished(output):
            return TruncatedAnswerError(f"an answer of {self.name} was cut off")
        written = output[asked:].tolist()
        written = written[:-1] if written[-1:] and written[-1] in self._stops else written
        text = self._preparation.tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Written(str(text).strip(), int((inputs["input_ids"] == self._preparation.image_id).sum()))

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._model.device, self._model.dtype if tensor.is_floating_point() else None)

    def _stop_tokens(self, outputs: int) -> list[int]:
        """Tokens that end an answer: the tokenizer's and those the model was saved with."""
        own = self._model.generation_config.eos_token_id
        listed = own if isinstance(own, list) else [own]
        stops = {int(t) for t in [self._preparation.tokenizer.eos_token_id, *listed] if t is not None and 0 <= int(t) < outputs}
        if not stops:
            raise ModelError(f"{self.name} names no token that ends an answer")
        return sorted(stops)


def _whole(folder: Path) -> Any:
    """The model with all of its weights: what a folder lacks, transformers would make up."""
    loader: Any = AutoModelForImageTextToText
    model, info = loader.from_pretrained(folder, **LOCAL, use_safetensors=True, dtype="auto", output_loading_info=True)
    if info["missing_keys"] or info["mismatched_keys"]:
        raise ModelError(f"the model in {folder} lacks some of its weights")
    return model


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """No call of the hub's client in this block reaches the network, whatever a file in the folder asks for."""
    before = huggingface_hub.constants.HF_HUB_OFFLINE
    huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Errors of loading in our words."""
    try:
        yield
    except ImportError:
        raise ModelError(f"the model in {folder} needs packages that are not installed, such as torchvision or timm") from None
    except (ClausescanError, MemoryError):
        raise
    except Exception as error:  # tokenizers raise bare ones, templates jinja2's, damaged files any other
        raise ModelError(f"the model in {folder} cannot be loaded ({type(error).__name__})") from None
