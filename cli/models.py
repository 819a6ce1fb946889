"""`anyseek models`: which model sets there are, and getting them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .amounts import size
from .harmless import harmless, shown_path
from .paths import typed_path
from .place import Device, DeviceOption
from .progress import bytes_display, captions_display
from .terminal import say, show

if TYPE_CHECKING:
    from rich.table import Table

    from retrieval.encoders.model_store import ModelInfo, ModelSetInfo

app = typer.Typer(help="See, get and prepare model sets.", no_args_is_help=False)

SetArgument = Annotated[
    str,
    typer.Argument(
        metavar="SET",
        help="A name that models list tells; models joined by plus signs, as open_clip:NAME/TAG+"
        "clap:OWNER/NAME, or from this machine as open_clip:local-dir:FOLDER; or a folder made by "
        "models pull --to.",
    ),
]
DEFAULT = "clip-clap"
BYTES_PER_PARAMETER = 4


@app.command("list")
def list_sets() -> None:
    """List the model sets with their sizes and licences.

    For example: anyseek models list
    """
    from rich.table import Table

    from retrieval.encoders.model_store import list_model_sets

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("set", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("licences")
    table.add_column("")
    for one in list_model_sets():
        licences = dict.fromkeys(model.licence or "see info" for model in one.models)
        here = "yes" if one.present else "no"
        table.add_row(one.name, _size(one), here, ", ".join(licences), one.about)
    show(table)


@app.command()
def pull(
    name: SetArgument = DEFAULT,
    to: Annotated[
        Path | None,
        typer.Option(
            parser=typed_path,
            metavar="DIR",
            help="Make a folder to carry to a machine without network, for --models DIR.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            metavar="PRECISION",
            help="What the models compute in: fp32, bf16, fp16, or auto for what suits this "
            "machine.",
        ),
    ] = "auto",
) -> None:
    """Download a model set and prepare it.

    A download that was cut off goes on where it stopped. Every file is checked against its
    checksum, and the folder appears whole or not at all.

    For example: anyseek models pull --to ~/clip-clap
    """
    from retrieval.encoders.pull import pull as fetch

    with bytes_display() as progress:
        folder = fetch(name, to=to, precision=precision, progress=progress)
    _fit(str(folder), Device.AUTO)
    show(harmless(str(folder)))


@app.command()
def info(name: SetArgument = DEFAULT) -> None:
    """Tell everything about a model set: models, makers, licences, size, place.

    For example: anyseek models info clip-clap
    """
    from retrieval.encoders.model_store import info as known

    one = known(name)
    show(harmless(f"{one.name}: {one.about}"))
    facts = [("place", str(one.path) if one.path else f"not here: anyseek models pull {name}")]
    size_here = _size(one)
    facts += [("size", size_here)] if size_here else []
    facts += [("precision", one.precision)] if one.precision else []
    show(_facts(facts))
    for model in one.models:
        show("\n" + harmless(model.id))
        show(_facts([*_about(model), *(_self_tests(model.folder) if model.folder else [])]))


@app.command()
def path(name: SetArgument = DEFAULT) -> None:
    """Print the folder of a model set that is here.

    For example: anyseek models path clip-clap
    """
    from retrieval.encoders.model_store import path_of

    show(harmless(str(path_of(name))))


@app.command("fit-bridge")
def fit_bridge(name: SetArgument = DEFAULT, device: DeviceOption = Device.AUTO) -> None:
    """Fit anew what joins the spaces of a model set.

    pull does this by itself. Libraries need not be indexed again afterwards.

    For example: anyseek models fit-bridge clip-clap
    """
    _fit(name, device)


def _fit(name: str, device: Device) -> None:
    from retrieval.bridge_building import build_bridges
    from retrieval.encoders import query_words, runtime
    from retrieval.encoders.model_set import load_model_set
    from retrieval.encoders.two_towers import TwoTowerEncoder
    from retrieval.errors import ModelError
    from retrieval.space import JointSpace

    model_set = load_model_set(name, device=device)
    if model_set.folder is None:
        raise ModelError(f"Model set {model_set.name} has nothing to fit.")
    for encoder in model_set.encoders:
        if isinstance(encoder, TwoTowerEncoder):
            runtime.self_test(encoder)
            query_words.self_test(encoder)
            for fact, told in _self_tests(encoder.folder) if encoder.folder else ():
                say(harmless(f"{encoder.name}: {fact}: {told}"))
    with captions_display() as progress:
        written = build_bridges(JointSpace(model_set), model_set.folder, progress=progress)
    for file in written:
        say(f"Fitted {shown_path(file)}")


def _size(one: "ModelSetInfo") -> str:
    if one.size is not None:
        return size(one.size)
    parameters = [model.parameters or 0 for model in one.models]
    return f"about {size(BYTES_PER_PARAMETER * sum(parameters))}" if all(parameters) else ""


def _about(model: "ModelInfo") -> list[tuple[str, str]]:
    facts = {
        "made by": model.notice,
        "licence": model.licence or "see its page",
        "trained on": model.trained_on,
        "page": model.url,
        "dimensions": str(model.dim) if model.dim else None,
        "parameters": f"{model.parameters:,}" if model.parameters else None,
        "on disk": size(model.size) if model.size else None,
        "revision": model.revision,
    }
    return [(name, value) for name, value in facts.items() if value]


def _self_tests(folder: Path) -> list[tuple[str, str]]:
    """What the tests at pull time found, in words; a set that needs none has none."""
    from retrieval.encoders import query_words, runtime

    told = []
    words = query_words.read_result(folder, query_words.RESULT)
    ways = query_words.read_result(folder, runtime.RESULT)
    if words:
        quick = words["cosine"] >= query_words.LEAST_COSINE
        way = "without torch" if quick else "through torch, as without it they came out otherwise"
        told.append(("query words", f"{way} (self-test: cosine {words['cosine']:.6f})"))
    if ways:
        way = "torch, packed for oneDNN" if ways["packed"] else "torch as it comes"
        gains = ", ".join(f"{gain:.2f} x for {name}" for name, gain in ways["gains"].items())
        told.append(("runtime", f"{way} (self-test: packed {gains}, cosine {ways['cosine']:.6f})"))
    return told


def _facts(facts: list[tuple[str, str]]) -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, min_width=12)
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(f"  {name}", harmless(value))
    return grid
