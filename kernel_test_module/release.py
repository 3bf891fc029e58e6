"""Packages that anybody can make again, and that were tried as installed.

``python -m imsgen.kernel_test_module.release installed``: a wheel of the working tree in fresh
environments, with the lowest versions of what it needs, the newest, and Debian's own packages;
each makes generated/ again.  ``... release``: the same from the tag of the version, with the
packages built twice and compared, a bill of materials, and checksums, in build/release.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import fetch, host

#: Debian's packages of all that is needed, and the releases that they are taken from.
PACKAGES = [
    f"python3-{name}"
    for name in (
        "lark jinja2 markupsafe git gitdb smmap rich markdown-it mdurl pygments commonmark".split()
    )
]
DEBIAN = {"Debian 12": "bookworm", "Debian 13": "trixie"}

#: Names and versions in a fresh environment, and what each needs there, as JSON.
_LIST = """
import json, re
from importlib.metadata import distributions
out = {}
for one in distributions():
    needs = [n for n in one.requires or () if 'extra ==' not in n]
    names = [re.match(r'[\\w.-]+', n)[0].lower().replace('_', '-') for n in needs]
    meta = one.metadata
    words = meta.get('License-Expression') or meta.get('License') or ''
    out[one.name.lower().replace('_', '-')] = [one.version, words.split('\\n')[0], names]
print(json.dumps(out))
"""


def run(*words: str | Path, cwd: Path | None = None, **env: str) -> str:
    """What a command prints. Raises `StageError`."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise host.StageError(f"{words[0]}: {done.stderr or done.stdout}")
    return done.stdout


def lowest(root: Path) -> list[str]:
    """The lower bounds of what the package needs, as exact versions."""
    with (root / "pyproject.toml").open("rb") as file:
        needs: list[str] = tomllib.load(file)["project"]["dependencies"]
    return [re.sub(r">=([\w.]+).*", r"==\1", need) for need in needs]


def build(source: Path, out: Path, epoch: str) -> list[Path]:
    """A wheel and a source archive of a folder, the same bytes each time."""
    shutil.rmtree(out, ignore_errors=True)
    before = os.umask(0o022)
    try:
        run(
            sys.executable, "-m", "build", "--outdir", out, source,
            SOURCE_DATE_EPOCH=epoch, PYTHONHASHSEED="0",
        )  # fmt: skip
    finally:
        os.umask(before)
    for path in out.glob("*.tar.gz"):
        path.write_bytes(same_archive(path.read_bytes(), int(epoch)))
    return sorted(out.iterdir())


def same_archive(data: bytes, epoch: int) -> bytes:
    """An archive without what tells when, where and by whom it was made."""
    inner = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=inner, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime = epoch
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    outer = io.BytesIO()
    with gzip.GzipFile(fileobj=outer, mode="wb", mtime=0, filename="") as file:
        file.write(inner.getvalue())
    return outer.getvalue()


def debian(suite: str, into: Path) -> Path:
    """The Python modules of Debian's packages, unpacked and not installed: a folder to import from.

    Raises `Unavailable` where the machine has no mirror of that suite.
    """
    state = host.cache_dir() / "apt" / suite
    env = host.plain_env()
    with fetch.locked(state):
        options = fetch.suite_options(suite, state)
        # What the machine has installed is not asked for.
        options += ["-o", "Dir::State::status=/dev/null"]
        try:
            host.run(["apt-get", *options, "update", "--quiet=2", "--error-on=any"], env=env)
            host.run(["apt-get", *options, "download", "--quiet=2", *PACKAGES], cwd=into, env=env)
        except (host.StageError, FileNotFoundError) as error:
            raise host.Unavailable(f"no packages of {suite}: {error}") from None
    for package in sorted(into.glob("*.deb")):
        run("dpkg-deb", "-x", package, into)
    return into / "usr/lib/python3/dist-packages"


def installed(
    root: Path, wheel: Path, versions: Sequence[str] = (), suite: str = ""
) -> dict[str, Any]:
    """What a fresh environment with the wheel holds, with versions or a Debian suite's modules.

    Raises `StageError` if the examples differ.
    """
    with tempfile.TemporaryDirectory(prefix="imsgen-") as name:
        home = Path(name)
        run(sys.executable, "-m", "venv", home / "venv")
        python = home / "venv/bin/python"
        pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
        path = str(debian(suite, home)) if suite else ""
        alone = ["--no-deps"] if suite else []
        run(*pip, "install", "--quiet", *alone, wheel, *versions)
        examples = sorted((root / "examples").glob("*.ims"))
        run(
            home / "venv/bin/imsgen", *examples, "--kernel", "linux-6.12", "--sources",
            "-o", home / "out", cwd=home, PYTHONPATH=path,
        )  # fmt: skip
        run("diff", "-r", root / "generated", home / "out")
        found: dict[str, Any] = json.loads(run(python, "-c", _LIST, PYTHONPATH=path))
        return found


def bill(found: dict[str, Any]) -> dict[str, Any]:
    """A CycloneDX bill of materials; no time and no random number, so that it can be made again."""

    def ref(name: str) -> str:
        return f"pkg:pypi/{name}@{found[name][0]}"

    def component(name: str) -> dict[str, Any]:
        version, words, _ = found[name]
        out: dict[str, Any] = {
            "type": "application" if name == "imsgen" else "library",
            "bom-ref": ref(name),
            "name": name,
            "version": version,
            "purl": ref(name),
        }
        if words:
            out["licenses"] = [{"license": {"name": words}}]
        return out

    needed, todo = {"imsgen"}, ["imsgen"]
    while todo:
        for name in found[todo.pop()][2]:
            if name in found and name not in needed:
                needed.add(name)
                todo.append(name)
    names = sorted(needed - {"imsgen"})
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component("imsgen")},
        "components": [component(name) for name in names],
        "dependencies": [
            {"ref": ref(name), "dependsOn": sorted(ref(n) for n in found[name][2] if n in needed)}
            for name in ["imsgen", *names]
        ],
    }


def try_all(root: Path, wheel: Path) -> dict[str, Any]:
    """The wheel with all sets of versions; gives what the newest set is."""

    def tried(name: str, found: dict[str, Any]) -> dict[str, Any]:
        words = ", ".join(
            f"{one} {found[one][0]}" for one in ("lark", "jinja2", "gitpython", "rich")
        )
        print(f"ok   {name}: {words}", flush=True)
        return found

    for name, suite in DEBIAN.items():
        try:
            tried(name, installed(root, wheel, suite=suite))
        except host.Unavailable as error:
            print(f"SKIP {name}: {error}", flush=True)
    tried("lowest", installed(root, wheel, lowest(root)))
    return tried("newest", installed(root, wheel))


def release(root: Path) -> None:
    """Everything, from the tag of the version, into build/release. Raises `StageError`."""
    with (root / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    tag = f"v{version}"
    if run("git", "-C", root, "status", "--porcelain").strip():
        raise host.StageError("there are changes that are not committed")
    if run("git", "-C", root, "tag", "--points-at", "HEAD", tag).strip() != tag:
        raise host.StageError(f"the commit has no tag {tag}")
    epoch = run("git", "-C", root, "log", "-1", "--format=%ct").strip()
    out = root / "build" / "release"
    with tempfile.TemporaryDirectory(prefix="imsgen-") as name:
        made = []
        for turn in ("one", "two"):
            source = Path(name, turn)
            source.mkdir()
            run("git", "-C", root, "archive", "-o", Path(name, "x.tar"), "HEAD")
            run("tar", "-xf", Path(name, "x.tar"), "-C", source)
            made.append(build(source, Path(name, f"{turn}.out"), epoch))
        for one, two in zip(*made, strict=True):
            if one.read_bytes() != two.read_bytes():
                raise host.StageError(f"{one.name}: not the same when it is built again")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for path in made[0]:
            shutil.copyfile(path, out / path.name)
    print("ok   built twice, the same bytes", flush=True)
    found = try_all(root, next(out.glob("*.whl")))
    (out / "sbom.cdx.json").write_text(json.dumps(bill(found), indent=1) + "\n")
    sums = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(out.iterdir())
    ]
    (out / "SHA256SUMS").write_text("".join(sums))
    print("".join(sums), end="")


def main() -> int:
    """Exit code 1: something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("installed", "release"))
    root = Path.cwd()
    try:
        if parser.parse_args().what == "release":
            release(root)
        else:
            out = root / "build" / "dist"
            build(root, out, "1767225600")
            try_all(root, next(out.glob("*.whl")))
    except host.StageError as error:
        host.fail(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
