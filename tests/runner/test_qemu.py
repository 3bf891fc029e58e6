"""A QEMU beside the system, with an apt and a dpkg-deb that are scripts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.generator.model.machine import PROGRAM, MachineError, check
from imsgen.kernel_test_module import fetch, host, qemu

APT_GET = """\
#!/bin/sh
echo "$*" >>"$TOLD"
for word; do case $word in Dir::Cache=*) cache=${word#*=};; esac; done
case "$FAIL $*" in
update*" update "*) echo "E: could not resolve" >&2; exit 100;;
install*" install "*) echo "E: connection reset" >&2; exit 100;;
nothing*" install "*) exit 0;;
*" install "*) cp "$PACKAGE" "$cache/archives/qemu.deb";;
esac
"""
DPKG_DEB = """\
#!/bin/sh
cat "$2"
"""
#: Stands for the loader; the program is what it is told after the libraries.
LOADER = """\
#!/bin/sh
[ "$FAIL" = old ] && echo "QEMU emulator version 7.2.1" || echo "QEMU emulator version 11.1.3"
"""

Fail = Callable[[str], None]


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """A machine whose own QEMU is old, and an empty cache. The function names what is to fail."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        script(tools / name, text)
    script(tools / PROGRAM, "#!/bin/sh\necho QEMU emulator version 7.2.22\n")
    package = tmp_path / "package"
    with tarfile.open(package, "w") as archive:
        entry = tarfile.TarInfo("./usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        entry.size, entry.mode = len(LOADER), 0o755
        archive.addfile(entry, io.BytesIO(LOADER.encode()))
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PACKAGE", str(package))
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.setattr(fetch, "release", lambda: "bookworm")
    line = "deb http://mirror.invalid/debian bookworm main\n"
    monkeypatch.setattr(fetch, "apt_files", lambda: [("sources.list", line)])
    return lambda what: monkeypatch.setenv("FAIL", what)


def test_the_machines_own_is_used_if_it_is_new_enough(apt: Fail, tmp_path: Path) -> None:
    """Nothing is downloaded then."""
    apt("update")
    script(tmp_path / "bin" / PROGRAM, "#!/bin/sh\necho QEMU emulator version 10.1.0\n")
    assert qemu.program(tmp_path) == str(tmp_path / "bin" / PROGRAM)


def test_one_is_unpacked_once(apt: Fail, tmp_path: Path) -> None:
    """As if nothing were installed, from two suites; what is only for the download goes."""
    apt("")
    home = tmp_path / "imsgen" / "qemu"
    assert qemu.program(tmp_path) == str(home / PROGRAM)
    assert sorted(path.name for path in home.iterdir()) == [*sorted(qemu.PROGRAMS), "root"]
    told = (tmp_path / "told").read_text()
    assert "Dir::State::status=" in told and "--target-release trixie-backports" in told
    apt("update")
    assert qemu.program(tmp_path) == str(home / PROGRAM)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("update", "E: could not resolve"),
        ("install", "E: connection reset"),
        ("nothing", "apt downloaded nothing"),
    ],
)
def test_none_is_to_be_had(what: str, said: str, apt: Fail, tmp_path: Path) -> None:
    """Said, and nothing half-made stays."""
    apt(what)
    with pytest.raises(host.Unavailable, match=said):
        qemu.program(tmp_path)
    assert [path.name for path in (tmp_path / "imsgen").iterdir()] == ["lock"]


def test_one_that_does_not_start_is_a_failure(apt: Fail, tmp_path: Path) -> None:
    """It was downloaded whole, so that is ours to look at."""
    apt("old")
    with pytest.raises(host.StageError, match=r"of no use: .*version 7\.2"):
        qemu.program(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo QEMU emulator version 7.2.22", r"version 7\.2: QEMU 10\.1 or later .*--qemu"),
        ("echo something", "is no QEMU"),
        ("exit 1", "is no QEMU"),
    ],
)
def test_what_is_no_qemu_is_said(text: str, said: str, tmp_path: Path) -> None:
    """With its version, and what to do."""
    script(tmp_path / "qemu", f"#!/bin/sh\n{text}\n")
    with pytest.raises(MachineError, match=said):
        check(str(tmp_path / "qemu"))
    with pytest.raises(MachineError, match="there is no"):
        check(str(tmp_path / "missing"))
