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


def compared(tmp_path: Path, source: str) -> tuple[list[str], list[str]]:
    (tmp_path / "driver.c").write_text(source)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    return mainline.compare(Place(tmp_path), tmp_path, STORE)


def test_the_same_registers(tmp_path: Path) -> None:
    said, faults = compared(tmp_path, SOURCE)
    assert faults == []
    assert said == [
        "order mainline 0x14/4 0x54/4 0x50/4",
        "order generated 0x14/4 0x54/4 0x50/4 read 0x50/4",
        "messages 6",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        SOURCE.replace("#define OFF_DATA 0x14", "#define OFF_DATA 0x18"),
        SOURCE.replace("msg->data,", "msg->data + 1,"),
        SOURCE.replace("writel(msg->data", "writew(msg->data"),
        SOURCE.replace("writel(msg->address_lo, mine->regs + OFF_LOW);", ""),
    ],
)
def test_other_registers(tmp_path: Path, wrong: str) -> None:
    assert wrong != SOURCE
    _, faults = compared(tmp_path, wrong)
    assert len(faults) >= 5 and faults[0].startswith("differs: message 0 of index 0: byte 0x")


def test_messages_that_are_passed_on(tmp_path: Path) -> None:
    """The same message of the same index."""
    own = replace(STORE, layout="endpoint", function="told", device="endpoint.h", macros=())
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    text = "\n".join(
        (
            "static void told(struct msi_desc *desc, struct msi_msg *msg)",
            "{",
            "\tstruct pci_epc *epc = dev_name(desc->dev);",
            "",
            "\tmemcpy(&epc->pci_epf->db_msg[desc->msi_index].msg, msg, sizeof(*msg));",
            "}",
            "",
        )
    )
    for source, good in ((text, True), (text.replace("msi_index", "msi_index ^ 1"), False)):
        (tmp_path / "driver.c").write_text(source)
        _, faults = mainline.compare(Place(tmp_path), tmp_path, own)
        assert bool(faults) is not good


def test_no_program(tmp_path: Path) -> None:
    with pytest.raises(host.StageError, match="does not compile"):
        compared(tmp_path, SOURCE.replace("mine->regs", "mine->nothing"))


def test_each_has_a_layout_and_a_row() -> None:
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    for store in mainline.STORES:
        assert mainline.layout(Place(ROOT), store).exists()
        assert f"| `{store.function}()` |" in page
