"""Makes probe.blend, the scene by whose pixels nodes know each other and by whose time they know their speed.

It exercises what differs between CPU kernels: glass, glossy and diffuse closures, procedural textures, volume-free
indirect light and a subdivided mesh. Every number is fixed here; run with a Python that has `bpy`.
"""

import os
import sys

import bpy


def material(name, build):
    """A node material whose surface is what `build` returns."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(build(nodes, links).outputs[0], output.inputs["Surface"])
    return made


def glass(nodes, _links):
    shader = nodes.new("ShaderNodeBsdfGlass")
    shader.inputs["IOR"].default_value = 1.45
    return shader


def marble(nodes, links):
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 6.0
    noise.inputs["Detail"].default_value = 8.0
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.3
    links.new(noise.outputs["Color"], shader.inputs["Base Color"])
    return shader


def metal(nodes, _links):
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Metallic"].default_value = 1.0
    shader.inputs["Roughness"].default_value = 0.25
    shader.inputs["Base Color"].default_value = (0.9, 0.6, 0.3, 1.0)
    return shader


def put(operator, surface, location, **keywords):
    operator(location=location, **keywords)
    bpy.context.object.data.materials.append(surface)
    return bpy.context.object


def main(target):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    mesh = bpy.ops.mesh
    put(mesh.primitive_plane_add, material("marble", marble), (0, 0, 0), size=12)
    put(mesh.primitive_uv_sphere_add, material("glass", glass), (-1.1, 0, 1), radius=1, segments=64, ring_count=32)
    head = put(mesh.primitive_monkey_add, material("metal", metal), (1.2, 0.2, 1), size=1.8)
    head.modifiers.new("smooth", "SUBSURF").render_levels = 2
    bpy.ops.object.light_add(type="AREA", location=(2, -3, 5))
    lamp = bpy.context.object
    lamp.data.energy, lamp.data.size = 600, 2
    lamp.rotation_euler = (0.6, 0.3, 0.4)
    bpy.ops.object.camera_add(location=(0, -6, 2.2), rotation=(1.35, 0, 0))
    scene.camera = bpy.context.object
    scene.world = bpy.data.worlds.new("sky")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs[0].default_value = (0.2, 0.3, 0.5, 1)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 32
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.seed = 0
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 160, 120, 100
    scene.frame_start = scene.frame_end = 1
    bpy.ops.wm.save_as_mainfile(filepath=os.path.abspath(target), compress=True)


main(sys.argv[-1])
sys.stdout.flush()
# bpy hangs at a normal exit after it has loaded a file.
os._exit(0)
