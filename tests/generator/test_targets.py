"""Trees: what is read from them, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from imsgen.generator.edits import EditError
from imsgen.generator.scripts import load_scripts
from imsgen.generator.targets import (
    DEFAULT,
    PROFILES,
    Features,
    Target,
    TargetError,
    embedded,
    find_tree,
    from_profile,
    probe,
    record,
)


def change(tree: Path, path: str, old: str, new: str) -> None:
    text = (tree / path).read_text()
    assert old in text
    (tree / path).write_text(text.replace(old, new))


def append(tree: Path, path: str, line: str) -> None:
    with (tree / path).open("a") as file:
        file.write(f"{line}\n")


def patch_all(tree: Path, need: str, leave: tuple[str, str] | None = None) -> None:
    for script in load_scripts():
        if script.needs == need:
            for path, text in script.present:
                if (path, text) != leave:
                    (tree / path).parent.mkdir(parents=True, exist_ok=True)
                    append(tree, path, text)


def test_pristine(tree: Path) -> None:
    target = probe(str(tree))
    assert target.features == Features("none", False, False, False)
    assert (target.name, target.skew) == ("linux-6.12", "6.12")
    assert target.has_alloc_at and not target.native


def test_skew_is_read_not_guessed(tree: Path) -> None:
    append(tree, "include/linux/msi.h", "\tvoid (*msi_teardown)(struct irq_domain *domain);")
    assert probe(str(tree)).skew == "7"


def test_what_kernels_want_used_is_used_where_it_is(tree: Path) -> None:
    assert probe(str(tree)).zeroed("vec") == "kzalloc(sizeof(*vec), GFP_KERNEL)"
    (tree / "include/linux/slab.h").write_text("#define kzalloc_obj(P, ...) \\\n\t0\n")
    assert probe(str(tree)).zeroed("vec") == "kzalloc(sizeof(*vec), GFP_KERNEL)"
    (tree / "scripts").mkdir()
    (tree / "scripts/checkpatch.pl").write_text(
        '$newfunc = "kzalloc_obj" if ($old eq "kzalloc");\n'
    )
    assert probe(str(tree)).zeroed("vec") == "kzalloc_obj(*vec)"


def test_too_old(tree: Path) -> None:
    change(tree, "include/linux/msi.h", "msi_create_device_irq_domain", "msi_create_irq_domain")
    with pytest.raises(TargetError, match=r"msi_create_device_irq_domain\(\).* since 6\.2"):
        probe(str(tree))


def test_native(tree: Path) -> None:
    append(tree, "include/linux/pci.h", "struct msi_map pci_ims_alloc_irq(struct pci_dev *pdev);")
    target = probe(str(tree))
    assert target.native and not target.has_alloc_at
    assert target.features == Features("native", False, False, False)
    assert {s.needs for s in load_scripts() if target.needs(s)} == {"docs", "kunit_support"}


def test_ours(tree: Path) -> None:
    for need in ("ims", "docs", "kunit_support"):
        patch_all(tree, need)
    append(tree, "include/linux/pci.h", "struct msi_map pci_ims_alloc_irq_at(struct pci_dev *p);")
    target = probe(str(tree))
    assert target.features == Features("ours", True, True, True)
    assert not any(target.needs(script) for script in load_scripts())


def test_half_patched_names_what_is_missing(tree: Path) -> None:
    patch_all(tree, "ims", leave=("include/linux/msi_api.h", "MSI_SECONDARY_DOMAIN"))
    with pytest.raises(TargetError, match=r"missing: include/linux/msi_api\.h \(MSI_SECONDARY"):
        probe(str(tree))


@pytest.mark.parametrize("path", ["Kbuild", "MAINTAINERS", "Makefile", "include/linux/msi.h"])
def test_not_a_kernel_tree(tree: Path, path: str) -> None:
    (tree / path).unlink()
    with pytest.raises(TargetError, match=f"not a Linux kernel tree, it has no {path}"):
        probe(str(tree))
    assert find_tree(str(tree / "include" / "linux")) is None


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not a directory"):
        probe(str(tmp_path / "none"))


def test_tree_is_found_from_inside(tree: Path) -> None:
    assert find_tree(str(tree / "include" / "linux")) == str(tree)
    assert find_tree(str(tree.parent)) is None


def test_unknown_profile() -> None:
    with pytest.raises(TargetError, match=r"no kernel linux-1\.0: there is linux-6\.12"):
        embedded("linux-1.0")


def test_other_profile_format() -> None:
    with pytest.raises(TargetError, match="another format"):
        from_profile({"format": 0})


def test_profile_does_not_know_everything(profile: Target) -> None:
    from imsgen.generator.edits import EditError

    with pytest.raises(EditError, match="use --tree"):
        profile.provider.lines("drivers/dma/Kconfig")


def test_record_gives_the_profile_again(tree: Path) -> None:
    """A profile has all that it takes to make it again, and nothing else."""
    with Path(PROFILES, f"{DEFAULT}.json").open() as file:
        wanted = json.load(file)
    made = record(str(tree))
    # Names next to our files are not planted, the lines are.
    assert made["files"] == wanted["files"]
    assert (made["name"], made["skew"]) == (wanted["name"], wanted["skew"])


def test_record_refuses_a_patched_tree(tree: Path) -> None:
    patch_all(tree, "docs")
    with pytest.raises(TargetError, match="not pristine"):
        record(str(tree))


# --- trees that mean no good -------------------------------------------------------------------


def test_links_do_not_lead_out(tree: Path, tmp_path: Path) -> None:
    """What is elsewhere doesn't get into a patch, nor into what is said."""
    secret = tmp_path / "secret"
    secret.write_text("config ZZZ_IRQS\nTOKEN=1\nendmenu\n")
    kconfig = tree / "drivers/irqchip/Kconfig"
    kconfig.unlink()
    kconfig.symlink_to(secret)
    (tree / "drivers/Kconfig.more").symlink_to(secret)
    target = probe(str(tree))
    with pytest.raises(EditError, match="a link that leads out of the tree"):
        target.provider.lines("drivers/irqchip/Kconfig")
    assert "ZZZ_IRQS" not in target.provider.symbols()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.c").write_text("\nEXPORT_SYMBOL(zzz_irqs);\n")
    (tree / "drivers/base").symlink_to(outside)
    assert set(target.provider.exports("drivers/irqchip")) == {"pci_msix_free_irq"}
    with pytest.raises(EditError, match="a link that leads out of the tree"):
        target.provider.lines("drivers/base/x.c")


def test_links_inside_are_followed(tree: Path) -> None:
    (tree / "drivers/irqchip/Kconfig").rename(tree / "drivers/Kconfig.irqs")
    (tree / "drivers/irqchip/Kconfig").symlink_to("../Kconfig.irqs")
    assert probe(str(tree)).provider.lines("drivers/irqchip/Kconfig")


@pytest.mark.parametrize("odd", ["pipe", "hole", "device"])
def test_files_that_have_no_end(tree: Path, odd: str) -> None:
    for path in ("drivers/irqchip/Kconfig", "drivers/irqchip/x.c", "drivers/Kconfig.x"):
        (tree / path).unlink(missing_ok=True)
        if odd == "pipe":
            os.mkfifo(tree / path)
        elif odd == "device":
            (tree / path).symlink_to("/dev/zero")
        else:
            with (tree / path).open("wb") as file:
                file.truncate(1 << 40)
    provider = probe(str(tree)).provider
    said = {"pipe": "not a regular file", "hole": "more than", "device": "leads out"}[odd]
    with pytest.raises(EditError, match=said):
        provider.lines("drivers/irqchip/Kconfig")
    assert set(provider.exports("drivers/irqchip")) == {"pci_msix_free_irq"}
    provider.symbols()


def test_deep_trees(tree: Path) -> None:
    """Deeper than Python can call itself, and than a path can be long."""
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert probe(str(tree)).provider.symbols() == frozenset()
    subprocess.run(["rm", "-rf", str(tree)], check=True)


def test_blank_lines_take_no_time(tree: Path) -> None:
    (tree / "drivers/Kconfig.x").write_text("\n" * 1_000_000 + "config ZZZ_IRQS\n")
    assert "ZZZ_IRQS" in probe(str(tree)).provider.symbols()
