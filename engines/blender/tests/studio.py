"""What the scenes of `make_scenes.py` are built from: a lit corner, materials, cameras, node trees, pictures."""

import os

import bpy


def studio(width=64, height=48, samples=8):
    """A lit corner with a glass ball, a rough cube and a procedurally textured floor; Cycles, fixed samples."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.seed = 7
    scene.frame_start, scene.frame_end = 1, 24
    render.filepath = "//out/frame_####"

    world = bpy.data.worlds.new("World")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.2, 0.3, 0.5, 1)

    bpy.ops.mesh.primitive_plane_add(size=20)
    floor = material("Floor", roughness=0.4)
    checker = floor.node_tree.nodes.new("ShaderNodeTexChecker")
    checker.inputs["Scale"].default_value = 9
    floor.node_tree.links.new(checker.outputs[0], floor.node_tree.nodes["Principled BSDF"].inputs[0])
    bpy.context.object.data.materials.append(floor)

    bpy.ops.mesh.primitive_uv_sphere_add(location=(-1.1, 0, 1), segments=24, ring_count=12)
    bpy.ops.object.shade_smooth()
    bpy.context.object.name = "Ball"
    bpy.context.object.data.materials.append(material("Glass", color=(0.8, 1, 0.9, 1), roughness=0.05, transmission=1))
    bpy.ops.mesh.primitive_cube_add(location=(1.4, 0.6, 1), rotation=(0, 0, 0.5))
    bpy.context.object.name = "Cube"
    bpy.context.object.data.materials.append(material("Red", color=(0.8, 0.1, 0.05, 1), roughness=0.3))

    bpy.ops.object.light_add(type="AREA", location=(3, -3, 5), rotation=(0.7, 0.3, 0.6))
    bpy.context.object.data.energy = 400
    scene.camera = camera("Camera", (0.3, -6.5, 3))
    return scene


def material(name, color=(0.8, 0.8, 0.8, 1), roughness=0.5, transmission=0.0):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = color
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Transmission Weight"].default_value = transmission
    return made


def camera(name, location, tilt=1.2):
    bpy.ops.object.camera_add(location=location, rotation=(tilt, 0, 0.03))
    bpy.context.object.name = name
    return bpy.context.object


def compositor(scene, *kinds):
    """Turns the compositor on and returns its tree, Render Layers node, Composite node and the nodes of `kinds`."""
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers = tree.nodes.new("CompositorNodeRLayers")
    output = tree.nodes.new("CompositorNodeComposite")
    return tree, layers, output, *(tree.nodes.new(kind) for kind in kinds)


def picture(path, color):
    image = bpy.data.images.new(os.path.basename(path), 8, 8)
    image.pixels = list(color) * 64
    image.filepath_raw = path
    image.file_format = "PNG"
    image.save()
    return bpy.data.images.load(path)


def textured(thing, image):
    node = thing.data.materials[0].node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree = thing.data.materials[0].node_tree
    tree.links.new(node.outputs[0], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return node
