"""The vision-language models that were thought of by name, and how much of a page each of them sees.

Any other model that `AutoModelForImageTextToText` loads is tried the way its own processor prepares pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Family:
    """How one family of models takes pictures."""

    title: str
    example: str
    """A hub id, for the documentation. None of them was tried with its real weights."""
    layout: Literal["whole", "tiles", "grid"]
    """whole: its processor does everything. tiles: pictures cut into tiles, marked by row and column. grid: pictures at their own
    size, so many patches a token. The last two are prepared here, because their processors need torchvision for video."""
    visual_tokens: int
    """A picture costs at most; larger pictures are scaled down for `grid`, and by the model's own processor otherwise."""


FAMILIES: dict[str, Family] = {
    "fast_vlm": Family("FastVLM", "KamilaMila/FastVLM-0.5B", "whole", 256),
    "idefics3": Family("Idefics3, granite-docling 258M", "ibm-granite/granite-docling-258M", "whole", 2873),
    "smolvlm": Family("SmolVLM", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "tiles", 1377),
    "granite_docling": Family("Granite for Docling", "ibm-granite/granite-for-docling-500m", "whole", 4096),
    "qwen2_vl": Family("Qwen2-VL", "Qwen/Qwen2-VL-2B-Instruct", "grid", 2560),
    "qwen2_5_vl": Family("Qwen2.5-VL", "Qwen/Qwen2.5-VL-3B-Instruct", "grid", 2560),
    "qwen3_vl": Family("Qwen3-VL", "Qwen/Qwen3-VL-2B-Instruct", "grid", 2560),
    "llava": Family("LLaVA 1.5", "llava-hf/llava-1.5-7b-hf", "whole", 576),
}
"""By the `model_type` in a model's config.json."""
