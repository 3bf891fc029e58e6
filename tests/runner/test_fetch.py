"""Fetching a kernel where apt, the network or the archive do not play along."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.kernel_test_module import fetch, git, host, stages
from imsgen.kernel_test_module.report import Counts, Report

#: apt as far as it is used, for a suite with one package of each kernel; "$FAIL" is what fails.
APT_GET = """\
#!/bin/sh
case "$FAIL $*" in
update*" update "*) echo "E: could not resolve" >&2; exit 100;;
download*" download "*) echo half >linux-source.deb; echo "E: connection reset" >&2; exit 100;;
nothing*" download "*) exit 0;;
*" download "*) cp "$PACKAGE_FILE" linux-source.deb;;
esac
"""
APT_CACHE = """\
#!/bin/sh
case "$FAIL $*" in
package*" pkgnames "*) echo linux-source-6.12;;
*" pkgnames "*) printf 'linux-source-6.12\\nlinux-source-7.3\\n';;
show*" show "*) exit 100;;
*" show "*) printf 'Package: x\\nVersion: 7.3.4-1~bpo13+1\\n';;
esac
"""

NEWEST = fetch.KERNELS["newest"]
REFERENCE = fetch.KERNELS[stages.REFERENCE]


def archive(path: Path) -> Path:
    """A linux-source package whose kernel is one Makefile."""
    source = path / "source" / "linux-source-7.3"
    source.mkdir(parents=True)
    (source / "Makefile").write_text("VERSION = 7\n")
    control = path / "package" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: linux-source-7.3\nVersion: 7.3.4-1~bpo13+1\nArchitecture: all\n"
        "Maintainer: imsgen <imsgen@localhost.invalid>\nDescription: one file\n"
    )
    into = path / "package" / "usr" / "src"
    into.mkdir(parents=True)
    tar = ["tar", "-c", "-J", "-f", into / "linux-source-7.3.tar.xz"]
    subprocess.run([*tar, "-C", source.parent, source.name], check=True)
    deb = path / "linux-source.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", path / "package", deb],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return deb


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A machine with another apt, and an empty cache. The function names what is to fail."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fetch, "release", lambda: "bookworm")
    line = "deb http://mirror.invalid/debian bookworm main\n"
    monkeypatch.setattr(fetch, "apt_files", lambda: [("sources.list", line)])

    def fail(what: str) -> None:
        monkeypatch.setenv("FAIL", what)

    return fail


def left(tmp_path: Path) -> list[str]:
    """The kernel trees in the cache."""
    return sorted(path.name for path in (tmp_path / "imsgen").glob("linux-source-*"))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("update", "trixie-backports can't be reached"),
        ("update", "E: could not resolve"),
        ("package", "trixie-backports has no linux-source of 7 or later"),
        ("show", "apt knows no package linux-source-7.3"),
        ("download", "can't be downloaded"),
        ("nothing", "apt downloaded 0 files"),
    ],
)
def test_the_newest_kernel_is_skipped_where_it_is_not_to_be_had(
    what: str,
    said: str,
    apt: Callable[[str], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    apt(what)
    report = Report()
    report.check("something else")
    stages.one_kernel(stages.Place(tmp_path), NEWEST, report, ["um"])
    assert report.close() == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("SKIP newest fetch: ") and said in line for line in lines)
    assert lines[-2].startswith("SKIPPED: newest fetch: ")
    assert lines[-1] == "1 passed, 0 failed, 1 skipped"
    assert left(tmp_path) == []


@pytest.mark.parametrize("what", ["show", "download"])
def test_the_reference_kernel_is_never_skipped(
    what: str, apt: Callable[[str], None], tmp_path: Path
) -> None:
    apt(what)
    report = Report()
    stages.one_kernel(stages.Place(tmp_path), REFERENCE, report, ["um"])
    assert report.counts == Counts(failed=1)


def test_no_mirror_and_no_apt(
    apt: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apt-get", "apt-cache"):
        (tmp_path / "bin" / name).unlink()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(host.Unavailable, match="can't be reached"):
            fetch.fetch(NEWEST, tmp_path)
    monkeypatch.setattr(fetch, "apt_files", list)
    with pytest.raises(host.Unavailable, match="no apt source of this machine"):
        fetch.fetch(NEWEST, tmp_path)


def test_a_tree_is_made_once(
    apt: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKAGE_FILE", str(archive(tmp_path / "archive")))
    apt("")
    tree = fetch.fetch(NEWEST, tmp_path)
    assert (tree.package, tree.version) == ("linux-source-7.3", "7.3.4-1~bpo13+1")
    assert (tree.apply / "Makefile").read_text() == "VERSION = 7\n"
    assert git.resolve(tree.apply, "refs/heads/pristine")
    apt("download")
    assert fetch.fetch(NEWEST, tmp_path) == tree


def test_a_package_that_is_none_is_a_failure(
    apt: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt has checked what it downloads: what is wrong after that is ours to look at."""
    (tmp_path / "none").write_text("no archive\n")
    monkeypatch.setenv("PACKAGE_FILE", str(tmp_path / "none"))
    apt("")
    report = Report()
    stages.one_kernel(stages.Place(tmp_path), NEWEST, report, ["um"])
    assert report.counts == Counts(failed=1)
    assert left(tmp_path) == []
