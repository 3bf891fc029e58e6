"""The names that the rules keep apart are those that the templates make."""

from __future__ import annotations

import re

import pytest
from dsl_samples import MSIX, ROOT, STORE, device

from imsgen.dsl import load
from imsgen.dsl.rules.words import (
    DEVICE_SUFFIXES,
    POOL_SUFFIXES,
    STORE_SUFFIXES,
    SUBDEVICE_SUFFIXES,
)

TEMPLATES = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates/device").glob("*.j2"))
)


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (r"\{\{ pool\.fn \}\}_([a-z_]+)", POOL_SUFFIXES),
        (r"\{\{ f \}\}_\{\{ (?:store|table|cookie)\.(?:name|store) \}\}_([a-z_]+)", STORE_SUFFIXES),
        (r"\{\{ sub\.fn \}\}_([a-z_]+)", SUBDEVICE_SUFFIXES),
        (r"\{\{ f \}\}_(irqs(?:_[a-z_]+)?|[a-z]+)\b(?!_)", DEVICE_SUFFIXES),
    ],
    ids=["pool", "store", "subdevice", "device"],
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
        ("store ims1: msix;", STORE, "pool p = ims1 + ims[0..1] + ims[3..] { dedicated; }"),
        (
            STORE,
            "pool p = ims[0] + ims[2] { dedicated; }",
            "pool p_get_ims1 = ims[4] { dedicated; }",
        ),
        (MSIX, "pool range = table { dedicated; }"),
        (
            MSIX,
            "pool b_irqs = table { dedicated; }",
            "subdevice a max 1 { vector b_irqs; }",
            "subdevice a_b max 1 { vector b_irqs; }",
        ),
        (
            MSIX,
            "vector nr_a = table[0];",
            "pool b = table[1..] { dedicated; }",
            "subdevice a max 1 { vector b; }",
        ),
        (MSIX, "vector v = table[0];", "vector v_error = table[1];"),
        ("store c: command { slots 8; }", "pool c_msg = c { dedicated; }"),
        ("store c: exported { slots 8; }", "pool c_changed = c { dedicated; }"),
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
        (
            MSIX,
            "pool a = table[0] { share per cpu up to 8; }",
            "pool b = table[1..] { share per cpu up to 8; }",
            "subdevice sf max 8 { vector a; vectors b 1..4; }",
            "subdevice vf max 8 { vector a; vectors b 1..4; }",
        ),
    ],
)
def test_no_clashes(parts: tuple[str, ...]) -> None:
    assert codes(*parts) == []
