"""Makes the small scenes the tests render: `python make_scenes.py FOLDER [NAME…]`, run by a Python that has bpy.

Each function builds one scene on top of `studio()` (`studio.py`); its name is the file's name. Pictures are tiny on purpose.
"""

import os
import sys
import wave

import bpy
from studio import camera, compositor, picture, studio, textured

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


def apart(scene, *things):
    """Puts things into a collection that the scene only instances."""
    collection = bpy.data.collections.new("Apart")
    for thing in things:
        collection.objects.link(thing)
        scene.collection.objects.unlink(thing)
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    scene.collection.objects.link(empty)


def flag(location):
    """A piece of cloth held by two corners: simulated by playing."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=6, y_subdivisions=6, location=location)
    thing = bpy.context.object
    thing.name = "Flag"
    pinned = thing.vertex_groups.new(name="Pinned")
    pinned.add([0, 5], 1.0, "ADD")
    thing.modifiers.new("Cloth", "CLOTH").settings.vertex_group_mass = "Pinned"
    return thing


def instanced():
    """Everything that needs special care, only in a collection that is instanced."""
    scene = studio()
    scene.cycles.feature_set = "EXPERIMENTAL"
    cube, ball = bpy.data.objects["Cube"], bpy.data.objects["Ball"]
    cube.modifiers.new("Bevel", "BEVEL")
    ball.modifiers.new("Subdivision", "SUBSURF")
    ball.cycles.use_adaptive_subdivision = True
    ball.is_shadow_catcher = True
    apart(scene, cube, ball, flag((0, 0, 3)))


def backdrop():
    """Rigid bodies of another scene, shown as background set."""
    falling()
    behind = bpy.context.scene
    front = bpy.data.scenes.new("Front")
    front.world, front.background_set = behind.world, behind
    front.camera = camera("Front camera", (0.3, -6.5, 3))
    behind.collection.objects.unlink(front.camera)
    front.collection.objects.link(front.camera)
    front.render.engine = "CYCLES"
    front.render.resolution_x, front.render.resolution_y = 64, 48
    front.cycles.samples, front.cycles.use_adaptive_sampling, front.cycles.use_denoising = 8, False, False
    bpy.context.window.scene = front


def liquid():
    """A fluid domain that was never baked."""
    scene = studio()
    modifier = bpy.data.objects["Cube"].modifiers.new("Domain", "FLUID")
    modifier.fluid_type = "DOMAIN"
    modifier.domain_settings.domain_type = "LIQUID"
    modifier.domain_settings.cache_directory = "//fluid"
    scene.frame_set(1)


def pencil():
    """Strokes, which are no geometry to Cycles."""
    studio()
    bpy.ops.object.grease_pencil_add(type="MONKEY", location=(0, -2, 1))
    bpy.context.object.scale = (2, 2, 2)


def driven():
    """Drivers that need Python, in node trees, a camera, a light and the scene: none of them in an object."""
    scene = studio()
    light = next(item for item in bpy.data.objects if item.type == "LIGHT")
    for block, path in (
        (bpy.data.materials["Red"].node_tree, 'nodes["Principled BSDF"].inputs["Roughness"].default_value'),
        (scene.world.node_tree, 'nodes["Background"].inputs["Strength"].default_value'),
        (scene.camera.data, "lens"),
        (light.data, "energy"),
        (scene, "cycles.film_exposure"),
    ):
        block.driver_add(path).driver.expression = "__import__('math').pi"


def tiff():
    image = studio().render.image_settings
    image.file_format, image.color_depth = "TIFF", "16"


def halves():
    image = studio().render.image_settings
    image.file_format, image.color_mode, image.color_depth, image.exr_codec = "OPEN_EXR", "RGB", "16", "PIZ"


def film():
    """A Matroska film with sound."""
    scene = studio()
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.audio_codec = "MKV", "AAC"
    path = os.path.join(FOLDER, "beep.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    scene.sequence_editor_create().strips.new_sound("Beep", path, 1, 1)


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


def gap():
    """A texture of five numbered pictures, of which the fourth is missing."""
    studio()
    frames = [numbered("gap", number) for number in (1, 2, 3, 5)]
    animated(bpy.data.objects["Cube"], frames[0])


def broken():
    """A numbered picture cut off before it began, and a tiled one with a tile that is no picture."""
    studio()
    frames = [numbered("broken", number) for number in (1, 2, 3, 4, 5)]
    open(bpy.path.abspath(frames[1].filepath), "wb").close()
    animated(bpy.data.objects["Cube"], frames[0])
    tiles = [numbered("tile.", number) for number in (1001, 1002)]
    with open(bpy.path.abspath(tiles[1].filepath), "wb") as file:
        file.write(b"no picture")
    tiled = tiles[0]
    tiled.source, tiled.filepath = "TILED", "//frames/tile.<UDIM>.png"
    if len(tiled.tiles) == 1:
        tiled.tiles.new(1002)
    textured(bpy.data.objects["Ball"], tiled)


def numbered(name, number):
    folder = os.path.join(FOLDER, "frames")
    os.makedirs(folder, exist_ok=True)
    return picture(os.path.join(folder, f"{name}{number:03d}.png"), (0, 1, 0, 1))


def animated(thing, image):
    image.source, image.filepath = "SEQUENCE", "//frames/" + os.path.basename(image.filepath)
    user = textured(thing, image).image_user
    user.frame_duration, user.frame_start, user.frame_offset = 5, 1, 0
    user.use_auto_refresh = True


def homely():
    """Particles whose cache is said to lie in the scene's own folder."""
    cached_in("//")


def emptied():
    """Particles whose cache folder is there and empty."""
    os.makedirs(os.path.join(FOLDER, "empty/deeper"), exist_ok=True)
    cached_in("//empty")


def cached_in(folder):
    studio()
    ball = bpy.data.objects["Ball"]
    ball.modifiers.new("Sparks", "PARTICLE_SYSTEM")
    cache = ball.particle_systems[0].point_cache
    cache.use_external, cache.filepath = True, folder


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
    instanced, backdrop, liquid, pencil, driven, tiff, halves, film, gap, broken, homely, emptied,
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
