"""The driver's own patches of `examples/drivers/idxd`, as far as no kernel is needed."""

import re
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import DEFAULT, embedded, probe
from imsgen.generator.series import Planner
from imsgen.kernel_test_module import in_tree
from imsgen.kernel_test_module.stages import Place
from tests.generator.conftest import plant

FOLDER = in_tree.folder(Place(Path(__file__).resolve().parents[2]), "idxd")
KERNELS = sorted(path.name for path in FOLDER.glob("linux-*"))
PATCHES = [
    pytest.param(path, id=f"{path.parent.name}-{path.name[:4]}")
    for path in sorted(FOLDER.glob("*/*.patch"))
]


def layout() -> Device:
    result = load(FOLDER / "idxd.ims")
    assert result.ok and not result.diagnostics
    (device,) = result.devices
    return device


def added(kernel: str) -> str:
    """All lines that the patches for a kernel add."""
    texts = [path.read_text() for path in in_tree.patches_for(FOLDER, kernel)]
    return "\n".join(re.findall(r"(?m)^\+(?!\+\+ )(.*)$", "\n".join(texts)))


@pytest.mark.parametrize(
    ("kernel", "folder"),
    [
        ("linux-source-6.12", "linux-6.12"),
        ("linux-source-7.2", "linux-6.12"),
        ("linux-source-7.3", "linux-7.3"),
        ("linux-source-7.10", "linux-7.3"),
    ],
)
def test_patches_are_those_of_the_kernel_or_the_one_before(kernel: str, folder: str) -> None:
    patches = in_tree.patches_for(FOLDER, kernel)
    assert [path.parent.name for path in patches] == [folder] * 3
    assert [path.name[:4] for path in patches] == ["0001", "0002", "0003"]


def test_no_patches_for_older_kernels() -> None:
    assert in_tree.patches_for(FOLDER, "linux-source-6.1") == []


@pytest.mark.parametrize("path", PATCHES)
def test_patches_are_mails(path: Path) -> None:
    """As `git am` takes them, by nobody, about the driver and no other part of the kernel."""
    (mail,) = in_tree.mails(path.read_bytes())
    head, _, body = mail.decode().partition("\n\n")
    assert "From: imsgen <imsgen@localhost.invalid>\n" in head
    assert "\nSubject: [PATCH] dmaengine: idxd: " in head
    assert "Signed-off-by" not in body and "\nindex " not in body
    message, _, rest = body.partition("\n---\n")
    assert max(map(len, message.splitlines())) <= 75
    changed = re.findall(r"(?m)^diff --git a/(\S+) b/(\S+)$", rest)
    assert changed
    for old, new in changed:
        assert old == new and (new == "drivers/dma/Kconfig" or new.startswith("drivers/dma/idxd/"))


def test_kernels_differ_in_the_context_of_patches_only() -> None:
    """But for the Function Level Reset, which 6.12 does not have."""
    ours = {kernel: added(kernel).split("\n") for kernel in KERNELS}
    old, new = ours["linux-6.12"], ours["linux-7.3"]
    assert [line for line in old if line not in new] == []
    extra = [line.strip() for line in new if line not in old and line.strip()]
    assert extra == ["goto put_ims;", "put_ims:"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_driver_calls_what_is_made_for_it(tmp_path: Path, kernel: str) -> None:
    root = plant(tmp_path / "linux", embedded(DEFAULT))
    for path in ("drivers/dma/Kconfig", "drivers/dma/Makefile", "drivers/dma/idxd/Makefile"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("# SPDX-License-Identifier: GPL-2.0-only\n")
    made = Planner(probe(str(root))).series([layout()])
    header = made.files["include/linux/irqchip/irq-idxd.h"]
    kconfig = "".join(diff.hunks for commit in made.commits for diff in commit.diffs)
    text = added(kernel)
    used = set(re.findall(r"\b(?:idxd_irqs_\w+|idxd_queue_\w+)(?=\()", text))
    used |= set(re.findall(r"\b(?:struct|enum) (idxd_(?:irqs|store|ims_cookie)\w*)", text))
    assert {"idxd_irqs_init", "idxd_queue_get_dedicated", "idxd_ims_cookie"} <= used
    assert [name for name in sorted(used) if not re.search(rf"\b{name}\b", header)] == []
    assert set(re.findall(r"select (IDXD_\w+)", text)) == {"IDXD_IRQS"}
    assert "+config IDXD_IRQS\n" in kconfig
    assert len(made.commits) - made.core == in_tree.GLUE


def test_the_cover_letter() -> None:
    text = (FOLDER / "cover.txt").read_text()
    assert max(map(len, text.splitlines())) <= 75
    assert "\nTested" in text and "\nNot tested:\n" in text
    cover = in_tree.letter(
        text, "Subject: [PATCH 00/22] *** SUBJECT HERE ***\n\n*** BLURB HERE ***\n\nimsgen (22):\n"
    )
    head, _, body = cover.partition("\n\n")
    assert head == "Subject: [PATCH 00/22] " + text.split("\n", 1)[0]
    assert (
        "***" not in cover and body.startswith("Linux had ") and body.endswith("\n\nimsgen (22):\n")
    )
