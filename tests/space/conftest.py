"""A small space whose text tests change."""

from pathlib import Path

import pytest


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Loads small_space.yaml after replacing parts of its text, each of which must be found in it."""
    from lru_tune.space.space import SearchSpace

    small = (Path(__file__).parent / "small_space.yaml").read_text()
    monkeypatch.chdir(tmp_path)

    def load_small(*changes: tuple[str, str], **arguments) -> SearchSpace:
        text = small
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("x.yaml").write_text(text)
        return SearchSpace.load("x.yaml", **arguments)

    return load_small
