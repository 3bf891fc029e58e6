"""Seeded faults have a place: a change of the C that moves one is seen without a kernel."""

from __future__ import annotations

from pathlib import Path

from imsgen.kernel_test_module.mutants import mutants
from imsgen.templates import ROOT


def test_each_place_is_there_once() -> None:
    for mutant in mutants():
        folder = Path(ROOT) if mutant.template else Path(ROOT) / "kernel"
        text = (folder / (mutant.template or mutant.file)).read_text()
        assert text.count(mutant.old) == 1, mutant.name
        assert mutant.old != mutant.new, mutant.name
