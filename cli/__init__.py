"""The command line: parse, call, show. Slow imports wait for the command that uses them."""

from .app import main

__all__ = ["main"]
