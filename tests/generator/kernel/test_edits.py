"""Edits of files: where they land, what they refuse, and that git agrees with the diffs."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsgen.generator.kernel import edits
from imsgen.generator.kernel.edits import EditError, Lines, Workspace
from imsgen.generator.kernel.target import TreeFiles


class Memory:
    """Files in memory."""

    def __init__(self, files: dict[str, Lines]) -> None:
        self.files = files

    def lines(self, path: str) -> Lines | None:
        found = self.files.get(path)
        return None if found is None else list(found)

    def exists(self, path: str) -> bool:
        return path in self.files


def work(text: str, path: str = "f") -> Workspace:
    return Workspace(Memory({path: list(text.split())}))


def lines_of(space: Workspace, path: str = "f") -> Lines:
    return space._files[path].now


def added(space: Workspace) -> list[str]:
    (diff,) = space.commit()
    return [line[1:] for line in diff.hunks.split("\n") if line.startswith("+")]


@pytest.mark.parametrize(
    ("mode", "anchor", "expected"),
    [
        ("after", "b c", "a b c X Y d"),
        ("before", "b c", "a X Y b c d"),
        ("replace", "b c", "a X Y d"),
        ("after", "d", "a b c d X Y"),
        ("before", "a", "X Y a b c d"),
    ],
)
def test_edit(mode: str, anchor: str, expected: str) -> None:
    space = work("a b c d")
    space.edit("f", mode, anchor.split(), ["X", "Y"])
    assert lines_of(space) == expected.split()


@pytest.mark.parametrize(("anchor", "words"), [("x", "not"), ("a", "2 times"), ("a c", "not")])
def test_anchor_must_be_there_once(anchor: str, words: str) -> None:
    with pytest.raises(EditError, match=words):
        work("a b a").edit("f", "after", anchor.split(), ["X"])


def test_missing_file() -> None:
    with pytest.raises(EditError, match="g is not there"):
        work("a").edit("g", "after", ["a"], ["X"])


def test_new_file_must_be_new() -> None:
    with pytest.raises(EditError, match="f exists already"):
        work("a").create("f", "text\n")


def test_replace_keeps_what_is_the_same() -> None:
    space = work("a b c d e")
    space.edit("f", "replace", "b c d".split(), "b X d".split())
    (diff,) = space.commit()
    assert diff.hunks == "@@ -1,5 +1,5 @@\n a\n b\n-c\n+X\n d\n e\n"


@pytest.mark.parametrize(("gap", "hunks"), [(6, 1), (7, 2)])
def test_hunks_are_merged_as_git_does(gap: int, hunks: int) -> None:
    space = work(" ".join(f"l{i}" for i in range(20)))
    space.edit("f", "before", ["l5"], ["X"])
    space.edit("f", "before", [f"l{5 + gap}"], ["Y"])
    (diff,) = space.commit()
    assert diff.hunks.count("@@ -") == hunks


def test_unknown_context_is_an_error() -> None:
    lines: Lines = ["a", "b", None, "c", "d", "e", "f"]
    space = Workspace(Memory({"f": lines}))
    space.edit("f", "after", ["c"], ["X"])
    with pytest.raises(EditError, match="lacks line 3"):
        space.commit()


def test_needed_lines_are_traced_through_commits() -> None:
    space = Workspace(Memory({"f": [f"l{i}" for i in range(30)]}), trace=True)
    space.edit("f", "after", ["l4"], ["X"])
    space.commit()
    space.edit("f", "after", ["l20"], ["Y"])
    space.commit()
    assert space.needed["f"] == {*range(2, 8), *range(18, 24)}


# --- Kconfig, Makefile, MAINTAINERS -----------------------------------------------------------

KCONFIG: Lines = ["menu M", "", "config OTHER", "\tbool", "", "endmenu"]


def entries(space: Workspace) -> list[str]:
    return [line.split()[1] for line in lines_of(space) if line and line.startswith("config")]


def test_kconfig_is_sorted_among_ours_and_before_endmenu() -> None:
    space = Workspace(Memory({"f": KCONFIG}))
    for name in ("M_IRQS", "Z_IRQS_KUNIT_TEST", "A_IRQS", "M_IRQS_KUNIT_TEST", "IMS_KUNIT_FAKE"):
        space.kconfig("f", f"config {name}\n\tbool\n")
    assert entries(space) == [
        "OTHER",
        "A_IRQS",
        "IMS_KUNIT_FAKE",
        "M_IRQS",
        "M_IRQS_KUNIT_TEST",
        "Z_IRQS_KUNIT_TEST",
    ]
    now = lines_of(space)
    assert now[-1] == "endmenu" and now[-2] == ""
    assert all(now[i - 1] == "" for i, line in enumerate(now) if line and line[:6] == "config")


def test_kconfig_without_menu() -> None:
    space = Workspace(Memory({"f": ["config OTHER", "\tbool"]}))
    space.kconfig("f", "config B_IRQS\n\tbool\n")
    space.kconfig("f", "config A_IRQS\n\tbool\n")
    assert entries(space) == ["OTHER", "A_IRQS", "B_IRQS"]
    assert lines_of(space) == [
        *["config OTHER", "\tbool", ""],
        *["config A_IRQS", "\tbool", ""],
        *["config B_IRQS", "\tbool"],
    ]


def test_kconfig_twice() -> None:
    space = Workspace(Memory({"f": KCONFIG}))
    space.kconfig("f", "config A_IRQS\n")
    with pytest.raises(EditError, match="A_IRQS already"):
        space.kconfig("f", "config A_IRQS\n")


def test_makefile_is_sorted_among_ours() -> None:
    space = Workspace(Memory({"f": ["obj-y += a.o", "obj-$(CONFIG_ZED)\t\t+= z.o"]}))
    for name in ("M_IRQS", "A_IRQS", "Z_IRQS"):
        space.makefile("f", name, f"irq-{name[0].lower()}.o")
    assert lines_of(space)[2:] == [
        "obj-$(CONFIG_A_IRQS)\t\t\t+= irq-a.o",
        "obj-$(CONFIG_M_IRQS)\t\t\t+= irq-m.o",
        "obj-$(CONFIG_Z_IRQS)\t\t\t+= irq-z.o",
    ]
    with pytest.raises(EditError, match="M_IRQS already"):
        space.makefile("f", "M_IRQS", "irq-m.o")


MAINTAINERS: Lines = [
    "List of maintainers",
    "",
    "\tM: *Mail* patches to: FullName <address@domain>",
    "",
    "ALPHA",
    "S:\tMaintained",
    "F:\ta/",
    "",
    "NOT SORTED",
    "S:\tMaintained",
    "F:\tx/",
    "",
    "INTERRUPT COUNTER",
    "S:\tMaintained",
    "F:\tb/",
    "",
    "INTERSIL",
    "S:\tMaintained",
    "F:\tc/",
    "",
    "THE REST",
    "S:\tBuried alive in reporters",
    "F:\t*",
]


def sections(space: Workspace) -> list[str]:
    now = lines_of(space, "MAINTAINERS")
    return [str(now[i]) for i in range(len(now) - 1) if str(now[i + 1]).startswith("S:")]


@pytest.mark.parametrize(
    ("title", "before"),
    [
        ("INTERRUPT MESSAGE STORE, X", "INTERSIL"),
        ("BETA", "NOT SORTED"),
        ("ZULU", "THE REST"),
        ("INTERSIL B", "THE REST"),
    ],
)
def test_maintainers_section_is_sorted_in(title: str, before: str) -> None:
    space = Workspace(Memory({"MAINTAINERS": MAINTAINERS}))
    space.maintainers(title, ["S:\tOrphan"])
    titles = sections(space)
    assert titles[titles.index(title) + 1] == before
    assert added(space) == [title, "S:\tOrphan", ""]


def test_maintainers_section_grows_in_order() -> None:
    space = Workspace(Memory({"MAINTAINERS": MAINTAINERS}))
    space.maintainers("INTERRUPT M", ["F:\tm/", "S:\tMaintained", "L:\tlist@localhost.invalid"])
    space.maintainers("INTERRUPT M", ["F:\tz/", "F:\tA/", "S:\tMaintained", "M:\tX <x@y.invalid>"])
    now = lines_of(space, "MAINTAINERS")
    start = now.index("INTERRUPT M")
    assert now[start : start + 8] == [
        *["INTERRUPT M", "M:\tX <x@y.invalid>", "L:\tlist@localhost.invalid", "S:\tMaintained"],
        *["F:\tA/", "F:\tm/", "F:\tz/", ""],
    ]


def test_section_titles_stay_known() -> None:
    """They are looked for once, whatever is added to sections or between them."""
    space = Workspace(Workspace(Memory({"MAINTAINERS": MAINTAINERS})))
    for title, lines in (
        ("INTERRUPT M", ["S:\tMaintained", "F:\tm/"]),
        ("BETA", ["S:\tOrphan"]),
        ("INTERRUPT M", ["F:\ta/", "F:\tm/", "F:\tz/"]),
        ("INTERRUPT A", ["S:\tOrphan", "F:\tb/"]),
    ):
        space.maintainers(title, lines)
        file = space._files["MAINTAINERS"]
        assert file.titles == edits._titles(file.now)
        space.commit()


def test_files_of_another_workspace_are_copies() -> None:
    first = work("a b c")
    first.edit("f", "after", ["a"], ["X"])
    second = Workspace(first)
    second.edit("f", "after", ["b"], ["Y"])
    assert lines_of(second) == "a X b Y c".split()
    (diff,) = second.commit()
    assert diff.hunks == "@@ -1,4 +1,5 @@\n a\n X\n b\n+Y\n c\n"
    assert lines_of(first) == "a X b c".split()
    assert first.lines("f") == "a X b c".split()


def test_maintainers_in_a_sparse_file() -> None:
    sparse: Lines = [None] * len(MAINTAINERS)
    sparse[11:19] = MAINTAINERS[11:19]
    full, part = (Workspace(Memory({"MAINTAINERS": x})) for x in (MAINTAINERS, sparse))
    for space in (full, part):
        space.maintainers("INTERRUPT M", ["S:\tOrphan"])
    assert full.commit() == part.commit()


# --- git as the judge -------------------------------------------------------------------------

_LINES = st.lists(st.sampled_from("a b c d".split()), max_size=40)
_EDITS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 4), st.lists(st.sampled_from("a b x".split()))),
    max_size=4,
)


@pytest.mark.slow
@settings(deadline=None)
@given(_LINES, _EDITS, _EDITS)
def test_changes_lead_back(
    lines: list[str],
    first: list[tuple[int, int, list[str]]],
    more: list[tuple[int, int, list[str]]],
) -> None:
    """What was there before is what is there now with the changes taken back, commit by commit."""
    space = Workspace(Memory({"f": list(lines)}), trace=True)
    for step in (first, more):
        file = space._open("f")
        before = list(file.now)
        for at, count, new in step:
            at = min(at, len(file.now))
            file.splice(at, min(count, len(file.now) - at), new)
        back = list(file.now)
        end = len(back)
        for change in reversed(file.changes):
            assert change.at + change.count <= end, "in order, and apart from each other"
            end = change.at - 1
            assert before[change.old : change.old + len(change.gone)] == change.gone
            back[change.at : change.at + change.count] = change.gone
        assert back == before
        space.commit()
    origins = space._origins["f"]
    assert len(origins) == len(file.now)
    for line, origin in zip(file.now, origins, strict=True):
        assert origin < 0 or line == lines[origin]
    kept = [origin for origin in origins if origin >= 0]
    assert kept == sorted(set(kept))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(_LINES, _EDITS)
def test_git_applies_any_diff(lines: list[str], edits: list[tuple[int, int, list[str]]]) -> None:
    """Whatever is spliced, git apply (which knows no fuzz) makes the text that we have."""
    space = Workspace(Memory({"f": list(lines)}))
    file = space._open("f")
    for at, count, new in edits:
        at = min(at, len(file.now))
        file.splice(at, min(count, len(file.now) - at), new)
    wanted = list(file.now)
    diffs = space.commit()
    if wanted == lines or not lines or not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_text("".join(f"{line}\n" for line in lines))
        subprocess.run(
            ["git", "apply", "-"], input=diffs[0].text().encode(), cwd=folder, check=True
        )
        assert path.read_text() == "".join(f"{line}\n" for line in wanted)


def test_many_maintainers_take_a_time_in_proportion(tree: Path) -> None:
    """Whether the section is new or gets more entries: each line is looked at once."""
    entries = [f"M:\tA B <a{number}@localhost.invalid>" for number in range(32_000)]
    space = Workspace(TreeFiles(str(tree)))
    start = time.process_time()
    space.maintainers("INTERRUPT MESSAGE STORE, ZZZ", entries[:10])
    space.maintainers("INTERRUPT MESSAGE STORE, ZZZ", [*entries, "F:\tx", "S:\tMaintained"])
    (diff,) = space.commit()
    assert time.process_time() - start < 2
    added = [line[1:] for line in diff.hunks.split("\n") if line[:1] == "+"]
    assert [line for line in added[1:] if line] == [*entries, "S:\tMaintained", "F:\tx"]
