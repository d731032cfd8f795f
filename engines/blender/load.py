"""Opens a .blend with scripts off and makes sure that what is in memory afterwards is that file."""

import os

import bpy
from header import check_file, refuse_newer
from protocol import Refused


def load(path):
    """Loads `path` and returns its active scene. Raises Refused; nothing may be rendered then, since Blender would go
    on with its default cube and report success."""
    check_file(path, bpy.app.version)
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    bpy.context.preferences.filepaths.temporary_directory = os.environ.get("TMPDIR", "/tmp")
    try:
        # use_scripts off stops text blocks, handlers, Python drivers and Freestyle scripts; load_ui off leaves out
        # the windows, so that the file's own active scene is the context's scene.
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refused(
            "unreadable", f"Blender cannot read {path}: {str(error).strip()}", "save the file again in Blender"
        ) from error
    if os.path.realpath(bpy.data.filepath) != os.path.realpath(path):
        raise Refused("unreadable", f"Blender did not load {path}", "save the file again in Blender")
    refuse_newer(path, bpy.data.version, bpy.app.version)
    return bpy.context.scene
