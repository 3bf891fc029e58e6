"""Messages that only a command of the device can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from imsgen.dsl.model import CommandStore, Device

from ..views.parts import Line, sized
from ..views.stores import Cookie
from .base import Param
from .fake import Fake, FakeCookie, Place
from .ims import U32_MAX, Ims, cookie_part, gives_cookies
from .linked import InCode, Part
from .made import Registers, StoreCode, Told


class Command(Ims):
    """Messages behind a command (rules 19 to 27)."""

    can_fail = True

    def __init__(self, device: Device, store: CommandStore) -> None:
        super().__init__(device, store)
        self.cookies = store.cookies

    @property
    def params(self) -> tuple[Param, ...]:
        kind = "int (*)(struct pci_ims *ims, const struct pci_ims_msg *msg)"
        what = "Puts a message into effect; see struct pci_ims_params"
        return (*super().params, Param(f"{self.name}_command", kind, what, True))

    def given(self, given: str) -> tuple[tuple[str, str], ...]:
        return (("command", f"{given}{self.name}_command"),)

    @property
    def info(self) -> tuple[tuple[str, str], ...]:
        return (("nr_cookies", str(len(self.cookies))),) if self.cookies else ()

    @property
    def needs(self) -> str:
        return next((c.name for c in self.cookies if not c.optional), "")

    @property
    def cookie(self) -> Cookie | None:
        if not self.cookies or not gives_cookies(self):
            return None
        parts = tuple(cookie_part(c.name, c.optional, U32_MAX) for c in self.cookies)
        return Cookie(
            struct=f"{self.fn}_cookie",
            fn=f"{self.fn}_make_cookie",
            store=self.name,
            code="device/cookie-command.c.j2",
            parts=parts,
            idle="0",
            checked=bool(self.needs) or any(part.limit for part in parts),
            missing="bad" if self.needs else "values",
            stays="; has to stay",
        )

    @property
    def words(self) -> str:
        return f"{sized(self.size, 'message')}, changed by a command of the device"

    @property
    def fake_cookies(self) -> tuple[FakeCookie, ...]:
        return tuple(FakeCookie(c.name, c.optional, U32_MAX) for c in self.cookies)

    def fake(self, place: Place) -> Fake:
        return Fake(
            kind="IMS_LAYOUT_COMMAND",
            constants=((f"{self.name}_command", "ims_layout_command"),),
        )

    @property
    def own_parts(self) -> Iterator[Part]:
        struct = rf"^struct {self.fn}_cookie {{"
        for cookie in self.cookies:
            places = (InCode(struct, rf"\b{cookie.name};"), InCode(self.described, "nr_cookies"))
            yield Part(f"{self.name}.{cookie.name}", cookie.span, places)

    def modelled(self, free_bar: int) -> tuple[str, ...]:
        return (f'ims.Command("{self.name}", slots={self.made_slots}),',)

    @property
    def driven(self) -> StoreCode:
        named = tuple(f"cookie_{cookie.name}" for cookie in self.cookies)
        return replace(
            super().driven,
            words=("index", "address_lo", "address_hi", "data", *named, "masked", "go"),
            cookies=tuple(
                Line(str(i), "", f"{self.fn}_{word}".upper()) for i, word in enumerate(named)
            ),
            includes=frozenset({"container_of.h"}),
            functions="skeleton/command-functions.c.j2",
        )

    def told(self, registers: Registers) -> Told:
        name, bar = self.name, registers.bar
        words = ["INDEX", "ADDRESS_LO", "ADDRESS_HI", "DATA", "MASKED"]
        places = {word.lower(): registers.at(word) for word in words}
        named = {c.name: registers.at(f"COOKIE_{c.name.upper()}") for c in self.cookies}
        all_places = places | {f"cookie_{cookie}": place for cookie, place in named.items()}
        go = registers.at("GO")
        return Told(
            (
                *(
                    f'self.register({bar}, {place:#x}, "{name}_{word}")'
                    for word, place in all_places.items()
                ),
                f'self.register({bar}, {go:#x}, "{name}_go", write=self.{name}_command)',
            ),
            (
                f"def {name}_command(self, go: int) -> None:",
                f"    high, low = self.word({bar}, {places['address_hi']:#x}), "
                f"self.word({bar}, {places['address_lo']:#x})",
                f'    self.stores["{name}"].tell(',
                f"        self.word({bar}, {places['index']:#x}),",
                "        high << 32 | low,",
                f"        self.word({bar}, {places['data']:#x}),",
                f"        masked=bool(self.word({bar}, {places['masked']:#x})),",
                *(f"        {c}=self.word({bar}, {place:#x})," for c, place in named.items()),
                "    )",
            ),
        )
