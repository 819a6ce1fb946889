"""What strangers' files can never do: run code, reach the network, lead out of the root."""

from __future__ import annotations

import ast
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from indexer import index
from retrieval import Library, SearchError
from tests.media_files import write_picture
from tests.test_floors import HOUSE, modules

CODE = {"eval", "exec", "__import__"}
UNPICKLE = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle"}
UNPACK = {"extractall", "extract", "unpack_archive"}


def forbidden(source: str) -> list[str]:
    """What in a module would let data become code, or an archive choose a path."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in UNPICKLE]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in UNPICKLE else []
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            member = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            found += [name] if name in CODE else []
            found += [member] if member in UNPACK else []
            found += [
                f"{keyword.arg}={keyword.value.value!r}"
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant)
                and (keyword.arg, keyword.value.value)
                in {("allow_pickle", True), ("weights_only", False), ("shell", True)}
            ]
    return found


def test_no_data_becomes_code() -> None:
    assert {name: found for name, path in modules() if (found := forbidden(path.read_text()))} == {}
    assert len(modules()) > 100
    assert (HOUSE / "retrieval").is_dir()


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "np.load(file, allow_pickle=True)",
        "torch.load(file, weights_only=False)",
        "archive.extractall(folder)",
    ],
)
def test_what_is_planted_is_found(planted: str) -> None:
    assert forbidden(planted)


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and the paths that were asked of it."""
    asked: list[str] = []

    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Note) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_indexing_reaches_no_network(
    library: Library, tmp_path: Path, visits: tuple[str, list[str]]
) -> None:
    url, asked = visits
    folder = tmp_path / "files"
    folder.mkdir()
    svg = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"'
    (folder / "a.svg").write_text(f'{svg} width="9" height="9"><image x:href="{url}/svg"/></svg>')
    (folder / "b.html").write_text(f'<html><p>words<img src="{url}/a"><link href="{url}/b"></html>')
    (folder / "c.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}/c.ts\n")
    (folder / "d.sdp").write_text(f"v=0\no=- 0 0 IN IP4 127.0.0.1\nu={url}/sdp\n")
    write_picture(folder / "e.jpg", (255, 0, 0))
    (folder / "e.xmp").write_text(f'<!DOCTYPE x SYSTEM "{url}/dtd"><x/>')
    index(library, folder)
    assert len(list(library.files())) == 5
    assert asked == []


def test_pipes_devices_and_links_are_passed_over(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    write_picture(folder / "a.png", (255, 0, 0))
    write_picture(tmp_path / "secret.png", (0, 0, 255))
    os.mkfifo(folder / "pipe.png")
    with suppress(PermissionError):  # only an administrator may make one
        os.mknod(folder / "device.png", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    summary = index(library, folder)
    assert (summary.added, summary.failed) == (1, 0)
    with pytest.raises(SearchError, match="neither a folder nor a file"):
        index(library, folder / "pipe.png")
