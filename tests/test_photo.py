import hashlib
import io
import os
import resource
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from clausescan import photo
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, UsageError
from tests import specimen

CONFIG = ExtractConfig()


def only(path, config=CONFIG):
    (page,) = photo.pages((path,), config)
    if isinstance(page, photo.Failure):
        raise page.error
    return page


def png_claiming(width, height):
    """A PNG whose header promises a huge picture of one colour: a decompression bomb."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (width // 8 + 1)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "jpg", "heic"])
def test_every_format_is_decoded(tmp_path, suffix):
    image = specimen.picture(size=(400, 300))
    path = tmp_path / f"page.{suffix}"
    if suffix == "heic":
        import pillow_heif

        pillow_heif.from_pillow(image).save(path)
    else:
        image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    page = only(path)
    assert page.rgb.shape == (300, 400, 3)
    assert page.rgb.dtype == np.uint8
    assert (page.name, page.size_bytes) == (path.name, path.stat().st_size)
    assert np.abs(page.rgb.astype(int) - np.asarray(image)).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, rgb, orientation):
    upright = Image.fromarray(rgb)
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse of what the tag asks a viewer to do
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(turn[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(only(tmp_path / "turned.png").rgb, rgb)


def test_transparency_is_paper_and_depth_is_kept(tmp_path, rgb):
    clear = np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert only(tmp_path / "clear.png").rgb.min() == 255
    deep = np.linspace(0, 65535, 90 * 120).reshape(90, 120).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    shown = only(tmp_path / "deep.png").rgb
    assert (shown.min(), shown.max()) == (0, 255)
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "ink.jpg")
    assert only(tmp_path / "ink.jpg").rgb.shape == rgb.shape


def test_frames_of_a_tiff_are_pages(tmp_path, rgb):
    frames = [Image.fromarray(np.roll(rgb, i, axis=2)) for i in range(3)]
    frames[0].save(tmp_path / "scan.tiff", save_all=True, append_images=frames[1:])
    pages = list(photo.pages((tmp_path / "scan.tiff",), CONFIG))
    assert [p.page_index for p in pages] == [0, 1, 2]
    assert all(np.array_equal(p.rgb, np.asarray(f)) for p, f in zip(pages, frames, strict=True))
    last = only(tmp_path / "scan.tiff", ExtractConfig(pdf_pages=(3,)))
    assert np.array_equal(last.rgb, np.asarray(frames[2]))


def pdf(path, count=3):
    document = pypdfium2.PdfDocument.new()
    for i in range(count):
        document.new_page(595 - i, 842)
    document.save(path)


def test_pages_of_a_pdf(tmp_path):
    pdf(tmp_path / "contract.pdf")
    pages = list(photo.pages((tmp_path / "contract.pdf",), CONFIG))
    assert [p.page_index for p in pages] == [0, 1, 2]
    assert pages[0].rgb.shape[1] == pytest.approx(595 * 300 / 72, abs=1)
    chosen = list(photo.pages((tmp_path / "contract.pdf",), ExtractConfig(pdf_pages=(3, 1), pdf_dpi=72)))
    assert [p.page_index for p in chosen] == [2, 0]
    assert chosen[1].rgb.shape == (842, 595, 3)
    small = only(tmp_path / "contract.pdf", ExtractConfig(pdf_pages=(1,), max_pixels=100_000))
    assert small.rgb.shape[0] * small.rgb.shape[1] <= 100_000
    with pytest.raises(InputError, match="no page 4"):
        only(tmp_path / "contract.pdf", ExtractConfig(pdf_pages=(4,)))


def test_a_bad_page_stands_between_the_others(tmp_path, rgb):
    frames = [Image.fromarray(rgb[:10, :10] if i == 1 else rgb) for i in range(4)]
    frames[0].save(tmp_path / "scan.tiff", save_all=True, append_images=frames[1:])
    document = pypdfium2.PdfDocument.new()
    for height in (842, 3, 842):
        document.new_page(595, height)
    document.save(tmp_path / "scan.pdf")
    pages = list(photo.pages((tmp_path / "scan.tiff", tmp_path / "scan.pdf"), CONFIG))
    assert [p.page_index for p in pages] == [0, 1, 2, 3, 0, 1, 2]
    assert [n for n, p in enumerate(pages) if isinstance(p, photo.Failure)] == [1, 5]


def test_pages_are_those_of_pdfs_and_tiffs(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "cover.jpg")
    assert only(tmp_path / "cover.jpg", ExtractConfig(pdf_pages=(2, 3))).page_index == 0


def test_too_many_pages_are_refused_before_the_first(tmp_path):
    pdf(tmp_path / "a.pdf")
    for sources in (("a.pdf",), ("a.pdf",) * 3):
        with pytest.raises(UsageError, match="--max-pages"):
            next(photo.pages(tuple(tmp_path / s for s in sources), ExtractConfig(max_pages=2)))


def test_a_name_that_is_no_text_is_written_out(tmp_path):
    (failure,) = photo.pages((str(tmp_path / "Vertr\udce4ge.jpg"),), CONFIG)
    assert failure.name == "Vertr\\udce4ge.jpg"


def test_empty_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match="empty"):
        only(tmp_path / "a.jpg")


def test_text_named_jpg(tmp_path):
    (tmp_path / "a.jpg").write_text("This is no photo.")
    with pytest.raises(InputError, match="not a photo"):
        only(tmp_path / "a.jpg")


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_truncated_jpeg(tmp_path, part):
    specimen.picture().save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError, match=r"cut\.jpg"):
        only(tmp_path / "cut.jpg")


def test_truncated_pdf_and_heic(tmp_path):
    pdf(tmp_path / "a.pdf")
    (tmp_path / "a.pdf").write_bytes((tmp_path / "a.pdf").read_bytes()[:60])
    with pytest.raises(InputError, match="damaged"):
        only(tmp_path / "a.pdf")
    import pillow_heif

    pillow_heif.from_pillow(specimen.picture()).save(tmp_path / "a.heic")
    (tmp_path / "a.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:-500])
    with pytest.raises(InputError):
        only(tmp_path / "a.heic")


def test_a_decompression_bomb_is_refused_at_once(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_claiming(30_000, 30_000))
    began = time.process_time()
    with pytest.raises(InputError, match="50 megapixels"):
        only(tmp_path / "bomb.png")
    assert time.process_time() - began < 1


def test_the_bomb_takes_little_memory(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_claiming(30_000, 30_000))
    code = (
        "import sys\nfrom clausescan import photo\nfrom clausescan.config import ExtractConfig\n"
        "page, = photo.pages((sys.argv[1],), ExtractConfig())\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(type(page).__name__, peak.split()[1])"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb.png")], cwd=root, capture_output=True, text=True, check=True
    )
    kind, kilobytes = done.stdout.split()
    assert kind == "Failure"
    assert int(kilobytes) < 300_000


def test_limits_are_settable(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="max-pixels"):
        only(tmp_path / "a.png", ExtractConfig(max_pixels=90 * 120 - 1))
    assert only(tmp_path / "a.png", ExtractConfig(max_pixels=90 * 120))
    size = (tmp_path / "a.png").stat().st_size
    with pytest.raises(InputError, match="max-bytes"):
        only(tmp_path / "a.png", ExtractConfig(max_bytes=size - 1))
    assert only(tmp_path / "a.png", ExtractConfig(max_bytes=size))


def test_folder_missing_and_unreadable(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="folder"):
        only(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        only(tmp_path / "none.jpg")
    with pytest.raises(InputError, match=r"b\.jpg"):
        only("a\0b.jpg")
    path = tmp_path / "locked.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):  # the super-user may read anything

        def refuse(self, *_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        only(path)


def test_standard_input(monkeypatch, rgb):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")

    class Stdin:
        buffer = io.BytesIO(stream.getvalue())

    monkeypatch.setattr(sys, "stdin", Stdin)
    page = only("-")
    assert page.name == "stdin"
    assert np.array_equal(page.rgb, rgb)
    with pytest.raises(UsageError, match="once"):
        list(photo.pages(("-", "-"), CONFIG))


def test_too_many_pages_and_no_photo(tmp_path):
    pdf(tmp_path / "long.pdf")
    with pytest.raises(UsageError, match="2 pages"):
        list(photo.pages((tmp_path / "long.pdf",), ExtractConfig(max_pages=2)))
    with pytest.raises(UsageError, match="no photo"):
        list(photo.pages((), CONFIG))


def test_memory_of_a_document_is_that_of_a_page(tmp_path):
    pdf(tmp_path / "long.pdf", 12)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in photo.pages((tmp_path / "long.pdf",), CONFIG):
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000


def test_a_pipe_beside_another_photo_is_read_once(tmp_path, rgb):
    Image.fromarray(rgb[:70, :70]).save(tmp_path / "small.png")
    Image.fromarray(rgb).save(tmp_path / "b.png")
    out, into = os.pipe()
    os.write(into, (tmp_path / "small.png").read_bytes())  # less than a pipe holds
    os.close(into)
    first, second = photo.pages((f"/dev/fd/{out}", tmp_path / "b.png"), CONFIG)
    os.close(out)
    assert (first.rgb.shape, second.rgb.shape) == ((70, 70, 3), (90, 120, 3))


def test_pages_are_counted_without_reading_the_files_whole(tmp_path, rgb, monkeypatch):
    frames = [Image.fromarray(np.roll(rgb, i, axis=2)) for i in range(3)]
    frames[0].save(tmp_path / "scan.tiff", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    pdf(tmp_path / "a.pdf", 2)
    (tmp_path / "torn.pdf").write_bytes((tmp_path / "a.pdf").read_bytes()[:60])
    (tmp_path / "text.jpg").write_text("This is no photo.")
    names = ["scan.tiff", "moving.webp", "a.pdf", "torn.pdf", "text.jpg", "none.jpg", ".", "a\0b"]
    whole = []
    monkeypatch.setattr(hashlib, "sha256", whole.append)
    assert [photo.announced([tmp_path / name], CONFIG) for name in names] == [3, 1, 2, 1, 1, 1, 1, 1]
    assert photo.announced([tmp_path / "scan.tiff", "-", tmp_path / "a.pdf"], ExtractConfig(pdf_pages=(2,))) == 3
    assert photo.announced([tmp_path / "scan.tiff"], ExtractConfig(max_bytes=100)) == 1
    assert not whole
