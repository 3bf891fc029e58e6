"""The server of ``imsgen lsp``: one function for each request."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from imsgen.dsl import Result, ast, load
from imsgen.dsl.diagnostics import Diagnostic
from imsgen.dsl.editor.completion import complete
from imsgen.dsl.editor.fixes import fixes
from imsgen.dsl.editor.hover import hover
from imsgen.dsl.editor.symbols import Edit, RenameError, Symbol, rename, symbol_at
from imsgen.dsl.format import FormatError, format_text
from imsgen.dsl.parse import parse
from imsgen.dsl.source import Source, Span

from .. import __version__

_KINDS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "store": lsp.CompletionItemKind.Variable,
    "pool": lsp.CompletionItemKind.Variable,
    "layout": lsp.CompletionItemKind.Struct,
    "architecture": lsp.CompletionItemKind.EnumMember,
}

#: Findings that a file of layouts has only because no device is in it.
_ALONE = ("IMS005", "IMS085")


class _Position(Protocol):
    """What is asked about one place of a document."""

    @property
    def text_document(self) -> lsp.TextDocumentIdentifier: ...

    @property
    def position(self) -> lsp.Position: ...


class _Unexpected(logging.Filter):
    """Keeps what is refused out of the log: the client is told why, and it is no fault in here."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a place in the log."""
        return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcInvalidParams))


def make_server(folders: tuple[str, ...] = ()) -> LanguageServer:
    """A server that looks for included files in ``folders`` too."""
    for place in ("pygls.protocol.json_rpc", "pygls.server", "pygls.lsp.server"):
        logging.getLogger(place).addFilter(_Unexpected())
    server = LanguageServer("imsgen", __version__)
    desk = _Desk(server, folders)
    plain: dict[str, Callable[..., Any]] = {
        lsp.TEXT_DOCUMENT_DID_OPEN: desk.changed,
        lsp.TEXT_DOCUMENT_DID_CHANGE: desk.changed,
        lsp.TEXT_DOCUMENT_DID_SAVE: desk.changed,
        lsp.TEXT_DOCUMENT_DID_CLOSE: desk.closed,
        lsp.TEXT_DOCUMENT_HOVER: desk.hover,
        lsp.TEXT_DOCUMENT_DEFINITION: desk.definition,
        lsp.TEXT_DOCUMENT_REFERENCES: desk.references,
        lsp.TEXT_DOCUMENT_FORMATTING: desk.formatting,
    }
    for name, method in plain.items():
        server.feature(name)(_function(method))
    server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[" ", "="])
    )(_function(desk.completion))
    server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))(
        _function(desk.rename)
    )
    server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)(_function(desk.prepare_rename))
    server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
    )(_function(desk.code_action))
    return server


# Lines end with a line feed here: the library's own conversion takes more characters for line ends.


def _range(document: TextDocument, text: str, start: int, end: int) -> lsp.Range:
    """Characters of a text as the document's client counts them."""
    return lsp.Range(_position(document, text, start), _position(document, text, end))


def _position(document: TextDocument, text: str, offset: int) -> lsp.Position:
    line = text.rfind("\n", 0, offset) + 1
    column = document.position_codec.client_num_units(text[line:offset])
    return lsp.Position(text.count("\n", 0, offset), column)


def _offset(document: TextDocument, position: lsp.Position) -> int:
    """The character at a place, or the last one before it that is there."""
    text = document.source
    at = 0
    for _ in range(position.line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    units = 0
    while units < position.character and at < len(text) and text[at] not in "\r\n":
        units += document.position_codec.client_num_units(text[at])
        at += 1
    return at


def _function(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method as a function: the library writes attributes on what it is given."""

    def call(params: Any) -> Any:
        return method(params)

    return call


class _Desk:
    """The documents of one client, and what is asked about them."""

    def __init__(self, server: LanguageServer, folders: tuple[str, ...]) -> None:
        self.server = server
        self.folders = folders

    # Texts and places.

    def _document(self, given: lsp.TextDocumentIdentifier) -> TextDocument:
        return self.server.workspace.get_text_document(given.uri)

    @staticmethod
    def _name(document: TextDocument) -> str:
        return uris.to_fs_path(document.uri) or "untitled.ims"

    def _at(self, params: _Position) -> tuple[TextDocument, str, bytes, int]:
        document = self._document(params.text_document)
        text = document.source
        return document, self._name(document), text.encode(), _offset(document, params.position)

    @staticmethod
    def _range(document: TextDocument, start: int, end: int) -> lsp.Range:
        return _range(document, document.source, start, end)

    def _location(self, document: TextDocument, span: Span) -> lsp.Location:
        """A place of the document or of a file that it includes."""
        name = span.source.name
        uri = document.uri
        if name != self._name(document):
            uri = uris.from_fs_path(os.path.abspath(name)) or ""
        return lsp.Location(uri, _range(document, span.source.text, span.start, span.end))

    def _edits(self, document: TextDocument, edits: Iterable[Edit]) -> list[lsp.TextEdit]:
        return [
            lsp.TextEdit(self._range(document, edit.start, edit.end), edit.text) for edit in edits
        ]

    # Notifications.

    def changed(
        self,
        params: (
            lsp.DidOpenTextDocumentParams
            | lsp.DidChangeTextDocumentParams
            | lsp.DidSaveTextDocumentParams
        ),
    ) -> None:
        """A text came or changed: say what is wrong with it."""
        document = self.server.workspace.get_text_document(params.text_document.uri)
        result = load(self._name(document), document.source.encode(), self.folders)
        found = [self._diagnostic(document, item) for item in self._shown(result)]
        self._publish(document.uri, found, document.version)

    def closed(self, params: lsp.DidCloseTextDocumentParams) -> None:
        """A text is closed: nothing is wrong with it any longer."""
        self._publish(params.text_document.uri, [], None)

    def _publish(self, uri: str, found: list[lsp.Diagnostic], version: int | None) -> None:
        self.server.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=version)
        )

    @staticmethod
    def _shown(result: Result) -> Iterable[Diagnostic]:
        """The findings; a file of layouts by itself has nothing to be found for being one."""
        empty = [item.span.source for item in result.diagnostics if item.code == "IMS005"]
        if not empty or not parse(empty[0], empty[0].text)[0].items:
            return result.diagnostics
        return [item for item in result.diagnostics if item.code not in _ALONE]

    def _diagnostic(self, document: TextDocument, item: Diagnostic) -> lsp.Diagnostic:
        message = "\n".join(text for text in (item.message, item.label, item.hint) if text)
        places = [(place.span, place.label) for place in item.secondary]
        span = item.span
        if span.source.name != self._name(document):
            # In a file that is included: shown where it is, with the way there.
            places.insert(0, (span, item.message))
            message = f"{os.path.basename(span.source.name)}:{span.line}: {message}"
            span = self._include(document)
        return lsp.Diagnostic(
            range=self._range(document, span.start, span.end),
            message=message,
            severity=(
                lsp.DiagnosticSeverity.Error if item.is_error else lsp.DiagnosticSeverity.Warning
            ),
            code=item.code,
            source="imsgen",
            related_information=[
                lsp.DiagnosticRelatedInformation(self._location(document, where), label)
                for where, label in places
            ],
        )

    def _include(self, document: TextDocument) -> Span:
        """The first statement that includes something."""
        source = Source(self._name(document), document.source)
        tree, _ = parse(source, source.text)
        found = [item.span for item in tree.items if isinstance(item, ast.IncludeItem)]
        return found[0] if found else Span(source, 0, 0)

    # Requests.

    def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """What a place comes to."""
        document, name, text, offset = self._at(params)
        found = hover(name, text, offset, self.folders)
        if found is None:
            return None
        content = lsp.MarkupContent(lsp.MarkupKind.Markdown, found[0])
        return lsp.Hover(content, self._range(document, found[1].start, found[1].end))

    def completion(self, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        """What may stand there."""
        _, name, text, offset = self._at(params)
        return [
            lsp.CompletionItem(item.text, kind=_KINDS[item.kind], detail=item.detail or None)
            for item in complete(name, text.decode(), offset, self.folders)
        ]

    def _symbol(self, params: _Position) -> tuple[TextDocument, Symbol | None]:
        document, name, text, offset = self._at(params)
        return document, symbol_at(name, text, offset, self.folders)

    def definition(self, params: lsp.DefinitionParams) -> lsp.Location | None:
        """Where a name is given."""
        document, symbol = self._symbol(params)
        return self._location(document, symbol.definition) if symbol else None

    def references(self, params: lsp.ReferenceParams) -> list[lsp.Location]:
        """Where a name is used."""
        document, symbol = self._symbol(params)
        if symbol is None:
            return []
        first = [symbol.definition] if params.context.include_declaration else []
        return [self._location(document, span) for span in (*first, *symbol.uses)]

    def prepare_rename(self, params: lsp.PrepareRenameParams) -> lsp.Range | None:
        """Which characters are a name that can be changed."""
        document, name, text, offset = self._at(params)
        symbol = symbol_at(name, text, offset, self.folders)
        if symbol is None or symbol.definition.source.name != name:
            return None
        for span in (symbol.definition, *symbol.uses):
            if span.start <= offset <= span.end:
                return self._range(document, span.start, span.end)
        return None

    def rename(self, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        """Another name, everywhere in the file."""
        document, name, text, offset = self._at(params)
        try:
            edits = rename(name, text, offset, params.new_name, self.folders)
        except RenameError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        return lsp.WorkspaceEdit({document.uri: self._edits(document, edits)})

    def formatting(self, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        """The text in its one form; a text with errors stays as it is."""
        document = self._document(params.text_document)
        text = document.source
        try:
            made = format_text(self._name(document), text.encode(), self.folders).text
        except FormatError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        if made is None or made == text:
            return []
        return self._edits(document, [Edit(0, len(text), made)])

    def code_action(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """What mends the findings of some lines."""
        document = self._document(params.text_document)
        name = self._name(document)
        lines = range(params.range.start.line + 1, params.range.end.line + 2)
        return [
            lsp.CodeAction(
                f"{fix.title} ({fix.finding.code})",
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=[self._diagnostic(document, fix.finding)],
                edit=lsp.WorkspaceEdit({document.uri: self._edits(document, fix.edits)}),
                is_preferred=True,
            )
            for fix in fixes(name, document.source.encode(), self.folders)
            if fix.finding.span.line in lines
        ]
