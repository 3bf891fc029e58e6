"""What an editor asks of a text: names and their uses, hovers, completions, fixes.

Everything is a pure function of texts and offsets; ``generator/commands/lsp.py`` speaks the
protocol.
"""
