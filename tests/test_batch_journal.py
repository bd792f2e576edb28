import os

import pytest

from clausescan.batch.journal import Entry, Journal
from clausescan.batch.lock import held
from clausescan.errors import OutputError


def entry(file, **changes):
    values = {
        "sha256": "0" * 64,
        "key": "k",
        "base": file,
        "status": "done",
        "reason": None,
        "message": None,
        "outputs": ((f"{file}.json", 3),),
    }
    return Entry(file, **values | changes)


def test_entries_come_back_and_later_ones_count(tmp_path):
    journal = Journal(tmp_path / "j").open()
    for e in (entry("p10"), entry("p2"), entry("p10", status="failed")):
        journal.append(e)
    journal.close()
    again = Journal(tmp_path / "j").open()
    assert again.entries == {"p10": entry("p10", status="failed"), "p2": entry("p2")}
    again.write_ordered(tmp_path / "ordered")
    assert [line.split(b'"')[3] for line in (tmp_path / "ordered").read_bytes().splitlines()] == [b"p2", b"p10"]


def test_a_torn_line_is_dropped_wherever_it_was_torn(tmp_path):
    path = tmp_path / "j"
    journal = Journal(path).open()
    journal.append(entry("a"))
    start = path.stat().st_size
    journal.append(entry("b"))
    whole = path.read_bytes()
    journal.close()
    for cut in range(start, len(whole), 7):
        path.write_bytes(whole[:cut])
        journal = Journal(path).open()
        assert set(journal.entries) == {"a"}
        journal.append(entry("b"))
        journal.close()
        assert path.read_bytes() == whole


def test_lines_that_are_none_are_passed_over(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'nonsense\n[]\n{"file": "x"}\n\xff\xfe\n{"outputs": [[1]]}\n')
    journal = Journal(path).open()
    journal.append(entry("a"))
    assert set(journal.entries) == {"a"}
    journal.close()
    assert set(Journal(path).open().entries) == {"a"}


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path, monkeypatch):
    path = tmp_path / "j"
    journal = Journal(path).open()
    journal.append(entry("a"))
    before = path.read_bytes()
    write = os.write

    def full(descriptor, data):
        write(descriptor, bytes(data[:7]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="No space left"):
        journal.append(entry("b"))
    monkeypatch.undo()
    assert path.read_bytes() == before
    journal.append(entry("c"))
    assert set(Journal(path).open().entries) == {"a", "c"}


def test_a_folder_has_one_batch(tmp_path):
    twice = pytest.raises(OutputError, match=f"process {os.getpid()}")
    with held(tmp_path / "lock", tmp_path), twice, held(tmp_path / "lock", tmp_path):
        pass
    with held(tmp_path / "lock", tmp_path):
        pass
    assert (tmp_path / "lock").read_bytes() == b""
    with pytest.raises(OutputError, match="cannot write"), held(tmp_path / "none" / "lock", tmp_path):
        pass
