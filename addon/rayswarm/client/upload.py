# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends an archive: hashes first, then only the chunks that the node lacks, then the order to unpack it. Doing it again
with the same archive goes on where it stopped."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .connection import LONG_ANSWER_S, repeated

# The node's own: every chunk but the last is that long.
CHUNK_BYTES = 4 << 20
SENT_AT_ONCE = 3
# Missing chunks that one answer names.
NAMED_MAX = 10_000


@dataclass(frozen=True)
class Piece:
    """A chunk's name and where it lies."""

    sha256: str
    start: int
    length: int


def pieces_of(path, report, stop):
    """The chunks of a file, in order. `report(stage, done, total)` is told after each."""
    total, pieces = path.stat().st_size, []
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            stop.check()
            start = len(pieces) * CHUNK_BYTES
            pieces.append(Piece(hashlib.sha256(chunk).hexdigest(), start, len(chunk)))
            report("hashing", start + len(chunk), total)
    return pieces


def upload(node, path, scene, report, stop):
    """Uploads an archive, which holds the scene at `scene`, and gives the id under which jobs name it."""
    pieces = pieces_of(path, report, stop)
    chunks = [piece.sha256 for piece in pieces]
    wanted = {"files": [{"path": path.name, "bytes": path.stat().st_size, "chunks": chunks}], "scene": scene}
    begun = repeated(lambda: node.call("POST", "/v1/uploads", wanted), stop)
    place = f"/v1/uploads/{begun['id']}"
    for _ in range(0, len(pieces), NAMED_MAX):
        if begun["missing"]:
            Sender(node, place, path, pieces, begun["missing"], report, stop).send()
            begun = repeated(lambda: node.call("GET", place), stop)
    report("unpacking", 0, 0)
    repeated(lambda: node.call("POST", f"{place}/finish", timeout=LONG_ANSWER_S), stop)
    return begun["id"]


class Sender:
    """Sends the missing chunks, a few at once."""

    def __init__(self, node, place, path, pieces, missing, report, stop):
        missing = set(missing)
        # The same content may stand in an archive twice.
        self._pieces = {piece.sha256: piece for piece in pieces if piece.sha256 in missing}.values()
        self._total = sum(piece.length for piece in self._pieces)
        self._sent = 0
        self._node, self._place, self._path = node, place, path
        self._report, self._stop = report, stop
        self._failed = threading.Event()

    def send(self):
        self._report("sending", 0, self._total)
        with ThreadPoolExecutor(SENT_AT_ONCE, thread_name_prefix="rayswarm-send") as pool:
            for piece in pool.map(self._send_piece, self._pieces):
                if piece:
                    self._sent += piece.length
                    self._report("sending", self._sent, self._total)

    def _send_piece(self, piece):
        # When one fails, the others need not start.
        if self._failed.is_set():
            return None
        try:
            with self._path.open("rb") as file:
                file.seek(piece.start)
                chunk = file.read(piece.length)
            repeated(lambda: self._put(piece, chunk), self._stop)
        except BaseException:
            self._failed.set()
            raise
        return piece

    def _put(self, piece, chunk):
        path = f"{self._place}/chunks/{piece.sha256}"
        with self._node.lines_lost():
            with self._node.open("PUT", path, data=chunk, media_type="application/octet-stream") as answer:
                answer.read()
