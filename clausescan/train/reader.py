"""Stages A and B: the encoder and the reader heads, on crops of simulated photos.

Every batch is made from its step number alone, so that a run resumed from a checkpoint sees exactly what it would have seen.
The learning rate rises, stays, and falls over the last quarter; more steps can be added before the fall.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from clausescan.model.charset import BLANK, decode
from clausescan.model.encoder import PageEncoder
from clausescan.model.reader import ReaderHeads
from clausescan.train.checkpoints import load_checkpoint, save_checkpoint
from clausescan.train.contracts import Contracts
from clausescan.train.crops import IGNORE, Crop, make_crop
from clausescan.train.sheets import ComposedSheets, RealSheets
from clausescan.train.split import held_out_contract


@dataclass(frozen=True)
class ReaderRun:
    """What a run of the reader's training is made of."""

    contracts: Path
    pdfs: Path
    out: Path
    steps: int = 7000
    decay_steps: int = 1750
    batch: int = 8
    sheets: int = 3
    height: int = 320
    width: int = 640
    rate: float = 1.2e-3
    warmup: int = 200
    weight_decay: float = 0.02
    composed_share: float = 0.4
    seed: int = 1
    threads: int = 1
    device: str = "cpu"
    strength_steps: int = 1200
    """Bends and rotations grow to full strength over so many steps."""


def batch_of(crops: list[Crop]) -> dict[str, Tensor]:
    """Stack crops; the lines of all are padded to the longest: page (L,), column (L, T), y (L, T), mask (L, T)."""
    lines = [(n, line) for n, crop in enumerate(crops) for line in crop.lines]
    longest = max((len(line.y_px) for _, line in lines), default=1)
    count = len(lines)
    column = torch.zeros(count, longest, dtype=torch.long)
    y = torch.zeros(count, longest)
    mask = torch.zeros(count, longest, dtype=torch.bool)
    frames = torch.full((count, 2 * longest), IGNORE)
    for i, (_, line) in enumerate(lines):
        t = len(line.y_px)
        column[i, :t] = torch.arange(line.first_column, line.first_column + t)
        y[i, :t] = torch.from_numpy(line.y_px)
        mask[i, :t] = True
        frames[i, : 2 * t] = torch.from_numpy(line.frames)
    return {
        "picture": torch.from_numpy(np.stack([c.picture for c in crops])),
        "maps": torch.from_numpy(np.stack([c.maps for c in crops])),
        "page": torch.tensor([n for n, _ in lines], dtype=torch.long),
        "column": column,
        "y": y,
        "mask": mask,
        "frames": frames,
        "text": torch.cat([torch.from_numpy(line.classes) for _, line in lines]) if lines else torch.zeros(0, dtype=torch.long),
        "text_length": torch.tensor([len(line.classes) for _, line in lines], dtype=torch.long),
    }


class CropStream(IterableDataset[dict[str, Tensor]]):
    """Batches from `first_step` on; the same step always gives the same batch."""

    def __init__(self, run: ReaderRun, first_step: int, validation: bool = False, held_out_fonts: bool = False) -> None:
        self.run, self.first_step, self.validation, self.fonts = run, first_step, validation, held_out_fonts

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        import cv2

        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        run = self.run
        contracts = Contracts(run.contracts)
        keep = np.array([held_out_contract(row["pdf"]) == self.validation for row in contracts.index])
        real = RealSheets(contracts, run.pdfs, keep)
        composed = ComposedSheets(contracts, self.fonts, keep)
        step = self.first_step
        while True:
            rng = np.random.default_rng((run.seed + (1000 if self.validation else 0), step))
            strength = min(1.0, 0.25 + 0.75 * step / run.strength_steps) if not self.validation else 1.0
            share = 1.0 if self.fonts else run.composed_share
            sheets = [composed.draw(rng) if rng.random() < share else real.draw(rng) for _ in range(run.sheets)]
            size = (run.height, run.width)
            yield batch_of([make_crop(sheets[k % run.sheets], rng, size, strength) for k in range(run.batch)])
            step += 1


def ink(picture: Tensor) -> Tensor:
    """Gray uint8 (B, H, W) to the encoder's input (B, 1, H, W), ink near 1."""
    return 1.0 - picture[:, None].float() / 255.0


def losses(encoder: PageEncoder, heads: ReaderHeads, batch: dict[str, Tensor], ctc_weight: float) -> tuple[Tensor, dict[str, float], Tensor]:
    """Loss, its parts, and the line head's logits (L, 2T, K)."""
    fine = encoder(ink(batch["picture"]))
    maps = heads.line_maps(fine).float()
    target = batch["maps"]
    band, near = target[:, 0], (target[:, 2] != 0).float()
    weight = target[:, 1] * (1 + 2 * band)
    line_loss = (F.binary_cross_entropy_with_logits(maps[:, 0], band, reduction="none") * weight).mean() * 2
    spread = near.sum().clamp(min=1)
    offset_loss = (F.smooth_l1_loss(maps[:, 1], target[:, 2], reduction="none", beta=0.25) * near).sum() / spread
    height_loss = (F.smooth_l1_loss(maps[:, 2], target[:, 3], reduction="none", beta=0.1) * near).sum() / spread
    loss = 0.5 * (line_loss + offset_loss + height_loss)
    parts = {"line": float(line_loss.detach()), "offset": float(offset_loss.detach())}
    logits = torch.zeros(0)
    if len(batch["page"]):
        glyphs = heads.glyph_logits(fine, batch["page"], batch["column"], batch["y"]).float()
        flat, frames = glyphs.flatten(0, 1), batch["frames"].flatten()
        each = F.cross_entropy(flat, frames, ignore_index=IGNORE, reduction="none")
        ink_frames = (frames > 0).float()
        glyph_loss = (each * (0.5 + ink_frames)).sum() / (ink_frames.sum() * 2).clamp(min=1)
        logits = heads.sequence_logits(fine, batch["page"], batch["column"], batch["y"], batch["mask"]).float()
        log = F.log_softmax(logits, -1).transpose(0, 1)  # (2T, L, K)
        ctc = F.ctc_loss(log, batch["text"], 2 * batch["mask"].sum(1), batch["text_length"], BLANK, reduction="none", zero_infinity=True)
        ctc_loss = ctc.sum() / batch["text_length"].sum()
        loss = loss + glyph_loss + ctc_weight * ctc_loss
        parts |= {"glyph": float(glyph_loss.detach()), "ctc": float(ctc_loss.detach())}
    return loss, parts, logits


def greedy(logits: Tensor, lengths: Tensor) -> list[str]:
    """Best path through (L, F, K) logits, repeats and blanks removed."""
    best = logits.argmax(-1)
    out = []
    for row, n in zip(best, lengths.tolist(), strict=True):
        path = torch.unique_consecutive(row[:n])
        out.append(decode(path.tolist()))
    return out


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


def load_reader(path: Path) -> nn.ModuleDict:
    """A trained reader, its parts named `encoder` and `heads`."""
    both = nn.ModuleDict({"encoder": PageEncoder(), "heads": ReaderHeads()})
    load_checkpoint(path, both)
    return both.eval()


@torch.no_grad()
def evaluate(encoder: PageEncoder, heads: ReaderHeads, run: ReaderRun, batches: int = 6, fonts: bool = False) -> dict[str, float]:
    """CER of the line head on held-out contracts (and held-out fonts)."""
    edits = chars = 0
    for _, batch in zip(range(batches), CropStream(run, 0, validation=True, held_out_fonts=fonts), strict=False):
        with torch.autocast(run.device, torch.bfloat16):
            logits = losses(encoder, heads, batch, 1.0)[2]
        if len(logits):
            e, c = error_rate(logits, batch)
            edits, chars = edits + e, chars + c
    return {"cer": edits / max(1, chars), "chars": chars}


def train(run: ReaderRun, log: Any = print) -> Path:
    """Train or resume; returns the checkpoint's path. Prints a line every 25 steps and evaluates every 500."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    encoder, heads = PageEncoder(), ReaderHeads()
    both = nn.ModuleDict({"encoder": encoder, "heads": heads}).to(run.device)
    plain = [p for n, p in both.named_parameters() if p.ndim >= 2 and "gain" not in n]
    other = [p for n, p in both.named_parameters() if not (p.ndim >= 2 and "gain" not in n)]
    groups = [{"params": plain, "weight_decay": run.weight_decay}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=run.rate, betas=(0.9, 0.98))
    path = run.out / "reader.pt"
    step = load_checkpoint(path, both, optimiser)
    stream = iter(DataLoader(CropStream(run, step), batch_size=None, num_workers=1, prefetch_factor=4))
    sums: dict[str, float] = {}
    edits = chars = 0
    started, last_save = time.time(), time.time()
    while step < run.steps:
        batch = {k: v.to(run.device) for k, v in next(stream).items()}
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, run)
        with torch.autocast(run.device, torch.bfloat16):
            loss, parts, logits = losses(encoder, heads, batch, min(1.0, 0.1 + step / 800))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(both.parameters(), 2.0))
        if np.isfinite(norm):
            optimiser.step()
        step += 1
        for k, v in (parts | {"norm": norm}).items():
            sums[k] = sums.get(k, 0.0) + v / 25
        if step % 25 == 0:
            if len(logits):
                edits, chars = error_rate(logits.detach(), batch)
            shown = " ".join(f"{k} {v:.3f}" for k, v in sums.items())
            log(f"step {step} {shown} cer {edits / max(1, chars):.3f} {(time.time() - started) / 25:.2f} s/step", flush=True)
            sums, started = {}, time.time()
        if time.time() - last_save > 180 or step == run.steps:
            save_checkpoint(path, both, optimiser, step, {k: str(v) for k, v in asdict(run).items()})
            last_save = time.time()
        if step % 500 == 0 or step == run.steps:
            seen, unseen = evaluate(encoder, heads, run), evaluate(encoder, heads, run, fonts=True)
            log(f"step {step} held-out contracts CER {seen['cer']:.4f}, held-out fonts {unseen['cer']:.4f}", flush=True)
            started = time.time()
    return path
