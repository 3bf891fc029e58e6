"""A new QEMU: the machine's own, or one unpacked beside the system.

Models need `vfio-user-pci`, and the RISC-V IOMMU is a device only there. One that is unpacked is
from the suite of the newest kernel, with all that it needs from the release below, the C library
too. Nothing is installed: the packages are unpacked in the cache, and a script there starts QEMU by
the loader that came with it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from imsgen.generator.model.machine import PROGRAM, MachineError, check

from . import fetch, host

PACKAGES = ("qemu-system-x86", "seabios", "qemu-system-riscv", "opensbi", "libc6")
PROGRAMS = (PROGRAM, "qemu-system-riscv64")

SCRIPT = """\
#!/bin/sh
# The QEMU below root/, with the loader, the libraries and the firmware from there.
home=$(readlink -f "$0")
root=${home%/*}/root
lib=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$lib/qemu"
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/pulseaudio" \\
	"$root/usr/bin/${0##*/}" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
"""


def program(logs: Path, name: str = PROGRAM) -> str:
    """What starts a QEMU that is new enough; NAME is one of `PROGRAMS`.

    Raises `Unavailable` where there is none and none is to be had, `StageError` for the rest.
    """
    try:
        return check(name)
    except MachineError as error:
        host.say(f"  {error}")
    return str(unpacked(logs, name))


def unpacked(logs: Path, name: str) -> Path:
    """The script of the kept QEMU, which is made now if there is none. Raises as `program()`."""
    home = host.cache_dir() / "qemu"
    script = home / name
    # A folder appears as a whole, so what is there is whole.
    if not script.exists():
        with fetch.locked(host.cache_dir()):
            if not script.exists():
                make(home, logs)
    try:
        check(str(script))
    except MachineError as error:
        raise host.StageError(f"the QEMU in {home} is of no use: {error}") from None
    return script


def make(home: Path, logs: Path) -> None:
    """Download and unpack into HOME. Raises as `program()`."""
    for left in home.parent.glob("qemu.tmp*"):
        shutil.rmtree(left)
    host.say(f"fetch QEMU: {fetch.NEWEST_SUITE}")
    made = Path(tempfile.mkdtemp(prefix="qemu.tmp", dir=home.parent))
    try:
        root = made / "root"
        root.mkdir()
        for package in downloaded(made / "apt", logs):
            # dpkg would want to be told about the system below root/.
            words = ["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2"', "sh"]
            host.run([*words, package, root])
        shutil.rmtree(made / "apt")
        for name in PROGRAMS:
            (made / name).write_text(SCRIPT)
            (made / name).chmod(0o755)
        made.chmod(0o755)
        shutil.rmtree(home, ignore_errors=True)
        made.rename(home)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def downloaded(state: Path, logs: Path) -> list[Path]:
    """The packages and all that they need, as if nothing were installed. Raises `Unavailable`."""
    env = host.plain_env(DEBIAN_FRONTEND="noninteractive")
    suite = fetch.NEWEST_SUITE
    options = fetch.suite_options(suite, state, suite.removesuffix("-backports"))
    (state / "status").touch()
    options += ["-o", f"Dir::State::status={state / 'status'}"]
    install = ["install", "--yes", "--quiet=2", "--download-only", "--no-install-recommends"]
    try:
        host.run(["apt-get", *options, "update", "--quiet=2", "--error-on=any"], env=env)
        command = ["apt-get", *options, *install, "--target-release", suite, *PACKAGES]
        host.must_follow("download QEMU", command, logs / "qemu.log", env=env, limit=1800)
    except (host.StageError, FileNotFoundError) as error:
        raise host.Unavailable(f"no QEMU of {suite} can be downloaded: {error}") from None
    packages = sorted((state / "cache" / "archives").glob("*.deb"))
    if not packages:
        raise host.Unavailable(f"apt downloaded nothing of QEMU from {suite}")
    return packages
