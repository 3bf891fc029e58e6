"""The names that the rules keep apart are those that the templates make."""

from __future__ import annotations

import re

import pytest
from dsl_samples import MSIX, ROOT, STORE, device

from imsgen.dsl import load
from imsgen.dsl.rules.words import (
    DEVICE_INSIDE,
    DEVICE_SUFFIXES,
    DEVICE_TAGS,
    MEMBER_SUFFIXES,
    POOL_INSIDE,
    POOL_MACROS,
    POOL_SUFFIXES,
    STORE_INSIDE,
    STORE_SUFFIXES,
    SUBDEVICE_INSIDE,
    SUBDEVICE_SUFFIXES,
    public,
)

TEMPLATES = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates/device").glob("*.j2"))
)


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (r"\{\{ pool\.fn \}\}_([a-z_]+)", POOL_SUFFIXES | POOL_MACROS | POOL_INSIDE),
        (r"\{\{ (?:store|slots)\.fn \}\}_([a-z_]+)", STORE_SUFFIXES | STORE_INSIDE),
        (r"\{\{ sub\.fn \}\}_([a-z_]+)", SUBDEVICE_SUFFIXES | SUBDEVICE_INSIDE),
        (r"\{\{ m\.fn \}\}_([a-z_]+)", MEMBER_SUFFIXES),
        (
            r"\{\{ dev\.f \}\}_(irqs(?:_[a-z_]+)?|[a-z]+)\b(?!_)",
            DEVICE_SUFFIXES | DEVICE_TAGS | DEVICE_INSIDE,
        ),
    ],
    ids=["pool", "store", "subdevice", "member", "device"],
)
def test_suffixes_of_the_templates_are_known(pattern: str, known: frozenset[str]) -> None:
    """A new function in a template must be added to ``words.py``, or names may clash in C."""
    used = {name for name in re.findall(pattern, TEMPLATES) if not name.endswith("_")}
    assert used
    assert used <= known


def test_a_driver_sees_what_the_header_has() -> None:
    made = {name for name, _ in public("foo", [("ims", ["prio"])], ["misc"], [("rx", ["ims"])], [])}
    assert made >= {"foo_irqs_init", "foo_irq_misc", "foo_rx_get", "FOO_RX_LIMIT", "FOO_IMS"}
    assert "foo_ims_set_prio" in made
    assert not made & {"foo_ims_mask", "foo_rx_info", "foo_irqs_release"}


def codes(*parts: str) -> list[str]:
    return [found.code for found in load("words.ims", device(*parts).encode()).diagnostics]


@pytest.mark.parametrize(
    "parts",
    [
        (STORE, "vector pdev = ims[0];"),
        (MSIX, "pool a = table[0] { dedicated; }", "pool a_get = table[1] { dedicated; }"),
        (MSIX, "pool a_get = table[0] { dedicated; }", "pool a = table[1] { dedicated; }"),
        (STORE, "pool ims_slot = ims { dedicated; }"),
        (STORE, "pool ims_put = ims { dedicated; }"),
        (STORE.replace("ims", "sources"), "vector v = sources[0];"),
        (
            MSIX,
            "pool b_irq = table { dedicated; }",
            "subdevice b max 1 { vector b_irq; }",
        ),
        (
            MSIX,
            "pool b = table[1..] { dedicated; }",
            "pool a_b = table[0] { dedicated; }",
            "subdevice a max 1 { vector b; }",
        ),
        (MSIX, "vector v = table[0];", "vector v_error = table[1];"),
        ("store c: command { slots 8; cookie a; }", "pool c_cookie = c { dedicated; }"),
        (
            "store a: msix;",
            STORE.replace("ims", "a_limit"),
            "pool b = a_limit { dedicated; }",
            "pool a_b = a[0] { share per cpu up to 8; }",
            "pool a_b_get = a[1..] { dedicated; }",
        ),
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
