"""The fastest correct way to run each tower on a CPU.

    python -m benchmarks.encoders [--tower "ViT-B-32 image"] [--seconds 2] [--at-most 90]
    python -m benchmarks.encoders --show docs/encoders.md

Each way runs as anyseek encodes: one content for each core, in one thread each. It has a process of
its own, which imports only what it needs, over rows that were prepared before; the first way is
measured again at the end, so that it shows how far the machine can be trusted. Vectors are compared
with torch's in fp32, and those of `mini` by what they find among contents of the generated world.
Besides anyseek this needs the packages `onnx`, `onnxscript`, `onnxruntime` and `openvino`, which
anyseek itself does not use.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.encoder_towers import (
    OF_A_CONCEPT,
    SEED,
    TOWERS,
    Tower,
    encoder_of,
    found_rows,
    rows_of,
    torch_tower,
)
from benchmarks.memory import resting_mb
from benchmarks.record import RESULTS, record
from retrieval.records import Modality
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrieval.encoders.two_towers import Arrays

Run = "Callable[[Sequence[Arrays]], np.ndarray]"

PLACE = Path(tempfile.gettempdir()) / "anyseek-benchmarks" / "encoders"
ROUND = 8
"""Contents that are timed together."""
WORKERS = 2
"""Contents that are encoded at a time, in one thread each."""
NEAREST = OF_A_CONCEPT - 1
COMPILED = ("ViT-B-32 image", "mini image")
"""Towers that are also compiled, which takes up to a minute each time."""


def torch_way(tower: Tower, place: Path, *options: str) -> Any:
    """Eager or compiled torch; options say how it is prepared."""
    import torch

    torch.set_num_threads(1)
    half = "bf16" in options
    model = torch_tower(tower, place, "bf16" if half else "fp32")
    if "channels_last" in options:
        model = model.to(memory_format=torch.channels_last)
    if "packed" in options:
        from retrieval.encoders.packed_linears import pack_linears

        pack_linears(model)
    if "int8" in options:
        import torch.ao.quantization as quantization

        model = quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            model, {torch.nn.Linear}, dtype=torch.qint8
        )
    if "compile" in options:
        import torch._inductor.config as inductor

        inductor.freezing = "frozen" in options
        model = torch.compile(model)
    texts = tower.name == "mini text"

    def run(rows: Sequence[Arrays]) -> np.ndarray:
        arrays = [torch.from_numpy(np.stack(a)) for a in zip(*rows, strict=True)] * (not texts)
        if "channels_last" in options and arrays[0].ndim == 4:
            arrays[0] = arrays[0].contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast("cpu", enabled="autocast" in options):
            made = model([row[0] for row in rows]) if texts else model(*arrays)
        return np.asarray(made.float().numpy())

    return run


def numpy_way(tower: Tower, place: Path) -> Any:
    """What anyseek has of its own: `mini`, and the text towers over mapped weights."""
    if tower.model == "mini":
        from retrieval.encoders.mini.encoder import MiniEncoder

        mini = MiniEncoder()
        back = tower.modality is not Modality.TEXT
        return lambda rows: mini.encode(
            tower.modality, [np.moveaxis(r[0], 0, -1) if back else r[0] for r in rows]
        )
    encoder = encoder_of(tower, place)
    assert encoder.folder is not None
    from retrieval.encoders.text_tower import Weights, clap_tower, clip_tower

    if tower.model.startswith("clap"):
        config = json.loads((encoder.folder / "config.json").read_text())
        made: Any = clap_tower(Weights(encoder.folder / "model.safetensors"), config)
    else:
        config = json.loads((encoder.folder / "open_clip_config.json").read_text())["model_cfg"]
        path = encoder.folder / "open_clip_model.safetensors"
        whole = Weights(path)
        weights = Weights(path, "text.") if "text.positional_embedding" in whole else whole
        made = clip_tower(weights, config["text_cfg"], quick=False)
    return lambda rows: made([row[0] for row in rows])


def onnx_way(tower: Tower, place: Path, name: str) -> Any:
    """ONNX Runtime on its CPU provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = exported(tower, place, name)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(rows: Sequence[Arrays]) -> np.ndarray:
        arrays = [np.stack(a) for a in zip(*rows, strict=True)]
        return np.asarray(session.run(None, dict(zip(names, arrays, strict=True)))[0])

    return run


def openvino_way(tower: Tower, place: Path, precision: str) -> Any:
    """OpenVINO on its CPU plugin, a stream for each content."""
    import openvino

    core = openvino.Core()
    own = threading.local()
    made: list[Any] = []
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": WORKERS}
    settings["NUM_STREAMS"] = WORKERS

    def run(rows: Sequence[Arrays]) -> np.ndarray:
        arrays = [np.stack(a) for a in zip(*rows, strict=True)]
        if not made:  # by the first content, which comes alone
            model = core.read_model(exported(tower, place, "fp32"))
            model.reshape(dict(zip(model.inputs, [a.shape for a in arrays], strict=True)))
            made.append(core.compile_model(model, "CPU", settings))
        if not hasattr(own, "request"):
            own.request = made[0].create_infer_request()
        return np.array(own.request.infer(arrays)[0], dtype=np.float32)

    return run


def exported(tower: Tower, place: Path, name: str) -> Path:
    """Where the ONNX file of a tower lies."""
    return place / "onnx" / f"{tower.name.replace(' ', '-')}-{name}.onnx"


def over_export(way: str) -> bool:
    """Whether a way runs an exported file."""
    return way.startswith(("ONNX", "OpenVINO"))


def export(tower: Tower, place: Path) -> dict[str, Any]:
    """Write a tower as ONNX in fp32, and in int8 by dynamic quantisation; how long each took."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    (place / "onnx").mkdir(exist_ok=True)
    with np.load(place / f"{tower.name}.npz", allow_pickle=True) as held:
        rows = list(held["rows"])
    begun = time.perf_counter()
    arrays = tuple(torch.from_numpy(np.stack(a)) for a in zip(*rows[:2], strict=True))
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.onnx.export(
        torch_tower(tower, place),
        arrays,
        str(exported(tower, place, "fp32")),
        dynamic_shapes=(({0: batch},) * len(arrays),),  # of the one starred argument
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    fp32_s = time.perf_counter() - begun
    begun = time.perf_counter()
    quantize_dynamic(
        exported(tower, place, "fp32"), exported(tower, place, "int8"), weight_type=QuantType.QInt8
    )
    return {"export_s": {"fp32": fp32_s, "int8": time.perf_counter() - begun}}


WAYS: dict[str, Callable[[Tower, Path], Any]] = {
    "torch fp32": torch_way,
    "torch fp32, channels_last": lambda t, p: torch_way(t, p, "channels_last"),
    "torch fp32, packed for oneDNN": lambda t, p: torch_way(t, p, "packed"),
    "torch.compile fp32, frozen": lambda t, p: torch_way(t, p, "compile", "frozen"),
    "torch bf16 weights": lambda t, p: torch_way(t, p, "bf16"),
    "torch bf16 autocast": lambda t, p: torch_way(t, p, "autocast"),
    "torch.compile bf16, frozen": lambda t, p: torch_way(t, p, "bf16", "compile", "frozen"),
    "torch int8": lambda t, p: torch_way(t, p, "int8"),
    "ONNX Runtime fp32": lambda t, p: onnx_way(t, p, "fp32"),
    "ONNX Runtime int8": lambda t, p: onnx_way(t, p, "int8"),
    "OpenVINO fp32": lambda t, p: openvino_way(t, p, "f32"),
    "OpenVINO bf16": lambda t, p: openvino_way(t, p, "bf16"),
    "NumPy": numpy_way,
    "torch fp32 again": torch_way,
}


def ways_of(tower: Tower) -> list[str]:
    """Those that make sense for a tower."""
    left_out = set()
    if tower.modality is not Modality.IMAGE:
        left_out.add("torch fp32, channels_last")
    if tower.model == "mini":
        left_out |= {w for w in WAYS if "bf16" in w and "OpenVINO" not in w}
        left_out |= {"torch fp32, packed for oneDNN", "torch int8"}
        if tower.modality is Modality.TEXT:  # lists of lists go in, which no exporter takes
            left_out |= {w for w in WAYS if w not in ("torch fp32", "NumPy", "torch fp32 again")}
    elif tower.modality is not Modality.TEXT:
        left_out.add("NumPy")
    if tower.name not in COMPILED:
        left_out |= {w for w in WAYS if "compile" in w}
    return [way for way in WAYS if way not in left_out]


def prepare(tower: Tower, place: Path) -> None:
    """Rows, and the vectors of torch in fp32."""
    rows = rows_of(tower, place)
    held = np.empty(len(rows), dtype=object)
    held[:] = rows
    run = torch_way(tower, place)
    truth = np.concatenate([run([row]) for row in rows])
    np.savez(place / f"{tower.name}.npz", rows=held, truth=truth)
    if tower.model == "mini":
        more, concepts = found_rows(tower)
        found = np.concatenate([run([row]) for row in more])
        held = np.empty(len(more), dtype=object)
        held[:] = more
        np.savez(place / f"{tower.name} found.npz", rows=held, truth=found, concepts=concepts)


def measure(tower: Tower, place: Path, way: str, seconds: float) -> dict[str, Any]:
    """One way, in this process."""
    with np.load(
        place / f"{tower.name}.npz", allow_pickle=True
    ) as held:  # what `prepare` just wrote
        rows, truth = list(held["rows"]), held["truth"]
    begun = time.perf_counter()
    run = WAYS[way](tower, place)
    found = [run(rows[:1])]
    ready_s = time.perf_counter() - begun
    found += [run([row]) for row in rows[1:]]
    cosine = np.einsum("ij,ij->i", unit_rows(np.concatenate(found)), unit_rows(truth))
    result: dict[str, Any] = {"ready_s": ready_s, "lowest_cosine": float(cosine.min())}
    some = rows[:ROUND]
    with ThreadPoolExecutor(WORKERS, initializer=keep_to_one_thread) as pool:
        list(pool.map(lambda row: run([row]), some))
        result["resting_mb"] = resting_mb()
        taken: list[float] = []
        while sum(taken) < seconds or len(taken) < 5:
            begun = time.perf_counter()
            list(pool.map(lambda row: run([row]), some))
            taken.append(time.perf_counter() - begun)
    result["per_s"] = len(some) / statistics.median(taken)
    result["fastest_per_s"] = len(some) / min(taken)
    return result | (finds(tower, place, run) if tower.model == "mini" else {})


def keep_to_one_thread() -> None:
    """For a worker: torch, where a way uses it, asks each thread how many it may use."""
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_num_threads(1)
        torch.get_num_threads()


def finds(tower: Tower, place: Path, run: Any) -> dict[str, float]:
    """What the vectors of `mini` find among contents of known concepts.

    Returns:
        `same_concept`: the share of contents of the same concept among each one's nearest;
        `same_nearest`: the share of those that torch in fp32 finds, too.
    """
    with np.load(place / f"{tower.name} found.npz", allow_pickle=True) as held:
        rows, truth, concepts = list(held["rows"]), held["truth"], held["concepts"]
    nearest = []
    for vectors in (np.concatenate([run([row]) for row in rows]), truth):
        cosines = unit_rows(vectors) @ unit_rows(vectors).T
        np.fill_diagonal(cosines, -1)
        nearest.append(np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST])
    ours, theirs = nearest
    kept = [len(np.intersect1d(a, b)) / NEAREST for a, b in zip(ours, theirs, strict=True)]
    return {
        "same_concept": float((concepts[ours] == concepts[:, None]).mean()),
        "same_nearest": float(np.mean(kept)),
    }


def child(tower: Tower, *arguments: str) -> dict[str, Any]:
    """What a process of its own tells."""
    command = [sys.executable, "-m", "benchmarks.encoders", "--tower", tower.name, *arguments]
    environment = os.environ | {f"{n}_NUM_THREADS": "1" for n in ("OMP", "OPENBLAS")}
    environment["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_tower(
    tower: Tower, seconds: float, at_most_s: float, only: Sequence[str] | None
) -> None:
    """Every way that makes sense for a tower; the result is written after each.

    Ways that stand in the result already are left as they are, so that a run can be done in pieces.
    """
    begun = time.perf_counter()
    name = f"encoders_{tower.name.replace(' ', '_')}"
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    told = {key: kept[key] for key in ("export_s", "ways") if key in kept}
    told["ways"] = {way: one for way, one in told.get("ways", {}).items() if "per_s" in one}
    ways = told["ways"]
    asked = [one for one in ways_of(tower) if only is None or one in only]
    if not (PLACE / f"{tower.name}.npz").exists():
        child(tower, "--prepare")
    if any(over_export(way) for way in asked) and not exported(tower, PLACE, "int8").exists():
        told |= child(tower, "--export")
    for way in asked:
        if way in ways or time.perf_counter() - begun > at_most_s:
            continue
        ways[way] = child(tower, "--way", way, "--seconds", str(seconds))
        print(tower.name, "|", way, "|", ways[way], flush=True)
        result = {"tower": tower.name, "seconds": seconds, **told}
        packages = ("numpy", "torch", "open_clip_torch", "transformers")
        trial = ("onnx", "onnxscript", "onnxruntime", "openvino")
        record(name, result, seed=SEED, packages=packages + trial)


def table() -> str:
    """What was measured, as a table of Markdown for each tower."""
    order = list(TOWERS)
    found = [json.loads(path.read_text()) for path in RESULTS.glob("encoders_*.json")]
    lines = []
    for one in sorted(found, key=lambda f: order.index(f["tower"])):
        ways = {w: t for w, t in one["ways"].items() if "per_s" in t or "failed" in t}
        plain = [ways[w]["per_s"] for w in ("torch fp32", "torch fp32 again") if w in ways]
        if not plain:
            continue  # measured in another arrangement
        lines += [
            f"**{one['tower']}**",
            "",
            "| way | a second | beside torch fp32 | ready after s | export s | memory MB "
            f"| lowest cosine | of its {NEAREST} nearest, as torch in fp32 / of its concept |",
            "|" + "---|" * 8,
        ]
        for way, told in ways.items():
            if "failed" in told:
                lines.append(f"| {way} | fails: {told['failed'][:60]} |" + " |" * 6)
                continue
            made = "int8" if "int8" in way else "fp32"
            export_s = one.get("export_s", {}).get(made) if over_export(way) else None
            kept = ""
            if "same_nearest" in told:
                kept = f"{told['same_nearest']:.3f} / {told['same_concept']:.3f}"
            lines.append(
                f"| {way} | {told['per_s']:.1f} | {told['per_s'] / max(plain):.2f} "
                f"| {told['ready_s']:.1f} | {f'{export_s:.0f}' if export_s else ''} "
                f"| {told['resting_mb']:.0f} | {told['lowest_cosine']:.6f} | {kept} |"
            )
        lines.append("")
    return "\n".join(lines).rstrip()


def main() -> None:
    """Measure and write the results, or show them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tower", choices=list(TOWERS))
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--at-most", type=float, default=np.inf, help="seconds of one run")
    parser.add_argument("--only", nargs="+", choices=list(WAYS), help="of the ways, these")
    parser.add_argument("--show", type=Path, help="a page to write the tables into")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--export", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.show:
        text = chosen.show.read_text()
        mark = re.compile(r"(<!-- encoders -->\n).*?(<!-- end of encoders -->)", re.DOTALL)
        chosen.show.write_text(mark.sub(lambda m: f"{m[1]}\n{table()}\n\n{m[2]}", text))
        return
    PLACE.mkdir(parents=True, exist_ok=True)
    if chosen.prepare:
        prepare(TOWERS[chosen.tower], PLACE)
        print("{}")
    elif chosen.export:
        print(json.dumps(export(TOWERS[chosen.tower], PLACE)))
    elif chosen.way:
        print(json.dumps(measure(TOWERS[chosen.tower], PLACE, chosen.way, chosen.seconds)))
    else:
        for tower in [TOWERS[chosen.tower]] if chosen.tower else TOWERS.values():
            measure_tower(tower, chosen.seconds, chosen.at_most, chosen.only)


if __name__ == "__main__":
    main()
