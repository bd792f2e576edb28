"""Pages and prompts to the model's inputs, in the conventions of transformers."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from transformers import AutoImageProcessor, AutoProcessor, BatchFeature
from transformers.image_processing_utils import BaseImageProcessor
from transformers.processing_utils import ProcessorMixin

from clausescan.model.configuration import ClausescanConfig
from clausescan.model.resampler import BUDGETS
from clausescan.model.vocabulary import ANSWER, ASK, IMAGE
from clausescan.page import READING_WIDTH


class ClausescanImageProcessor(BaseImageProcessor):
    """A rectified page, gray or RGB, to `pixel_values` (1, 1, H, W) float32.

    Ink is near 1, W the reading width, H a multiple of 16.
    """

    def __init__(self, width: int = READING_WIDTH, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width

    def preprocess(self, images: Any, **_: Any) -> BatchFeature:
        """One page as a PIL image or a uint8 array (H, W) or (H, W, 3) RGB. Raises ValueError for anything else."""
        page = np.asarray(images[0] if isinstance(images, (list, tuple)) else images)
        if page.dtype != np.uint8 or page.ndim not in (2, 3):
            raise ValueError("a page is a uint8 picture, (H, W) or (H, W, 3)")
        gray = page if page.ndim == 2 else cv2.cvtColor(page[..., :3], cv2.COLOR_RGB2GRAY)
        if gray.shape[1] != self.width:
            scale = self.width / gray.shape[1]
            size = (self.width, max(16, round(gray.shape[0] * scale)))
            gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
        padded = np.pad(gray, ((0, -gray.shape[0] % 16), (0, -gray.shape[1] % 16)), mode="edge")
        return BatchFeature({"pixel_values": 1.0 - torch.from_numpy(padded)[None, None].float() / 255.0})


class ClausescanProcessor(ProcessorMixin):
    """A page and a question to model inputs; the question is preceded by one image token for each visual token of the budget."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, **kwargs: Any) -> None:
        super().__init__(image_processor, tokenizer, **kwargs)  # type: ignore[no-untyped-call]

    def __call__(self, images: Any = None, text: str = "", budget: int = BUDGETS[-1], **_: Any) -> BatchFeature:
        """`pixel_values` and `input_ids` (1, budget + T). Raises ValueError for a budget the model was not made for."""
        if not 1 <= budget <= BUDGETS[-1]:
            raise ValueError(f"a budget of {budget} visual tokens is not between 1 and {BUDGETS[-1]}")
        data: dict[str, Any] = {}
        prefix = ""
        if images is not None:
            data |= dict(self.image_processor(images))
            prefix = IMAGE * budget
        ids = self.tokenizer(f"{prefix}{ASK} {text}{ANSWER}", add_special_tokens=False)["input_ids"]
        return BatchFeature(data | {"input_ids": torch.tensor([ids])})


AutoImageProcessor.register(ClausescanConfig, slow_image_processor_class=ClausescanImageProcessor, exist_ok=True)
AutoProcessor.register(ClausescanConfig, ClausescanProcessor, exist_ok=True)
