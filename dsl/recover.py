"""A way on behind every mistake of syntax, and words for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from . import ast
from .codes import report
from .diagnostics import Diagnostic, Place, nearest, printable, quote
from .kinds import KINDS, PLACES, homes
from .slips import SYNONYMS, meant, statement
from .source import Source, Span
from .tokens import END, OWN_TEXT, UNKNOWN, Tokens, end_of, grammar, keywords, make, signs, start_of

#: Blocks inside each other; the deepest that means anything is 4.
MAX_DEPTH = 16

#: Columns of indentation that are looked at.
MAX_INDENT = 64

#: Mistakes of syntax after which the rest of a file isn't read.
MAX_MISTAKES = 1000

#: Mistakes for which it is tried what is meant.
MAX_TRIED = 50

_BRACES = re.compile(r'"[^"\n]*"?|#[^\n]*|//[^\n]*|[{}]')
_JUNK = re.compile(r"[^\w{}\"#/]+")
_OUTERMOST = re.compile(
    r"(?:^[ \t]*|[;}][ \t]*)(device\b|include\b|slot\b(?=[ \t]+[^\W\d]\w*[ \t]*[\d{:]))",
    re.MULTILINE,
)

#: Where a statement belongs, for one that stands elsewhere.
HOMES = homes() | {
    "slot": f"{homes()['slot']}; one with a name, outside of all devices",
    "address": "a slot",
    "address_lo": "a slot",
    "address_hi": "a slot",
    "data": "a slot",
    "control": "a slot",
    "register": "a slot",
    "mask": "a control word",
    "share": "a pool",
    "dedicated": "a pool",
    "reserve": "a pool",
    "managed": "a pool",
    "cpus": "a pool",
    "vectors": "a subdevice",
    "architecture": "a device",
    "acpi": "a device",
    "pci": "a device",
    "platform": "a device",
    "path": "a device",
    "maintainer": "a device",
    "requires": "a device",
    "remapping": "a device",
    "store": "a device",
    "vector": "a device",
    "pool": "a device",
    "subdevice": "a device",
    "device": "the file, outside of all blocks",
    "include": "the file, outside of all blocks",
}


def _either(*, platform: bool) -> str:
    """The kinds of stores with a block that devices of a bus can have."""
    words = [f"`{k.word}`" for k in KINDS if k.required and k.platform is platform]
    return f"{', '.join(words[:-1])} or {words[-1]}"


#: How a statement is written, for one that is written otherwise.
FORMS = {word: f"`{word} @0x10;`" for word in PLACES} | {
    "acpi": '`acpi "ABCD0001";`, the id in ACPI tables',
    "address": "`address @0;`, for both halves of the address, or `address bits 55:2;`",
    "address_hi": "`address_hi @4;`, a byte offset in the slot",
    "address_lo": "`address_lo @0;`, a byte offset in the slot",
    "architecture": "`architecture x86_64, arm64;`",
    "bar": "`bar 0;`, one of the BARs 0 to 5",
    "control": "`control @12 { ... }`",
    "cookie": "`cookie NAME;` or `cookie NAME optional;`",
    "cpus": "`cpus node;`, for the CPUs of the device's NUMA node: numbers of CPUs are the "
    "machine's, not the device's",
    "data": "`data @8;`, or `data @8 width 16;`, or `data index;`",
    "dedicated": "`dedicated;` and no more",
    "device": '`device NAME "TITLE" { ... }`',
    "include": '`include "family.ims";`',
    "maintainer": '`maintainer "Jane Doe <jane@example.org>";`',
    "managed": "`managed;` and no more: one vector a queue",
    "mask": "`mask bit 0;`, or `mask bit 0 active low;` where a cleared bit masks",
    "mask_bits": "`mask_bits @0x400;` or `mask_bits bar 2 @0x400;`, with `active low` behind it "
    "where a cleared bit masks",
    "offset": "`offset 0x1000;`, or `offset runtime;` where the driver passes it",
    "path": '`path "drivers/net/ethernet";`',
    "pci": "`pci 8086:0b25;` or `pci class 020000;`",
    "platform": '`platform "vendor,device";`, the compatible in devicetrees',
    "pending": "`pending @0x500;` or `pending bar 2 @0x500;`",
    "pool": "`pool NAME = STORE[1..] { dedicated; }`, ranges of several stores with `+` between",
    "register": "`register NAME @20;`, or with `width 16` behind it",
    "remapping": "`remapping optional;`, or `requires remapping;`",
    "requires": "`requires remapping;`, or `requires 4 vectors;`",
    "reserve": "`reserve 4;`",
    "share": "`share per cpu up to 8;` or `share least loaded up to 8;`",
    "slots": "`slots 64;`, or `slots runtime max 64;` where the driver passes the number",
    "store": f"`store NAME: msix;`, or {_either(platform=False)} with a block; "
    f"in a platform device {_either(platform=True)}",
    "subdevice": "`subdevice NAME max 64 { ... }`",
    "table": "`table offset 0x100 slots 16;`, both of them numbers",
    "unmaskable": "`unmaskable;` and no more",
    "vector": '`vector NAME = STORE[0] "PURPOSE";`',
    "vectors": "`vectors POOL 1..4;`, the least and the most that it gets",
}


def read(source: Source, text: str) -> tuple[Tree[Token], list[Diagnostic]]:
    """The tree of a text, with an :class:`ast.Broken` for each statement that is none.

    ``text`` is what is read, as long as ``source.text``.  Never raises for a bad text.
    """
    return _Recovering(source, text).run()


class _NoTree(dict[Any, Any]):
    """What a trial makes of the grammar's rules: nothing."""

    def __missing__(self, rule: Any) -> Any:
        return lambda children: None


class _Recovering:
    """One run over one text: Lark's parser, fed token by token."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.tokens = Tokens(source, text)
        self.parser = grammar().parse_interactive("")
        self.pos = 0
        self.last_end = 0
        #: The `{` of the blocks that are open.
        self.blocks: list[Token] = []
        self.found: list[Diagnostic] = []
        self.quiet = False
        self.mistakes = 0
        self.stopped = False
        self.unclosed = 0
        self.surplus = 0
        self.suspect: int | None = None
        #: What the statement that is given up may have meant.
        self.meant = ""

    def run(self) -> tuple[Tree[Token], list[Diagnostic]]:
        tree: Tree[Token] = Tree("start", [])
        if not self._braces():
            return tree, self.found
        while True:
            item = self.tokens.next(self.pos, self.parser.choices())
            try:
                result = self._feed(item)
            except UnexpectedToken:
                self._recover(item)
                continue
            if item.type == END:
                return result or tree, self.tokens.found + self.found
            self.pos = self.last_end = end_of(item)
            self.quiet = False

    def _feed(self, item: Token) -> Tree[Token] | None:
        result: Tree[Token] | None = self.parser.feed_token(item)
        if item.type == "LBRACE":
            self.blocks.append(item)
        elif item.type == "RBRACE":
            self.blocks.pop()
        return result

    def _insert(self, terminal: str, place: Token | None = None) -> None:
        """Go on as if ``terminal`` stood at ``place``, or behind the last token."""
        at = self.last_end
        first, last = (start_of(place), end_of(place)) if place is not None else (at, at)
        self._feed(make(terminal, "", first, last))

    def _settle(self) -> None:
        """Make nodes of what is complete whatever follows; Lark waits for the next token."""
        state = self.parser.parser_state
        while len(actions := set(self.parser.choices().values())) == 1:
            ((action, rule),) = actions
            if action is Shift:
                break
            at = len(state.value_stack) - len(rule.expansion)
            children = state.value_stack[at:]
            del state.value_stack[at:], state.state_stack[at + 1 :]
            state.value_stack.append(state.parse_conf.callbacks[rule](children))
            after = state.parse_conf.states[state.position][rule.origin.name][1]
            state.state_stack.append(after)

    # Trials.

    def _trial(self, of: InteractiveParser | None = None) -> InteractiveParser:
        """A copy of the parser that makes no tree."""
        parser = of or self.parser
        state = parser.parser_state
        conf = copy(state.parse_conf)
        conf.callbacks = _NoTree()
        nothing = [None] * len(state.value_stack)
        mine = type(state)(conf, state.lexer, list(state.state_stack), nothing)
        return type(parser)(parser.parser, mine, parser.lexer_thread)

    def _after(
        self, terminal: str, of: InteractiveParser | None = None
    ) -> InteractiveParser | None:
        """The parser as it would be after ``terminal``; None where that can't stand."""
        if terminal not in (of or self.parser).choices():
            return None
        trial = self._trial(of)
        try:
            trial.feed_token(make(terminal, "", 0, 0))
        except UnexpectedToken:
            return None
        return trial

    # Mistakes.

    def _report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        hint: str = "",
        secondary: Iterable[Place] = (),
    ) -> None:
        self.found.append(report(code, message, span, label, hint, secondary))

    def _span(self, token: Token) -> Span:
        return Span(self.source, start_of(token), end_of(token))

    def _braces(self) -> bool:
        """Count blocks that are never closed; False where they nest too deeply to go on."""
        depth = 0
        pos = 0
        opened: list[int] = []
        suspect: int | None = None
        while match := _BRACES.search(self.text, pos):
            sign, pos = match.group(), match.end()
            if sign[0] == '"' and (sign[-1] != '"' or len(sign) == 1):
                pos = self.tokens.open_text(match.start())
            elif sign == "{":
                depth += 1
                opened.append(match.start())
                if depth > MAX_DEPTH:
                    self._report(
                        "IMS006",
                        f"blocks nest more than {MAX_DEPTH} deep",
                        Span(self.source, match.start(), match.end()),
                        "one too many",
                        "the deepest block is a slot's control word, 4 deep; "
                        "nothing behind this place was read",
                    )
                    return False
            elif sign == "}" and not depth:
                self.surplus += 1
            elif sign == "}":
                depth -= 1
                start = opened.pop()
                if suspect is None and self._outdented(match.start(), start):
                    suspect = start
        self.unclosed = depth
        self.suspect = suspect
        return True

    def _outdented(self, closing: int, opening: int) -> bool:
        """Whether a `}` on a line of its own closes a block that is indented otherwise."""
        # Looking further back than that would take a time with the square of a line's length.
        first = max(0, closing - MAX_INDENT - 1)
        close_at = self.text.rfind("\n", first, closing) + 1
        indent = closing - close_at
        if indent > MAX_INDENT or opening > close_at or self.text[close_at:closing].strip():
            return False
        open_at = self.text.rfind("\n", 0, opening) + 1
        if open_at == close_at:
            return False
        line = self.text[open_at : open_at + MAX_INDENT]
        return len(line) - len(line.lstrip(" \t")) != indent

    def _recover(self, token: Token) -> None:
        self._settle()
        self.mistakes += 1
        if self.mistakes > MAX_MISTAKES and not self.stopped:
            # No description: don't spend time on the rest.
            self.stopped = True
            self._report("IMS017", "the rest of the file was not read", self._span(token))
        if self.stopped:
            self.pos = len(self.text)
            token = make(END, "", self.pos, self.pos)
        if (
            self._end_of_file(token)
            or self._missing_sign(token)
            or self._missing_brace(token)
            or self._misspelt(token)
        ):
            return
        self._give_up(token)

    def _expected(self) -> list[str]:
        return sorted(self._trial().accepts() - {"BAD", END})

    def _describe(self, names: list[str]) -> str:
        literals = {name: text for text, name in (keywords() | signs()).items()}
        found = sorted(literals[name] for name in names if name in literals)
        found.sort(key=lambda word: not word[0].isalpha())
        shown = [OWN_TEXT[name] for name in names if name not in literals]
        shown += [f"`{word}`" for word in found]
        if len(shown) < 2:
            return "".join(shown)
        return f"{', '.join(shown[:-1])} or {shown[-1]}"

    def _end_of_file(self, token: Token) -> bool:
        """A file that ends inside a block: close what is open, so that the rest counts."""
        if token.type != END:
            return False
        opened = self.blocks[-1] if self.blocks else None
        end = Span(self.source, self.last_end, self.last_end)
        if self.unclosed and opened is not None and not self.stopped:
            self._unclosed(end, "the file ends here", opened)
        elif not self.stopped:
            self._unexpected(token)
        if self._after("RBRACE") is None:
            self._drop(token)
        while self.blocks:
            self._insert("RBRACE")
        return True

    def _unclosed(self, at: Span, label: str, opened: Token) -> None:
        start = start_of(opened)
        if self.suspect is not None and self.suspect < at.start:
            # Indentation tells better which one than counting does.
            start, self.suspect = self.suspect, None
        self._report(
            "IMS012",
            "a block is never closed",
            at,
            label,
            "put a `}` where the block ends",
            [Place(Span(self.source, start, start + 1), "the block starts here")],
        )

    def _missing_sign(self, token: Token) -> bool:
        """One sign that is missing before ``token``: say so, and go on as if it stood there."""
        for terminal, sign in (
            ("SEMICOLON", ";"),
            ("COLON", ":"),
            ("EQUAL", "="),
            ("RSQB", "]"),
            ("AT", "@"),
            ("LBRACE", "{"),
        ):
            trial = self._after(terminal)
            if trial is None:
                continue
            again = self.tokens.next(start_of(token), trial.choices())
            if self._after(again.type, trial) is None:
                continue
            if terminal == "SEMICOLON" and not self.tokens.first_on_line(again):
                if again.type == "NAME":
                    continue
                if again.type == "BAR" and self._statement_word() in ("mask_bits", "pending"):
                    continue  # said behind the offset, not a statement of its own
            if terminal == "LBRACE":
                if not self.surplus:
                    continue
                self.surplus -= 1
            at = Span(self.source, self.last_end, self.last_end)
            self._report("IMS011", f"`{sign}` is missing", at, f"put `{sign}` here")
            self._insert(terminal)
            self.pos = start_of(token)
            return True
        return False

    def _missing_brace(self, token: Token) -> bool:
        """A word that only fits further out, in a file with too few `}`."""
        opened = self.blocks[-1] if self.blocks else None
        if not self.unclosed or opened is None or not self.tokens.first_on_line(token):
            return False
        trial = self.parser
        for count in range(1, self.unclosed + 1):
            following = self._after("RBRACE", trial)
            if following is None:
                return False
            trial = following
            again = self.tokens.next(start_of(token), trial.choices())
            if again.type != "NAME" and self._after(again.type, trial) is not None:
                self._unclosed(self._span(token), "this belongs outside of it", opened)
                for _ in range(count):
                    self._insert("RBRACE")
                self.unclosed -= count
                self.pos = start_of(token)
                return True
        return False

    def _misspelt(self, token: Token) -> bool:
        """A word that is nearly one that fits: take it for that one."""
        if token.type not in ("NAME", *keywords().values()) or len(token) > 24:
            return False
        if token.type == "DEVICE":
            return False  # no slip for `subdevice`
        known = token in HOMES
        words = {text: name for text, name in keywords().items() if name in self.parser.choices()}
        near = SYNONYMS.get(token.lower())
        if near not in words:
            near = nearest(token, words)
        if near is None:
            return False
        trial = self._after(words[near])
        if trial is None:
            return False
        after = self.tokens.next(end_of(token), trial.choices())
        following = self._after(after.type, trial)
        if following is None:
            return False
        if known:
            # A statement of another block, unless more of it fits.
            third = self.tokens.next(end_of(after), following.choices())
            if self._after(third.type, following) is None:
                return False
        self._report(
            "IMS015",
            f"there is no {quote(token)} here",
            self._span(token),
            hint=f"did you mean `{near}`?",
        )
        self._insert(words[near], token)
        self.pos = self.last_end = end_of(token)
        return True

    def _give_up(self, token: Token) -> None:
        """Report ``token`` and go on behind the statement that it is in."""
        if token.type == "RBRACE" and not self.blocks:
            self._report(
                "IMS013",
                "this `}` closes nothing",
                self._span(token),
                hint="remove it, or look for a `{` that is missing above",
            )
        elif self.quiet and token.type in (UNKNOWN, *signs().values()):
            # More of what has just been reported.
            junk = _JUNK.match(self.text, start_of(token))
            if junk and self._statement_start():
                self.pos = junk.end()
                return
        else:
            self._unexpected(token)
        self._drop(token)

    def _unexpected(self, token: Token) -> None:
        expected = self._expected()
        shown = quote(token)
        if token.type == UNKNOWN and not token.isascii():
            shown = f"{quote(token)} (U+{ord(token):04X})"
        self._report(
            "IMS010",
            ("the file ends too early" if token.type == END else f"unexpected {shown}"),
            self._span(token),
            f"expected {self._describe(expected)}",
            self._hint(token, expected),
        )

    def _hint(self, token: Token, expected: list[str]) -> str:
        """What to do about a token that can't stand there; may be empty."""
        self.meant = ""
        first = self._statement_word()
        if self._statement_start() and token in ("device", "include"):
            return f"`{token}` stands by itself, outside of all blocks"
        if self._statement_start() and token in HOMES:
            return f"`{token}` belongs in the block of {HOMES[token]}"
        if self._statement_start() and token.type == "SEMICOLON":
            return "a block needs no `;` behind it"
        if first == "vector" and expected == ["SEMICOLON"] and token.type in ("EQUAL", "LSQB"):
            return "a subdevice takes a vector of a pool: write `vector POOL;`"
        if first == "requires" and token in HOMES and token != "vectors":
            return f"`{token}` is a statement of its own"
        if (first or token) in ("padding", "reserved", "rsvd", "unused"):
            return "remove it: what nothing uses is not written"
        self.meant = self._meant(token)
        if self.meant:
            return f"write `{printable(self.meant)}`"
        if (token.type in ("SEMICOLON", END) and "LBRACE" in expected) or expected == ["LBRACE"]:
            return "a block `{ ... }` belongs to this"
        if first == "slot" and self.blocks:
            return "write `slot 16 { ... }`, or `slot NAME;` for a layout that has a name"
        if first == "slot":
            return "write `slot NAME 16 { ... }`"
        if first is None and token.type == "NAME":
            choices = self.parser.choices()
            known = {word for word in FORMS if keywords()[word] in choices}
            word = SYNONYMS.get(token.lower(), "")
            first = word if word in known else nearest(token, known)
        if first in FORMS:
            negative = token == "-" and "NUMBER" in expected
            return ("there are no negative numbers: " if negative else "") + f"write {FORMS[first]}"
        if expected == ["STRING"]:
            return "a text stands in double quotes"
        if token == "-":
            return "names are made of a-z, 0-9 and _"
        if first is None and token.type == "NAME" and "COOKIE" in expected:
            return "a value that the command takes along is written `cookie NAME;`"
        if first is not None and ("BIT" in expected or "COOKIE" in expected):
            return "write `NAME bits HIGH:LOW cookie;`, or `NAME_enable bit N;` for its enable bit"
        if token.type == "LBRACE" and expected == ["SEMICOLON"]:
            return "no block belongs to this"
        return ""

    def _meant(self, token: Token) -> str:
        """The statement that ``token`` is in as it may be meant; empty if nothing fits."""
        if self.mistakes > MAX_TRIED or token.type == END:
            return ""
        state = self.parser.parser_state
        at = self._statement_at()
        first = state.value_stack[at] if at < len(state.value_stack) else None
        begin = self._trial()
        drop = len(state.state_stack) - 1 - at
        if drop:
            del begin.parser_state.state_stack[-drop:], begin.parser_state.value_stack[-drop:]
        start = start_of(first if isinstance(first, Token) else token)
        for text in meant(statement(self.text, start)):
            if self._is_statement(begin, text):
                return text
        return ""

    def _is_statement(self, begin: InteractiveParser, text: str) -> bool:
        """Whether a statement can be ``text``, as far as it goes."""
        trial = self._trial(begin)
        tokens = Tokens(self.source, text)
        item = tokens.next(0, trial.choices())
        while item.type != END:
            try:
                trial.feed_token(item)
            except UnexpectedToken:
                return False
            item = tokens.next(end_of(item), trial.choices())
        return text[-1:] in ("{", ";", "}") and not tokens.found

    def _statement_at(self) -> int:
        """Where the statement being read starts on the parser's stack."""
        state = self.parser.parser_state
        at = len(state.state_stack) - 1
        while at and "BAD" not in state.parse_conf.states[state.state_stack[at]]:
            at -= 1
        return at

    def _statement_word(self) -> str | None:
        """The word that the statement being read starts with; None at its start."""
        stack = self.parser.parser_state.value_stack
        at = self._statement_at()
        first = stack[at] if at < len(stack) else None
        return str(first) if isinstance(first, Token) else None

    def _statement_start(self) -> bool:
        return "BAD" in self.parser.choices()

    def _drop(self, token: Token) -> None:
        """Leave out the statement that ``token`` is in; a :class:`ast.Broken` takes its place."""
        state = self.parser.parser_state
        dropped: list[Any] = []
        while not self._statement_start():
            state.state_stack.pop()
            dropped.append(state.value_stack.pop())
        dropped.reverse()
        words = [str(item) for item in dropped if isinstance(item, Token)]
        # Every statement starts with a word.
        start = start_of(dropped[0] if dropped else token)
        outer = self._after("BAD")
        assert outer is not None
        depth = 0
        pos = start_of(token)
        end = pos
        if not self.blocks:
            # Whatever this is goes up to the next that stands by itself.
            match = _OUTERMOST.search(self.text, pos)
            pos = end = match.start(1) if match else len(self.text)
        while self.blocks:
            pos = self.tokens.skip(pos)
            if pos >= len(self.text):
                break
            item = self.tokens.plain(pos)
            if depth == 0:
                if item.type == "RBRACE":
                    break
                if item.type == "SEMICOLON":
                    pos = end = end_of(item)
                    break
                word = item.type in keywords().values()
                if word and self.tokens.first_on_line(item) and self._after(item.type, outer):
                    break
            elif item.type == "DEVICE" and self.unclosed and self.tokens.first_on_line(item):
                break
            if item.type == "LBRACE":
                depth += 1
            elif item.type == "RBRACE":
                depth -= 1
                if depth == 0:
                    pos = end = end_of(item)
                    break
            elif depth == 0 and len(words) < 8:
                words.append(str(item))
            pos = end = end_of(item)
        if self.meant:
            words[:1] = re.findall(r"\w+", self.meant)[:1]
            self.meant = ""
        broken = ast.Broken(tuple(words), Span(self.source, start, max(start, end)))
        self._insert("BAD")
        state.value_stack[-1] = broken
        self.pos = pos
        self.last_end = max(self.last_end, end)
        self.quiet = True
