"""Picture and text to the tensors that a vision-language model of some family takes.

Where a family's own processor loads without torchvision it does everything; for the families whose processor also wants to
prepare videos, the picture processor and the tokenizer are joined here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

from clausescan.errors import ModelError
from clausescan.providers.families import Family

PLAIN_TEMPLATE = (
    "{% for m in messages %}USER: {% for part in m['content'] %}{% if part['type'] == 'image' %}IMAGE\n{% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %}\n{% endfor %}ASSISTANT:"
)
"""For models that come without a chat template, LLaVA 1.5's; IMAGE stands for the model's own mark."""
LOCAL = {"local_files_only": True, "trust_remote_code": False}


class Preparation:
    """Makes a model's inputs. Raises `ModelError` when the folder lacks what it takes."""

    def __init__(self, folder: Path, config: Any, family: Family) -> None:
        self.family, self.config = family, config
        self._processor: Any = None
        if family.layout == "whole":
            self._processor = AutoProcessor.from_pretrained(folder, **LOCAL)
            self._pictures: Any = getattr(self._processor, "image_processor", None)
            self.tokenizer: Any = getattr(self._processor, "tokenizer", None)
        else:
            self._pictures = AutoImageProcessor.from_pretrained(folder, **LOCAL)
            self.tokenizer = AutoTokenizer.from_pretrained(folder, **LOCAL)
        if self._pictures is None or self.tokenizer is None:
            raise ModelError(f"{folder} lacks a processor for pictures, or it needs a package that is not installed")
        image_id = getattr(config, "image_token_id", None)
        if image_id is None:
            image_id = getattr(config, "image_token_index", None)
        if image_id is None:
            raise ModelError(f"{folder} names no token that stands for a picture")
        self.image_id = int(image_id)
        self.mark = str(self.tokenizer.convert_ids_to_tokens(self.image_id))
        self._template = self._chat_template(folder)
        self._marks = {t.content for t in self.tokenizer.added_tokens_decoder.values() if t.special and t.content.strip()}

    def inputs(self, picture: NDArray[np.uint8], text: str) -> dict[str, Tensor]:
        """The tensors for one picture, (H, W) gray, and one question about it."""
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": self._without_marks(text)}]}]
        prompt = self.tokenizer.apply_chat_template(
            messages, chat_template=self._template, add_generation_prompt=True, tokenize=False
        )
        image = self._image(picture)
        if self._processor is not None:
            return self._processed(image, prompt)
        if prompt.count(self.mark) != 1:
            raise ModelError("the model's chat template does not show a picture once")
        expanded, seen = self._tiles(image) if self.family.layout == "tiles" else self._grid(image)
        words = self.tokenizer([prompt.replace(self.mark, expanded)], return_tensors="pt", add_special_tokens=False)
        ids = words["input_ids"]
        kinds = {"mm_token_type_ids": (ids == self.image_id).long()} if self.family.layout == "grid" else {}
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **kinds, **seen}

    def _processed(self, image: Image.Image, prompt: str) -> dict[str, Tensor]:
        """What the model's own processor makes of it; it may know the picture by another mark than its tokens'."""
        # Templates write the mark of every start themselves, so the tokenizer must not write a second one.
        begins = self.tokenizer.bos_token is not None and prompt.startswith(self.tokenizer.bos_token)
        made = _tensors(self._processor(images=[image], text=[prompt], return_tensors="pt", add_special_tokens=not begins))
        if not bool((made["input_ids"] == self.image_id).any()):
            raise ModelError("the model's chat template does not show a picture")
        return made

    def _tiles(self, image: Image.Image) -> tuple[str, dict[str, Tensor]]:
        """The picture's mark, cut into tiles (Idefics3 and its kin): each tile's tokens after its row and column."""
        seen = dict(self._pictures([[image]], return_tensors="pt", return_row_col_info=True))
        rows, columns = int(seen.pop("rows")[0][0]), int(seen.pop("cols")[0][0])
        vision = self.config.vision_config
        tokens = self.mark * ((vision.image_size // vision.patch_size) ** 2 // self.config.scale_factor**2)
        around = "<fake_token_around_image>"
        out = ""
        for row in range(rows):
            out += "".join(f"{around}<row_{row + 1}_col_{column + 1}>{tokens}" for column in range(columns)) + "\n"
        return out + "\n" * bool(out) + f"{around}<global-img>{tokens}{around}", _tensors(seen)

    def _grid(self, image: Image.Image) -> tuple[str, dict[str, Tensor]]:
        """The picture's mark, once for every square of merged patches (Qwen-VL and its kin)."""
        seen = _tensors(self._pictures([image], return_tensors="pt"))
        return self.mark * (int(seen["image_grid_thw"][0].prod()) // self._pictures.merge_size**2), seen

    def _image(self, picture: NDArray[np.uint8]) -> Image.Image:
        image = Image.fromarray(picture).convert("RGB")
        if self.family.layout == "grid":
            size = within(image.size, self._pictures.patch_size * self._pictures.merge_size, self.family.visual_tokens)
            image = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image
        elif getattr(self._pictures, "do_center_crop", False):  # a square would be cut out of the page's middle
            side = max(image.size)
            paper = Image.new("RGB", (side, side), "white")
            paper.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
            image = paper
        return image

    def _chat_template(self, folder: Path) -> str:
        own = getattr(self._processor, "chat_template", None) or self.tokenizer.chat_template
        if own is None and (folder / "chat_template.json").is_file():  # as processors were saved before 2025
            own = json.loads((folder / "chat_template.json").read_text(encoding="utf-8")).get("chat_template")
        return own if isinstance(own, str) else PLAIN_TEMPLATE.replace("IMAGE", self.mark)

    def _without_marks(self, text: str) -> str:
        """A question in which no words, the page's above all, are taken for the model's own marks."""
        for mark in sorted(self._marks, key=len, reverse=True):
            text = text.replace(mark, " ")
        return text


def within(size: tuple[int, int], square: int, most: int) -> tuple[int, int]:
    """A picture's (width, height) in pixels, made smaller to whole squares where it may cover more than `most` of them."""
    width, height = size
    if math.ceil(width / square) * math.ceil(height / square) <= most:
        return size
    scale = min(math.sqrt(most * square**2 / (width * height)), 1.0)
    columns = min(max(int(width * scale) // square, 1), most)
    rows = min(max(int(height * scale) // square, 1), most // columns)
    return columns * square, rows * square


def _tensors(batch: Any) -> dict[str, Tensor]:
    return {key: value for key, value in dict(batch).items() if isinstance(value, Tensor)}
