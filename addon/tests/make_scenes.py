# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the scenes of the tests with Blender: `python make_scenes.py FOLDER`.

project/shot.blend             two planes, lit by themselves: left by a texture in the folder, right by one outside
project/film.blend             the same, written as a film
project/many.blend             names files in every way there is
project/lib/lib.blend          a library with a texture of its own, compressed
project/textures/…             far/…             what they name
"""

import os
import sys

import bpy

LEFT, RIGHT = (0.0, 1.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0)
WIDTH, HEIGHT = 64, 32


def main(folder):
    project = os.path.join(folder, "project")
    far = os.path.join(folder, "far")
    for place in (f"{project}/textures", f"{project}/lib/textures", far):
        os.makedirs(place)
    picture(f"{project}/textures/left.png", LEFT)
    picture(f"{far}/right.png", RIGHT)
    make_shot(project, far)
    make_library(project)
    make_many(project, far)


def picture(path, colour):
    image = bpy.data.images.new("made", 4, 4)
    image.pixels = list(colour) * 16
    image.filepath_raw, image.file_format = path, "PNG"
    image.save()
    bpy.data.images.remove(image)


def make_shot(project, far):
    scene = empty_scene()
    plane(scene, "left", -1, f"{project}/textures/left.png")
    plane(scene, "right", 1, f"{far}/right.png")
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale, camera.location.z = "ORTHO", 4, 5
    scene.collection.objects.link(camera)
    scene.camera = camera
    save(f"{project}/shot.blend", absolute="right.png")
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.filepath = "//film"
    save(f"{project}/film.blend", absolute="right.png")


def empty_scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_adaptive_sampling, scene.cycles.use_denoising = 1, False, False
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.frame_end = 2
    scene.view_settings.view_transform = "Standard"
    return scene


def plane(scene, name, x, path):
    """A plane of two by two that shines in the colours of a picture."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(x - 1, -1, 0), (x + 1, -1, 0), (x + 1, 1, 0), (x - 1, 1, 0)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    texture, light, end = (nodes.new(f"ShaderNode{kind}") for kind in ("TexImage", "Emission", "OutputMaterial"))
    texture.image = bpy.data.images.load(path)
    material.node_tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    material.node_tree.links.new(light.outputs["Emission"], end.inputs["Surface"])
    mesh.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def make_library(project):
    empty_scene()
    picture(f"{project}/lib/textures/library.png", LEFT)
    material = bpy.data.materials.new("library")
    material.use_fake_user = material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = bpy.data.images.load(
        f"{project}/lib/textures/library.png"
    )
    save(f"{project}/lib/lib.blend", compress=True)


def make_many(project, far):
    scene = empty_scene()
    names = ("plain", "packed", "sequence_001", "sequence_002", "udim.1001", "udim.1002")
    for path in [f"{project}/textures/{name}.png" for name in names] + [
        f"{project}/.hidden.png",
        f"{far}/sequence_1.png",
        f"{far}/sequence_2.png",
    ]:
        picture(path, LEFT)
    material = bpy.data.materials.new("many")
    material.use_nodes = True

    def use(path, source="FILE"):
        image = bpy.data.images.load(path)
        image.source = source
        material.node_tree.nodes.new("ShaderNodeTexImage").image = image
        return image

    use(f"{project}/textures/plain.png")
    use(f"{project}/textures/packed.png").pack()
    os.remove(f"{project}/textures/packed.png")
    use(f"{project}/textures/sequence_001.png", "SEQUENCE")
    use(f"{project}/textures/udim.<UDIM>.png", "TILED").tiles.new(1002)
    use(f"{project}/.hidden.png")
    use(f"{far}/sequence_1.png", "SEQUENCE")
    with bpy.data.libraries.load(f"{project}/lib/lib.blend", link=True) as (_, linked):
        linked.materials = ["library"]
    mesh = bpy.data.meshes.new("many")
    mesh.materials.append(material)
    mesh.materials.append(bpy.data.materials["library"])
    scene.collection.objects.link(bpy.data.objects.new("many", mesh))
    save(f"{project}/many.blend")


def save(path, absolute="", compress=False):
    """Saves with relative paths, but for the picture called `absolute`."""
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=compress)
    kept = absolute and bpy.path.abspath(bpy.data.images[absolute].filepath)
    bpy.ops.file.make_paths_relative()
    if kept:
        bpy.data.images[absolute].filepath = kept
    bpy.ops.wm.save_mainfile(compress=compress)
    backup = path + "1"
    if os.path.exists(backup):
        os.remove(backup)


main(os.path.abspath(sys.argv[1]))
