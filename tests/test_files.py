import os
import subprocess
import sys

import pytest

from clausescan.errors import OutputError
from clausescan.files import check_writable, write_atomic


def test_a_file_is_written_whole(tmp_path):
    target = tmp_path / "a.json"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_after_a_fault_the_old_file_is_there_and_no_other(tmp_path, monkeypatch, call):
    target = tmp_path / "a.json"
    write_atomic(target, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail) if call == "fsync" else monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_atomic(target, b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "none" / "a.json", tmp_path / "file" / "a.json", tmp_path):
        with pytest.raises(OutputError, match="cannot write"):
            write_atomic(target, b"x")
        with pytest.raises(OutputError, match="cannot write"):
            check_writable(target)
    check_writable(tmp_path / "new.json")
    assert os.listdir(tmp_path) == ["file"]


def test_names_that_are_too_long_are_refused_at_once(tmp_path):
    longest = tmp_path / f"{'é' * 125}.json"  # 255 bytes
    for target in (longest.with_name(f"{'é' * 126}.json"), tmp_path / "/".join(["x" * 200] * 30)):
        with pytest.raises(OutputError, match="too long"):
            check_writable(target)
    check_writable(longest)
    write_atomic(longest, b"x")
    write_atomic(tmp_path / f"{'😀' * 60}.json", b"x")
    assert len(os.listdir(tmp_path)) == 2


def test_links_modes_and_devices(tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_bytes(b"x")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomic(link, b"y")
    assert link.is_symlink()
    assert target.read_bytes() == b"y"
    assert target.stat().st_mode & 0o777 == 0o640
    write_atomic("/dev/null", b"z")
    check_writable("/dev/null")


def test_an_open_descriptor_is_written_from_where_it_stands(tmp_path):
    """`> all.json` around several commands: each writes behind the one before."""
    command = "import sys; from clausescan.files import *; check_writable('/dev/stdout'); write_atomic('/dev/stdout', b'two\\n')"
    with (tmp_path / "all.json").open("wb") as stream:
        stream.write(b"one\n")
        stream.flush()
        for _ in range(2):
            subprocess.run([sys.executable, "-c", command], stdout=stream, check=True)
    assert (tmp_path / "all.json").read_bytes() == b"one\ntwo\ntwo\n"
    assert [p.name for p in tmp_path.iterdir()] == ["all.json"]
