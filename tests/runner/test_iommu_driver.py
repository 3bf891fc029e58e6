"""The driver's own patch of `examples/drivers/riscv_iommu`, as far as no kernel is needed."""

import re
from pathlib import Path

from imsgen.dsl import load
from imsgen.kernel_test_module import in_tree, iommu_driver, stages
from imsgen.kernel_test_module.stages import Place

FOLDER = in_tree.folder(Place(Path(__file__).resolve().parents[2]), iommu_driver.NAME)
(PATCH,) = in_tree.patches_for(FOLDER, "linux-source-7.3")


def test_kernels_without_the_driver_have_no_patch() -> None:
    assert in_tree.patches_for(FOLDER, "linux-source-6.12") == []


def test_the_patch_is_a_mail_about_the_driver() -> None:
    (mail,) = in_tree.mails(PATCH.read_bytes())
    head, _, body = mail.decode().partition("\n\n")
    assert "\nSubject: [PATCH] iommu/riscv: " in head
    changed = re.findall(r"(?m)^diff --git a/\S+ b/(\S+)$", body)
    assert changed and all(path.startswith("drivers/iommu/riscv/") for path in changed)


def test_the_layout_is_that_of_the_patch() -> None:
    """The driver has a vector for each of its four causes, and no writer of messages any more."""
    (device,) = load(FOLDER / "riscv_iommu.ims").devices
    assert device.path == "drivers/iommu/riscv"
    assert sum(vector.count for vector in device.vectors) == 4
    text = PATCH.read_text()
    assert "\n-static void riscv_iommu_write_msi_msg(" in text
    assert "\n+\t\tret = devm_riscv_iommu_irqs_init(" in text


def test_the_suite_counts_what_is_asked_for() -> None:
    text = (iommu_driver.SOURCES / "riscv_iommu_kunit.c").read_text()
    assert stages.suites_in(text) == (iommu_driver.SUITE,)
    assert re.findall(r'check\(test, "(\w+)"', text) == list(iommu_driver.TESTS)
