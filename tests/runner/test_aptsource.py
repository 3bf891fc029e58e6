"""Another suite from the machine's own apt sources."""

from imsgen.kernel_test_module import aptsource
from imsgen.kernel_test_module.aptsource import Source

DEB822 = """\
# a comment
Types: deb
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://source.invalid/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main

Types: deb deb-src
URIs: http://second.invalid/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""

LIST = """\
# deb http://comment.invalid/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://list.invalid/debian bookworm main contrib
deb-src http://list.invalid/debian bookworm main
deb http://vendor.invalid/apt stable main
"""


def test_deb822_derives_the_mirror_and_nothing_else() -> None:
    sources = aptsource.derive(aptsource.parse_deb822(DEB822), "bookworm", "trixie-backports")
    assert sources == (
        Source(
            "http://mirror.invalid/debian",
            ("trixie-backports",),
            (("signed-by", "/usr/share/keyrings/some.gpg"),),
        ),
        Source("http://second.invalid/debian", ("trixie-backports",)),
    )


def test_one_line_style() -> None:
    sources = aptsource.derive(aptsource.parse_list(LIST), "bookworm", "trixie-backports")
    assert aptsource.as_list(sources) == (
        "deb [arch=amd64 signed-by=/k.gpg] http://list.invalid/debian trixie-backports main\n"
    )


def test_both_styles_and_each_mirror_once() -> None:
    files = [("debian.sources", DEB822), ("a.list", LIST), ("b.list", LIST)]
    uris = [s.uri for s in aptsource.derive(aptsource.parse(files), "bookworm", "x")]
    assert uris == [
        "http://mirror.invalid/debian",
        "http://second.invalid/debian",
        "http://list.invalid/debian",
    ]


def test_a_machine_of_another_release_has_none() -> None:
    assert aptsource.derive(aptsource.parse_deb822(DEB822), "trixie", "x") == ()


def test_highest_counts_numbers_and_not_letters() -> None:
    names = [
        "linux-source-7.9",
        "linux-source-7.10",
        "linux-source-6.19",
        "linux-source",
        "linux-source-8.0-rt",
    ]
    assert aptsource.highest(names, 7) == "linux-source-7.10"
    assert aptsource.highest(["linux-source-6.12"], 7) is None
