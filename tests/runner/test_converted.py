"""The drivers' own patches of `examples/drivers`, as far as no kernel is needed."""

import re
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.kernel_test_module import converted, in_tree, stages
from imsgen.kernel_test_module.converted import DRIVERS, Driver
from imsgen.kernel_test_module.stages import Place

PLACE = Place(Path(__file__).resolve().parents[2])

each = pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)


def patch(driver: Driver) -> str:
    (path,) = in_tree.patches_for(in_tree.folder(PLACE, driver.name), "linux-source-7.3")
    (mail,) = in_tree.mails(path.read_bytes())
    return mail.decode()


@each
def test_older_kernels_have_no_patch(driver: Driver) -> None:
    assert in_tree.patches_for(in_tree.folder(PLACE, driver.name), "linux-source-6.12") == []


@each
def test_the_patch_is_about_the_driver(driver: Driver) -> None:
    """It writes no message any more, and has the glue do so."""
    text = patch(driver)
    changed = re.findall(r"(?m)^diff --git a/\S+ b/(\S+)$", text)
    assert changed and all(path.startswith(driver.target) for path in changed)
    assert re.search(r"\n-static void \w+_msi_msg\(struct msi_desc ", text)
    assert f"\n+\tret = devm_{driver.name}_irqs_init(" in text.replace("\t\tret", "\tret")


@each
def test_the_layout_is_in_the_drivers_folder(driver: Driver) -> None:
    (device,) = load(in_tree.folder(PLACE, driver.name) / f"{driver.name}.ims").devices
    assert f"{device.path}/" == driver.target and device.architectures == (driver.arch,)


@each
def test_the_cover_letter_says_what_was_not_tested(driver: Driver) -> None:
    text = (in_tree.folder(PLACE, driver.name) / "cover.txt").read_text()
    assert max(map(len, text.splitlines())) <= 75
    assert "\nTested" in text and "\nNot tested:\n" in text


def test_the_suite_counts_what_is_asked_for() -> None:
    text = (converted.SOURCES / "riscv_iommu_kunit.c").read_text()
    assert stages.suites_in(text) == (converted.SUITE,)
    assert re.findall(r'check\(test, "(\w+)"', text) == list(converted.TESTS)
