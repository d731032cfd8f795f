"""What a person should know before money moves: refusals, warnings and notes, each with what to do about it."""

import bpy
from fluids import solver_is_whole, unbaked_parts
from passes import compositor_trees, denoises, has_compositor, pass_names, rendered_layers
from references import objects
from settings import option
from simulation import fluid_domains, unbaked

NAMES_MAX = 5
# Object types of Grease Pencil since 4.3 and before.
PENCILS = ("GREASEPENCIL", "GPENCIL")
# Passes, by the start of their names, that are no sums of samples, as `rayswarm_imaging::slice_rule` knows them too.
NOT_SUMS = (
    *(
        (light + kind, "it is divided by its colour pass")
        for light in ("Diff", "Gloss", "Trans")
        for kind in ("Dir", "Ind")
    ),
    ("Shadow Catcher", "it is divided by the unshadowed light"),
    ("Vector", "it is divided by the weight of moving samples"),
    ("Mist", "it is clamped after the samples are summed"),
    ("Crypto", "it ranks objects instead of summing samples"),
)


def finding(severity, code, message, remedy):
    return {"severity": severity, "code": code, "message": message, "remedy": remedy}


def refusal(code, message, remedy):
    return finding("refusal", code, message, remedy)


def warning(code, message, remedy):
    return finding("warning", code, message, remedy)


def note(code, message, remedy):
    return finding("note", code, message, remedy)


def names(items):
    """A few names, and how many more."""
    items = sorted(set(items))
    more = f" and {len(items) - NAMES_MAX} more" if len(items) > NAMES_MAX else ""
    return ", ".join(items[:NAMES_MAX]) + more


def findings(scene, settings, renderer, reachable):
    """All findings about a scene that was not changed yet. `renderer` is what the file asks for, `reachable` all the
    scene uses (`references.reach`)."""
    return [
        *of_renderer(scene, settings, renderer),
        *of_picture(scene, settings),
        *of_compositor(scene),
        *of_simulation(scene, reachable),
        *of_geometry(reachable),
        *of_sound(scene, reachable),
        *of_scripts(reachable),
    ]


def of_renderer(scene, settings, renderer):
    if renderer != "CYCLES":
        override = (settings.get("renderer_override") or "").lower()
        if override == "cycles":
            yield warning(
                "renderer_replaced",
                f"the file asks for {renderer} and is rendered with Cycles: materials and light may look different",
                "compare one frame before you render all of them",
            )
        else:
            old = " (the file comes from Blender Internal times)" if bpy.data.version < (2, 80, 0) else ""
            yield refusal(
                "renderer",
                f"the file renders with {renderer}{old}, which does not repeat exactly on other machines",
                "render it with Cycles instead: add --engine cycles",
            )
    cycles = scene.cycles
    if cycles.time_limit > 0:
        yield warning(
            "time_limit",
            f"the file stops each frame after {cycles.time_limit:g} s, so its picture depends on the machine",
            "the limit is ignored and all samples are taken; lower --samples if that is too dear",
        )
    if cycles.use_guiding:
        yield refusal(
            "path_guiding",
            "Path Guiding learns from the pixels it renders, so tiles and repeats differ",
            "switch off Render > Sampling > Path Guiding",
        )
    if cycles.use_sample_subset:
        yield refusal(
            "sample_subset",
            "the file renders only a subset of its samples",
            "switch off Render > Sampling > Advanced > Sample Subset",
        )
    if cycles.shading_system:
        yield note("osl", "the file uses Open Shading Language, which renders on processors only", "nothing to do")
    if cycles.use_denoising and cycles.denoiser != "OPENIMAGEDENOISE":
        yield warning(
            "denoiser",
            f"the file denoises with {cycles.denoiser}, which differs by graphics card",
            "OpenImageDenoise is used instead",
        )


def of_picture(scene, settings):
    render = scene.render
    if not any(marker.camera for marker in scene.timeline_markers) and scene.camera is None:
        yield refusal("no_camera", f"scene {scene.name!r} has no camera", "add a camera and make it active")
    elif scene.camera is not None and scene.camera.type != "CAMERA":
        yield refusal(
            "no_camera", f"the active camera {scene.camera.name!r} is no camera object", "make a camera the active one"
        )
    if render.use_border and option(settings, "border") != "ignore":
        yield refusal(
            "border",
            "the file renders only a region of the picture (Render Region)",
            "switch off Output > Format > Render Region, or render the whole picture with --option border=ignore",
        )
    if render.use_multiview:
        yield refusal("multiview", "the file renders several views (Stereoscopy)", "switch off Output > Stereoscopy")
    if render.use_freestyle:
        yield refusal(
            "freestyle",
            "Freestyle lines are drawn over the whole picture by scripts",
            "switch off Render > Freestyle, or render the lines on your own machine",
        )
    if render.use_sequencer and option(settings, "sequencer") != "ignore":
        editor = scene.sequence_editor
        strips = [strip.name for strip in editor.strips if not strip.mute and strip.type != "SOUND"] if editor else []
        if strips:
            yield refusal(
                "sequencer",
                f"the video sequencer replaces the render with its strips: {names(strips)}",
                "switch off Output > Post Processing > Sequencer, or render without them: --option sequencer=ignore",
            )
    if render.use_stamp:
        yield note(
            "stamp",
            "text is burnt into the picture; render time, memory and host name in it are those of the finishing machine",
            "switch off Output > Metadata > Burn Into Image if that is not wanted",
        )
    others = [one.name for one in bpy.data.scenes if one != scene and one.library is None]
    if others:
        yield note(
            "several_scenes",
            f"the file has several scenes; {scene.name!r}, the active one, is rendered and not: {names(others)}",
            "make another scene the active one, save, and submit again to render that",
        )
    if not rendered_layers(scene):
        yield refusal("no_view_layer", "no view layer is used for rendering", "switch on Use for Rendering in one")


def of_compositor(scene):
    if not (scene.render.use_compositing and scene.use_nodes and scene.node_tree):
        return
    nodes = [node for tree in compositor_trees(scene) for node in tree.nodes if not node.mute]
    writers = [node.name for node in nodes if node.bl_idname == "CompositorNodeOutputFile"]
    if writers:
        yield warning(
            "file_output",
            f"File Output nodes write nothing: {names(writers)}",
            "take their layers from --format exr-multilayer",
        )
    if not has_compositor(scene):
        yield warning(
            "no_composite",
            "the compositor has no Composite node, so it does not change the picture",
            "add a Composite node, or switch the compositor off",
        )
        return
    foreign = [
        node.name
        for node in nodes
        if node.bl_idname in ("CompositorNodeRLayers", "CompositorNodeCryptomatteV2")
        and getattr(node, "source", "RENDER") == "RENDER"
        and node.scene not in (None, scene)
    ]
    if foreign:
        yield refusal(
            "other_scene",
            f"the compositor reads renders of another scene: {names(foreign)}",
            "render that scene first and read its pictures with Image nodes",
        )


def of_simulation(scene, reachable):
    domains = fluid_domains(reachable)
    if domains and not solver_is_whole():
        yield refusal(
            "fluid_solver",
            f"the fluid solver of this Blender does not work, so that fluids would be missing from the picture: "
            f"{names(name for name, _ in domains)}",
            "export a liquid as Alembic and import that, read smoke from its .vdb files by a Volume object, and remove "
            "the domain",
        )
    # Fluids write files while they play, which no session may.
    fluids = [f"{name} ({part})" for name, settings in domains for part in unbaked_parts(settings)]
    if fluids:
        yield refusal(
            "unbaked_fluid",
            f"fluid domains are not baked: {names(fluids)}",
            "bake them (Cache > Type: All), save, and submit again with the cache folder beside the file",
        )
    waiting = unbaked(scene, reachable)
    if waiting:
        yield warning(
            "unbaked_simulation",
            "simulations are not baked, so every session plays the scene from its first frame: "
            + names(f"{name} ({kind})" for name, kind in waiting),
            "bake them and save the file, so that any frame can be rendered at once",
        )


def of_geometry(reachable):
    # Measured in the sandbox, 64x48: tiles equalled the whole, but 281 pixels of the finished picture were off by up to
    # 0.36, for the strokes lie over each other; and drivers differ from machine to machine.
    strokes = [item.name for item in objects(reachable) if item.type in PENCILS and not item.hide_render]
    if strokes:
        yield refusal(
            "grease_pencil",
            "Grease Pencil is drawn by the machine's graphics driver, into every tile and again over the finished picture: "
            f"{names(strokes)}",
            "convert the strokes (Object > Convert > Mesh), or switch them off for rendering and render them yourself",
        )
    beveled = [
        item.name
        for item in objects(reachable)
        if item.type == "MESH"
        and item.data.uv_layers
        and any(modifier.type == "BEVEL" and modifier.show_render for modifier in item.modifiers)
    ]
    if beveled:
        yield note(
            "bevel_uv",
            "Blender's Bevel modifier adds up texture coordinates in order of memory addresses, so that single pixels "
            f"may differ by some 1e-5 between machines of different make: {names(beveled)}",
            "nothing to do; sessions on one machine repeat exactly. Apply the modifier to be free of it",
        )


def of_sound(scene, reachable):
    """Films are encoded from pictures alone."""
    editor = scene.sequence_editor
    strips = editor.strips_all if editor else ()
    sounds = [strip.name for strip in strips if strip.type == "SOUND" and not strip.mute]
    sounds += [item.name for item in objects(reachable) if item.type == "SPEAKER" and item.data.sound]
    if not sounds:
        return
    mix = "mix the sound down in Blender (Render > Render Audio) and add it: ffmpeg -i FILM -i SOUND -c:v copy WITH_SOUND"
    if scene.render.image_settings.file_format != "FFMPEG":
        yield note("sound", f"a film made of this file has no sound; it has {names(sounds)}", mix)
    elif scene.render.ffmpeg.audio_codec != "NONE":
        yield warning("sound", f"the film is written without sound; the file has {names(sounds)}", mix)


def of_scripts(reachable):
    if bpy.app.autoexec_fail:
        yield warning(
            "scripts_off",
            f"something in the file wants to run as Python and may not: {bpy.app.autoexec_fail_message}; "
            "objects it moves stand still",
            "bake the movement to keyframes (Object > Animation > Bake Action)",
        )
    modules = [text.name for text in bpy.data.texts if text.use_module]
    if modules:
        yield warning(
            "scripts_off",
            f"text blocks that register at load do not run: {names(modules)}",
            "nothing to do unless the picture depends on them",
        )
    failing = broken_drivers(reachable)
    if failing:
        yield warning(
            "drivers_fail",
            f"drivers fail without scripts, and what they move stands still: {names(failing)}",
            "bake them to keyframes, or use expressions without imports",
        )


def broken_drivers(reachable):
    """Names of data-blocks with a Python driver Blender has marked invalid, in themselves or in their node tree."""
    return [
        block.name
        for block in reachable
        for animated in (block, getattr(block, "node_tree", None))
        if any(not curve.driver.is_valid for curve in drivers(animated))
    ]


def drivers(block):
    """The drivers of a data-block; not every kind can have them."""
    animation = getattr(block, "animation_data", None)
    return animation.drivers if animation else ()


def slices_refused(scene, reachable):
    """Why the mean of sample subsets is not the whole picture, or None."""
    if scene.cycles.use_adaptive_sampling:
        return "adaptive sampling gives every pixel its own number of samples"
    for layer in rendered_layers(scene):
        if layer.samples > 0 and scene.cycles.use_layer_samples != "IGNORE":
            return f"view layer {layer.name!r} has its own number of samples"
        for name in pass_names(scene, layer):
            why = next((why for start, why in NOT_SUMS if name.startswith(start)), None)
            if why:
                return f"view layer {layer.name!r} has the pass {name}: {why}"
    # Lights carry the same flag with another meaning.
    if any(item.is_shadow_catcher for item in objects(reachable) if item.type != "LIGHT"):
        return "shadow catchers are a quotient of sums, which cannot be averaged"
    return None


def tiles_inexact(scene, reachable):
    """Why a tile may differ from the same pixels of the whole picture, or None."""
    if scene.cycles.feature_set == "EXPERIMENTAL" and any(
        item.cycles.use_adaptive_subdivision and any(modifier.type == "SUBSURF" for modifier in item.modifiers)
        for item in objects(reachable)
    ):
        return "adaptive subdivision divides by what the camera sees"
    return None


def denoised(scene):
    return any(denoises(scene, layer) for layer in rendered_layers(scene))
