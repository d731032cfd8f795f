# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent: the file as it is on the disk, or a temporary copy of what is open; which frames, and how."""

import pathlib

import bpy

from . import preferences, session, settings
from .client import frames
from .client.problem import Refused
from .client.run import Order

UNSAVED_NAME = "untitled.blend"
NAME_CHARS_MAX = 200


def is_as_saved():
    """Whether the file on the disk is what is open."""
    return bpy.data.is_saved and not bpy.data.is_dirty


def painted_images():
    """Names of images whose painted pixels are in no file, not even in a copy of the .blend."""
    return [image.name for image in bpy.data.images if image.is_dirty and image.type == "IMAGE"]


def order(context, send, auto_start):
    """The order for a node. `send` is `DISK` for the file as it was saved, `COPY` for a temporary copy of what is open,
    or `SAVE` to save it first. Raises Refused."""
    node = preferences.node(context)
    job = job_settings(context, auto_start)
    if send != "COPY" and not bpy.data.is_saved:
        raise Refused.because(
            "never_saved", "this file has never been saved", "save it, or send a temporary copy of it"
        )
    if send == "SAVE":
        bpy.ops.wm.save_mainfile()
    scratch = session.new_folder("send")
    copy = None
    if send == "COPY":
        copy = scratch / pathlib.Path(bpy.data.filepath or UNSAVED_NAME).name
        # Its relative paths stay as they are: they are counted from the place of the file that is open.
        bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True, compress=False, relative_remap=False)
    return Order(
        node=node,
        results=session.new_folder("results"),
        scene=pathlib.Path(bpy.data.filepath or copy),
        copy=copy,
        scratch=scratch,
        settings=job,
        budget=settings.of(context).budget,
    )


def job_settings(context, auto_start):
    """The job's settings, as the node's API has them. What is not here comes from the file."""
    scene, asked = context.scene, settings.of(context)
    chosen = {
        "name": (pathlib.Path(bpy.data.filepath).stem or scene.name)[:NAME_CHARS_MAX],
        "frames": chosen_frames(scene, asked),
        "auto_start": auto_start,
    }
    if asked.what == "STILL" and scene.render.is_movie_format:
        chosen["format"] = "png"
    if asked.use_cycles and scene.render.engine != "CYCLES":
        chosen["renderer_override"] = "cycles"
    return chosen


def chosen_frames(scene, asked):
    if asked.what == "STILL":
        return [scene.frame_current]
    if asked.what == "ANIMATION":
        return list(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))
    return frames.parse(asked.frames)
