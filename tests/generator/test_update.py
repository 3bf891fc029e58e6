"""``imsgen update``: old series + update = new tree, and no tree is touched or misjudged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.kernel.target import probe
from imsgen.generator.patches import mbox
from imsgen.generator.series import Planner, groups_of
from imsgen.kernel_test_module.updates import PAIRS, pair

from .conftest import EXAMPLES, REPOSITORY, git

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

OLD = (EXAMPLES / "idxd.ims").read_text()
NEW = OLD.replace("share per cpu up to 8", "share per cpu up to 16").replace("misc", "events")


def files(root: Path) -> dict[str, str]:
    paths = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(root)): path.read_text() for path in paths}


class Tree:
    """A tree in a repository, and the command on it."""

    def __init__(self, root: Path, imsgen: Run, capfd: Capture) -> None:
        self.root, self._imsgen, self._capfd = root, imsgen, capfd
        self.said = ""

    def run(self, *args: object) -> str:
        """What a command that succeeds prints."""
        assert self._imsgen(*args, "-I", EXAMPLES) == 0, self._capfd.readouterr().err
        return self._capfd.readouterr().out

    def am(self, mails: str) -> None:
        git(self.root, "am", "-q", text=mails)

    def apply(self, layout: str) -> None:
        """The first series of a layout."""
        Path("foo.ims").write_text(layout)
        self.am(self.run("foo.ims", "--tree", self.root, "-o", "-"))

    def update(self, layout: str, *more: object) -> str:
        """The update to a layout."""
        Path("foo.ims").write_text(layout)
        return self.run("update", "foo.ims", "--tree", self.root, "-o", "-", *more)

    def refused(self, layout: str, *more: object) -> str:
        """Why there is no update; nothing has been written."""
        Path("foo.ims").write_text(layout)
        before = files(self.root), sorted(Path.cwd().rglob("*"))
        assert self._imsgen("update", "foo.ims", "--tree", self.root, *more) == 1
        assert (files(self.root), sorted(Path.cwd().rglob("*"))) == before
        out, err = self._capfd.readouterr()
        assert not out
        return err


@pytest.fixture
def tree(git_tree: Path, imsgen: Run, capfd: Capture) -> Tree:
    return Tree(git_tree, imsgen, capfd)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(PAIRS))
def test_old_series_and_update_are_the_new_tree(
    seed: int, tree: Tree, imsgen: Run, capfd: Capture
) -> None:
    """What the old series has prepared in the kernel stays: others may use it."""
    old, new = pair(REPOSITORY, seed)
    other = Tree(tree.root.with_name("other"), imsgen, capfd)
    git(tree.root, "clone", "-q", ".", str(other.root))

    tree.apply(old)
    Path("old.ims").write_text(old)
    made = tree.update(new, *(("--old", "old.ims") if seed % 2 else ()))
    if made:
        tree.am(made)
    else:
        assert old == new

    device = load("old.ims", old.encode(), (str(EXAMPLES),)).devices[0]
    prepare(other.root, groups_of(device))
    other.apply(new)
    assert files(tree.root) == files(other.root)
    assert not tree.update(new)


def prepare(root: Path, groups: frozenset[str]) -> None:
    """The commits that a series of these groups begins with."""
    git(root, "am", "-q", text=mbox(Planner(probe(str(root))).core(groups).commits, "0"))


@pytest.mark.slow
def test_the_message_says_what_changes(tree: Tree) -> None:
    tree.apply(OLD)
    Path("old.ims").write_text(OLD)
    made = tree.update(NEW, "--old", "old.ims")
    assert "Subject: [PATCH 1/1] irqchip/idxd: Follow the changed layout\n" in made
    text = made.partition("\n---\n")[0]
    assert "Changes:\n - special vector misc is called events (breaking, driver)\n" in text
    assert " - pool queue: up to 16 users on a vector, 8 before (compatible, users)\n" in text
    assert "Gone for drivers:\n - idxd_irq_misc()\n" in text
    assert "New for drivers:\n - idxd_irq_events()\n" in text
    assert text.endswith("\nMade by imsgen 0.1.0 from foo.ims.")
    without = tree.update(NEW)
    assert "Changes:" not in without and " - idxd_irq_events()\n" in without


@pytest.mark.slow
def test_it_needs_more_of_the_kernel(tree: Tree) -> None:
    """Then that comes first, as in a first series."""
    small = """device foo "Foo" { pci 1b36:0042; store t: msix; vector a = t[0]; }"""
    tree.apply(small)
    made = tree.update(small.replace("vector", "pool p = t[1..] { dedicated; } vector"))
    subjects = re.findall(r"(?m)^Subject: (.*(?:\n .*)?)$", made)
    assert subjects[0].startswith("[PATCH 1/") and "genirq" in subjects[0]
    assert subjects[-1].endswith("irqchip/foo: Follow the changed layout")
    tree.am(made)


@pytest.mark.slow
def test_files_that_nobody_needs_any_more_go(tree: Tree) -> None:
    tree.apply(OLD)
    made = tree.update(OLD.replace("ims: iomem", "slots: iomem").replace("+ ims", "+ slots"))
    assert " delete mode 100644 drivers/irqchip/irq-idxd-ims.h\n" in made
    assert " create mode 100644 drivers/irqchip/irq-idxd-slots.h\n" in made
    tree.am(made)
    names = {path for path in files(tree.root) if "idxd" in path}
    assert "drivers/irqchip/irq-idxd-slots.h" in names
    assert "drivers/irqchip/irq-idxd-ims.h" not in names


@pytest.mark.slow
def test_a_folder_of_patches(tree: Tree, imsgen: Run, capfd: Capture) -> None:
    tree.apply(OLD)
    Path("foo.ims").write_text(NEW)
    assert imsgen("update", "foo.ims", "--tree", tree.root, "-o", "out") == 0
    assert capfd.readouterr().out == "out/idxd: 2 written, 0 unchanged\n"
    names = ["0000-cover-letter.patch", "0001-irqchip-idxd-Follow-the-changed-layout.patch"]
    assert sorted(path.name for path in Path("out/idxd").iterdir()) == names
    git(tree.root, "am", "-q", str(Path("out/idxd", names[1]).absolute()))
    assert imsgen("update", "foo.ims", "--tree", tree.root, "-o", "out") == 0
    out, err = capfd.readouterr()
    assert not out and err == f"imsgen: {tree.root} has what foo.ims says: nothing to do\n"


@pytest.mark.slow
def test_updates_follow_one_another(tree: Tree) -> None:
    tree.apply(OLD)
    for layout in (NEW, OLD, NEW):
        tree.am(tree.update(layout))
    assert not tree.update(NEW)


@pytest.mark.slow
def test_edits_by_hand_are_named(tree: Tree) -> None:
    tree.apply(OLD)
    path = tree.root / "drivers/irqchip/irq-idxd.c"
    path.write_text(path.read_text().replace("{\n", "{\n\t/* mine */\n", 1))
    git(tree.root, "commit", "-qam", "irqchip/idxd: A comment")
    said = tree.refused(NEW)
    assert "edited by hand" in said and "drivers/irqchip/irq-idxd.c by " in said
    assert '("irqchip/idxd: A comment")' in said
    Path("old.ims").write_text(OLD)
    assert "not what old.ims gives: drivers/irqchip/irq-idxd.c. " in tree.refused(
        NEW, "--old", "old.ims"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("drivers/irqchip/Kconfig", "config IDXD_IRQS\n\ttristate\n", "config IDXD_IRQS\n\tbool\n"),
        ("drivers/irqchip/Makefile", "irq-idxd.o", "irq-idxd.o other.o"),
    ],
)
def test_edits_by_hand_of_shared_files(path: str, old: str, new: str, tree: Tree) -> None:
    tree.apply(OLD)
    file = tree.root / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    git(tree.root, "commit", "-qam", "mine")
    assert f"edited by hand, which an update would undo: what {path} has" in tree.refused(NEW)
    Path("old.ims").write_text(OLD)
    assert f"not what old.ims gives: {path}. " in tree.refused(NEW, "--old", "old.ims")


@pytest.mark.slow
def test_others_lines_of_shared_files_are_nobodys_business(tree: Tree) -> None:
    tree.apply(OLD)
    file = tree.root / "drivers/irqchip/Kconfig"
    file.write_text(file.read_text() + "\nconfig OTHER\n\tbool\n")
    git(tree.root, "commit", "-qam", "other")
    tree.am(tree.update(NEW))
    assert "\nconfig OTHER\n\tbool\n\n" in file.read_text()


@pytest.mark.slow
def test_the_wrong_old_layout(tree: Tree) -> None:
    tree.apply(OLD)
    Path("old.ims").write_text(NEW)
    assert "not what old.ims gives: " in tree.refused(NEW, "--old", "old.ims")
    Path("old.ims").write_text((EXAMPLES / "timer.ims").read_text())
    assert "old.ims is of device timer, not of idxd" in tree.refused(NEW, "--old", "old.ims")


def test_a_dirty_tree(tree: Tree) -> None:
    small = """device foo "Foo" { pci 1b36:0042; store t: msix; vector a = t[0]; }"""
    tree.apply(small)
    path = tree.root / "include/linux/irqchip/irq-foo.h"
    path.write_text(path.read_text() + "/* mine */\n")
    said = tree.refused(small.replace("vector a", "vector b"))
    assert "commit or stash what is not as it was committed: include/linux/irqchip/irq-fo" in said


@pytest.mark.slow
def test_a_shallow_tree(tree: Tree, tmp_path: Path, imsgen: Run, capfd: Capture) -> None:
    """Its history may be enough, and else the old layout is."""
    tree.apply(OLD)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tree.root}", str(clone))
    shallow = Tree(clone, imsgen, capfd)
    assert "a shallow clone, whose history does not reach back" in shallow.refused(NEW)
    Path("old.ims").write_text(OLD)
    made = shallow.update(NEW, "--old", "old.ims")
    assert made == tree.update(NEW, "--old", "old.ims")


def test_a_tree_without_the_device(tree: Tree) -> None:
    said = tree.refused(OLD)
    assert "has nothing of device idxd yet: imsgen makes its first series" in said


def test_a_foreign_tree(tree: Tree, tmp_path: Path) -> None:
    """Files of that name, of somebody else; no repository; no kernel tree."""
    path = tree.root / "drivers/irqchip/irq-idxd.c"
    path.write_text("// SPDX-License-Identifier: GPL-2.0\nint a;\n")
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-qm", "mine")
    assert "imsgen has not made drivers/irqchip/irq-idxd.c" in tree.refused(OLD)
    shutil.rmtree(tree.root / ".git")
    assert "not a git repository" in tree.refused(OLD)
    shutil.rmtree(tree.root)
    tree.root.mkdir()
    assert "not a Linux kernel tree" in tree.refused(OLD)


@pytest.mark.slow
def test_a_squashed_series(tree: Tree) -> None:
    """Nobody knows what else is in there, but for who has the old layout."""
    tree.apply(OLD)
    git(tree.root, "reset", "-q", "--soft", "HEAD~2")
    git(tree.root, "commit", "-qm", "all at once")
    said = tree.refused(NEW)
    assert "edited by hand" in said and '("all at once")' in said
    Path("old.ims").write_text(OLD)
    tree.am(tree.update(NEW, "--old", "old.ims"))


@pytest.mark.slow
def test_a_half_patched_tree(tree: Tree) -> None:
    Path("foo.ims").write_text(OLD)
    mails = re.split(r"(?m)^(?=From 0{40} )", tree.run("foo.ims", "--tree", tree.root, "-o", "-"))
    tree.am("".join(mails[:-1]))
    said = tree.refused(NEW)
    assert (
        "has a part of device idxd only. It lacks: drivers/irqchip/tests/idxd_irqs_kunit.c" in said
    )
    assert "config IDXD_IRQS_KUNIT_TEST" in said


@pytest.mark.slow
def test_a_half_prepared_tree(tree: Tree) -> None:
    Path("foo.ims").write_text(OLD)
    mails = re.split(r"(?m)^(?=From 0{40} )", tree.run("foo.ims", "--tree", tree.root, "-o", "-"))
    tree.am("".join(mails[:6]))
    assert "Apply the rest of the patches, or take the old ones out." in tree.refused(NEW)


@pytest.mark.slow
def test_names_of_the_driver_are_not_taken(tree: Tree) -> None:
    """A driver in the tree calls what the device has, which stays."""
    tree.apply(OLD)
    driver = tree.root / "drivers/irqchip/idxd-driver.c"
    driver.write_text("void f(void)\n{\n\tidxd_irqs_init(0, 0, 0);\n}\n")
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-qm", "driver")
    tree.am(tree.update(NEW))


@pytest.mark.slow
def test_another_folder(tree: Tree) -> None:
    """The layout says another path: the files move there."""
    folder = tree.root / "drivers/other"
    folder.mkdir()
    (folder / "Kconfig").write_text("config OTHER\n\tbool\n")
    (folder / "Makefile").write_text("obj-y += other.o\n")
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-qm", "folder")
    tree.apply(OLD)
    tree.am(tree.update(OLD.replace("    pci ", '    path "drivers/other";\n    pci ', 1)))
    names = {path for path in files(tree.root) if "idxd" in path}
    assert "drivers/other/irq-idxd.c" in names and "drivers/irqchip/irq-idxd.c" not in names
    assert "IDXD" not in (tree.root / "drivers/irqchip/Kconfig").read_text()
    assert "IDXD" in (folder / "Kconfig").read_text()


@pytest.mark.slow
def test_a_new_folder(tree: Tree) -> None:
    """The layout says a folder that isn't there yet: that of its parent reads it."""
    parent = tree.root / "drivers/other"
    parent.mkdir()
    for name in ("Kconfig", "Makefile"):
        (parent / name).write_text("# Other\n")
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-qm", "folder")
    tree.apply(OLD)
    tree.am(tree.update(OLD.replace("    pci ", '    path "drivers/other/new";\n    pci ', 1)))
    for name in ("Kconfig", "Makefile"):
        assert "IDXD" in (parent / "new" / name).read_text()
        assert "new/" in (parent / name).read_text()
