"""Tiny random vision-language models of other houses, made here and saved the way their makers save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXT = [
    '{"passages":[{"type":"termination","first_words":"11. Termination. Either party","last_words":"ten (10) Business Days."}]}',
    '{"heading_words":2,"continues_from_previous":false,"continues_on_next":true,"for_convenience":true,"for_cause":false}',
    '{"notice_periods":[{"value":30,"unit":"days"}],"cure_periods":[],"indemnifying_parties":["Supplier"],"mutual":true}',
    "You read contracts for a lawyer. You are shown a page of a contract and asked about one passage of it.",
]
LANGUAGE: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
}  # fmt: skip


def tokenizer(specials: list[str], end: str, named: dict[str, str] | None = None) -> PreTrainedTokenizerFast:
    """A byte-level BPE with a few hundred tokens; `named` are special ones that have a name."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    inner.train_from_iterator(TEXT * 8, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=end, pad_token=end, extra_special_tokens=named or [s for s in specials if s != end]
    )


def idefics3(folder: Path, kind: str = "idefics3") -> Path:
    """Idefics3 or SmolVLM: pictures cut into tiles, each with its row and column before it."""
    import transformers

    rows = [f"<row_{r}_col_{c}>" for r in range(1, 5) for c in range(1, 5)]
    marks = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>", *rows]
    words = tokenizer(marks, "<end_of_utterance>")
    words.chat_template = TILE_TEMPLATE
    name = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[kind]
    ids = {"image_token_id": words.convert_tokens_to_ids("<image>"), "pad_token_id": words.pad_token_id}
    config = getattr(transformers, f"{name}Config")(
        vision_config={
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 64,
            "patch_size": 16,
        },
        text_config={"model_type": "llama", "vocab_size": len(words), **LANGUAGE, "pad_token_id": words.pad_token_id},
        scale_factor=2, **ids,
    )  # fmt: skip
    torch.manual_seed(0)
    getattr(transformers, f"{name}ForConditionalGeneration")(config).save_pretrained(folder)
    words.save_pretrained(folder)
    pictures = getattr(transformers, f"{name}ImageProcessorPil")(size={"longest_edge": 128}, max_image_size={"longest_edge": 64})
    pictures.save_pretrained(folder)
    _processor(folder, f"{name}Processor", image_seq_len=4)
    return folder


def qwen(folder: Path, kind: str = "qwen2_5_vl") -> Path:
    """Qwen2-VL, Qwen2.5-VL or Qwen3-VL: pictures at their own size, four patches a token."""
    import transformers

    marks = [
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    ]
    words = tokenizer(marks, "<|im_end|>")
    words.chat_template = QWEN_TEMPLATE
    number = words.convert_tokens_to_ids
    name = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}[kind]
    vision: dict[str, Any] = {"depth": 2, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    if kind == "qwen2_vl":
        vision |= {"embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "hidden_size": 32}
    else:
        vision |= {"hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 32}
    if kind == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1], "window_size": 56}
    if kind == "qwen3_vl":
        vision |= {"deepstack_visual_indexes": [0], "num_position_embeddings": 64, "patch_size": 16}
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    text = {**LANGUAGE, "vocab_size": len(words), "rope_parameters": rope, "pad_token_id": number("<|endoftext|>"), "head_dim": 8}
    config = getattr(transformers, f"{name}Config")(
        vision_config=vision, text_config=text, image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    getattr(transformers, f"{name}ForConditionalGeneration")(config).save_pretrained(folder)
    words.save_pretrained(folder)
    size = {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 64}
    transformers.Qwen2VLImageProcessorPil(patch_size=vision["patch_size"], size=size).save_pretrained(folder)
    _processor(folder, f"{name}Processor")
    return folder


def llava(folder: Path, kind: str = "llava") -> Path:
    """LLaVA: one square picture, a fixed number of tokens; no chat template of its own."""
    import transformers

    words = tokenizer(["</s>", "<image>"], "</s>")
    config = transformers.LlavaConfig(
        vision_config={
            "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 56, "patch_size": 14, "projection_dim": 32,
        },
        text_config={"model_type": "llama", "vocab_size": len(words), **LANGUAGE},
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    words.save_pretrained(folder)
    size = {"height": 56, "width": 56}
    transformers.CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size=size).save_pretrained(folder)
    _processor(folder, "LlavaProcessor", patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1)
    return folder


def gemma3(folder: Path, kind: str = "gemma3") -> Path:
    """Gemma 3: templates know a picture by its first mark, which its processor follows with the picture's tokens."""
    import transformers

    marks = ["<eos>", "<bos>", "<pad>", "<start_of_image>", "<image_soft_token>", "<end_of_image>"]
    words = tokenizer(marks, "<eos>", named={"boi_token": marks[3], "image_token": marks[4], "eoi_token": marks[5]})
    words.chat_template = GEMMA_TEMPLATE
    number = words.convert_tokens_to_ids
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 56,
        "patch_size": 14,
    }  # fmt: skip
    config = transformers.Gemma3Config(
        vision_config=vision, text_config={**LANGUAGE, "vocab_size": len(words), "head_dim": 8}, mm_tokens_per_image=4,
        image_token_index=number(marks[4]), boi_token_index=number(marks[3]), eoi_token_index=number(marks[5]),
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    words.save_pretrained(folder)
    transformers.Gemma3ImageProcessorPil(size={"height": 56, "width": 56}).save_pretrained(folder)
    _processor(folder, "Gemma3Processor", image_seq_length=4)
    return folder


MAKERS = {
    "idefics3": idefics3,
    "smolvlm": idefics3,
    "qwen2_vl": qwen,
    "qwen2_5_vl": qwen,
    "qwen3_vl": qwen,
    "llava": llava,
}
"""Of the families known by name, by their `model_type`."""


def _processor(folder: Path, name: str, **options: Any) -> None:
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": name, **options}))


TILE_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {% for part in m['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
GEMMA_TEMPLATE = (
    "{% for m in messages %}<bos>{{ m['role'] }}\n{% for part in m['content'] %}{% if part['type'] == 'image' %}<start_of_image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}\n{% endfor %}{% if add_generation_prompt %}model\n{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
