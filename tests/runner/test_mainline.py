"""Functions of drivers are taken out of a tree, and compared with what is generated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.kernel_test_module import host, mainline
from imsgen.kernel_test_module.stages import Place

ROOT = Path(__file__).resolve().parents[2]

SOURCE = """\
#define OFF_LOW 0x50
#define OFF_HIGH \\
	0x54
#define OFF_DATA 0x14
#define OTHER 1

enum one {
	A,
};

static void other(struct msi_desc *desc);

static void write_it(struct msi_desc *desc, struct msi_msg *msg)
{
	struct mine *mine = dev_get_drvdata(desc->dev);

	writel(msg->data, mine->regs + OFF_DATA);
	writel(msg->address_hi & 0xffff, mine->regs + OFF_HIGH);
	writel(msg->address_lo, mine->regs + OFF_LOW);
}

static void other(struct msi_desc *desc)
{
}
"""

STORE = mainline.Store(
    "mv_xor_v2", "driver.c", "write_it", "struct mine { void *regs; }", (("driver.c", "OFF_"),)
)


def test_parts_of_a_source() -> None:
    made = mainline.function(SOURCE, "write_it")
    assert made.startswith("static void write_it(") and made.endswith("OFF_LOW);\n}\n")
    assert mainline.definition(SOURCE, "enum one {") == "enum one {\n\tA,\n};\n"
    assert mainline.macros(SOURCE, "OFF_").count("#define") == 3
    with pytest.raises(host.StageError, match="there is no function nothing"):
        mainline.function(SOURCE, "nothing")
    with pytest.raises(host.StageError, match="there is no definition"):
        mainline.definition(SOURCE, "struct nothing")


def made(tmp_path: Path, store: mainline.Store, source: str = SOURCE) -> str:
    (tmp_path / "driver.c").write_text(source)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    return mainline.text(Place(tmp_path), tmp_path, store)


def test_both_functions_are_in_a_suite(tmp_path: Path) -> None:
    text = made(tmp_path, STORE)
    assert mainline.function(SOURCE, "write_it") in text
    ours = mainline.function(text, "mv_xor_v2_regs_write_msi_msg")
    assert "mv_xor_v2_regs_write(mv_xor_v2_regs_at(irqs, desc->msi_index), msg);" in ours
    for line in (
        "static struct mine their_device = { registers };",
        '#define NAME "mainline_mv_xor_v2"',
        "#define THEIRS write_it",
        "#define OURS mv_xor_v2_regs_write_msi_msg",
        "#define NR 1",
        "#define INDEX_DATA 0",
    ):
        assert line in text.splitlines()
    # What is recorded has to be defined before what accesses it, and what compares comes last
    assert text.index("recording.h") < text.index("write_it") < text.index("compare.h")
    assert text.count("#include") == 2


def test_messages_that_are_passed_on(tmp_path: Path) -> None:
    own = replace(STORE, layout="endpoint", device="endpoint.h", macros=())
    lines = made(tmp_path, own).splitlines()
    assert '#include "endpoint.h"' in lines
    assert "static struct endpoint_irqs our_irqs = { { pass } };" in lines


def test_no_suite(tmp_path: Path) -> None:
    with pytest.raises(host.StageError, match="there is no function write_it"):
        made(tmp_path, STORE, SOURCE.replace("write_it", "write_else"))


def test_what_the_suites_say() -> None:
    said = mainline.orders(
        (
            "    # Subtest: mainline_mpxy",
            "    # same_registers: order mainline 0x20/4 read 0x20/4",
            "    # same_registers: messages 384",
            "    ok 1 same_registers",
        )
    )
    assert list(said) == ["mpxy: order mainline 0x20/4 read 0x20/4", "mpxy: messages 384"]


def test_each_has_a_layout_and_a_row() -> None:
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    for store in mainline.STORES:
        assert mainline.layout(Place(ROOT), store).exists()
        assert f"| `{store.function}()` |" in page
