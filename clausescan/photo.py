"""Files to photos: one decoder for JPEG, PNG, WEBP, TIFF, BMP, HEIC and PDF.

Everything is decided from the content, not from the file's name, and size limits are checked before anything is decoded.
Pages are decoded one at a time, so a long document costs the memory of one page. Metadata (camera, place, time) is
used for the orientation and then dropped.
"""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from clausescan.config import ExtractConfig
from clausescan.errors import ClausescanError, InputError, LimitError, UsageError
from clausescan.page import Photo

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "HEIF")
"""Pillow's names; its JPEG opener also takes MPO, what some phones write as JPEG with a depth picture behind."""
MIN_SIDE_PX = 64
PDF_MAGIC = b"%PDF-"
PDF_MAGIC_WITHIN = 1024
"""Bytes within which PDF readers look for the magic (ISO 32000-1, annex H, note 13)."""
STDIN = "-"

_pdfium_lock = threading.Lock()
"""PDFium is not thread-safe."""


@dataclass(frozen=True)
class Failure:
    """A page that could not be decoded, in its place among the others."""

    name: str
    error: ClausescanError
    sha256: str | None = None
    size_bytes: int = 0
    page_index: int = 0


@dataclass(frozen=True)
class SourceFile:
    """A file's bytes with its name and hash."""

    data: bytes
    name: str
    sha256: str


def pages(sources: tuple[str | Path, ...], config: ExtractConfig) -> Iterator[Photo | Failure]:
    """Every page of every source, in order. A source that fails yields one `Failure` in its place.

    Raises `UsageError` for no source at all, standard input given twice, or more than `config.max_pages` pages.
    """
    if not sources:
        raise UsageError("no photo given")
    if len(sources) > config.max_pages:
        raise _too_many(config)
    if sum(str(s) == STDIN for s in sources) > 1:
        raise UsageError("standard input (-) can be given only once")
    if len(sources) > 1 and announced(sources, config) > config.max_pages:
        raise _too_many(config)
    count = 0
    for source in sources:
        for page in _pages_of(source, config):
            count += 1
            if count > config.max_pages:
                raise _too_many(config)
            yield page


def _too_many(config: ExtractConfig) -> UsageError:
    return UsageError(f"the document has more than {config.max_pages} pages; allow more with --max-pages")


def announced(sources: Sequence[str | Path], config: ExtractConfig) -> int:
    """How many pages the sources will give, as far as their files tell before a page of them is decoded."""
    return sum(_announced(source, config) for source in sources)


def _announced(source: str | Path, config: ExtractConfig) -> int:
    """How many pages a PDF or TIFF will give, by its page tree or directories; one for all else, and where that cannot be told.

    Only regular files are opened: what is taken from a pipe here would be gone when its turn comes.
    """
    import pypdfium2

    path = Path(source)
    try:
        if str(source) == STDIN or not path.is_file() or path.stat().st_size > config.max_bytes:
            return 1
        with path.open("rb") as stream:
            pdf = PDF_MAGIC in stream.read(PDF_MAGIC_WITHIN)
            stream.seek(0)
            if pdf:
                with _pdfium_lock, pypdfium2.PdfDocument(stream) as document:
                    count = len(document)
            else:
                with _open(stream, path.name, config, ("TIFF",)) as image:
                    count = _frame_count(image, path.name)
        return len(_chosen(count, config, path.name))
    except (InputError, OSError, pypdfium2.PdfiumError):  # told when its turn comes
        return 1


def load(source: str | Path, config: ExtractConfig) -> SourceFile:
    """A file's bytes. Raises `InputError` when it is missing, no file, unreadable, empty or too large."""
    name = "stdin" if str(source) == STDIN else _printable(Path(source).name or str(source))
    try:
        data = _bytes(source, name, config.max_bytes)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        detail = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"{name}: cannot be read ({detail})") from None
    if not data:
        raise InputError(f"{name}: the file is empty")
    return SourceFile(data, name, hashlib.sha256(data).hexdigest())


def _printable(name: str) -> str:
    """A file name as text: bytes of it that are none are written out."""
    return name.encode(errors="backslashreplace").decode()


def decode(file: SourceFile, config: ExtractConfig) -> Iterator[Photo | Failure]:
    """The pages of one file; one that cannot be had is a `Failure` between the others. Raises `InputError` where none can."""
    if _is_pdf(file):
        return _decode_pdf(file, config)
    return _decode_picture(file, config)


def _is_pdf(file: SourceFile) -> bool:
    return PDF_MAGIC in file.data[:PDF_MAGIC_WITHIN]


def _pages_of(source: str | Path, config: ExtractConfig) -> Iterator[Photo | Failure]:
    file, index = None, 0
    try:
        file = load(source, config)
        for page in decode(file, config):
            index = page.page_index + 1
            yield page
    except InputError as error:
        if file:
            yield _failure(file, error, index)
        else:
            yield Failure(_printable(Path(source).name or str(source)), error, None, 0, index)


def _failure(file: SourceFile, error: InputError, index: int) -> Failure:
    return Failure(file.name, error, file.sha256, len(file.data), index)


def _bytes(source: str | Path, name: str, limit: int) -> bytes:
    if str(source) == STDIN:
        data = sys.stdin.buffer.read(limit + 1)
    else:
        path = Path(source)
        if path.is_dir():
            raise InputError(f"{name}: is a folder, not a photo; name its files")
        if not path.exists():
            raise InputError(f"{name}: no such file")
        if path.stat().st_size > limit:
            raise _too_many_bytes(name, limit)
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_many_bytes(name, limit)
    return data


def _too_many_bytes(name: str, limit: int) -> LimitError:
    return LimitError(f"{name}: larger than {limit / 1e6:.0f} MB; allow more with --max-bytes")


def _decode_picture(file: SourceFile, config: ExtractConfig) -> Iterator[Photo | Failure]:
    _register_heif()
    with _open(io.BytesIO(file.data), file.name, config) as image:
        frames = _frame_count(image, file.name)
        for index in _chosen(frames, config, file.name) if image.format == "TIFF" else (0,):
            try:
                rgb = _frame(image, index, frames, file, config)
            except InputError as error:
                yield _failure(file, error, index)
                continue
            yield Photo(rgb, file.name, file.sha256, len(file.data), index)


def _open(stream: BinaryIO, name: str, config: ExtractConfig, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is checked below
            return Image.open(stream, formats=formats)
    except Image.DecompressionBombError:
        raise _too_many_pixels(name, config) from None
    except UnidentifiedImageError:
        message = "is not a photo that can be read (JPEG, PNG, WEBP, TIFF, BMP, HEIC or PDF)"
        raise InputError(f"{name}: {message}") from None
    except Exception as error:  # decoders of hostile files raise anything
        raise _damaged(name, error) from None


def _frame_count(image: Image.Image, name: str) -> int:
    """Pages of a TIFF; animations and depth pictures of other formats count as one."""
    try:
        return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    except Exception as error:
        raise _damaged(name, error) from None


def _frame(image: Image.Image, index: int, frames: int, file: SourceFile, config: ExtractConfig) -> NDArray[np.uint8]:
    """One frame as (H, W, 3) uint8 RGB, upright by EXIF."""
    try:
        if frames > 1:
            image.seek(index)
        width, height = image.size
        if width * height > config.max_pixels:
            raise _too_many_pixels(file.name, config)
        if min(width, height) < MIN_SIDE_PX:
            raise InputError(f"{file.name}: {width} x {height} pixels are too few for a page")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            return np.array(_rgb(ImageOps.exif_transpose(image)), np.uint8)
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels(file.name, config) from None
    except MemoryError:
        raise InputError(f"{file.name}: not enough memory to decode it") from None
    except Exception as error:
        raise _damaged(file.name, error) from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        deep = np.asarray(image, np.float64)
        top = 65535.0 if image.mode != "F" else max(float(deep.max(initial=0.0)), 1.0)
        return Image.fromarray(np.clip(deep * (255.0 / top), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        shown = image.convert("RGBA")
        paper = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(paper, shown).convert("RGB")
    return image.convert("RGB")


def _decode_pdf(file: SourceFile, config: ExtractConfig) -> Iterator[Photo | Failure]:
    import pypdfium2

    document: Any = None
    try:
        with _pdfium_lock:
            document = pypdfium2.PdfDocument(file.data)
            document.init_forms()
            count = len(document)
        if count == 0:
            raise InputError(f"{file.name}: the PDF has no pages")
        for index in _chosen(count, config, file.name):
            try:
                with _pdfium_lock:
                    page = document[index]
                    rgb = _pdf_page(page, file.name, config)
                    page.close()
            except (InputError, pypdfium2.PdfiumError) as error:
                yield _failure(file, error if isinstance(error, InputError) else _damaged(file.name, error), index)
                continue
            yield Photo(rgb, file.name, file.sha256, len(file.data), index)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise InputError(f"{file.name}: the PDF is locked with a password") from None
        raise _damaged(file.name, error) from None
    finally:
        if document is not None:
            with _pdfium_lock:
                document.close()


def _pdf_page(page: Any, name: str, config: ExtractConfig) -> NDArray[np.uint8]:
    """A PDF page as (H, W, 3) uint8 RGB at the configured resolution, less where the pixel limit asks for it."""
    width, height = page.get_size()
    if not (0 < width < 1e6 and 0 < height < 1e6):
        raise InputError(f"{name}: a page of the PDF has no size")
    scale = min(config.pdf_dpi / 72, _largest_scale(width, height, config.max_pixels))
    if min(width, height) * scale < MIN_SIDE_PX:
        raise InputError(f"{name}: a page of the PDF is too small or too narrow")
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    rgb = np.array(bitmap.to_numpy(), np.uint8)
    bitmap.close()
    if rgb.ndim == 2:
        rgb = rgb[:, :, None]
    return np.ascontiguousarray(np.repeat(rgb, 3, axis=2) if rgb.shape[2] == 1 else rgb[:, :, :3])


def _largest_scale(width: float, height: float, max_pixels: int) -> float:
    """The scale at which a page has `max_pixels`, each side rounded up: the root of (w s + 1)(h s + 1) = max_pixels."""
    around, area = width + height, width * height
    return float((-around + (around**2 + 4 * area * max(max_pixels - 1, 0)) ** 0.5) / (2 * area))


def _chosen(count: int, config: ExtractConfig, name: str) -> list[int]:
    if config.pdf_pages is None or count == 1 == max(config.pdf_pages):
        if count > config.max_pages:
            raise _too_many(config)
        return list(range(count))
    beyond = [p for p in config.pdf_pages if p > count]
    if beyond:
        raise InputError(f"{name}: has {count} page{'s' * (count != 1)}, so no page {beyond[0]}")
    return [p - 1 for p in config.pdf_pages]


def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)


def _too_many_pixels(name: str, config: ExtractConfig) -> LimitError:
    limit = f"{config.max_pixels / 1e6:.0f} megapixels"
    return LimitError(f"{name}: has more than {limit}; allow more with --max-pixels")


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(f"{name}: is damaged or cut off and cannot be decoded ({type(error).__name__})")
