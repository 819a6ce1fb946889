"""Source code and settings: texts by their content, but nobody searches them as prose."""

from __future__ import annotations

from pathlib import PurePath

SUFFIXES = (
    ".asm .bash .bat .c .cc .cfg .clj .cmake .conf .cpp .cs .css .cxx .dart .diff .el .erl .ex .f90"
    " .fs .go .gradle .h .hh .hpp .hs .ini .ipynb .java .jl .js .json .jsonl .jsx .kt .less .lisp"
    " .lock .lua .m .map .mjs .ml .mm .patch .php .pl .pm .properties .ps1 .py .pyi .r .rb .rs"
    " .scala .scss .sh .sql .swift .tcl .tf .toml .ts .tsx .vb .vim .vue .xmp .xsd .xsl .yaml"
    " .yml .zsh"
)
NAMES = "makefile dockerfile cmakelists.txt requirements.txt gemfile"


def is_source_code(name: str) -> bool:
    """Whether a file's name says that its text is a program or its settings."""
    path = PurePath(name.lower())
    return path.suffix in SUFFIXES.split() or path.name in NAMES.split()
