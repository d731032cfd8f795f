"""What inspecting a scene found, in the shape of `rayswarm_model::SceneFacts`. Dependencies are left to the adapter,
which alone sees the machine's files; it gets the references."""

from fractions import Fraction

import bpy
from findings import denoised, findings, refusal, slices_refused, tiles_inexact, warning
from formats import output_pattern, replaced
from memory import estimate
from passes import has_compositor, pass_names, rendered_layers, restrict
from references import reach, references, unreadable_images
from settings import option
from simulation import unbaked

# Adaptive sampling looks at neighbours; 4 px were enough in every case measured, 16 leaves room.
ADAPTIVE_PADDING = 16


def inspect(scene, settings):
    """Returns facts and references. Changes the scene on the way: load the file again before rendering."""
    renderer = scene.render.engine
    reachable = reach(scene)
    found = findings(scene, settings, renderer, reachable)
    files = references(scene, frames(scene, settings))
    allowed = settings.get("allowed_missing", [])
    found += [unreadable(path) for path in unreadable_images(files, reachable) if path not in allowed]
    found += replaced(scene.render)
    render, cycles = scene.render, scene.cycles
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    facts = {
        "engine": "blender",
        "engine_version": ".".join(map(str, bpy.app.version)),
        # The third number counts file formats within a series; no Blender is called by it.
        "saved_by": "Blender " + ".".join(map(str, bpy.data.version[:2])),
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
        "sequential": bool(unbaked(scene, reachable)),
        "tile_padding": ADAPTIVE_PADDING if cycles.use_adaptive_sampling else 0,
        "output": output_pattern(render),
        "dependencies": [],
    }
    inexact = tiles_inexact(scene, reachable)
    facts["tiles_exact"] = inexact is None
    if inexact:
        found.append(warning("tiles", f"each frame is one task, because {inexact}", "nothing to do"))

    # From here on the scene is what a raw render sees.
    restrict(scene, option(settings, "passes") == "all")
    facts["slices_refused"] = slices_refused(scene, reachable)
    facts["view_layers"] = [
        {"name": layer.name, "passes": pass_names(scene, layer)} for layer in rendered_layers(scene)
    ]
    # Four channels at most per pass.
    channels = 4 * sum(len(layer["passes"]) for layer in facts["view_layers"])
    facts["memory_estimate"] = estimate(width * height, channels, reachable)
    facts["findings"] = found
    return {"facts": facts, "references": files}


def frames(scene, settings):
    """The frames that will be rendered: the job's, or the file's own range."""
    return settings.get("frames") or range(scene.frame_start, scene.frame_end + 1, scene.frame_step)


def unreadable(path):
    return refusal(
        "unreadable_image",
        f"the image {path} cannot be decoded and would render magenta",
        f"replace the file, or render without it: --allow-missing '{path}'",
    )


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
