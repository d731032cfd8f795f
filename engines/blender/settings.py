"""Puts a job's settings on a scene, and switches off what must not happen in a session."""

import bpy
from protocol import Refused

GPU_KINDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")


def option(settings, name):
    """The value of one of the job's engine options, or None."""
    return dict(map(tuple, settings.get("options", []))).get(name)


def use_cycles(scene, renderer_override):
    """Only Cycles repeats exactly on every machine; others are replaced when the artist asks for it."""
    engine = scene.render.engine
    if engine == "CYCLES":
        return
    if (renderer_override or "").lower() != "cycles":
        raise Refused(
            "renderer",
            f"the file renders with {engine}, which does not repeat exactly on other machines",
            "render it with Cycles instead: add --engine cycles",
        )
    scene.render.engine = "CYCLES"


def apply(scene, settings, threads, device):
    """Resolution, samples, threads, device. Returns the name of the device kind that renders."""
    use_cycles(scene, settings.get("renderer_override"))
    set_resolution(scene.render, settings["resolution"]["width"], settings["resolution"]["height"])
    scene.cycles.samples = settings["samples"]
    scene.render.threads_mode = "FIXED"
    scene.render.threads = threads
    tame(scene)
    if option(settings, "border") == "ignore":
        scene.render.use_border = False
    return choose_device(scene, device)


def set_resolution(render, width, height):
    """Sets the picture's size; as a percentage of the file's own size where it is one, because some compositor nodes
    measure in percent."""
    for percentage in (render.resolution_percentage, *range(1, 101)):
        # Blender rounds down, in integers.
        size = render.resolution_x * percentage // 100, render.resolution_y * percentage // 100
        if size == (width, height):
            render.resolution_percentage = percentage
            return
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100


def tame(scene):
    """Switches off whatever writes files of its own, depends on the clock, or is not part of a raw render."""
    render, cycles = scene.render, scene.cycles
    # A time limit makes the picture depend on the machine's speed.
    cycles.time_limit = 0.0
    # Auto tiles and the render cache write temporary EXR files; tasks are small enough without.
    cycles.use_auto_tile = False
    render.use_render_cache = False
    render.use_overwrite, render.use_placeholder = True, False
    render.use_file_extension = False
    render.use_sequencer = False
    render.use_freestyle = False
    # The processor's compositor and denoiser are the ones whose results were compared.
    render.compositor_device = "CPU"
    render.compositor_denoise_device = "CPU"
    cycles.denoising_use_gpu = False


def choose_device(scene, device):
    """Chooses through Cycles' preferences, as a person would. GPU kinds are untested by this project."""
    scene.cycles.device = "CPU"
    if device == "cpu":
        return "CPU"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in GPU_KINDS if device == "auto" else (device.upper(),):
        try:
            preferences.compute_device_type = kind
        except TypeError:
            # This build of Blender was made without that kind.
            continue
        preferences.refresh_devices()
        found = [one for one in preferences.devices if one.type == kind]
        if found:
            for one in preferences.devices:
                one.use = one.type == kind
            scene.cycles.device = "GPU"
            return kind
    if device == "auto":
        preferences.compute_device_type = "NONE"
        return "CPU"
    raise Refused("no_device", f"this machine has no {device} device Cycles can use", "use --device auto or cpu")
