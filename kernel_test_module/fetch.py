"""Get a kernel's source from the machine's own Debian mirror and keep it, as a git repository."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import aptsource, git, host

NEWEST_SUITE = "trixie-backports"
NEWEST_MAJOR = 7
STAMP = "stamp.json"
LAYOUT = 1
"""Goes up when what a kept tree looks like changes; older ones are made again."""


@dataclass(frozen=True)
class Kernel:
    """A kernel by the name users give it, and the package that holds its source."""

    name: str
    package: str | None
    """None: the highest linux-source-N.M in `suite`."""
    suite: str | None = None
    """None: the machine's own release."""


KERNELS = {
    "6.12": Kernel("6.12", "linux-source-6.12"),
    "newest": Kernel("newest", None, NEWEST_SUITE),
}


@dataclass(frozen=True)
class Tree:
    """A kept kernel tree. All its directories live as long as the package's version."""

    kernel: str
    package: str
    version: str
    home: Path
    built: str = "work"
    """The name of the work tree that is built"""

    @property
    def apply(self) -> Path:
        """The work tree in which series are applied; nothing is ever built there."""
        return self.home / "apply"

    @property
    def work(self) -> Path:
        """The work tree that is built. Files that stay the same keep their times."""
        return self.home / self.built

    def objects(self, where: str) -> Path:
        """The object directory (make's O=) of one configuration."""
        return self.home / f"build-{where}"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep other runs of this program out of HOME. Waits, and says so."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            host.say(f"waiting for another run that uses {home.name}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def apt_files() -> Iterator[tuple[str, str]]:
    """Name and text of each of the machine's apt source files."""
    base = Path("/etc/apt")
    paths = [base / "sources.list", *sorted((base / "sources.list.d").glob("*"))]
    for path in paths:
        if path.is_file() and (path.suffix in (".list", ".sources")):
            yield path.name, path.read_text(errors="replace")


def release() -> str:
    """The code name of the machine's release, "bookworm". Raises `Unavailable` if there is none."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        text = ""
    match = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', text, re.M)
    if not match:
        raise host.Unavailable("this machine has no Debian release name in os-release")
    return match[1]


def suite_options(suite: str, state: Path, *more: str) -> list[str]:
    """apt options that make SUITE, and MORE suites, of the machine's mirror its only sources, with
    a STATE of their own."""
    sources = aptsource.derive(aptsource.parse(apt_files()), release(), suite, *more)
    if not sources:
        raise host.Unavailable(f"no apt source of this machine has a mirror for {suite}")
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    listing = state / "sources.list"
    listing.write_text(aptsource.as_list(sources))
    settings = {
        "Dir::Etc::sourcelist": listing,
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State::Lists": state / "lists",
        "Dir::Cache": state / "cache",
        "APT::Get::List-Cleanup": "0",
        "APT::Sandbox::User": "root",
        # Who can't reach the mirror should be told soon.
        "Acquire::Retries": "1",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def shown(text: str, field: str) -> str | None:
    """A field of the first stanza of `apt-cache show`."""
    match = re.search(rf"^{re.escape(field)}: (.*)$", text.split("\n\n", 1)[0], re.M)
    return match[1].strip() if match else None


def candidate(options: list[str], package: str) -> str:
    """The version of PACKAGE that apt would take. Raises `Unavailable`."""
    env = host.plain_env()
    try:
        text = host.run(["apt-cache", *options, "show", "--no-all-versions", package], env=env)
    except (host.StageError, FileNotFoundError) as error:
        raise host.Unavailable(f"apt knows no package {package}: {error}") from None
    version = shown(text, "Version")
    if not version:
        raise host.Unavailable(f"apt knows no package {package}")
    return version


def known(package: str) -> str | None:
    """The version of PACKAGE in apt's lists as they are, if any."""
    try:
        return candidate([], package)
    except host.Unavailable:
        return None


def locate(kernel: Kernel, cache: Path) -> tuple[list[str], str, str]:
    """apt's options, the package and its version for KERNEL. For a kept tree of the reference
    kernel no network is needed."""
    env = host.plain_env()
    if kernel.package:
        version = known(kernel.package)
        if version and stamped(home_of(cache, kernel.package, version)):
            return [], kernel.package, version
        # Old lists name versions that the mirror doesn't have any more.
        if os.geteuid() == 0:
            host.follow("apt", ["apt-get", "update"], cache / "apt.log", env=env, limit=600)
        return [], kernel.package, candidate([], kernel.package)
    assert kernel.suite
    state = cache / "apt" / kernel.suite
    # apt refuses to update lists that another run is updating.
    with locked(state):
        options = suite_options(kernel.suite, state)
        try:
            host.run(["apt-get", *options, "update", "--quiet=2", "--error-on=any"], env=env)
            names = host.run(["apt-cache", *options, "pkgnames", "linux-source-"], env=env)
        except (host.StageError, FileNotFoundError) as error:
            raise host.Unavailable(f"{kernel.suite} can't be reached: {error}") from None
        package = aptsource.highest(names.split(), NEWEST_MAJOR)
        if not package:
            raise host.Unavailable(f"{kernel.suite} has no linux-source of {NEWEST_MAJOR} or later")
        return options, package, candidate(options, package)


def safe_name(text: str) -> str:
    """TEXT as a directory name that make accepts in O= (no colon, no blank, no tilde)."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)


def home_of(cache: Path, package: str, version: str) -> Path:
    """Where the tree of a package's version is kept."""
    return cache / safe_name(f"{package}_{version}")


def stamped(home: Path) -> dict[str, str] | None:
    """What the stamp of a kept tree says; None if it isn't whole or of another layout."""
    try:
        stamp = json.loads((home / STAMP).read_text())
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) and stamp.get("layout") == str(LAYOUT) else None


def download(options: list[str], package: str, into: Path, logs: Path) -> Path:
    """Have apt download PACKAGE ("name=version"); gives the file, whole by apt's own checksum.

    Raises `Unavailable`: whatever it is that fails here, it is not this project.
    """
    command = ["apt-get", *options, "download", "--quiet=2", package]
    env = host.plain_env()
    try:
        host.must_follow("download", command, logs / "download.log", cwd=into, env=env, limit=1800)
    except host.StageError as error:
        raise host.Unavailable(f"{package} can't be downloaded: {error}") from None
    packages = sorted(into.glob("*.deb"))
    if len(packages) != 1:
        raise host.Unavailable(f"apt downloaded {len(packages)} files for {package}")
    return packages[0]


def unpack(package_file: Path, into: Path, logs: Path) -> None:
    """Make the repository INTO from a linux-source package: one commit, branch "pristine"."""
    deb, source = into.parent / "deb", into.parent / "source"
    host.must_follow(
        "unpack package", ["dpkg-deb", "-x", package_file, deb], logs / "unpack.log", limit=600
    )
    archives = sorted(deb.glob("usr/src/linux-source-*.tar.*"))
    if len(archives) != 1:
        raise host.StageError(f"{package_file.name} holds {len(archives)} source archives, not 1")
    source.mkdir()
    host.must_follow(
        "unpack source",
        ["tar", "-x", "-f", archives[0], "-C", source, "--strip-components=1"],
        logs / "untar.log",
        limit=1200,
    )
    shutil.rmtree(deb)
    source.rename(into)
    git.git(into, "init", "--quiet", "--initial-branch=pristine")
    # Debian's archive lacks nothing, but some of its files match the kernel's own .gitignore.
    host.must_follow(
        "git add",
        git.command("add", "--all", "--force"),
        logs / "git-add.log",
        cwd=into,
        env=git.environment(),
        limit=1200,
    )
    git.git(into, "commit", "--quiet", "--no-verify", "--message", "pristine")
    git.git(into, "checkout", "--quiet", "--detach")


def sweep(cache: Path, keep: Path, package: str) -> None:
    """Remove half-made trees and other versions of PACKAGE."""
    for path in cache.glob(f"{package}_*"):
        if path != keep and path.is_dir():
            host.say(f"  removing {path.name}: {'half-made' if '.tmp' in path.name else 'older'}")
            shutil.rmtree(path)


def fetch(kernel: Kernel, logs: Path) -> Tree:
    """Give the kept tree of KERNEL, made now if it isn't there or isn't whole.

    Raises `Unavailable` when there is no such package to be had, `StageError` for the rest.
    """
    cache = host.cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    options, package, version = locate(kernel, cache)
    home = home_of(cache, package, version)
    tree = Tree(kernel.name, package, version, home)
    if stamped(home):
        host.say(f"fetch {kernel.name}: {package} {version} is there")
        return tree
    host.say(f"fetch {kernel.name}: {package} {version}")
    with locked(cache):
        if stamped(home):
            return tree
        sweep(cache, home, package)
        shutil.rmtree(home, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=f"{home.name}.tmp", dir=cache))
        try:
            package_file = download(options, f"{package}={version}", made, logs)
            unpack(package_file, made / "apply", logs)
            package_file.unlink()
            stamp = {"layout": str(LAYOUT), "package": package, "version": version}
            (made / STAMP).write_text(json.dumps(stamp, indent=2) + "\n")
            made.chmod(0o755)
            made.rename(home)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    return tree
