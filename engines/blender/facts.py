"""What inspecting a scene found, in the shape of `rayswarm_model::SceneFacts`. Dependencies are left to the adapter,
which alone sees the machine's files; it gets the references."""

import os
from fractions import Fraction

import bpy
from findings import denoised, findings, slices_refused, tiles_inexact, warning
from memory import estimate
from passes import has_compositor, pass_names, rendered_layers, restrict
from references import reach, references, unreadable_images
from settings import option
from simulation import unbaked

# Adaptive sampling looks at neighbours; 4 px were enough in every case measured, 16 leaves room.
ADAPTIVE_PADDING = 16
FORMATS = {"PNG": "png", "JPEG": "jpeg", "OPEN_EXR": "exr", "OPEN_EXR_MULTILAYER": "exr-multilayer"}
FILMS = {"MPEG4": "mp4", "WEBM": "webm"}


def inspect(scene, settings):
    """Returns facts and references. Changes the scene on the way: load the file again before rendering."""
    renderer = scene.render.engine
    found = findings(scene, settings, renderer)
    unreadable = unreadable_images(scene)
    if unreadable:
        allowed = settings.get("allowed_missing", [])
        for path in unreadable:
            if path not in allowed:
                found.append(
                    {
                        "severity": "refusal",
                        "code": "unreadable_image",
                        "message": f"the image {path} cannot be decoded and would render magenta",
                        "remedy": f"replace the file, or render without it: --allow-missing {path}",
                    }
                )
    files = references(scene)
    reachable = reach(scene)
    render, cycles = scene.render, scene.cycles
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    facts = {
        "engine": "blender",
        "engine_version": ".".join(map(str, bpy.app.version)),
        "saved_by": "Blender " + ".".join(map(str, bpy.data.version)),
        "renderer": renderer,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "frame_rate": frame_rate(render),
        "resolution": {"width": width, "height": height},
        "pixel_aspect_milli": round(1000 * render.pixel_aspect_x / render.pixel_aspect_y),
        "samples": cycles.samples,
        "adaptive_sampling": cycles.use_adaptive_sampling,
        "denoise": denoised(scene),
        "compositor": has_compositor(scene),
        "cameras": cameras(scene),
        "sequential": bool(unbaked(scene)),
        "tile_padding": ADAPTIVE_PADDING if cycles.use_adaptive_sampling else 0,
        "output": output_pattern(render),
        "dependencies": [],
    }
    inexact = tiles_inexact(scene)
    facts["tiles_exact"] = inexact is None
    if inexact:
        found.append(warning("tiles", f"each frame is one task, because {inexact}", "nothing to do"))

    # From here on the scene is what a raw render sees.
    restrict(scene, option(settings, "passes") == "all")
    facts["slices_refused"] = slices_refused(scene)
    facts["view_layers"] = [
        {"name": layer.name, "passes": pass_names(scene, layer)} for layer in rendered_layers(scene)
    ]
    # Four channels at most per pass.
    channels = 4 * sum(len(layer["passes"]) for layer in facts["view_layers"])
    facts["memory_estimate"] = estimate(scene, width * height, channels, reachable)
    facts["findings"] = found
    return {"facts": facts, "references": files}


def frame_rate(render):
    """fps / fps_base as integers: 30000/1001 is stored as 30 and 1.001."""
    rate = Fraction(render.fps) / Fraction(render.fps_base).limit_denominator(10_000)
    return {"numerator": rate.numerator, "denominator": rate.denominator}


def cameras(scene):
    """Every camera of the scene with the frames markers bind it at."""
    bound = {}
    for marker in scene.timeline_markers:
        if marker.camera:
            bound.setdefault(marker.camera.name, []).append(marker.frame)
    return [
        {"name": item.name, "active": item == scene.camera, "marker_frames": sorted(bound.get(item.name, []))}
        for item in scene.objects
        if item.type == "CAMERA"
    ]


def output_pattern(render):
    """The file name Blender would write, with `#` for the frame's digits: four when the name has none."""
    name = os.path.basename(render.filepath.replace("\\", "/"))
    stem, extension = os.path.splitext(name)
    if extension.lower() == render.file_extension.lower():
        name = stem
    image = render.image_settings
    word = FORMATS.get(image.file_format)
    if image.file_format == "FFMPEG":
        word = FILMS.get(render.ffmpeg.format, "mp4")
    return {
        "name": name if "#" in name else name + "####",
        "format": word or image.file_format,
        "color_mode": image.color_mode,
        "color_depth": int(image.color_depth),
    }
