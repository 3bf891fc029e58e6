"""Trees: what is read from them, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from imsgen.generator.kernel.edits import EditError
from imsgen.generator.kernel.scripts import GROUPS, PARENT_GROUPS, load_scripts
from imsgen.generator.kernel.target import (
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
    assert target.features == Features()
    assert (target.name, target.skew) == ("linux-6.12", "6.12")
    assert not target.native


def test_skew_is_read_not_guessed(tree: Path) -> None:
    append(tree, "include/linux/msi.h", "\tvoid (*msi_teardown)(struct irq_domain *domain);")
    assert probe(str(tree)).skew == "7"


LIBRARY = """MODULE_IMPORT_NS(X_Y);
EXPORT_SYMBOL_NS_GPL(a_b, X_Y);
	x = kzalloc(sizeof(*x), GFP_KERNEL);
"""


def test_the_library_is_spelled_as_the_kernel_wants_it(tree: Path) -> None:
    assert probe(str(tree)).spelled(LIBRARY) == LIBRARY
    (tree / "include/linux/slab.h").write_text("#define kzalloc_obj(P, ...) \\\n\t0\n")
    assert probe(str(tree)).spelled(LIBRARY) == LIBRARY
    (tree / "scripts").mkdir()
    (tree / "scripts/checkpatch.pl").write_text(
        '$newfunc = "kzalloc_obj" if ($old eq "kzalloc");\n'
    )
    (tree / "include/linux/export.h").write_text(
        '#define EXPORT_SYMBOL_NS_GPL(sym, ns)\t__EXPORT_SYMBOL(sym, "GPL", ns)\n'
    )
    assert probe(str(tree)).spelled(LIBRARY) == """MODULE_IMPORT_NS("X_Y");
EXPORT_SYMBOL_NS_GPL(a_b, "X_Y");
	x = kzalloc_obj(*x);
"""


def test_too_old(tree: Path) -> None:
    change(tree, "include/linux/msi.h", "msi_create_device_irq_domain", "msi_create_irq_domain")
    with pytest.raises(TargetError, match=r"msi_create_device_irq_domain\(\).* since 6\.2"):
        probe(str(tree))


def test_native(tree: Path) -> None:
    append(tree, "include/linux/pci.h", "struct msi_map pci_ims_alloc_irq(struct pci_dev *pdev);")
    target = probe(str(tree))
    assert target.features == Features(native=True, groups=frozenset({"ims", *PARENT_GROUPS}))
    wanted = frozenset(GROUPS)
    assert {s.needs for s in load_scripts() if target.needs(s, wanted)} == wanted - {
        "ims",
        *PARENT_GROUPS,
    }


def test_ours(tree: Path) -> None:
    for need in GROUPS:
        patch_all(tree, need)
    target = probe(str(tree))
    assert target.features == Features(groups=frozenset(GROUPS))
    assert not any(target.needs(script, frozenset(GROUPS)) for script in load_scripts())


def test_only_what_is_wanted(tree: Path) -> None:
    patch_all(tree, "pools")
    target = probe(str(tree))
    wanted = frozenset({"pools", "sets"})
    assert {s.needs for s in load_scripts() if target.needs(s, wanted)} == {"sets"}


def test_half_patched_names_what_is_missing(tree: Path) -> None:
    patch_all(tree, "ims", leave=("include/linux/msi_api.h", "MSI_SECONDARY_DOMAIN"))
    with pytest.raises(TargetError, match=r"lacks: include/linux/msi_api\.h \(MSI_SECONDARY"):
        probe(str(tree))


def test_another_version_of_the_library(tree: Path) -> None:
    """What generated code calls is looked for, and not a number."""
    shutdown = ("include/linux/pci_ims.h", "void pci_ims_shutdown(struct pci_ims *ims);")
    patch_all(tree, "stores", leave=shutdown)
    with pytest.raises(TargetError, match=r"another version of it\. It lacks: .*pci_ims_shutdown"):
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
    from imsgen.generator.kernel.edits import EditError

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
    patch_all(tree, "quiesce")
    with pytest.raises(TargetError, match="not pristine"):
        record(str(tree))


# --- trees that mean no good -------------------------------------------------------------------


def test_links_do_not_lead_out(tree: Path, tmp_path: Path) -> None:
    """What is elsewhere doesn't get into a patch, nor into what is said."""
    exports = probe(str(tree)).provider.exports("drivers/irqchip")
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
    (outside / "x.h").write_text("int zzz_irqs(void);\n")
    (tree / "drivers/base").symlink_to(outside)
    (tree / "include/linux/zzz.h").symlink_to(outside / "x.h")
    assert exports and target.provider.exports("drivers/irqchip") == exports
    assert not target.provider.taken("zzz", {"zzz_irqs"})
    with pytest.raises(EditError, match="a link that leads out of the tree"):
        target.provider.lines("drivers/base/x.c")


def test_links_inside_are_followed(tree: Path) -> None:
    (tree / "drivers/irqchip/Kconfig").rename(tree / "drivers/Kconfig.irqs")
    (tree / "drivers/irqchip/Kconfig").symlink_to("../Kconfig.irqs")
    assert probe(str(tree)).provider.lines("drivers/irqchip/Kconfig")


@pytest.mark.parametrize("odd", ["pipe", "hole", "device"])
def test_files_that_have_no_end(tree: Path, odd: str) -> None:
    exports = probe(str(tree)).provider.exports("drivers/irqchip")
    names = ("irqchip/Kconfig", "irqchip/x.c", "Kconfig.x", "zzz.c")
    for path in (*(f"drivers/{name}" for name in names), "include/linux/x.h"):
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
    assert exports and provider.exports("drivers/irqchip") == exports
    assert not provider.taken("zzz", {"zzz_irqs"})
    provider.symbols()


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("line", "above"),
    [
        ("obj-$(CONFIG_DMADEVICES)\t+= dma/", ("DMADEVICES",)),
        ("obj-$(CONFIG_DMADEVICES) += other/ dma/ \\\n\tmore/", ("DMADEVICES",)),
        ("obj-$(CONFIG_DMADEVICES) += other/ \\\n\tdma/", ("DMADEVICES",)),
        ("obj-$(CONFIG_A) += dma/\nobj-y += dma/", ()),
        ("obj-y\t\t\t\t+= dma/", ()),
        ("obj-$(CONFIG_A) += xdma/ dma/x/ dma.o", ()),
        ("", ()),
    ],
)
def test_symbols_above_a_folder(tree: Path, line: str, above: tuple[str, ...]) -> None:
    """Those of each Makefile on the way; what is in no list, or always, needs none."""
    (tree / "drivers/dma/idxd").mkdir(parents=True)
    (tree / "drivers/Makefile").write_text(f"# SPDX-License-Identifier: GPL-2.0\n{line}\n")
    (tree / "drivers/dma/Makefile").write_text("obj-$(CONFIG_IDXD) += idxd/\n")
    assert probe(str(tree)).symbols_above("drivers/dma/idxd") == (*above, "IDXD")
    assert probe(str(tree)).symbols_above("drivers/dma") == above
