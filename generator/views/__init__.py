"""What templates see: frozen dataclasses of finished strings, numbers and flags.

A view is built once from a model and a target, and nothing changes it afterwards.  It knows C
names and layouts, and holds no text longer than an expression or a line of a comment.
"""
