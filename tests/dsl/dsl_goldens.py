"""Shared by the tests of the language."""

from __future__ import annotations

import os
from pathlib import Path

UPDATE = os.environ.get("IMSGEN_UPDATE") == "1"


def golden(path: Path, text: str) -> None:
    """Compare with a golden file, or write it where IMSGEN_UPDATE=1."""
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.name} is missing: IMSGEN_UPDATE=1 makes it"
    assert path.read_text(encoding="utf-8") == text
