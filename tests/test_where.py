"""The filter: what it lets through is what plain Python lets through, and it never misreads."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.condition import FACTS, All, Comparison, Condition, Either, Not, Type
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import FileState, NewContent
from retrieval.catalog.text_functions import folded
from retrieval.catalog.where import MOST_COMPARISONS, MOST_NESTED, parse
from retrieval.errors import QueryError
from retrieval.records import Kind

COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Known:
    """A file as the oracle sees it."""

    path: str
    size: int
    mtime_ns: int
    kind: Kind
    metadata: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What its sidecars state."""

    def fact(self, name: str) -> Any:
        own = {
            "kind": str(self.kind),
            "name": self.path.split("/")[-1],
            "folder": self.path.rpartition("/")[0],
            "root": "root",
            "size": self.size,
            "modified": datetime.fromtimestamp(self.mtime_ns // 10**9).isoformat(),
        }
        if name in own:
            return own[name]
        stated = (facts.get(name) for facts in (self.beside, self.metadata))
        return next((fact for fact in stated if isinstance(fact, PYTHON[FACTS[name]])), None)


def holds(condition: Condition, file: Known) -> bool:
    """The oracle: the meaning of a filter in plain Python."""
    match condition:
        case Not():
            return not holds(condition.condition, file)
        case All():
            return all(holds(c, file) for c in condition.conditions)
        case Either():
            return any(holds(c, file) for c in condition.conditions)
    stated, value = file.fact(condition.fact), condition.value
    if FACTS[condition.fact] is Type.LIST:
        words = [folded(word) or "" for word in stated or []]
        if condition.operator in ("~", "contains"):
            return any(str(value) in word for word in words)
        return bool(words) and (value in words) is (condition.operator == "=")
    if FACTS[condition.fact] is Type.NUMBER:
        if not isinstance(stated, int | float):
            return False
        return bool(COMPARE[condition.operator](stated, value))
    if not isinstance(stated, str):
        return False
    if FACTS[condition.fact] is Type.TIME:
        stated = stated[: len(str(value))]
    else:
        stated = folded(stated) or ""
    if condition.operator in ("~", "contains"):
        return str(value) in stated
    return bool(COMPARE[condition.operator](stated, value))


WORDS = st.sampled_from(
    ["Pixel", "pixel 7", "É", "e\u0301", "", "a", "%", "_", "x'y", "😀", "nul\0"]
)
NUMBERS = st.integers(-3, 3) | st.integers(-24, 24).map(lambda n: n / 8)
TIMES = st.sampled_from(
    ["2023", "2023-05", "2023-05-01", "2023-05-01T12:30", "2023-05-01T12:30:59", "2024"]
)
PYTHON = {Type.TEXT: str, Type.TIME: str, Type.NUMBER: int | float, Type.LIST: list}
OF_TYPE: dict[Type, st.SearchStrategy[Any]] = {
    Type.LIST: WORDS,
    Type.TEXT: WORDS,
    Type.NUMBER: NUMBERS,
    Type.TIME: TIMES,
}
STATED = WORDS | NUMBERS | TIMES | st.lists(WORDS, max_size=3)
METADATA = st.fixed_dictionaries({}, optional=dict.fromkeys([*FACTS][6:], STATED))
KNOWN = st.builds(
    Known,
    path=st.sampled_from(["a.jpg", "A/b.JPG", "É/pixel.png", os.fsdecode(b"caf\xe9/\xff.x")]),
    size=st.integers(0, 5),
    mtime_ns=st.integers(0, 2**61),
    kind=st.sampled_from(Kind),
    metadata=METADATA,
    beside=METADATA,
)


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    """A comparison as it may be typed."""
    fact = draw(st.sampled_from([*FACTS]))
    of_type = FACTS[fact]
    signs = [*COMPARE] if of_type is not Type.LIST else ["=", "!="]
    signs += ["~", "contains"] if of_type in (Type.TEXT, Type.LIST) else []
    sign = draw(st.sampled_from(signs))
    value = draw(st.sampled_from(Kind) if fact == "kind" else OF_TYPE[of_type])
    quote = "" if of_type not in (Type.TEXT, Type.LIST) else '"'
    return f"{fact} {sign} {quote}{value}{quote}"


FILTERS = st.recursive(
    comparisons(),
    lambda part: (
        part.map(lambda p: f"not ({p})")
        | st.tuples(part, part).map(lambda p: f"({p[0]}) and {p[1]}")
        | st.tuples(part, part).map(lambda p: f"{p[0]} OR ({p[1]})")
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    path = tmp_path_factory.mktemp("where") / "catalog.db"
    made = Catalog.create(path, space_dims={}, model_set="test")
    yield made
    made.close()


def let_through(catalog: Catalog, known: Known, condition: Condition) -> bool:
    """Whether a catalog with this one file finds it."""
    with catalog.transaction() as transaction:
        root_id = transaction.add_root("root", "/disk")
        state = FileState(known.size, known.mtime_ns)
        content = NewContent("hash", known.kind, [], known.metadata)
        transaction.add(root_id, known.path, state, content)
        transaction.annotate(root_id, known.path, known.beside, [])
    try:
        return len(list(catalog.files.matching(Filter(where=condition)))) == 1
    finally:
        with catalog.transaction() as transaction:
            transaction.forget_root(root_id)


@settings(max_examples=100)
@given(text=FILTERS, known=KNOWN)
@example(text='camera ~ ""', known=Known("a", 1, 0, Kind.IMAGE, {"camera": ""}))
def test_sql_lets_through_what_python_lets_through(
    catalog: Catalog, text: str, known: Known
) -> None:
    condition = parse(text)
    assert let_through(catalog, known, condition) == holds(condition, known)


@given(
    st.text()
    | st.lists(st.sampled_from([*FACTS, *COMPARE, *'()~"', "not", "or", "5"])).map(" ".join)
)
def test_random_text_is_a_filter_or_a_query_error(text: str) -> None:
    with suppress(QueryError):
        assert isinstance(parse(text), Condition)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year >= 2023", Comparison("year", ">=", 2023)),
        ("Year>=2023", Comparison("year", ">=", 2023)),
        ("camera ~ 'Pixel 7'", Comparison("camera", "~", "pixel 7")),
        ('title = "it\'s"', Comparison("title", "=", "it's")),
        ('title contains "and"', Comparison("title", "contains", "and")),
        ("size > 1.5MB", Comparison("size", ">", 1_500_000)),
        ('size > "20 kB"', Comparison("size", ">", 20_000)),
        ("latitude < -33.5", Comparison("latitude", "<", -33.5)),
        ('taken = "2023-05-01 12:30"', Comparison("taken", "=", "2023-05-01T12:30")),
    ],
)
def test_comparisons(text: str, condition: Condition) -> None:
    assert parse(text) == condition


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Comparison("year", "=", n) for n in (1, 2, 3))
    assert parse("year=1 or year=2 and year=3") == Either((a, All((b, c))))
    assert parse("(year=1 or year=2) and year=3") == All((Either((a, b)), c))
    assert parse("not year=1 and year=2") == All((Not(a), b))
    assert parse("not not year=1") == Not(Not(a))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at the end: expected one of kind, name, folder, root, size"),
        ("colour = red", "at character 1, 'colour': expected one of kind"),
        ("year", "at the end: expected one of = != < <= > >= ~ contains after year"),
        ("year >= ", "at the end: expected a value to compare year with"),
        ("year = new", "at character 8, 'new': year is a number"),
        ("size > 5 MB", 'at character 10, \'MB\': expected "and", "or" or the end'),
        ("size > big", "at character 8, 'big': size is a number, such as 500000 or 5MB"),
        ("year ~ 20", "at character 6, '~': year is no text"),
        ("taken > may", "at character 9, 'may': taken is a time, such as 2024, 2024-05-31"),
        ("kind = film", "at character 8, 'film': a kind is one of text, image, audio, video"),
        ("camera = Pixel 7", "at character 16, '7': .* Text of several words needs quotes"),
        ("year = 1 and", "at the end: expected one of kind"),
        ("year = 1 )", r"at character 10, '\)': no parenthesis was opened"),
        ("(year = 1", r'at the end: expected "\)" for the one opened at character 1'),
        ('camera ~ "Pixel', "at character 10, '\"': a quote that is not closed"),
        ("year ! 3", "at character 6, '!': expected !="),
        ("'year' = 3", "at character 1, 'year': expected one of"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=f"^Cannot read the filter {message}"):
        parse(text)


def test_the_deepest_and_the_longest_filter_are_answered(catalog: Catalog) -> None:
    known = Known("a", 1, 0, Kind.IMAGE, {"year": 1})
    deep = "not (" * (MOST_NESTED // 2) + "year = 1" + ")" * (MOST_NESTED // 2)
    assert let_through(catalog, known, parse(deep)) is (MOST_NESTED // 2 % 2 == 0)
    for word in ("and", "or"):
        text = f" {word} ".join(["year = 1"] * MOST_COMPARISONS)
        assert let_through(catalog, known, parse(text))


@pytest.mark.parametrize("text", ["(" * 100_000, "not " * 100_000, "year=1 or " * 10_000])
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"more than \d+ (parentheses|comparisons)"):
        parse(text)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-" + "9" * 30, str(2**63)])
def test_numbers_of_any_size(catalog: Catalog, number: str) -> None:
    known = Known("a", 1, 0, Kind.IMAGE, {"year": 1})
    assert let_through(catalog, known, parse(f"year < {number}")) is (number[0] != "-")


@pytest.mark.parametrize("odd", [{"year": float("nan")}, {"camera": "\ud800", "year": 3}])
def test_odd_facts_do_not_stop_a_search(catalog: Catalog, odd: dict[str, Any]) -> None:
    known = Known("a", 1, 0, Kind.IMAGE, odd)
    assert let_through(catalog, known, parse("camera ~ x or year = 3")) is (odd.get("year") == 3)


def test_a_value_is_never_sql(catalog: Catalog) -> None:
    value = "x' OR 1=1 --"
    condition = parse(f'title = "{value}" or name ~ "{value}"')
    assert value.casefold() not in str(condition.sql())
    assert not let_through(catalog, Known("a", 1, 0, Kind.TEXT, {"title": "b"}), condition)


def test_every_documented_fact_can_be_compared() -> None:
    from retrieval.media import media

    source = Path(media.__file__).read_text()
    documented = source.split("Facts the file states about itself.")[1].split('"""')[0]
    for fact in [*FACTS][6:]:
        assert fact in documented


def test_folders_and_roots_can_be_asked_for(catalog: Catalog) -> None:
    known = Known("Holiday/2021/a.jpg", 1, 0, Kind.IMAGE, {})
    for filter_, passes in (
        ("folder ~ holiday", True),
        ("folder = holiday/2021", True),
        ("folder ~ a.jpg", False),
        ("root = ROOT", True),
        ("root = photos", False),
    ):
        assert let_through(catalog, known, parse(filter_)) is passes
    assert let_through(catalog, Known("a.jpg", 1, 0, Kind.IMAGE, {}), parse('folder = ""'))


def test_facts_are_kept_as_json(catalog: Catalog) -> None:
    """The oracle's metadata is what the catalog holds."""
    known = Known("a", 1, 0, Kind.AUDIO, {"title": "É\0", "year": 1.5})
    assert json.loads(json.dumps(known.metadata)) == known.metadata
    assert let_through(catalog, known, parse("year = 1.5 and title ~ é and kind = audio"))
