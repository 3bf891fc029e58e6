"""What is made of special vectors that are not at one index for ever."""

from __future__ import annotations

import re

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import Target
from imsgen.generator.series import Planner


def glue(profile: Target, *parts: str) -> str:
    """The C file of a device, its white space made single blanks."""
    text = f"device foo {{ pci 1af4:1234; store t: msix; {' '.join(parts)} }}"
    result = load("foo.ims", text.encode())
    assert result.ok, result.diagnostics
    files = Planner(profile).series(result.devices).files
    return " ".join(files["drivers/irqchip/irq-foo.c"].split())


MANAGED = "pool io = t[4..] { managed; }"


@pytest.mark.parametrize(
    ("parts", "queues"),
    [
        ((), "io_queues"),
        (("vector v = t[runtime max 3];",), "params->io_queues"),
        (("store c: command { slots 4; }", "vector v = c[0];"), "params->io_queues"),
    ],
)
def test_number_of_managed_queues(profile: Target, parts: tuple[str, ...], queues: str) -> None:
    made = glue(profile, MANAGED, *parts)
    assert f" {queues} < 2044 ? 4 + {queues} : 2048," in made
    # They are all before the queues, whichever they are.
    assert "foo_t_needs" not in made


def test_vectors_that_may_be_missing(profile: Target) -> None:
    made = glue(
        profile, "vector a = t[0];", "vector b = t[1] optional;", "vector c[2] = t[2..3] optional;"
    )
    assert "pci_alloc_irq_vectors(pdev, 1, 4, PCI_IRQ_MSIX)" in made
    assert "if (ret > 1) irqs->b = pci_irq_vector(pdev, 1);" in made
    assert "i < ARRAY_SIZE(irqs->c) && 2 + i < ret;" in made
    # Interrupt 0 is somebody else's.
    assert re.search(r"if \(irqs->b\) \{ irq_set_status_flags\(irqs->b,", made)
    assert "i < ARRAY_SIZE(irqs->c) && irqs->c[i];" in made


def test_indexes_that_the_driver_passes(profile: Target) -> None:
    """They are checked, and there are as many vectors as they need."""
    parts = ("vector a = t[1];", "vector b = t[runtime max 9];", "vector l = t[last];")
    made = glue(profile, *parts, "pool p = t[10..] { dedicated; }")
    assert "ret = params->b_index > 9 ? -EINVAL : 0;" in made
    # One more is the last one.
    assert "unsigned int nr = 3; nr = max(nr, params->b_index + 2);" in made
    assert "sources[FOO_T].size--;" in made
