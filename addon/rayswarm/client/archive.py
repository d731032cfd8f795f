# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the archive that is uploaded. The same files give the same bytes, and what changes often comes last, so that
the chunks before it are known to the node already when a scene is sent again."""

import shutil
import zipfile

# Packing them again gains nothing.
STORED = {
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".jp2",
    ".exr",
    ".tif",
    ".tiff",
    ".vdb",
    ".mp4",
    ".mov",
    ".webm",
    ".mkv",
    ".ogg",
}
COPY_BYTES = 1 << 20
# The earliest that the format knows: when a file was changed does not matter there.
NO_TIME = (1980, 1, 1, 0, 0, 0)
ORDINARY_FILE = 0o100644 << 16


def write(files, target, report, stop):
    """Writes `files` (path in the archive -> file to read) to `target`."""
    ordered = sorted(files.items(), key=lambda entry: (entry[1].stat().st_mtime_ns, entry[0]))
    total, done = sum(source.stat().st_size for source in files.values()), 0
    with zipfile.ZipFile(target, "w") as archive:
        for name, source in ordered:
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.external_attr = ORDINARY_FILE
            entry.compress_type = zipfile.ZIP_STORED if source.suffix.lower() in STORED else zipfile.ZIP_DEFLATED
            entry.file_size = source.stat().st_size
            with source.open("rb") as content, archive.open(entry, "w") as place:
                shutil.copyfileobj(Watched(content, stop), place, COPY_BYTES)
            done += entry.file_size
            report("packing", done, total)


class Watched:
    """A file whose reading can be stopped."""

    def __init__(self, file, stop):
        self._file, self._stop = file, stop

    def read(self, count):
        self._stop.check()
        return self._file.read(count)
