"""Stage A: the page encoder, which finds text lines, on crops of simulated photos."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from clausescan.model.encoder import PageEncoder
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.crops import Crop
from clausescan.train.stream import CropStream, StreamConfig, same
from clausescan.train.teach_reader import ink


@dataclass(frozen=True)
class LinesRun:
    """What a run of the page encoder's training is made of."""

    contracts: Path
    pdfs: Path
    out: Path
    steps: int = 3000
    decay_steps: int = 900
    crops: int = 4
    sheets: int = 2
    height: int = 448
    width: int = 704
    rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.02
    seed: int = 2
    threads: int = 1
    device: str = "cpu"

    @property
    def stream(self) -> StreamConfig:
        """Where the crops come from."""
        return StreamConfig(self.contracts, self.pdfs, self.crops, self.sheets, self.height, self.width, 0.35, 600, self.seed)


def losses(maps: Tensor, target: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Loss of line maps (B, 3, h, w) against targets (B, 4, h, w): band, its weight, offset, log x-height."""
    band, near = target[:, 0], (target[:, 2] != 0).float()
    weight = target[:, 1] * (1 + 2 * band)
    line = (F.binary_cross_entropy_with_logits(maps[:, 0], band, reduction="none") * weight).mean() * 2
    spread = near.sum().clamp(min=1)
    offset = (F.smooth_l1_loss(maps[:, 1], target[:, 2], reduction="none", beta=0.1) * near).sum() / spread
    height = (F.smooth_l1_loss(maps[:, 2], target[:, 3], reduction="none", beta=0.1) * near).sum() / spread
    parts = {"line": float(line.detach()), "offset": float(offset.detach()), "height": float(height.detach())}
    return line + offset + height, parts


def tensors(crops: list[Crop]) -> tuple[Tensor, Tensor]:
    """Ink (B, 1, H, W) and targets (B, 4, h, w)."""
    return ink(np.stack([c.picture for c in crops])), torch.from_numpy(np.stack([c.maps for c in crops]))


def load_encoder(path: Path) -> PageEncoder:
    """A trained page encoder, its averaged weights."""
    encoder = PageEncoder()
    load_checkpoint(path, encoder, averaged=True)
    return encoder.eval()


@torch.no_grad()
def evaluate(encoder: PageEncoder, run: LinesRun, batches: int = 8) -> dict[str, float]:
    """Mean loss parts on held-out contracts."""
    sums: dict[str, float] = {}
    for _, crops in zip(range(batches), CropStream(run.stream, 0, validation=True), strict=False):
        picture, target = tensors(crops)
        with torch.autocast(run.device, torch.bfloat16):
            maps = encoder(picture.to(run.device))
        for k, v in losses(maps.float(), target.to(run.device))[1].items():
            sums[k] = sums.get(k, 0.0) + v / batches
    return sums


def train(run: LinesRun, log: Any = print) -> Path:
    """Train or resume; returns the checkpoint's path. Prints a line every 25 steps and held-out losses every 500."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    encoder = PageEncoder().to(run.device)
    plain = [p for n, p in encoder.named_parameters() if p.ndim >= 2 and "gain" not in n]
    other = [p for n, p in encoder.named_parameters() if not (p.ndim >= 2 and "gain" not in n)]
    groups = [{"params": plain, "weight_decay": run.weight_decay}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=run.rate, betas=(0.9, 0.98))
    average = Average(encoder, 0.995)
    path = run.out / "lines.pt"
    step = load_checkpoint(path, encoder, optimiser, average)
    stream = iter(DataLoader(CropStream(run.stream, step), batch_size=None, num_workers=1, prefetch_factor=4, collate_fn=same))
    sums: dict[str, float] = {}
    started = last_save = time.time()
    while step < run.steps:
        picture, target = tensors(next(stream))
        rate = run.rate * min(1.0, (step + 1) / run.warmup, max(0.02, (run.steps - step) / max(1, run.decay_steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(run.device, torch.bfloat16):
            maps = encoder(picture.to(run.device))
        loss, parts = losses(maps.float(), target.to(run.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(encoder.parameters(), 1.0))
        if np.isfinite(norm):
            optimiser.step()
            average.update(encoder, step)
        step += 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v / 25
        if step % 25 == 0:
            shown = " ".join(f"{k} {v:.4f}" for k, v in sums.items())
            log(f"step {step} {shown} {(time.time() - started) / 25:.2f} s/step", flush=True)
            sums, started = {}, time.time()
        if time.time() - last_save > 120 or step == run.steps:
            save_checkpoint(path, encoder, optimiser, step, {k: str(v) for k, v in asdict(run).items()}, average)
            last_save = time.time()
        if step % 500 == 0 or step == run.steps:
            with average.shown(encoder):
                log(f"step {step} held-out contracts: {evaluate(encoder, run)}", flush=True)
            started = time.time()
    return path
