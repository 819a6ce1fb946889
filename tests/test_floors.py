"""Imports point down: between the three floors, and between the shelves of `retrieval`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
FLOORS = ["retrieval", "indexer", "cli"]
SHELVES = [
    ["checked_json", "errors", "records", "stopwatch", "user_path"],
    ["vectors", "media"],
    ["encoders", "catalog", "vector_index"],
    [
        "bridge",
        "relay",
        "calibration",
        "calibration_fit",
        "caption_bank",
        "cohort",
        "hubness",
        "index_cache",
        "moment_table",
        "space",
    ],
]
"""Left to right; every other module of `retrieval` may import all of these."""


def imported(source: str, module: str) -> set[str]:
    """Absolute names of everything that a module's source imports, also inside functions."""
    names: set[str] = set()
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{stem}.{alias.name}" for alias in node.names}
    return names


def floor_of(name: str) -> int | None:
    top = name.split(".")[0]
    return FLOORS.index(top) if top in FLOORS else None


def shelf_of(name: str) -> int | None:
    parts = name.split(".")
    if parts[0] != "retrieval" or len(parts) < 2:
        return None
    return next((i for i, shelf in enumerate(SHELVES) if parts[1] in shelf), len(SHELVES))


def upward_imports(source: str, module: str) -> list[str]:
    """The imports of a module that point up or, in `retrieval`, to the right."""
    own_floor, own_shelf = floor_of(module), shelf_of(module)
    wrong = []
    for name in sorted(imported(source, module)):
        floor, shelf = floor_of(name), shelf_of(name)
        if floor is not None and own_floor is not None and floor > own_floor:
            wrong.append(f"{module} imports {name} from the floor above")
        elif shelf is not None and own_shelf is not None and shelf > own_shelf:
            wrong.append(f"{module} imports {name} from a shelf further right")
    return wrong


def modules() -> list[tuple[str, Path]]:
    found = []
    for floor in FLOORS:
        for path in sorted((HOUSE / floor).rglob("*.py")):
            parts = path.relative_to(HOUSE).with_suffix("").parts
            found.append((".".join(parts), path))
    return found


def test_there_is_something_to_look_at() -> None:
    names = {name for name, _ in modules()}
    assert {"retrieval.library", "retrieval.catalog.schema", "indexer.__init__"} <= names


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value))
def test_imports_point_down(module: str, path: Path) -> None:
    # Names under TYPE_CHECKING count too: what a module is about must not come from above.
    allowed = {("retrieval.verify", "retrieval.library")}
    wrong = [
        line
        for line in upward_imports(path.read_text(), module)
        if not any(line.startswith(f"{a} imports {b}") for a, b in allowed)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("retrieval.search", "import indexer.scan"),
        ("retrieval.search", "def f():\n    from cli import main"),
        ("indexer.scan", "from cli.show import table"),
        ("retrieval.catalog.catalog", "from retrieval.library import Library"),
        ("retrieval.media.sound", "from retrieval.encoders.fake import FakeEncoder"),
        ("retrieval.errors", "from retrieval import vectors"),
        ("retrieval.media.sound", "from ..library import Library"),
    ],
)
def test_a_planted_upward_import_is_found(module: str, source: str) -> None:
    assert len(upward_imports(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cli.search", "from retrieval.library import Library"),
        ("indexer.index", "from retrieval.media.media import open_media"),
        ("retrieval.library", "from retrieval.space import JointSpace"),
        ("retrieval.encoders.fake", "from retrieval.vectors import unit_rows\nimport numpy"),
    ],
)
def test_a_downward_import_is_fine(module: str, source: str) -> None:
    assert upward_imports(source, module) == []


def test_only_the_command_line_prints() -> None:
    for module, path in modules():
        if module.startswith("cli.") or module.endswith(".train"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        printing = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        assert not printing, f"{module} prints"
