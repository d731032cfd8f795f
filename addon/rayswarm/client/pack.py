# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels with a scene, and where it lies in the archive: Blender Asset Tracer finds the files that a .blend names
and rewrites the paths of those that cannot keep their place.

The scene lies at the top of the archive and what is below its folder keeps its place. Everything else, and what is
hidden, goes to `_outside/`, by the name of its folder only: nobody need learn where an artist keeps their work. The
node takes from an upload only what lies beside the scene and is not hidden.
"""

import contextlib
import logging
import pathlib

from blender_asset_tracer import blendfile, pack
from blender_asset_tracer.blendfile.exceptions import BlendFileError
from blender_asset_tracer.trace import expanders

from .problem import Refused

log = logging.getLogger(__name__)

OUTSIDE = "_outside"
# Only path operations are done with it.
ARCHIVE = pathlib.Path("/archive").absolute()
# What reading a .blend raises that is damaged, or made by a Blender that Blender Asset Tracer does not know.
UNREADABLE = (BlendFileError, AssertionError, KeyError, IndexError, ValueError, TypeError, EnvironmentError)


def expand_node_tree(block):
    """Since 5.0 the compositor has a node group of its own. Blender Asset Tracer 1.23 looks for it in materials, worlds
    and lights too, where it is not, and so misses what their nodes use in linked files."""
    for name in (b"nodetree", b"compositing_node_group"):
        tree = block.get_pointer(name, None)
        if tree is not None:
            yield from expanders._expand_generic_nodetree(tree)


class CopiedBlendFile(blendfile.BlendFile):
    """A .blend that is read from a copy and counts its paths from the place it was copied from."""

    def __init__(self, copy, place):
        super().__init__(copy)
        self._copy, self.filepath = copy, place

    def copy_and_rebind(self, path, mode="rb"):
        blendfile._uncache(self.filepath)
        self.filepath = self._copy
        super().copy_and_rebind(path, mode)


class ScenePacker(pack.Packer):
    """Says which files a scene needs, from where, and where each lies in the archive."""

    def __init__(self, scene, copy, stop):
        super().__init__(scene, scene.parent, str(ARCHIVE))
        self._home, self._copy, self._stop = scene.parent, copy, stop
        self._sources = {}

    def files(self):
        """Path in the archive -> file to read. Those that had to be rewritten are there until the packer is closed."""
        with readable(self.blendfile):
            self._rewrite_paths()
            scene = self._actions[self.blendfile]
            if self._copy and not scene.rewrites:
                scene.read_from = self._copy
            for path, action in self._actions.items():
                self._copy_asset_and_deps(path, action)
        # What is hidden in a folder that a scene names is not meant by it.
        return {name: source for name, source in self._sources.items() if not is_hidden(name)}

    def outside(self):
        """The files that lie elsewhere than below the scene's folder, links followed, or are hidden there."""
        every = {file for path, action in self._actions.items() for file in files_of(path, action)}
        return sorted(file for file in every if not self._is_beside(file) or not self._is_really_beside(file))

    def saved_by(self):
        """Major and minor version of the Blender that saved the scene."""
        return divmod(blendfile.open_cached(self.blendfile).header.version, 100)

    def _is_beside(self, path):
        return path.is_relative_to(self._home) and not is_hidden(path.relative_to(self._home).as_posix())

    def _is_really_beside(self, path):
        return path.resolve().is_relative_to(self._home.resolve())

    def _check_aborted(self):
        self._stop.check()

    def _path_in_project(self, path):
        return self._is_beside(path)

    def _visit_asset(self, asset_path, usage):
        # A folder that holds the scene itself may be a home folder: the node takes it only where it was named by hand.
        if self._home.is_relative_to(asset_path):
            return
        super()._visit_asset(asset_path, usage)
        # A library that moves names what stays by another path.
        if asset_path in self._actions and not self._is_beside(usage.block.bfile.filepath):
            self._actions[asset_path].path_action = pack.PathAction.FIND_NEW_LOCATION
            self._new_location_paths.add(asset_path)

    def _find_new_paths(self):
        moved = sorted(path for path in self._new_location_paths if not self._is_beside(path))
        folders = {folder: number for number, folder in enumerate(sorted({path.parent for path in moved}), 1)}
        for path in self._new_location_paths:
            if self._is_beside(path):
                place = path.relative_to(self._home)
            else:
                folder = path.parent.name.lstrip(".")
                place = pathlib.Path(OUTSIDE, f"{folders[path.parent]}-{folder}", path.name.lstrip("."))
            self._actions[path].new_path = ARCHIVE / place

    def _send_to_target(self, asset_path, target, may_move=False):
        self._sources.setdefault(target.relative_to(ARCHIVE).as_posix(), asset_path)


def files_of(path, action):
    """The files that an asset stands for: itself, those of its sequence, or what its folder holds."""
    sequence = next((usage for usage in action.usages if usage.is_sequence), None)
    if sequence is None:
        return [path]
    return [file for file in sequence.files() if not path.is_dir() or not is_hidden(file.relative_to(path).as_posix())]


@contextlib.contextmanager
def packed(scene, copy, stop):
    """A packer of the scene at `scene` that knows which files it needs. With `copy`, the scene itself is read from
    there. Raises Refused for what cannot be read."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(expanders, "_expand_generic_nodetree_id", expand_node_tree))
        # A pointer to nothing is common in files that have lived long, and leads to no file.
        stack.enter_context(replaced(blendfile.BlendFile, "strict_pointer_mode", False))
        # Blender Asset Tracer keeps files open, and would take them for what they are by now.
        stack.callback(blendfile.close_all_cached)
        blendfile.close_all_cached()
        with readable(scene):
            if copy:
                blendfile._cache(scene, CopiedBlendFile(copy, scene))
            packer = stack.enter_context(ScenePacker(scene, copy, stop))
            packer.strategise()
        yield packer


@contextlib.contextmanager
def replaced(owner, name, value):
    """Lets a name stand for something else for a while: other add-ons may use the same module."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def readable(scene):
    """Words what reading a .blend raises."""
    try:
        yield
    except UNREADABLE as error:
        log.warning("the files of %s cannot be found out", scene, exc_info=True)
        raise Refused.because(
            "not_packed",
            f"the files that {scene.name} needs cannot be found out: {type(error).__name__}: {error}",
            "File > External Data > Pack Resources, save, and send again",
        ) from error


def is_hidden(path):
    """Whether a relative path has a part that begins with a dot."""
    return any(part.startswith(".") for part in path.split("/"))
