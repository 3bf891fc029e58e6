"""git, made deaf to the user's own configuration, with a fixed identity and date."""

from __future__ import annotations

from pathlib import Path

from git import Git
from git.exc import GitCommandError

from . import host

IDENTITY = ("imsgen", "imsgen@localhost.invalid")
DATE = "2000-01-01T00:00:00+0000"

OPTIONS = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.looseCompression=1",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "advice.detachedHead=false",
    "-c",
    "safe.directory=*",
)


def environment() -> dict[str, str]:
    """The environment in which the same content always makes the same commit id."""
    name, email = IDENTITY
    return host.plain_env(
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME=name,
        GIT_AUTHOR_EMAIL=email,
        GIT_AUTHOR_DATE=DATE,
        GIT_COMMITTER_NAME=name,
        GIT_COMMITTER_EMAIL=email,
        GIT_COMMITTER_DATE=DATE,
    )


def command(*words: str | Path) -> list[str | Path]:
    """The command line of a git call."""
    return ["git", *OPTIONS, *words]


def git(tree: Path, *words: str | Path) -> str:
    """Run git in TREE, give its standard output stripped. Raises `StageError`."""
    line = [str(word) for word in command(*words)]
    try:
        return str(Git(tree).execute(line, env=environment())).strip()
    except GitCommandError as error:
        raise host.StageError(f"{host.show(line)} ended with {error.status}:\n{error}") from error


def resolve(tree: Path, name: str) -> str | None:
    """The commit id behind NAME, None when there is no such thing."""
    try:
        return git(tree, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except host.StageError:
        return None
