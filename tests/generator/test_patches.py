"""Mails: git takes them as they are, and gives them back as they were."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from imsgen.generator import patches
from imsgen.generator.kernel.edits import FileDiff, Workspace
from imsgen.generator.kernel.target import TreeFiles
from imsgen.generator.patches import Commit, PatchError

from .conftest import git, normal


def commit(subject: str = "a: Add b", body: str = "Body.") -> Commit:
    return Commit(subject, body, (FileDiff("x", True, 1, 0, "@@ -0,0 +1 @@\n+x\n"),))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "git"
    (root / "dir").mkdir(parents=True)
    (root / "dir" / "old.c").write_text("".join(f"line {i}\n" for i in range(200)))
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    return root


def test_git_writes_the_same(repository: Path) -> None:
    """Hunks, statistics, headers: what git format-patch makes of the commits that it took."""
    space = Workspace(TreeFiles(str(repository)))
    rng = random.Random(1)
    commits = []
    for number in range(12):
        at = rng.randrange(2, 190)
        space.edit("dir/old.c", "replace", [f"line {at}"], [f"new {number} {i}" for i in range(at)])
        deep = "/".join(f"folder{i}" for i in range(number))
        space.create(f"{deep}/file{number}.c".lstrip("/"), "text\n" * rng.randrange(1, 300))
        commits.append(Commit(f"a{number}: Add {'words ' * number}end", "Why.", space.commit()))
    git(repository, "am", "-q", text=patches.mbox(commits, "0.1.0"))
    out = repository.parent / "out"
    options = ["--zero-commit", "--no-signature", "--full-index", "-N"]
    git(repository, "format-patch", *options, "--numbered", "-o", str(out), "main~12")
    ours = {
        patches.file_name(commit.subject, number): patches.patch(commit, number, 12, "0.1.0")
        for number, commit in enumerate(commits, 1)
    }
    assert sorted(path.name for path in out.iterdir()) == sorted(ours)
    for name, text in ours.items():
        # git am has put the committer's identity nowhere: author and date are those of the mail.
        assert normal((out / name).read_text()).rstrip("\n") == normal(text).rstrip("\n"), name


def test_signoff_and_umlauts_survive(repository: Path) -> None:
    ident = patches.parse_ident("Jörg Müller-Ångström <jm@localhost.invalid>")
    space = Workspace(TreeFiles(str(repository)))
    space.create("n", "größer\n")
    made = Commit("a: Add ü", "Gemäß §1.", space.commit())
    git(repository, "am", "-q", text=patches.mbox([made], "0.1.0", ident))
    shown = git(repository, "log", "-1", "--format=%an <%ae>|%ad|%s|%b", "--date=rfc")
    assert shown.strip() == (
        f"{ident}|Thu, 1 Jan 2026 00:00:00 +0000|a: Add ü|Gemäß §1.\n\nSigned-off-by: {ident}"
    )
    assert (repository / "n").read_text() == "größer\n"


@pytest.mark.parametrize(
    "name", ["A. B", 'Q "q" R', "Li, Bo", "x" * 60, "ü" * 30, "A (x) B", "=?a?= B", "O'B \\ C"]
)
def test_odd_names_survive(repository: Path, name: str) -> None:
    ident = patches.parse_ident(f"{name} <a@localhost.invalid>")
    space = Workspace(TreeFiles(str(repository)))
    space.create("n", "x\n")
    made = Commit("a: Add b", "Body.", space.commit())
    git(repository, "am", "-q", text=patches.mbox([made], "0.1.0", ident))
    assert git(repository, "log", "-1", "--format=%an").strip() == name


@pytest.mark.parametrize(
    ("ident", "kept"),
    [
        ("'Jane Doe', <jane@b>", "Jane Doe <jane@b>"),
        (' "Jane Doe"<jane@b.>', "Jane Doe <jane@b>"),
        ("Jane Doe Jr. < jane@b >", "Jane Doe Jr <jane@b>"),
    ],
)
def test_ident_is_what_git_makes_of_it(repository: Path, ident: str, kept: str) -> None:
    assert patches.parse_ident(ident) == kept
    git(repository, "commit", "--allow-empty", "-q", "-m", "x", f"--author={ident}")
    assert git(repository, "log", "-1", "--format=%an <%ae>").strip() == kept


def test_unsigned_unless_asked() -> None:
    text = patches.patch(commit(), 1, 1, "0.1.0")
    assert "Signed-off-by" not in text and "From: imsgen <imsgen@localhost.invalid>\n" in text


@pytest.mark.parametrize(
    "ident",
    [
        "",
        "x",
        "x@y.z",
        "<x@y.z>",
        "X <x>",
        "X <x@y z>",
        "X <x@y>\nSubject: z",
        "X <a@b> <c@d>",
        f"{'x' * 61} <a@b>",
        "X Y> <a@b>",
        "x@y <a@b>",
        "., <a@b>",
        "X <a@b,c>",
        "X <a@b> c",
        "ü (x) <a@b>",
        "(x) y <a@b>",
        "X\u202e <a@b>",
        "X\tY <a@b>",
    ],
)
def test_bad_ident(ident: str) -> None:
    with pytest.raises(PatchError):
        patches.parse_ident(ident)


@pytest.mark.parametrize(
    "body",
    [
        "Text.\n\n---\nmore",
        "Text.\n\ndiff --git a/x b/x",
        "Text.\n\nFrom x Mon Sep 17 00:00:00 2001",
        "Index: x",
        "Subject: x",
        "From: X <x@y.invalid>",
    ],
)
def test_message_that_git_would_cut(body: str) -> None:
    with pytest.raises(PatchError):
        patches.patch(commit(body=body), 1, 1, "0.1.0")


@pytest.mark.parametrize("subject", ["", "[x] y", "a\nb"])
def test_bad_subject(subject: str) -> None:
    with pytest.raises(PatchError):
        patches.patch(commit(subject), 1, 1, "0.1.0")


def test_wrap() -> None:
    text = f"{'word ' * 40}\n\n - {'item ' * 30}\n - b\n\n  {'x' * 90}\nlast\nline"
    out = patches.wrap(text)
    lines = out.split("\n")
    assert all(len(line) <= 75 for line in lines if not line.startswith("  x"))
    assert out.split() == text.split()
    assert [line for line in lines if line.startswith(" - ")][1] == " - b"
    assert all(line.startswith("   item") for line in lines if re.match(r" +item", line))
    assert lines[-1] == "last line"


def test_own_patches_are_recognised() -> None:
    text = patches.patch(commit(), 1, 1, "0.1.0")
    cover = patches.cover_letter("s", "b", [commit()], "0.1.0")
    assert patches.is_patch(text) and patches.is_patch(cover)
    assert not patches.is_patch(text.replace("\nimsgen 0.1.0\n", "\n"))
    assert not patches.is_patch("imsgen 0.1.0\n")
