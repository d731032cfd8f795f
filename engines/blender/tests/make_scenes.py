"""Makes the small scenes the tests render: `python make_scenes.py FOLDER [NAME…]`, run by a Python that has bpy.

Each function builds one scene on top of `studio()`; its name is the file's name. Pictures are tiny on purpose.
"""

import os
import sys

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


# Scenes that distribute


def plain():
    studio()


def odd():
    """A size no tile divides, transparent film, pixels that are not square, depth of field."""
    scene = studio(61, 47)
    scene.render.film_transparent = True
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = 1.5, 1
    scene.camera.data.dof.use_dof = True
    scene.camera.data.dof.focus_distance = 5
    scene.camera.data.dof.aperture_fstop = 0.5
    bpy.data.objects["Ball"].location.z = 2.5


def adaptive():
    scene = studio(96, 72, samples=32)
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.2
    scene.cycles.adaptive_min_samples = 4


def blur():
    """Motion blur, an animated seed, a keyed cube."""
    scene = studio()
    scene.render.use_motion_blur = True
    scene.cycles.use_animated_seed = True
    cube = bpy.data.objects["Cube"]
    for frame, x in ((1, 1.4), (24, -2)):
        cube.location.x = x
        cube.keyframe_insert("location", frame=frame)


def markers():
    """Two cameras that markers switch at frame 10."""
    scene = studio()
    second = camera("Second", (-2, -7, 2))
    for frame, bound in ((1, scene.camera), (10, second)):
        marker = scene.timeline_markers.new(bound.name, frame=frame)
        marker.camera = bound


def denoised():
    scene = studio()
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"


def composed():
    """A compositor that reads depth, mist and alpha, blurs, and writes a File Output no session may write."""
    scene = studio()
    scene.render.film_transparent = True
    scene.view_layers[0].use_pass_mist = True
    scene.view_layers[0].use_pass_z = True
    scene.view_layers[0].use_pass_uv = True
    tree, layers, output, blur, mix, file_output = compositor(
        scene, "CompositorNodeBlur", "CompositorNodeMixRGB", "CompositorNodeOutputFile"
    )
    blur.size_x = blur.size_y = 3
    file_output.base_path = "//stolen"
    link = tree.links.new
    link(layers.outputs["Image"], blur.inputs["Image"])
    link(layers.outputs["Mist"], mix.inputs[0])
    link(blur.outputs["Image"], mix.inputs[1])
    link(layers.outputs["Alpha"], mix.inputs[2])
    link(mix.outputs[0], output.inputs["Image"])
    link(layers.outputs["Image"], file_output.inputs[0])


def layers():
    """Two view layers, one without the ball and with denoising, mixed by the compositor."""
    scene = studio()
    scene.cycles.use_denoising = True
    ball = bpy.data.objects["Ball"]
    apart = bpy.data.collections.new("Apart")
    scene.collection.children.link(apart)
    apart.objects.link(ball)
    scene.collection.objects.unlink(ball)
    first = scene.view_layers[0]
    first.cycles.use_denoising = False
    second = scene.view_layers.new("Without ball")
    second.cycles.use_denoising = True
    second.layer_collection.children["Apart"].exclude = True
    second.use_pass_normal = True
    tree, one, output, two, mix = compositor(scene, "CompositorNodeRLayers", "CompositorNodeMixRGB")
    two.layer = "Without ball"
    tree.links.new(one.outputs["Image"], mix.inputs[1])
    tree.links.new(two.outputs["Image"], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Image"])


def cryptomatte():
    scene = studio()
    scene.view_layers[0].use_pass_cryptomatte_object = True
    tree, source, output, matte = compositor(scene, "CompositorNodeCryptomatteV2")
    tree.links.new(source.outputs["Image"], matte.inputs["Image"])
    tree.links.new(matte.outputs["Image"], output.inputs["Image"])
    matte.matte_id = "Cube"


def beveled():
    """A bevelled, UV-mapped cube: Blender adds its texture coordinates up in order of memory addresses."""
    studio()
    cube = bpy.data.objects["Cube"]
    bevel = cube.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments = 0.3, 4
    image = bpy.data.images.new("Noise", 64, 64)
    image.pixels = [(7919 * index % 257) / 257 for index in range(4 * 64 * 64)]
    image.pack()
    textured(cube, image)


def files():
    """An image beside the scene, one in a folder above it, one by absolute path, a linked library with its own."""
    project = os.path.join(FOLDER, "project")
    for folder in ("project/shots", "project/library/textures", "elsewhere"):
        os.makedirs(os.path.join(FOLDER, folder), exist_ok=True)
    # The library first: a textured cube whose image is relative to the library, not to the scene that links it.
    studio()
    library_image = picture(os.path.join(project, "library/textures/inner.png"), (0, 1, 0, 1))
    textured(bpy.data.objects["Cube"], library_image)
    library = os.path.join(project, "library/props.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library, relative_remap=False)
    library_image.filepath = "//textures/inner.png"
    bpy.ops.wm.save_as_mainfile(filepath=library, relative_remap=False)

    studio()
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    scene_path = os.path.join(project, "shots/files.blend")
    bpy.ops.wm.save_as_mainfile(filepath=scene_path, relative_remap=False)
    with bpy.data.libraries.load(library, link=True, relative=True) as (_, target):
        target.objects = ["Cube"]
    bpy.context.scene.collection.objects.link(target.objects[0])
    ball = bpy.data.objects["Ball"]
    beside = picture(os.path.join(project, "shots/beside.png"), (1, 0, 0, 1))
    above = picture(os.path.join(project, "above.png"), (0, 0, 1, 1))
    far = picture(os.path.join(FOLDER, "elsewhere/far.png"), (1, 1, 0, 1))
    beside.filepath, above.filepath = "//beside.png", "//../above.png"
    for image in (beside, above, far):
        textured(ball, image)
    bpy.ops.wm.save_as_mainfile(filepath=scene_path, relative_remap=False)
    return False


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


def falling():
    """An unbaked rigid body: frame 20 is right only when frames 1 to 19 were played."""
    scene = studio()
    bpy.ops.rigidbody.world_add()
    scene.rigidbody_world.collection = bpy.data.collections.new("Bodies")
    for name, kind in (("Plane", "PASSIVE"), ("Cube", "ACTIVE"), ("Ball", "ACTIVE")):
        thing = bpy.data.objects[name]
        scene.rigidbody_world.collection.objects.link(thing)
        thing.rigid_body.type = kind
    bpy.data.objects["Cube"].location.z = 4
    bpy.data.objects["Cube"].rotation_euler = (0.4, 0.7, 0)


def sparks():
    """An emitter whose particles fall: simulated by playing."""
    studio()
    ball = bpy.data.objects["Ball"]
    ball.modifiers.new("Sparks", "PARTICLE_SYSTEM")
    settings = ball.particle_systems[0].settings
    settings.count, settings.frame_start, settings.frame_end, settings.lifetime = 60, 1, 20, 50
    settings.render_type = "OBJECT"
    settings.instance_object = bpy.data.objects["Cube"]
    settings.particle_size = 0.1
    settings.brownian_factor = 1.0


# Scenes with a trap


def missing():
    studio()
    textured(bpy.data.objects["Cube"], gone("//textures/gone.png"))
    textured(bpy.data.objects["Ball"], gone("C:\\art\\wood.png"))


def gone(path):
    """An image whose file is not there: loaded from a real file, then pointed elsewhere."""
    image = picture(os.path.join(FOLDER, "temporary.png"), (1, 1, 1, 1))
    os.remove(os.path.join(FOLDER, "temporary.png"))
    image.filepath_raw = path
    return image


def no_camera():
    scene = studio()
    bpy.data.objects.remove(scene.camera)


def escape():
    """A driver and a text block that would write a file if scripts ran."""
    studio()
    text = bpy.data.texts.new("evil.py")
    text.write("open('/work/escaped', 'w').write('text')\n")
    text.use_module = True
    curve = bpy.data.objects["Cube"].driver_add("location", 2)
    curve.driver.expression = "__import__('os').system('touch /work/escaped') or 3"


def border():
    scene = studio()
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.25, 0.75
    scene.render.border_min_y, scene.render.border_max_y = 0.25, 0.75


def eevee():
    scene = studio()
    scene.render.engine = "BLENDER_EEVEE_NEXT"


def stereo():
    studio().render.use_multiview = True


def hurried():
    studio().cycles.time_limit = 5


SCENES = (
    plain, odd, adaptive, blur, markers, denoised, composed, layers, cryptomatte, beveled, files, falling, sparks,
    missing, no_camera, escape, border, eevee, stereo, hurried,
)  # fmt: skip
FOLDER = ""


def main():
    global FOLDER
    FOLDER = os.path.abspath(sys.argv[1])
    os.makedirs(FOLDER, exist_ok=True)
    for make in SCENES:
        if len(sys.argv) > 2 and make.__name__ not in sys.argv[2:]:
            continue
        if make() is not False:
            bpy.ops.wm.save_as_mainfile(
                filepath=os.path.join(FOLDER, make.__name__ + ".blend"), compress=False, relative_remap=False
            )
    sys.stdout.flush()
    # bpy hangs at a normal exit after files were loaded.
    os._exit(0)


main()
