"""Reads a .blend's first and last bytes before Blender sees it, so that what is no .blend, is cut off or is newer
than the engine gets a plain answer instead of whatever loading it happens to do."""

import gzip
import re
import zlib

from protocol import Refused

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# `BLENDER-v405` (pointer size, byte order, version), and since 5.0 `BLENDER17-01v0500` (header size, format, version).
OLD = re.compile(rb"BLENDER[-_][vV](\d)(\d\d)")
NEW = re.compile(rb"BLENDER\d\d-\d\d[vV](\d\d)(\d\d)")
HEADER_BYTES = 17
CHUNK_BYTES = 1 << 20
# The closing block's code stands within its own header, at most 32 bytes before the end.
END, END_BYTES = b"ENDB", 64


def check_file(path, engine_version):
    """Raises Refused unless `path` looks like a whole .blend this engine can read. Returns (major, minor), or None
    when the file is compressed with zstd, which Python 3.11 cannot open: then the check after loading decides."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic == ZSTD:
                return None
            head, tail = ends(gzip.open(file) if magic.startswith(GZIP) else file)
    except FileNotFoundError as error:
        raise Refused("not_found", f"the scene {path} does not exist", "check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise truncated(path) from error
    match = NEW.match(head) or OLD.match(head)
    if not match:
        raise Refused(
            "not_a_blend",
            f"{path} is not a Blender file: it starts with {head[:8]!r}",
            "give a .blend file saved by Blender",
        )
    version = int(match[1]), int(match[2])
    refuse_newer(path, version, engine_version)
    if END not in tail:
        raise truncated(path)
    return version


def ends(stream):
    """The first and last bytes of a stream, read through once: this also proves a gzip checksum."""
    head = tail = stream.read(HEADER_BYTES)
    while chunk := stream.read(CHUNK_BYTES):
        tail = (tail + chunk)[-END_BYTES:]
    return head, tail


def truncated(path):
    return Refused(
        "truncated", f"{path} is cut off or damaged", "save the file again in Blender, or copy it again completely"
    )


def refuse_newer(path, version, engine_version):
    """Blender opens files of a later version with no more than a warning, and leaves out what it does not know."""
    if tuple(version[:2]) > tuple(engine_version[:2]):
        saved = ".".join(map(str, version[:2]))
        engine, series = (".".join(map(str, engine_version[:parts])) for parts in (3, 2))
        # Which engines can be installed is known to the adapter only, which looks at the header before this does.
        raise Refused(
            "newer_file",
            f"{path} was saved by Blender {saved}, which is newer than this engine ({engine})",
            f"open it in Blender {series}, check it there, save it and submit that file",
        )
