"""Another suite of the machine's own Debian mirror, derived from the machine's own apt sources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

COMPONENTS = ("main",)


@dataclass(frozen=True)
class Source:
    """One apt source: where it is, which suites, and the options that let apt trust it."""

    uri: str
    suites: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


def parse_list(text: str) -> tuple[Source, ...]:
    """The binary package sources of a one-line-style file (sources.list)."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)", line)
        if match:
            pairs = (word.partition("=") for word in (match[1] or "").split())
            options = tuple((key, value) for key, _, value in pairs if value)
            found.append(Source(match[2], (match[3],), options))
    return tuple(found)


def parse_deb822(text: str) -> tuple[Source, ...]:
    """The enabled binary package sources of a deb822-style file (*.sources)."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and name:
                fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        # A key that stands in the file itself is of no use on one line; apt's own keys are.
        signed = fields.get("signed-by", "")
        options = (("signed-by", signed),) if signed.startswith("/") and "\n" not in signed else ()
        for uri in fields.get("uris", "").split():
            found.append(Source(uri, tuple(fields.get("suites", "").split()), options))
    return tuple(found)


def parse(files: Iterable[tuple[str, str]]) -> tuple[Source, ...]:
    """The sources in (file name, text) pairs; the name's end tells the style."""
    found: list[Source] = []
    for name, text in files:
        found.extend(parse_deb822(text) if name.endswith(".sources") else parse_list(text))
    return tuple(found)


def derive(sources: Iterable[Source], release: str, *suites: str) -> tuple[Source, ...]:
    """SUITES from every mirror that serves RELEASE ("bookworm") itself, in order, once each.

    Only the release and its -updates count: a security archive has no backports.
    """
    found: dict[str, Source] = {}
    for source in sources:
        if {release, f"{release}-updates"} & set(source.suites):
            found.setdefault(source.uri, replace(source, suites=suites))
    return tuple(found.values())


def as_list(sources: Iterable[Source]) -> str:
    """The sources as a one-line-style file."""
    lines = []
    for source in sources:
        words = " ".join(f"{key}={value}" for key, value in source.options)
        options = f"[{words}] " if words else ""
        for suite in source.suites:
            lines.append(f"deb {options}{source.uri} {suite} {' '.join(COMPONENTS)}\n")
    return "".join(lines)


def version_key(name: str) -> tuple[int, ...]:
    """What sorts "linux-source-7.10" behind "linux-source-7.9"."""
    return tuple(int(part) for part in re.findall(r"\d+", name))


def highest(names: Iterable[str], major: int) -> str | None:
    """The highest linux-source-N.M of at least MAJOR in a list of package names, if any."""
    fit = [name for name in names if re.fullmatch(r"linux-source-\d+(\.\d+)*", name)]
    fit = [name for name in fit if version_key(name)[0] >= major]
    return max(fit, key=version_key, default=None)
