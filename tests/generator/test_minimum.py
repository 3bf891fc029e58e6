"""``requires N vectors;``: when there is something to check, and the machines that suites try."""

from __future__ import annotations

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kinds import kind_of
from imsgen.generator.kinds.iomem import Iomem
from imsgen.generator.views.minimum import minimum_view, too_few

SLOTS = "slot 16 { address @0; data @8; control @12 { mask bit 0; } }"
FIXED = f"store q: iomem {{ bar 0; offset 0; slots 4; {SLOTS} }}"
RUNTIME = FIXED.replace("slots 4", "slots runtime max 64")
MSIX, SPECIAL = "store t: msix;", "vector v = t[2];"
PASSED = "vector w = t[runtime max 4];"
SHARED = "{ share per cpu up to 8; }"


def device(*parts: str) -> Device:
    text = f"device foo {{ pci 1af4:1234; {' '.join(parts)} }}"
    result = load("minimum.ims", text.encode())
    assert result.devices, result.diagnostics
    return result.devices[0]


@pytest.mark.parametrize(
    ("parts", "granted"),
    [
        ((), None),
        (("requires 4 vectors;", FIXED, f"pool p = q {SHARED}"), None),
        (("requires 3 vectors;", MSIX, SPECIAL), None),
        (("requires 4 vectors;", RUNTIME, f"pool p = q {SHARED}"), "irqs->q.nr"),
        (
            ("requires 6 vectors;", MSIX, FIXED, f"pool p = t + q {SHARED}"),
            "irqs->t.size + irqs->q.nr",
        ),
        (
            ("requires 6 vectors;", MSIX, SPECIAL, "pool p = t[3..] { managed; }"),
            "irqs->p.nr + 3",
        ),
        (
            ("requires 6 vectors;", MSIX, SPECIAL, RUNTIME, f"pool p = q {SHARED}"),
            "3 + irqs->q.nr",
        ),
        (("requires 4 vectors;", MSIX, SPECIAL, "vector w[2] = t[3..4] optional;"), "ret"),
        (("requires 3 vectors;", MSIX, SPECIAL, "vector w[2] = t[3..4] optional;"), None),
        (("requires 2 vectors;", MSIX, PASSED), "ret"),
        (
            ("requires 4 vectors;", MSIX, PASSED, f"pool p = t[5..] {SHARED}"),
            "irqs->t.size",
        ),
        (
            ("requires 2 vectors;", MSIX, "vector w = t[last];", f"pool p = t {SHARED}"),
            "irqs->t.size",
        ),
    ],
)  # fmt: skip
def test_granted(parts: tuple[str, ...], granted: str | None) -> None:
    parts = parts or (MSIX, f"pool p = t {SHARED}")
    view = minimum_view(device(*parts))
    found = " ".join(view.granted.replace("»", "").split()) if view else None
    assert found == granted


def settings(*parts: str) -> list[tuple[bool, dict[str, int]]]:
    return [
        (one.fails, {s.name: s.value for s in (*one.machine, *one.params)})
        for one in too_few(device(*parts))
    ]


def test_one_vector_less_and_enough() -> None:
    assert settings("requires 9 vectors;", MSIX, f"pool p = t {SHARED}") == [
        (True, {"msix": 8}), (False, {"msix": 9}),
    ]  # fmt: skip
    pool = f"pool p = q[5..] {SHARED}"
    assert settings("requires 9 vectors;", RUNTIME, "vector v = q[4];", pool) == [
        (True, {"q_slots": 8}), (False, {"q_slots": 9}),
    ]  # fmt: skip


def test_both_stores_count() -> None:
    """The special vectors need index 2 of the table and 4 of the slots."""
    found = settings(
        "requires 9 vectors;", MSIX, RUNTIME, "vector a = t[2];", "vector b = q[4];",
        f"pool p = t[3..] + q[5..] {SHARED}",
    )  # fmt: skip
    assert found == [(True, {"msix": 3, "q_slots": 5}), (False, {"msix": 4, "q_slots": 5})]


def test_msi_comes_in_powers_of_two() -> None:
    found = settings(
        "requires 5 vectors;", "store m: msi;", "vector v = m[0];", f"pool p = m[1..] {SHARED}"
    )
    assert found == [(True, {"msi": 4}), (False, {"msi": 8})]


def test_some_of_msi_are_optional() -> None:
    found = settings(
        "requires 3 vectors;",
        "store m: msi;",
        "vector v = m[0];",
        "vector w[6] = m[1..6] optional;",
    )
    assert found == [(True, {"msi": 2}), (False, {"msi": 4})]
    found = settings(
        "requires 7 vectors;",
        "store m: msi;",
        "vector v = m[0];",
        "vector w[6] = m[1..6] optional;",
    )
    assert found == [(True, {"msi": 4}), (False, {"msi": 8})]


def test_managed_queues() -> None:
    found = settings(
        "requires 5 vectors;", MSIX, "vector v = t[1];", "pool p = t[2..] { managed; }"
    )
    assert found == [(True, {"msix": 4, "p_queues": 2}), (False, {"msix": 5, "p_queues": 3})]


@pytest.mark.parametrize(
    ("control", "order"),
    [
        ("control @12 { mask bit 0; }", ["address_lo", "address_hi", "data"]),
        ("", ["data", "address_hi", "address_lo"]),
        ("control @12 { a bits 7:0 cookie optional; }", ["data", "address_hi", "address_lo"]),
    ],
)
def test_what_nothing_masks_gets_its_address_last(control: str, order: list[str]) -> None:
    text = FIXED.replace("control @12 { mask bit 0; }", control)
    if "mask" not in control:
        text = text.replace("{", "{ unmaskable;", 1)
    made = device("requires remapping;", text, f"pool p = q {SHARED}")
    kind = kind_of(made, made.store("q"))
    assert isinstance(kind, Iomem)
    assert [register.name for register in kind.write_order] == order
