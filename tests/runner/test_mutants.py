"""Seeded faults have a place: a change of the C that moves one is seen without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from imsgen.kernel_test_module.mutants import Mutant, mutants
from imsgen.templates import ROOT


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_its_place_is_there_once(mutant: Mutant) -> None:
    folder = Path(ROOT) if mutant.template else Path(ROOT) / "kernel"
    text = (folder / (mutant.template or mutant.file)).read_text()
    assert text.count(mutant.old) == 1
    assert mutant.old != mutant.new
