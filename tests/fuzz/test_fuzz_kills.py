"""Killed at every seventh step, and in pairs; ``make fuzz``: at every step, and at any time."""

from __future__ import annotations

import signal
from pathlib import Path

import fuzz_kills
import pytest


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "sources"])
@pytest.mark.parametrize("number", fuzz_kills.SIGNALS, ids=lambda number: number.name)
def test_killed_at_any_step(tmp_path: Path, number: signal.Signals, kind: str) -> None:
    found = fuzz_kills.steps(tmp_path, number, "timer", kind, stride=7)
    assert found["old files"] and found["new files"]


@pytest.mark.slow
def test_pairs_into_one_new_folder(tmp_path: Path) -> None:
    fuzz_kills.pairs(4, tmp_path)
