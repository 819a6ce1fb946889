"""ARCHITECTURE.md names every module; `python tests/test_architecture.py` brings it up to date."""

from __future__ import annotations

import ast
from pathlib import Path

HOUSE = Path(__file__).parent.parent
PAGE = HOUSE / "ARCHITECTURE.md"
BEGIN, END = "<!-- code map -->\n", "<!-- end of code map -->\n"


def first_line(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc, f"{path} does not say what it is"
    return doc.splitlines()[0]


def code_map() -> str:
    """Every module with the first line of its docstring, folder by folder."""
    lines: list[str] = []
    for floor in ("cli", "indexer", "retrieval"):
        for folder in sorted({path.parent for path in (HOUSE / floor).rglob("*.py")}):
            place = folder.relative_to(HOUSE).as_posix()
            if folder.name == "versions":
                continue
            lines += ["", f"**`{place}/`** {first_line(folder / '__init__.py')}", ""]
            lines += [
                f"- `{path.name}`: {first_line(path)}"
                for path in sorted(folder.glob("*.py"))
                if path.name != "__init__.py"
            ]
    return "\n".join([*lines, "", ""])


def brought_up_to_date(page: str) -> str:
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}{code_map()}{END}{rest.split(END)[1]}"


def test_every_module_is_on_the_map() -> None:
    page = PAGE.read_text()
    assert brought_up_to_date(page) == page, (
        "bring it up to date with: python tests/test_architecture.py"
    )


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text()))
