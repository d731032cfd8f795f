#!/usr/bin/env python3
"""Makes animation.blend: a brass orrery with worlds of glass, stone and enamel, two seconds that loop.

Run it with a Python that has Blender's module: `python examples/animation/make_animation.py [--preview PICTURE]`.
Every motion is a keyframed turn, so any frame can be rendered without playing those before it.
"""

import argparse
import math
import pathlib
import sys

import bpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from studio import materials, shapes, stage, textures  # noqa: E402

TEXTURES = HERE / "textures"
FRAMES = 48


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--preview", help="also render a small picture to this file")
    options.add_argument("--size", type=int, default=480, help="width of the preview in pixels")
    options.add_argument("--samples", type=int, default=24, help="samples of the preview")
    options.add_argument("--frame", type=int, default=9, help="frame of the preview")
    chosen = options.parse_args()

    stage.clean()
    TEXTURES.mkdir(exist_ok=True)
    if not (TEXTURES / "bands.jpg").exists():
        textures.save(textures.bands(), TEXTURES / "bands.jpg")
    if not (TEXTURES / "table.jpg").exists():
        textures.save(textures.oak(768, 2, 5), TEXTURES / "table.jpg")
    stage.cycles(samples=64, bounces=10, exposure=0.15)
    motion_settings()
    room()
    light()
    brass = materials.brushed_metal("Brass", (0.86, 0.60, 0.27), 0.2)
    steel = materials.brushed_metal("Steel", (0.62, 0.64, 0.67), 0.24)
    pillar(brass, steel)
    worlds(brass, steel)
    stage.camera((0.0, -12.5, 5.0), (0.0, 0.0, 1.82), 53, (0.0, -0.8, 2.2), 0.42)
    bpy.context.scene.render.filepath = "//orrery_####"
    stage.save(HERE / "animation.blend")
    if chosen.preview:
        stage.preview(chosen.preview, chosen.size, chosen.samples, chosen.frame)
    stage.finish()


def motion_settings():
    """Two seconds at 24 frames a second, the shutter open for half of each frame."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.use_motion_blur = True
    scene.render.motion_blur_shutter = 0.5
    # Nothing that moves changes the acceleration structure's size; keeping it saves a second a frame.
    scene.render.use_persistent_data = True


def room():
    """A round table of dark wood before a night-blue wall."""
    oak = materials.wood("Dark oak", textures.load(TEXTURES / "table.jpg"), (0.42, 0.30, 0.24), 0.3)
    table = shapes.board("Table", (16.0, 9.0, 0.4), oak)
    table.location = (0.0, 0.8, 0.0)
    wall = materials.plaster("Night wall", (0.030, 0.048, 0.075))
    shapes.sheet("Wall", 1, 1, 1, 1, wall, lambda u, v: (44 * u - 22, 6.0, 24 * v - 8)).modifiers.clear()
    stage.world((0.2, 0.3, 0.5), 0.06)


def light():
    """A warm key from the upper left, a cold edge from behind, a faint return."""
    stage.area_light("Key", (-5.5, -4.2, 7.2), (0.0, 0.0, 1.8), (2.2, 2.2), 1050, (1.0, 0.83, 0.62))
    stage.area_light("Edge", (5.0, 4.4, 5.6), (0.0, 0.0, 2.0), (1.4, 3.6), 620, (0.55, 0.72, 1.0))
    stage.area_light("Return", (6.0, -5.0, 2.6), (0.0, 0.0, 1.6), (3.0, 3.0), 90, (0.9, 0.9, 1.0))
    stage.area_light("Wall glow", (-1.6, 4.6, 0.7), (-1.2, 6.0, 2.6), (3.0, 0.8), 60, (0.5, 0.65, 1.0))


def pillar(brass, steel):
    """The foot, the column and the lamp in the middle that stands for the sun."""
    foot = [
        (0, 0), (0, 0), (1.15, 0.0), (1.2, 0.05), (1.16, 0.14), (0.85, 0.2), (0.82, 0.26), (0.55, 0.34), (0.26, 0.55), (0.17, 0.85), (0.155, 1.1),
        (0.22, 1.16), (0.22, 1.2), (0.13, 1.26), (0.10, 1.5), (0.10, 2.62), (0.16, 2.68), (0.16, 2.72), (0.08, 2.76), (0.06, 2.9), (0, 2.9),
    ]
    shapes.turned("Pillar", shapes.smooth_profile(foot, 3), brass)
    lamp = materials.plain("Sun", (1.0, 0.75, 0.4), 0.4, Emission_Color=(1.0, 0.58, 0.22, 1.0), Emission_Strength=3.0)
    ball("Sun", 0.46, lamp, (0, 0, 3.28))
    ring = shapes.turned("Sun's ring", circle_profile(0.62, 0.022), steel)
    ring.location, ring.rotation_euler = (0, 0, 3.28), (0.5, 0.2, 0)
    spin(ring, "rotation_euler", 2, 1)


def worlds(brass, steel):
    """Four arms at their own heights and speeds; whole turns, so that the last frame meets the first."""
    glass = materials.clear("Glass", (0.93, 0.985, 0.975), 1.5)
    enamel = materials.plain("Red enamel", (0.42, 0.022, 0.018), 0.25, Coat_Weight=1.0, Coat_Roughness=0.04)
    stone = materials.glazed("Stone", (0.70, 0.66, 0.56), (0.35, 0.24, 0.16), -4.0)
    giant = materials.wood("Banded world", textures.load(TEXTURES / "bands.jpg"), (1.0, 1.0, 1.0), 0.32)
    bare = materials.plain("Ink", (0.02, 0.05, 0.12), 0.2, Coat_Weight=1.0, Coat_Roughness=0.03)

    near = arm("Arm of stone", 1.15, 1.50, brass, turns=3, start=0.35)
    hang(ball("Stone world", 0.20, stone, (0, 0, 0)), near, 1.15, 0.62, brass)
    second = arm("Arm of enamel", 1.75, 1.78, brass, turns=2, start=2.55)
    hang(ball("Enamel world", 0.29, enamel, (0, 0, 0)), second, 1.75, 0.55, brass)
    third = arm("Arm of glass", 2.55, 2.06, steel, turns=1, start=-1.15)
    world = hang(ball("Glass world", 0.44, glass, (0, 0, 0)), third, 2.55, 0.42, brass)
    moon = ball("Moon", 0.115, bare, (0.72, 0, 0.05))
    carrier = bpy.data.objects.new("Moon's orbit", None)
    bpy.context.collection.objects.link(carrier)
    carrier.parent, moon.parent = world, carrier
    spin(carrier, "rotation_euler", 2, 4)
    outer = arm("Arm of the giant", 3.45, 2.34, brass, turns=-1, start=2.2)
    big = hang(ball("Banded world", 0.62, giant, (0, 0, 0)), outer, 3.45, 0.30, brass)
    halo = shapes.turned("Ring", [(0.82, -0.008), (1.12, -0.008), (1.12, 0.008), (0.82, 0.008), (0.82, -0.008)], steel, subdivision=0)
    halo.parent, halo.rotation_euler = big, (0.42, 0.18, 0)
    spin(big, "rotation_euler", 2, 2)


def arm(name, reach, height, material, turns, start):
    """A turning rod with a collar on the pillar and a counterweight."""
    pivot = bpy.data.objects.new(name, None)
    pivot.location = (0, 0, height)
    bpy.context.collection.objects.link(pivot)
    rod = shapes.stem(f"{name}: rod", [(-0.62, 0, 0), (0, 0, 0), (reach * 0.5, 0, 0), (reach, 0, 0)], 0.036, material)
    for point in rod.data.splines[0].points:
        point.radius = 1.0
    collar = shapes.turned(f"{name}: collar", [(0, -0.1), (0, -0.1), (0.17, -0.1), (0.19, -0.07), (0.19, 0.07), (0.17, 0.1), (0, 0.1), (0, 0.1)], material, 32, 1)
    weight = ball(f"{name}: weight", 0.11, material, (-0.68, 0, 0))
    for part in (rod, collar, weight):
        part.parent = pivot
    pivot.rotation_euler.z = start
    spin(pivot, "rotation_euler", 2, turns)
    return pivot


def hang(world, pivot, reach, post, material):
    """Puts a world on a post at an arm's end."""
    foot = shapes.stem(f"{world.name}: post", [(reach, 0, -0.05), (reach, 0, post * 0.5), (reach, 0, post)], 0.026, material)
    for point in foot.data.splines[0].points:
        point.radius = 1.0
    foot.parent = pivot
    world.parent = pivot
    world.location = (reach, 0, post + max(world.dimensions) / 2 - 0.01)
    return world


def ball(name, radius, material, place):
    """A sphere, its poles on z."""
    profile = [(radius * math.sin(math.pi * step / 16), -radius * math.cos(math.pi * step / 16)) for step in range(17)]
    profile[0], profile[-1] = (0, -radius), (0, radius)
    made = shapes.turned(name, profile, material, 32)
    made.location = place
    return made


def circle_profile(radius, thickness):
    """The outline of a round ring, for turning."""
    steps = 10
    return [
        (radius + thickness * math.cos(2 * math.pi * step / steps), thickness * math.sin(2 * math.pi * step / steps))
        for step in range(steps + 1)
    ]


def spin(thing, path, axis, turns):
    """Whole turns at a constant speed over the loop: frame 49 would be frame 1 again."""
    start = getattr(thing, path)[axis]
    for frame, angle in ((1, start), (1 + FRAMES, start + turns * 2 * math.pi)):
        getattr(thing, path)[axis] = angle
        thing.keyframe_insert(path, index=axis, frame=frame)
    for curve in thing.animation_data.action.fcurves:
        curve.extrapolation = "LINEAR"
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"


if __name__ == "__main__":
    main()
