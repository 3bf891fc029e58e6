"""What is made of special vectors that are not at one index for ever."""

from __future__ import annotations

import re

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import Target
from imsgen.generator.series import Planner


def files_of(profile: Target, *parts: str, table: str = "msix;") -> dict[str, str]:
    """What is made of a device, by the last parts of paths; white space made single blanks."""
    text = f"device foo {{ pci 1af4:1234; store t: {table} {' '.join(parts)} }}"
    result = load("foo.ims", text.encode())
    assert result.ok, result.diagnostics
    files = Planner(profile).series(result.devices).files
    return {path.rpartition("/")[2]: " ".join(file.split()) for path, file in files.items()}


def glue(profile: Target, *parts: str, table: str = "msix;") -> str:
    """The C file of a device."""
    return files_of(profile, *parts, table=table)["irq-foo.c"]


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


def test_queues_of_a_table_whose_size_is_known(profile: Target) -> None:
    made = glue(profile, MANAGED, table="msix { slots 16; }")
    assert " io_queues < 12 ? 4 + io_queues : 16," in made


def test_what_headers_say_of_arrays(profile: Target) -> None:
    """Which index number i has: it is counted from 0."""
    made = files_of(profile, "vector a[2] = t[0..1];", "vector b[3] = t[4..6];")["irq-foo.h"]
    assert "/* Index i of the t store, i below 2, for request_irq() */" in made
    assert "/* Index 4 + i of the t store, i below 3, for request_irq() */" in made


SLOTS = """store s: iomem { bar runtime; offset 0; slots 64; slot 16 {
    address @0; data @8; control @12 { mask bit 0; port bits 5:4 cookie; } } }"""


def test_a_bar_that_the_driver_passes(profile: Target) -> None:
    made = glue(profile, SLOTS, "pool p = s { dedicated; }", "vector v = t[0];")
    assert ".bar = params->s_bar, .bir = params->s_bir," in made
    other = glue(profile, SLOTS.replace("runtime", "2"), "pool p = s { dedicated; }")
    assert ".bar = bar2, .bir = 2," in other


def test_what_shared_vectors_carry_along(profile: Target) -> None:
    """The driver says it for each pool that shares vectors which can't do without."""
    pools = ("pool p = t[1..] + s[0..9] { share per cpu up to 2; }",)
    made = glue(profile, SLOTS, *pools, "pool q = s[10..] { dedicated; }", "vector v = t[0];")
    assert "irq_vecpool_set_cookie(&irqs->p, foo_s_make_cookie(params->p_cookie));" in made
    assert "irq_vecpool_set_cookie(&irqs->q" not in made
    assert "set_cookie" not in glue(
        profile, SLOTS.replace("cookie", "cookie optional"), *pools, "vector v = t[0];"
    )


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
