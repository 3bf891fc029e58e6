"""The names that the rules keep apart are those that the templates make."""

from __future__ import annotations

import re

import pytest
from dsl_samples import MSIX, ROOT, STORE, device

from imsgen.dsl import load
from imsgen.dsl.words import DEVICE_SUFFIXES, POOL_SUFFIXES, STORE_SUFFIXES

TEMPLATES = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates/device").glob("*.j2"))
)


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (r"\{\{ pool\.fn \}\}_([a-z_]+)", POOL_SUFFIXES),
        (r"\{\{ f \}\}_\{\{ (?:store|t|cookie)\.(?:name|store) \}\}_([a-z_]+)", STORE_SUFFIXES),
        (r"\{\{ f \}\}_(irqs(?:_[a-z_]+)?|[a-z]+)\b(?!_)", DEVICE_SUFFIXES),
    ],
    ids=["pool", "store", "device"],
)
def test_suffixes_of_the_templates_are_known(pattern: str, known: frozenset[str]) -> None:
    """A new function in a template must be added to ``words.py``, or names may clash in C."""
    used = {name for name in re.findall(pattern, TEMPLATES) if not name.endswith("_")}
    assert used
    assert used <= known


def codes(*parts: str) -> list[str]:
    return [found.code for found in load("words.ims", device(*parts).encode()).diagnostics]


@pytest.mark.parametrize(
    "parts",
    [
        (STORE, "vector ims_slots = ims[0];"),
        (STORE, "vector lock = ims[0];"),
        (STORE, "vector pdev = ims[0];"),
        (MSIX, "pool a = table[0] { dedicated; }", "pool a_get = table[1] { dedicated; }"),
        (MSIX, "pool a_get = table[0] { dedicated; }", "pool a = table[1] { dedicated; }"),
        ("store dedicated: msix;", "pool a = dedicated { dedicated; }"),
        (STORE, "pool ims_slot = ims { dedicated; }"),
        (MSIX, "vector table_size = table[0];"),
        (MSIX, "pool range = table { dedicated; }"),
    ],
)
def test_clashes(parts: tuple[str, ...]) -> None:
    assert set(codes(*parts)) <= {"IMS026", "IMS024"}
    assert "IMS026" in codes(*parts)


@pytest.mark.parametrize(
    "parts",
    [
        (MSIX, "vector get = table[0];", "vector put = table[1];"),
        (MSIX, "pool a = table[0] { dedicated; }", "pool b = table[1] { dedicated; }"),
        (MSIX, "vector a_x = table[0];", "pool a = table[1] { dedicated; }"),
    ],
)
def test_no_clashes(parts: tuple[str, ...]) -> None:
    assert codes(*parts) == []
