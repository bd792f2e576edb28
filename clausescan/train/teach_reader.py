"""Stage B: the line reader, on strips cut from crops of simulated photos.

The learning rate rises, stays, and falls over the last steps; more steps can be added before the fall.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from clausescan.model.charset import BLANK, decode
from clausescan.model.reader import LineReader
from clausescan.model.strips import FRAME, STRIP_CELL, STRIP_HEIGHT
from clausescan.rectify.light import PAPER
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.crops import IGNORE, Crop, CropLine
from clausescan.train.stream import CropStream, StreamConfig, same


@dataclass(frozen=True)
class ReaderRun:
    """What a run of the reader's training is made of."""

    contracts: Path
    pdfs: Path
    out: Path
    steps: int = 9000
    decay_steps: int = 2500
    crops: int = 5
    sheets: int = 2
    height: int = 224
    width: int = 1024
    rate: float = 1.5e-3
    warmup: int = 200
    weight_decay: float = 0.02
    seed: int = 1
    threads: int = 1
    device: str = "cpu"

    @property
    def stream(self) -> StreamConfig:
        """Where the crops come from."""
        return StreamConfig(self.contracts, self.pdfs, self.crops, self.sheets, self.height, self.width, seed=self.seed)


WIDTH_STEP = 128
"""Batches are padded to multiples of so many px."""


def ink(picture: NDArray[np.uint8]) -> Tensor:
    """Gray uint8 (B, H, W) to a network's input (B, 1, H, W), ink near 1."""
    return 1.0 - torch.from_numpy(picture)[:, None].float() / 255.0


def batch_of(lines: list[CropLine]) -> dict[str, Tensor]:
    """Lines padded to the longest: strips (L, 1, 40, W), mask (L, T), frames (L, 2T), text (sum N,), text_length (L,)."""
    width = -(-max(line.strip.shape[1] for line in lines) // WIDTH_STEP) * WIDTH_STEP
    strips = np.full((len(lines), STRIP_HEIGHT, width), PAPER, np.uint8)
    mask = np.zeros((len(lines), width // STRIP_CELL), bool)
    frames = np.full((len(lines), width // FRAME), IGNORE, np.int64)
    for n, line in enumerate(lines):
        w = line.strip.shape[1]
        strips[n, :, :w] = line.strip
        mask[n, : w // STRIP_CELL] = True
        frames[n, : w // FRAME] = line.frames
    return {
        "strips": ink(strips),
        "mask": torch.from_numpy(mask),
        "frames": torch.from_numpy(frames),
        "text": torch.from_numpy(np.concatenate([line.classes for line in lines])),
        "text_length": torch.tensor([len(line.classes) for line in lines]),
    }


def batches_of(crops: list[Crop], lines: int = 12) -> list[dict[str, Tensor]]:
    """The crops' lines in two batches of `lines`, the short and the long ones, so that little is padding.

    Few enough shapes come out that the convolutions' kernels are compiled once: where there are too few lines some stand twice.
    """
    every = [line for crop in crops for line in crop.lines]
    if not every:
        return []
    some = sorted((every * (2 * lines // len(every) + 1))[: 2 * lines], key=lambda line: line.strip.shape[1])
    return [batch_of(some[:lines]), batch_of(some[lines:])]


def losses(reader: LineReader, batch: dict[str, Tensor], ctc_weight: float) -> tuple[Tensor, dict[str, float], Tensor]:
    """Loss (a mean over characters), its parts, and the sequence head's logits (L, 2T, K)."""
    _, sequence, glyphs = reader(batch["strips"], batch["mask"])
    flat, frames = glyphs.float().flatten(0, 1), batch["frames"].flatten()
    each = F.cross_entropy(flat, frames, ignore_index=IGNORE, reduction="none")
    inked = (frames > 0).float()
    glyph_loss = (each * (0.5 + inked)).sum() / (inked.sum() * 2).clamp(min=1)
    logits = sequence.float()
    log = F.log_softmax(logits, -1).transpose(0, 1)  # (2T, L, K)
    lengths = 2 * batch["mask"].sum(1)
    ctc = F.ctc_loss(log, batch["text"], lengths, batch["text_length"], BLANK, reduction="none", zero_infinity=True)
    ctc_loss = ctc.sum() / batch["text_length"].sum().clamp(min=1)
    return glyph_loss + ctc_weight * ctc_loss, {"glyph": float(glyph_loss.detach()), "ctc": float(ctc_loss.detach())}, logits


def greedy(logits: Tensor, lengths: Tensor) -> list[str]:
    """Best path through (L, F, K) logits, repeats and blanks removed."""
    best = logits.argmax(-1)
    return [decode(torch.unique_consecutive(row[:n]).tolist()) for row, n in zip(best, lengths.tolist(), strict=True)]


def error_rate(logits: Tensor, batch: dict[str, Tensor]) -> tuple[int, int]:
    """(edits, characters) of the line head over a batch."""
    from rapidfuzz.distance import Levenshtein

    truth, start = [], 0
    for n in batch["text_length"].tolist():
        truth.append(decode(batch["text"][start : start + n].tolist()))
        start += n
    read = greedy(logits, 2 * batch["mask"].sum(1))
    return sum(Levenshtein.distance(a, b) for a, b in zip(truth, read, strict=True)), sum(map(len, truth))


def rate_at(step: int, run: ReaderRun) -> float:
    """Warm up, stay, fall linearly to 2 %."""
    fall = (run.steps - step) / max(1, run.decay_steps)
    return run.rate * min(1.0, (step + 1) / run.warmup, max(0.02, fall))


def load_reader(path: Path) -> LineReader:
    """A trained reader, its averaged weights."""
    reader = LineReader()
    load_checkpoint(path, reader, averaged=True)
    return reader.eval()


@torch.no_grad()
def evaluate(reader: LineReader, run: ReaderRun, batches: int = 8, fonts: bool = False) -> float:
    """CER of the sequence head on held-out contracts (and held-out fonts)."""
    edits = chars = 0
    for _, crops in zip(range(batches), CropStream(run.stream, 0, validation=True, held_out_fonts=fonts), strict=False):
        for batch in batches_of(crops):
            moved = {k: v.to(run.device) for k, v in batch.items()}
            with torch.autocast(run.device, torch.bfloat16):
                logits = losses(reader, moved, 1.0)[2]
            e, c = error_rate(logits, moved)
            edits, chars = edits + e, chars + c
    return edits / max(1, chars)


def train(run: ReaderRun, log: Any = print) -> Path:
    """Train or resume; returns the checkpoint's path. Prints a line every 25 steps and held-out error rates every 500."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    reader = LineReader().to(run.device)
    plain = [p for n, p in reader.named_parameters() if p.ndim >= 2 and "gain" not in n]
    other = [p for n, p in reader.named_parameters() if not (p.ndim >= 2 and "gain" not in n)]
    groups = [{"params": plain, "weight_decay": run.weight_decay}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=run.rate, betas=(0.9, 0.98))
    average = Average(reader)
    path = run.out / "reader.pt"
    step = load_checkpoint(path, reader, optimiser, average)
    stream = iter(DataLoader(CropStream(run.stream, step), batch_size=None, num_workers=1, prefetch_factor=4, collate_fn=same))
    sums: dict[str, float] = {}
    edits = chars = 0
    started = last_save = time.time()
    while step < run.steps:
        batches = batches_of(next(stream))
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, run)
        optimiser.zero_grad(set_to_none=True)
        total = max(1, sum(int(b["text_length"].sum()) for b in batches))
        for batch in batches:
            moved = {k: v.to(run.device) for k, v in batch.items()}
            share = int(batch["text_length"].sum()) / total
            with torch.autocast(run.device, torch.bfloat16):
                loss, parts, logits = losses(reader, moved, min(1.0, 0.1 + step / 800))
            (share * loss).backward()  # type: ignore[no-untyped-call]
            for k, v in parts.items():
                sums[k] = sums.get(k, 0.0) + share * v / 25
            if step % 5 == 0:
                e, c = error_rate(logits.detach(), moved)
                edits, chars = edits + e, chars + c
        norm = float(nn.utils.clip_grad_norm_(reader.parameters(), 2.0))
        if np.isfinite(norm):
            optimiser.step()
            average.update(reader, step)
        step += 1
        if step % 25 == 0:
            shown = " ".join(f"{k} {v:.3f}" for k, v in sums.items())
            log(f"step {step} {shown} cer {edits / max(1, chars):.4f} {(time.time() - started) / 25:.2f} s/step", flush=True)
            sums, started, edits, chars = {}, time.time(), 0, 0
        if time.time() - last_save > 180 or step == run.steps:
            save_checkpoint(path, reader, optimiser, step, {k: str(v) for k, v in asdict(run).items()}, average)
            last_save = time.time()
        if step % 1000 == 0 or step == run.steps:
            with average.shown(reader):
                seen, unseen = evaluate(reader, run), evaluate(reader, run, fonts=True)
            log(f"step {step} held-out contracts CER {seen:.4f}, held-out fonts {unseen:.4f}", flush=True)
            started = time.time()
    return path
