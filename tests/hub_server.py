"""A model hub on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = 2_000
"""Bytes from which the hub states a SHA-256 instead of git's SHA-1."""


@dataclass
class Hub:
    """What the hub holds, how it misbehaves, and what it was asked."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revision: str = "a" * 40
    licence: str | None = "mit"
    break_after: dict[str, list[int]] = field(default_factory=dict)
    """File to the bytes after which its next transfers break, one after the other."""
    falsified: dict[str, bytes] = field(default_factory=dict)
    """File to what is sent instead of its content."""
    ranges: bool = True
    """Whether it can begin in the middle of a file."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """File and `Range` header of every transfer that began."""

    def listing(self, repository: str) -> dict[str, Any]:
        """What the interface of the hub says of a repository."""
        siblings = []
        for name, content in self.repositories[repository].items():
            git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
            entry: dict[str, Any] = {
                "rfilename": name,
                "size": len(content),
                "blobId": git.hexdigest(),
            }
            if len(content) >= LARGE:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        card = {"license": self.licence} if self.licence else {}
        return {
            "_id": "0",
            "id": repository,
            "sha": self.revision,
            "private": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": siblings,
            "cardData": card,
        }


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Let a hub answer at 127.0.0.1 for a while; `hub.url` says where."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).lstrip("/")
            if path.startswith("api/models/"):
                self.list_files(path.removeprefix("api/models/"))
                return
            repository, _, rest = path.partition("/resolve/")
            name = rest.partition("/")[2]
            if name not in hub.repositories.get(repository, {}):
                self.answer(404, b"no such file")
                return
            self.send(name, hub.repositories[repository][name])

        def list_files(self, repository: str) -> None:
            if repository in hub.repositories:
                self.answer(200, json.dumps(hub.listing(repository)).encode())
            else:
                self.answer(404, b'{"error":"Repository not found"}', "RepoNotFound")

        def answer(self, status: int, body: bytes, code: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if code:
                self.send_header("X-Error-Code", code)
            self.end_headers()
            self.wfile.write(body)

        def send(self, name: str, content: bytes) -> None:
            asked = self.headers.get("Range")
            hub.requests.append((name, asked))
            content = hub.falsified.get(name, content)
            start = 0
            if asked and hub.ranges:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            breaks = hub.break_after.get(name)
            if breaks:
                self.wfile.write(body[: breaks.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
