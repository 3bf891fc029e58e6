"""Templates hold no logic, and scripts are well formed and fit the profile."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from imsgen.generator.kernel import scripts
from imsgen.generator.kernel.edits import EditError, Workspace
from imsgen.generator.kernel.target import ProfileFiles, Target
from imsgen.generator.patches import BODY_COLUMNS, Commit, check_message
from imsgen.generator.render import Renderer, RenderError, check_columns, check_text
from imsgen.templates import ROOT

TEMPLATES = sorted(str(p.relative_to(ROOT)) for p in Path(ROOT).rglob("*.j2"))

#: What a template may be made of.
ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr),
    *(nodes.If, nodes.For, nodes.Not, nodes.Include),
)


def problems(text: str) -> list[str]:
    tree = Environment(trim_blocks=True, lstrip_blocks=True).parse(text)
    out = []
    included = [node.template for node in tree.find_all(nodes.Include)]
    for node in tree.find_all(nodes.Node):
        if any(node is path and isinstance(path, nodes.Const) for path in included):
            continue
        if not isinstance(node, ALLOWED):
            out.append(f"line {node.lineno}: {type(node).__name__}")
        elif isinstance(node, nodes.Name) and node.name == "loop":
            out.append(f"line {node.lineno}: loop")
        elif isinstance(node, nodes.For) and (node.test or node.recursive):
            out.append(f"line {node.lineno}: filtered loop")
    return out


def test_no_logic() -> None:
    found = {template: problems(Path(ROOT, template).read_text()) for template in TEMPLATES}
    assert {template: lines for template, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        "{{ a + 1 }}",
        "{{ a == b }}",
        "{% if a > 1 %}{% endif %}",
        "{% if a and b %}{% endif %}",
        "{{ f() }}",
        "{{ a | upper }}",
        "{{ a[0] }}",
        "{{ a[1:] }}",
        "{{ a ~ b }}",
        "{% if a is defined %}{% endif %}",
        "{% set a = 1 %}",
        "{{ -a }}",
        "{{ 'x' }}",
        "{{ a if b }}",
        "{% for x in y %}{{ loop.index }}{% endfor %}",
        "{% for x in y if x %}{% endfor %}",
        "{% include name %}{{ 1 }}",
        "{% macro m() %}{% endmacro %}",
    ],
)
def test_the_test_bites(text: str) -> None:
    assert problems(text)


def test_undefined_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.j2").write_text("{{ missing }}\n")
    with pytest.raises(RenderError, match="'missing' is undefined"):
        Renderer(str(tmp_path)).render("x.j2", {})
    with pytest.raises(RenderError, match="TemplateNotFound"):
        Renderer(str(tmp_path)).render("y.j2", {})


GOOD = "// SPDX-License-Identifier: GPL-2.0\nint a;\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD, None),
        (GOOD + "\n", "exactly one newline"),
        (GOOD[:-1], "exactly one newline"),
        ("int a;\n", "no SPDX"),
        (GOOD + "a \n", "line 3: trailing blanks"),
        (GOOD + "\t\nb\n", "line 3: trailing blanks"),
        (GOOD + "a\r\n", "line 3: control character"),
        (GOOD + "\u202eb\n", "line 3: control character"),
        (GOOD + "\n\nb\n", "line 3: two blank lines"),
    ],
)
def test_rules_for_texts(text: str, words: str | None) -> None:
    found = check_text(text)
    assert not found if words is None else any(words in line for line in found)


def test_columns() -> None:
    assert check_columns("x.c", GOOD + "\t" * 12 + "abcde\n") == ["line 3: 101 columns"]
    assert not check_columns("x.c", GOOD + "\t" * 12 + "abcd\n")
    assert not check_columns("x.rst", "a" * 120 + "\n")


# --- scripts ----------------------------------------------------------------------------------

SCRIPTS = scripts.load_scripts()


def library(path: str) -> str:
    """A file of the library, by its path in the kernel."""
    return (Path(ROOT) / "kernel" / path).read_text()


def test_script_messages() -> None:
    for script in SCRIPTS:
        assert len(script.subject) <= BODY_COLUMNS and not script.subject.endswith(".")
        assert all(len(line) <= BODY_COLUMNS for line in script.body.split("\n"))
        check_message(Commit(script.subject, script.body, ()))


def test_scripts_fit_the_profile(profile: Target) -> None:
    """All anchors and all context is there; if not: make profile TREE=..."""
    space = Workspace(profile.provider)
    for script in SCRIPTS:
        script.apply(space, profile.skew, {new.path: "x\n" for new in script.new})
        assert space.commit()


def test_marks_tell_a_patched_tree(profile: Target) -> None:
    """What says that a script is applied isn't there before, and is there after."""
    space = Workspace(profile.provider)
    planner_texts = {new.path: "" for script in SCRIPTS for new in script.new}
    for script in SCRIPTS:
        assert len(script.missing(profile.provider)) == len(script.present), script.name
        script.apply(space, profile.skew, planner_texts)
        for path, text in script.present:
            if path not in planner_texts:
                now = space._files[path].now
                assert any(text in line for line in now if line), (script.name, path, text)


def test_files_of_the_library_hold_their_marks() -> None:
    texts = {new.path: library(new.path) for script in SCRIPTS for new in script.new}
    for script in SCRIPTS:
        for path, text in script.present:
            if path in texts:
                assert text in texts[path], (script.name, path, text)


def test_every_file_of_the_library_is_in_one_patch() -> None:
    folder = Path(ROOT) / "kernel"
    there = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert sorted(new.path for script in SCRIPTS for new in script.new) == there


def test_the_library_is_well_formed() -> None:
    for path in [new.path for script in SCRIPTS for new in script.new]:
        assert not check_text(library(path)), path
        assert not check_columns(path, library(path)), path


def test_skew_without_an_edit_is_refused() -> None:
    edit = scripts.Edit("f", "after", ("a",), ("b",), "6.12")
    script = scripts.Script("n", "s", "b", "ims", (("f", "b"),), (edit,), (), (), (), ())
    assert script.edits_for("6.12") == (edit,)
    with pytest.raises(EditError, match="no edit for kernels like 7"):
        script.edits_for("7")


VALID = {"subject": "s", "body": "b", "needs": "ims", "present": [["f", "x"]]}


@pytest.mark.parametrize("skew", ["6.12", "7"])
def test_scripts_serve_every_kind_of_kernel(skew: str) -> None:
    """Whether the anchors are there only a tree of that kind can say."""
    for script in SCRIPTS:
        own = {new.path for new in script.new}
        moved = {edit.path for edit in script.edits if edit.moved and edit.skew != skew}
        paths = {edit.path for edit in script.edits} - own - moved
        assert {edit.path for edit in script.edits_for(skew)} - own == paths, script.name


def test_a_file_of_our_own_is_edited_where_it_does_not_fit() -> None:
    edit = scripts.Edit("f", "replace", ("b",), (), "7")
    new = scripts.NewFile("f")
    script = scripts.Script("n", "s", "b", "ims", (("f", "b"),), (edit,), (new,), (), (), ())
    for skew, wanted in (("6.12", ["a", "b", "c"]), ("7", ["a", "c"])):
        space = Workspace(ProfileFiles({"files": {}, "paths": ["g"], "symbols": []}))
        script.apply(space, skew, {"f": "a\nb\nc\n"})
        assert space.lines("f") == wanted
        (diff,) = space.commit()
        assert diff.new and diff.added == len(wanted)


@pytest.mark.parametrize(
    "change",
    [
        {"needs": "other"},
        {"present": []},
        {"typo": 1},
        {"edit": [{"file": "f", "after": "a\n", "before": "a\n", "insert": "b\n"}]},
        {"edit": [{"file": "f", "after": "a", "insert": "b\n"}]},
        {"edit": [{"file": "f", "after": "", "insert": "b\n"}]},
        {"edit": [{"file": "f", "after": "a\n", "insert": "b\n", "kernal": "7"}]},
        {"new": [{}]},
        {"new": [{"file": "f", "source": "a"}]},
    ],
)
def test_bad_script(change: dict[str, object]) -> None:
    scripts.parse("n", VALID)
    with pytest.raises((ValueError, KeyError, TypeError)):
        scripts.parse("n", VALID | change)
