"""A scene's frame: an empty file, camera, lights, render settings, saving."""

import math
import os
import pathlib
import shutil
import sys
import tempfile

import bpy
from mathutils import Vector


def clean():
    """Starts from nothing, not even the default cube."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def camera(place, target, lens, focus, fstop):
    """A camera that looks at `target` and is sharp at the point `focus`."""
    data = bpy.data.cameras.new("Camera")
    data.lens = lens
    data.dof.use_dof = True
    data.dof.aperture_fstop = fstop
    data.dof.aperture_blades = 7
    made = bpy.data.objects.new("Camera", data)
    made.location = place
    made.rotation_euler = looking(place, target)
    bpy.context.collection.objects.link(made)
    bpy.context.scene.camera = made
    axis = (Vector(target) - Vector(place)).normalized()
    data.dof.focus_distance = (Vector(focus) - Vector(place)).dot(axis)
    return made


def looking(place, target):
    """The rotation that points -z from `place` to `target`."""
    return (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()


def area_light(name, place, target, size, power, color):
    """A rectangular soft light of (width, height)."""
    data = bpy.data.lights.new(name, "AREA")
    data.shape = "RECTANGLE"
    data.size, data.size_y = size
    data.energy, data.color = power, color
    return _light(name, data, place, target)


def sun_light(name, place, target, strength, color, degrees):
    """Parallel light; `degrees` is the width of its disc and so the softness of shadows."""
    data = bpy.data.lights.new(name, "SUN")
    data.energy, data.color, data.angle = strength, color, math.radians(degrees)
    return _light(name, data, place, target)


def window_light(name, place, target, power, color, radius, pane, pitch):
    """Sun through a window of two by three panes: half sizes and distances of panes are slopes of the beam."""
    data = bpy.data.lights.new(name, "SPOT")
    data.energy, data.color, data.shadow_soft_size = power, color, radius
    data.spot_size, data.spot_blend = math.radians(70), 0.0
    data.use_nodes = True
    tree = data.node_tree

    def math_node(operation, first, second=0.0, third=0.0):
        node = tree.nodes.new("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, (first, second, third), strict=True):
            if isinstance(value, bpy.types.NodeSocket):
                tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node.outputs[0]

    parts = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Normal"], parts.inputs[0])
    across = math_node("ABSOLUTE", math_node("DIVIDE", parts.outputs["X"], parts.outputs["Z"]))
    upward = math_node("ABSOLUTE", math_node("DIVIDE", parts.outputs["Y"], parts.outputs["Z"]))
    column = math_node("ABSOLUTE", math_node("SUBTRACT", across, pitch[0] / 2))
    row = math_node("MINIMUM", upward, math_node("ABSOLUTE", math_node("SUBTRACT", upward, pitch[1])))
    soft = 0.004
    light = [
        math_node("MINIMUM", math_node("MAXIMUM", math_node("DIVIDE", math_node("SUBTRACT", half, part), soft), 0.0), 1.0)
        for half, part in ((pane[0] / 2, column), (pane[1] / 2, row))
    ]
    emission = tree.nodes["Emission"]
    tree.links.new(math_node("MULTIPLY", *light), emission.inputs["Strength"])
    return _light(name, data, place, target)


def _light(name, data, place, target):
    made = bpy.data.objects.new(name, data)
    made.location = place
    made.rotation_euler = looking(place, target)
    bpy.context.collection.objects.link(made)
    return made


def world(color, strength):
    """What surrounds everything: one colour."""
    made = bpy.data.worlds.new("Room")
    made.use_nodes = True
    background = made.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*color, 1.0)
    background.inputs["Strength"].default_value = strength
    bpy.context.scene.world = made


def cycles(samples, bounces, exposure):
    """Settings that distribute well: fixed samples, denoised once at the end."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    settings = scene.cycles
    settings.device = "CPU"
    settings.samples = samples
    settings.use_adaptive_sampling = False
    settings.use_denoising = True
    settings.denoiser = "OPENIMAGEDENOISE"
    settings.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    settings.max_bounces = bounces
    settings.transmission_bounces = settings.transparent_max_bounces = bounces
    settings.diffuse_bounces, settings.glossy_bounces = 3, 4
    settings.caustics_reflective = settings.caustics_refractive = False
    settings.blur_glossy = 0.6
    settings.sample_clamp_indirect = 6.0
    scene.render.resolution_x, scene.render.resolution_y = 960, 540
    scene.render.resolution_percentage = 100
    scene.render.fps = 24
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = exposure


def save(path):
    """Writes the scene, its images named relative to it.

    A .blend remembers where it was saved, so it is saved in a folder without a history and then moved.
    """
    path = pathlib.Path(path).resolve()
    for image in bpy.data.images:
        if image.source == "FILE" and not image.packed_file:
            image.filepath = "//" + os.path.relpath(bpy.path.abspath(image.filepath), path.parent)
    bpy.context.preferences.filepaths.save_version = 0
    passing = pathlib.Path(tempfile.gettempdir(), "rayswarm", path.name)
    passing.parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(passing), compress=True, relative_remap=False)
    shutil.move(passing, path)
    passing.parent.rmdir()
    # A preview finds the images from where the scene belongs.
    bpy.ops.wm.open_mainfile(filepath=str(path))


def finish():
    """Ends the process at once: bpy may hang in a normal exit."""
    sys.stdout.flush()
    os._exit(0)


def preview(path, width, samples, frame=None):
    """Renders a small picture of what was made."""
    scene = bpy.context.scene
    scene.render.resolution_percentage = round(100 * width / scene.render.resolution_x)
    scene.cycles.samples = samples
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.filepath = str(pathlib.Path(path).resolve())
    if frame is not None:
        scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
