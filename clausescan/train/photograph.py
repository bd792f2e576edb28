"""What a phone does to a page: light, lens, shake, sensor and JPEG, on gray pictures in [0, 1].

Strengths are drawn from wide ranges: about the span between a scan and a photo that a person still reads.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]


def light(picture: Gray, rng: np.random.Generator) -> Gray:
    """Ink and paper are neither black nor white; the light falls off, bends and is shadowed."""
    h, w = picture.shape
    paper, ink = rng.uniform(0.35, 1.0), rng.uniform(0.55, 0.97)
    field = np.ones((9, 9), np.float32)
    ys, xs = np.mgrid[-1:1:9j, -1:1:9j]
    angle = rng.uniform(0, 2 * np.pi)
    field *= 1 + rng.uniform(0, 0.3) * (np.cos(angle) * xs + np.sin(angle) * ys) / 1.4
    field += rng.normal(0, rng.uniform(0, 0.06), (9, 9))
    if rng.random() < 0.2:
        edge = np.cos(angle + 1) * xs + np.sin(angle + 1) * ys - rng.uniform(-0.6, 0.6)
        field *= 1 - rng.uniform(0.1, 0.5) / (1 + np.exp(-edge * rng.uniform(3, 30)))
    smooth = cv2.resize(field.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((1 - ink * (1 - picture)) * smooth * paper, 0, 1), np.float32)


def lens(picture: Gray, rng: np.random.Generator, x_height_px: float) -> Gray:
    """Defocus and shake; their size is bounded by the letters' height, so that a person could still read."""
    limit = np.clip(x_height_px / 14.0, 0.35, 1.6)
    sigma = float(np.clip(rng.gamma(1.6, 0.42), 0, 2.2)) * limit
    if sigma > 0.25:
        if rng.random() < 0.5 or sigma < 0.6:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
        else:
            picture = np.asarray(cv2.filter2D(picture, -1, _disk(sigma * 1.9)), np.float32)
    if rng.random() < 0.3:
        length = rng.uniform(1, 5) * limit
        if length > 1.3:
            picture = np.asarray(cv2.filter2D(picture, -1, _streak(length, rng.uniform(0, np.pi))), np.float32)
    return picture


def _disk(radius: float) -> Gray:
    n = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _streak(length: float, angle: float) -> Gray:
    n = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * n + 1, 2 * n + 1), np.float32)
    for t in np.linspace(-length / 2, length / 2, 25):
        x, y = n + t * np.cos(angle), n + t * np.sin(angle)
        x0, y0 = int(x), int(y)
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            kernel[y0 + dy, x0 + dx] += (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
    return np.asarray(kernel / kernel.sum(), np.float32)


def sensor(picture: Gray, rng: np.random.Generator) -> Gray:
    """Noise that grows in the dark, the camera's smoothing of it, and its sharpening."""
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    strength = float(np.clip(rng.gamma(1.5, 0.011), 0.001, 0.07))
    picture = picture + noise * strength * np.sqrt(0.35 + picture)
    roll = rng.random()
    if roll < 0.35:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.35, 0.8))), np.float32)
    elif roll < 0.5:
        levels = cv2.medianBlur(np.clip(picture * 255, 0, 255).astype(np.uint8), 3)
        picture = np.asarray(levels.astype(np.float32) / 255, np.float32)
    if rng.random() < 0.5:
        amount = rng.uniform(0.2, 1.4)
        picture = picture + amount * (picture - cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, 1.8))))
    return np.clip(picture, 0, 1).astype(np.float32)


def compress(picture: Gray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """To 8 bits, mostly through JPEG of quality 55 to 96."""
    flat: NDArray[np.uint8] = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        _, data = cv2.imencode(".jpg", flat, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 97))])
        flat = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return flat
