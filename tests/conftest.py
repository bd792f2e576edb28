import pytest
from hypothesis import settings

from clausescan import scan
from tests import specimen

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")  # a busy machine is no failure, and a run can be repeated


@pytest.fixture
def photo_file(tmp_path):
    path = tmp_path / "page.png"
    specimen.picture().save(path)
    return path


@pytest.fixture
def flat(monkeypatch):
    """The photo is the page: the rectifier has tests of its own."""
    monkeypatch.setattr(scan, "rectify", specimen.flat_rectify)


@pytest.fixture
def fake_model(monkeypatch, flat):
    return specimen.FakeModel()
