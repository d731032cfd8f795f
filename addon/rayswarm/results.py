# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures in Blender: as images, in the Image Editor, as strips in the Sequencer."""

import pathlib
import shutil
from dataclasses import dataclass, replace

import bpy

from .client import frames

SCENE_NAME = "Rayswarm"


@dataclass(frozen=True)
class Picture:
    """A finished file: a `frame`, or the `film` of all of them."""

    path: pathlib.Path
    kind: str
    frame: int | None


def films(pictures):
    return [picture for picture in pictures if picture.kind == "film"]


def stills(pictures):
    """Frames in order. Where a frame has several files, as scenes in stereo do, the first."""
    first = {}
    for picture in sorted(pictures, key=lambda one: one.path.name):
        if picture.kind == "frame":
            first.setdefault(picture.frame, picture)
    return [first[frame] for frame in sorted(first)]


def load(pictures):
    """An image of the film, the frames as a sequence, or the one picture. That one is packed: its file may go away."""
    film, ordered = films(pictures), stills(pictures)
    image = bpy.data.images.load(str((film or ordered)[0].path), check_existing=True)
    if film:
        image.source = "MOVIE"
    elif len(ordered) > 1:
        image.source = "SEQUENCE"
    elif not image.packed_file:
        image.pack()
    return image


def show(space, image, pictures):
    """Shows an image in an Image Editor."""
    space.image = image
    numbers = [picture.frame for picture in stills(pictures)]
    if image.source == "SEQUENCE":
        space.image_user.frame_start = numbers[0]
        space.image_user.frame_offset = numbers[0] - 1
        space.image_user.frame_duration = numbers[-1] - numbers[0] + 1


def image_editors():
    windows = bpy.context.window_manager.windows
    areas = (area for window in windows for area in window.screen.areas)
    return [area.spaces.active for area in areas if area.type == "IMAGE_EDITOR"]


def replace_render_result(image):
    """Shows a picture where Blender's own render would stand, and nowhere else uncalled."""
    for space in image_editors():
        if space.image and space.image.type == "RENDER_RESULT" and image.source == "FILE":
            space.image = image


def keep(pictures, folder):
    """Copies finished files to a folder of the person's choice and gives them as they lie there."""
    folder.mkdir(parents=True, exist_ok=True)
    there = [picture.path.name for picture in pictures if (folder / picture.path.name).exists()]
    if there:
        raise FileExistsError(f"{folder} has {there[0]} already; choose another folder")
    kept = [replace(picture, path=pathlib.Path(shutil.copy2(picture.path, folder))) for picture in pictures]
    places = {str(old.path): str(new.path) for old, new in zip(pictures, kept, strict=True)}
    for image in bpy.data.images:
        if image.filepath in places:
            image.filepath = places[image.filepath]
    return kept


def add_strips(context, pictures, name, start):
    """Adds the film, which begins at `start`, or the frames to a scene of its own for cutting, and gives that scene.

    In the scene that is rendered, strips would take the place of the render."""
    scene = cutting_scene(context)
    editor = scene.sequence_editor_create()
    # Blender 4.4 renamed sequences to strips, and 5.0 removed the old name.
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    added = []
    for film in films(pictures):
        added.append(strips.new_movie(name, str(film.path), free_channel(editor), start))
    if not added:
        added = add_frames(editor, strips, stills(pictures), name)
    scene.frame_start = min(strip.frame_final_start for strip in added)
    scene.frame_end = max(strip.frame_final_end - 1 for strip in added)
    return scene


def add_frames(editor, strips, pictures, name):
    """One strip for each run of frames. Where every other frame was rendered, each is held until the next."""
    channel, by_frame, added = free_channel(editor), {picture.frame: picture for picture in pictures}, []
    for first, last, step in frames.runs(list(by_frame)):
        strip = strips.new_image(name, str(by_frame[first].path), channel, first)
        for frame in range(first + 1, last + step):
            strip.elements.append(by_frame[frame - (frame - first) % step].path.name)
        strip.frame_final_duration = last + step - first
        added.append(strip)
    return added


def free_channel(editor):
    """A channel above all strips."""
    every = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    return max((strip.channel for strip in every), default=0) + 1


def cutting_scene(context):
    """The scene that strips go to: the one the Sequencer shows if that is not the one that is rendered, else one of the
    add-on's own, of the same size and speed."""
    workspace, rendered = context.workspace, context.scene
    # Since 5.0 the Sequencer has a scene of its own.
    apart = hasattr(workspace, "sequencer_scene")
    if apart and workspace.sequencer_scene not in (None, rendered):
        return workspace.sequencer_scene
    scene = bpy.data.scenes.get(SCENE_NAME)
    if scene is None or scene == rendered:
        scene = bpy.data.scenes.new(SCENE_NAME)
        for name in ("resolution_x", "resolution_y", "resolution_percentage", "fps", "fps_base"):
            setattr(scene.render, name, getattr(rendered.render, name))
        # The pictures have their look already.
        scene.view_settings.view_transform = "Standard"
    if apart:
        workspace.sequencer_scene = scene
    return scene
