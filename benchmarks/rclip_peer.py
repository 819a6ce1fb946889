"""rclip 3 with random weights: the same model for it and for us, so that both can be timed offline.

rclip keeps its models as ONNX files in the folder that `RCLIP_DATADIR` names and asks nobody for
them when they are there. Its architecture is ViT-B-32 at 256 pixels; here it gets random weights,
which cost as much to run as trained ones, and we get the same weights in open_clip's form.

    python -m benchmarks.rclip_peer FOLDER     prepares FOLDER/ours and FOLDER/rclip

Exporting needs `onnx` and `onnxscript` on the path beside open_clip; running rclip needs only the
environment that it is installed in.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARCHITECTURE = "ViT-B-32-256"
SUBFOLDER = "ViT-B-32-256-datacomp_s34b_b86k"
"""Where rclip looks for its models."""
TOKENIZER = "bpe_simple_vocab_16e6.txt.gz"
PREPROCESS = {"size": 256, "mode": "RGB", "interpolation": "bicubic", "resize_mode": "shortest"}
SEED = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a program took and said."""

    seconds: float
    processor_s: float
    """Of the process and its children, of all cores."""
    peak_mb: float
    """The most that its largest process held (peak RSS), in MB of 2^20 bytes."""
    output: str
    errors: str
    code: int


def prepare(folder: Path) -> tuple[Path, Path]:
    """Write the same random weights for us and for rclip; returns both places.

    What is there already is taken as it is.
    """
    ours, theirs = folder / "ours", folder / "rclip"
    if not (theirs / "tokenizer" / TOKENIZER).exists():
        shutil.rmtree(ours, ignore_errors=True)
        shutil.rmtree(theirs, ignore_errors=True)
        export(write_ours(ours), theirs)
    return ours, theirs


def write_ours(folder: Path) -> Any:
    """A model of open_clip as its folder on the hub would be; returns it."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    known = {
        "model_cfg": open_clip.get_model_config(ARCHITECTURE),
        "preprocess_cfg": PREPROCESS,
    }
    (folder / "open_clip_config.json").write_text(json.dumps(known))
    torch.manual_seed(SEED)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return model.eval()


def export(model: Any, folder: Path) -> None:
    """Write the two towers and the tokenizer where rclip looks for them."""
    import open_clip
    import torch

    class Tower(torch.nn.Module):
        """One of the two encoders by itself."""

        def __init__(self, method: str) -> None:
            super().__init__()
            self.model = model
            self.encode = getattr(model, method)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            """The vectors of a batch, of any length."""
            return self.encode(batch)  # type: ignore[no-any-return]

    (folder / SUBFOLDER).mkdir(parents=True)
    pixels = torch.zeros(2, 3, 256, 256)
    tokens = open_clip.get_tokenizer("ViT-B-32")(["one", "two"])
    for name, method, example in (
        ("visual", "encode_image", pixels),
        ("textual", "encode_text", tokens),
    ):
        torch.onnx.export(
            Tower(method).eval(),
            (example,),
            str(folder / SUBFOLDER / f"{name}.onnx"),
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            dynamo=True,
            external_data=False,
        )
    (folder / "tokenizer").mkdir()
    shutil.copy(Path(open_clip.__file__).with_name(TOKENIZER), folder / "tokenizer" / TOKENIZER)


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    interrupt_after_s: float | None = None,
) -> Run:
    """Run a program in a folder and measure it; sent Ctrl-C after some seconds if so wanted."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        if interrupt_after_s is not None:
            time.sleep(interrupt_after_s)
            process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Run(
            seconds,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / 1024,
            output.read(),
            errors.read(),
            process.returncode,
        )


def rclip(
    program: Path,
    models: Path,
    folder: Path,
    *arguments: str,
    interrupt_after_s: float | None = None,
) -> Run:
    """Run rclip in a folder; its database lies beside its models.

    Args:
        program: The `rclip` of its own environment.
        models: What `prepare` made for it.
        folder: What it is to index and search.
        arguments: A query and options.
        interrupt_after_s: When to send Ctrl-C, if at all.
    """
    environment = {"RCLIP_DATADIR": str(models), "HF_HUB_OFFLINE": "1"}
    command = [str(program), *arguments]
    return run(command, folder=folder, environment=environment, interrupt_after_s=interrupt_after_s)


if __name__ == "__main__":
    for place in prepare(Path(sys.argv[1])):
        print(place)
