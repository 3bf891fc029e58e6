"""Applying series to a tree, on a tree of two files."""

import os
from functools import partial
from pathlib import Path

import pytest

from imsgen.kernel_test_module import checks, git, host, trees
from imsgen.kernel_test_module.fetch import Tree
from imsgen.kernel_test_module.report import Counts, Report

LINES = "".join(f"line {number}\n" for number in range(1, 21))

MBOX = b"""\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: imsgen <imsgen@localhost.invalid>
Date: Sat, 1 Jan 2000 00:00:00 +0000
Subject: [PATCH 1/2] a: Change line 10

---
 a | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/a b/a
--- a/a
+++ b/a
@@ -7,7 +7,7 @@
 line 7
 line 8
 line 9
-line 10
+line ten
 line 11
 line 12
 line 13
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: imsgen <imsgen@localhost.invalid>
Date: Sat, 1 Jan 2000 00:00:00 +0000
Subject: [PATCH 2/2] c: Add it

---
 c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/c b/c
new file mode 100644
--- /dev/null
+++ b/c
@@ -0,0 +1 @@
+new
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A kept tree as `fetch` leaves it."""
    tree = Tree("test", "linux-source-0", "1", tmp_path)
    tree.apply.mkdir()
    (tree.apply / "a").write_text(LINES)
    (tree.apply / "b").write_text("b\n")
    git.git(tree.apply, "init", "--quiet", "--initial-branch=pristine")
    git.git(tree.apply, "add", "--all")
    git.git(tree.apply, "commit", "--quiet", "--message", "pristine")
    git.git(tree.apply, "checkout", "--quiet", "--detach")
    return tree


def test_a_series_applies_the_same_way_twice(tree: Tree) -> None:
    base = trees.base_of(tree)
    first = trees.apply_series(tree, base, MBOX, "x")
    assert (len(first.commits), first.notes) == (2, ())
    assert trees.added_files(tree, base, first.head) == ("c",)
    assert trees.subject(tree, first.head) == "c: Add it"
    trees.reset(tree.apply, base)
    assert not (tree.apply / "c").exists()
    assert trees.apply_series(tree, base, MBOX, "x") == first
    assert (tree.apply / "c").read_text() == "new\n"


def test_an_offset_is_noted_each_time(tree: Tree) -> None:
    moved = MBOX.replace(b"@@ -7,7 +7,7 @@", b"@@ -9,7 +9,7 @@")
    base = trees.base_of(tree)
    for _ in range(2):
        notes = trees.apply_series(tree, base, moved, "x").notes
        assert len(notes) == 1
        assert "offset -2" in notes[0]


def test_what_does_not_fit_raises_and_the_next_run_works(tree: Tree) -> None:
    base = trees.base_of(tree)
    with pytest.raises(host.StageError, match="git am failed"):
        trees.apply_series(tree, base, MBOX.replace(b" line 9", b" line nine"), "x")
    assert (tree.apply / ".git" / "rebase-apply").exists()
    (tree.apply / ".git" / "index.lock").touch()
    assert len(trees.apply_series(tree, base, MBOX, "x").commits) == 2


def test_files_that_stay_the_same_keep_their_times(tree: Tree) -> None:
    base = trees.base_of(tree)
    head = trees.apply_series(tree, base, MBOX, "x").head
    work = trees.work_at(tree, base)
    for name in ("a", "b"):
        os.utime(work / name, (1, 1))
    git.git(work, "update-index", "--refresh")
    trees.work_at(tree, head)
    assert (work / "b").stat().st_mtime == 1
    assert (work / "a").stat().st_mtime > 1
    (work / "left-over").touch()
    (work / "a").write_text("changed")
    trees.work_at(tree, base)
    assert (work / "a").read_text() == LINES
    assert not (work / "left-over").exists()


def test_a_half_made_work_tree_is_made_again(tree: Tree) -> None:
    base = trees.base_of(tree)
    trees.work_at(tree, base)
    (tree.home / "work.stamp").unlink()
    (tree.work / "a").unlink()
    assert (trees.work_at(tree, base) / "a").read_text() == LINES


def test_a_check_that_passed_is_made_again_only_for_another_tree(tree: Tree) -> None:
    made: list[str] = []

    def check(name: str, faults: list[str]) -> list[str]:
        made.append(name)
        return faults

    def run(key: str) -> Counts:
        report = Report()
        todo = {
            "good": (key, partial(check, "good", [])),
            "bad": (key, partial(check, "bad", ["x"])),
        }
        checks.proven(tree, todo, report)
        return report.counts

    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    for key, again in (("1", ["bad", "good"]), ("1", ["bad"]), ("2", ["bad", "good"])):
        made.clear()
        assert run(key) == Counts(passed=1, failed=1)
        assert sorted(made) == again
    trees.apply_series(tree, base, MBOX, "x")
    made.clear()
    run("2")
    assert sorted(made) == ["bad", "good"]


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (["A drivers/irqchip/irq-foo.c", "A include/linux/irqchip/irq-foo.h"], "drivers/irqchip/"),
        (["A drivers/irqchip/tests/foo_kunit.c", "M MAINTAINERS"], "drivers/irqchip/"),
        (["M drivers/irqchip/irq-foo.c", "M include/linux/msi.h"], "."),
        (["M arch/x86/include/asm/msi.h"], "."),
        (["M kernel/irq/Kconfig", "M drivers/pci/msi/msi.h"], "drivers/pci/msi/ kernel/irq/"),
        (["D include/linux/foo.h", "D kernel/irq/foo.c"], "."),
        (["A Documentation/foo.rst", "M MAINTAINERS"], ""),
    ],
)
def test_what_is_made_at_a_prefix(
    names: list[str], made: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = "\n".join(name.replace(" ", "\t") for name in names)
    monkeypatch.setattr(checks.git, "git", lambda *_: rows)
    found = checks.targets(Tree("6.12", "linux-source-6.12", "1", tmp_path), "HEAD")
    assert " ".join(found) == made
