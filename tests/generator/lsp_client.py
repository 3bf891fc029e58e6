"""A small client of the language server: what an editor sends, over pipes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

#: What editors can, as far as answers depend on it.
CAPABILITIES = {
    "textDocument": {
        "rename": {"prepareSupport": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
    }
}


class Client:
    """One session.  ``slowest`` is the longest that an answer took, in seconds."""

    def __init__(self, folder: str, *args: str) -> None:
        command = [sys.executable, "-m", "imsgen.generator.cli", "lsp", *args]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        # Nothing waits for ever for an answer that doesn't come.
        self.watchdog = threading.Timer(120, self.process.kill)
        self.watchdog.start()
        self.number = 0
        self.version = 0
        self.took: dict[str, float] = {}
        self.capabilities = self.ask(
            "initialize",
            {"processId": None, "rootUri": f"file://{folder}", "capabilities": CAPABILITIES},
        )["capabilities"]
        self.tell("initialized", {})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert line or self.process.poll() is None, "the server is gone"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        made: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return made

    def tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """The answer; an error is the exception."""
        self.number += 1
        start = time.perf_counter()
        self._send({"id": self.number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self.number and "method" not in message:
                break
        took = time.perf_counter() - start
        self.took[method] = max(took, self.took.get(method, 0.0))
        if "error" in message:
            raise RuntimeError(message["error"]["message"])
        return message["result"]

    def write(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Open the document, or change it to ``text``; what is wrong with it."""
        self.version += 1
        start = time.perf_counter()
        if self.version == 1:
            item = {"uri": uri, "languageId": "ims", "version": 1, "text": text}
            self.tell("textDocument/didOpen", {"textDocument": item})
        else:
            self.tell(
                "textDocument/didChange",
                {
                    "textDocument": {"uri": uri, "version": self.version},
                    "contentChanges": [{"text": text}],
                },
            )
        while True:
            message = self._read()
            published = message.get("method") == "textDocument/publishDiagnostics"
            if published and message["params"].get("version") == self.version:
                break
        took = time.perf_counter() - start
        self.took["diagnostics"] = max(took, self.took.get("diagnostics", 0.0))
        found: list[dict[str, Any]] = message["params"]["diagnostics"]
        return found

    def close(self) -> int:
        """Leave as the protocol wants it; the server's exit code."""
        self.ask("shutdown", None)
        self.tell("exit", {})
        assert self.process.stdin and self.process.stdout
        code = self.process.wait(timeout=20)
        self.watchdog.cancel()
        self.process.stdin.close()
        self.process.stdout.close()
        return code


def place(text: str, mark: str, inside: int = 0) -> dict[str, int]:
    """The position of ``mark`` in a text, as the protocol counts it (UTF-16)."""
    at = text.index(mark) + inside
    line = text.rfind("\n", 0, at) + 1
    return {
        "line": text.count("\n", 0, at),
        "character": len(text[line:at].encode("utf-16-le")) // 2,
    }


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """The text after the edits of an answer."""
    lines = text.split("\n")

    def offset(position: dict[str, int]) -> int:
        line = lines[position["line"]] if position["line"] < len(lines) else ""
        before = sum(len(item) + 1 for item in lines[: position["line"]])
        units = line.encode("utf-16-le")[: position["character"] * 2]
        return before + len(units.decode("utf-16-le"))

    places = [(offset(e["range"]["start"]), offset(e["range"]["end"]), e["newText"]) for e in edits]
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text
