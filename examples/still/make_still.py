#!/usr/bin/env python3
"""Makes still.blend: pears, glass and stoneware in the light of a window.

Run it with a Python that has Blender's module: `python examples/still/make_still.py [--preview PICTURE]`.
Two textures are files beside the scene, on purpose: a renderer elsewhere has to be given them too.
"""

import argparse
import math
import pathlib
import random
import sys

import bpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from studio import materials, shapes, stage, textures  # noqa: E402

TEXTURES = HERE / "textures"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--preview", help="also render a small picture to this file")
    options.add_argument("--size", type=int, default=480, help="width of the preview in pixels")
    options.add_argument("--samples", type=int, default=24, help="samples of the preview")
    chosen = options.parse_args()

    stage.clean()
    make_textures()
    stage.cycles(samples=96, bounces=12, exposure=0.25)
    room()
    light()
    vase_with_branches((-1.75, 0.75, 0))
    carafe((1.72, 0.85, 0))
    tumbler((2.62, -0.75, 0))
    bowl_of_fruit((0.05, -0.25, 0.035))
    candlestick((-3.35, 2.1, 0))
    fallen_fruit()
    cloth()
    stage.camera((0.9, -16.5, 4.6), (0.12, 0.0, 1.78), 69, (0.3, -0.9, 0.8), 0.30)
    bpy.context.scene.render.filepath = "//still"
    bpy.context.scene.frame_end = 1
    stage.save(HERE / "still.blend")
    if chosen.preview:
        stage.preview(chosen.preview, chosen.size, chosen.samples)
    stage.finish()


def make_textures():
    """Writes what is not there yet: the files are part of the repository."""
    TEXTURES.mkdir(exist_ok=True)
    if not (TEXTURES / "oak.jpg").exists():
        textures.save(textures.oak(), TEXTURES / "oak.jpg")
    if not (TEXTURES / "linen.jpg").exists():
        textures.save(textures.weave(), TEXTURES / "linen.jpg")


def room():
    """A table of three oak planks before a limewashed wall."""
    oak = materials.wood("Oak", textures.load(TEXTURES / "oak.jpg"), tint=(0.85, 0.74, 0.66))
    table = shapes.board("Table", (14.0, 8.0, 0.45), oak)
    table.location = (0.0, 1.2, 0.0)
    wall = materials.plaster("Limewash", (0.105, 0.118, 0.105))
    shapes.sheet("Wall", 1, 1, 1, 1, wall, lambda u, v: (40 * u - 20, 6.5, 24 * v - 8)).modifiers.clear()
    floor = materials.plain("Floor", (0.03, 0.025, 0.02), 0.8)
    shapes.sheet("Floor", 1, 1, 1, 1, floor, lambda u, v: (60 * u - 30, 60 * v - 40, -8)).modifiers.clear()
    stage.world((0.32, 0.42, 0.6), 0.05)


def light():
    """A low sun through a window from the left, its sky beside it, and a faint return from the right."""
    stage.window_light("Sun", (-15.0, -9.5, 9.6), (0.1, 1.6, 1.62), 46000, (1.0, 0.76, 0.48), 0.10, (0.135, 0.135), (0.165, 0.165))
    stage.area_light("Sky", (-7.5, -2.5, 6.0), (0.0, 0.3, 0.8), (3.2, 4.2), 620, (0.72, 0.84, 1.0))
    stage.area_light("Return", (7.5, -3.0, 3.2), (0.3, 0.3, 0.8), (3.0, 4.0), 130, (1.0, 0.86, 0.7))
    stage.area_light("Edge", (4.6, 5.2, 6.2), (0.2, 0.4, 1.2), (1.2, 3.0), 210, (0.86, 0.92, 1.0))


def vase_with_branches(place):
    """A dipped stoneware vase and three branches of eucalyptus."""
    stoneware = materials.glazed("Stoneware", (0.66, 0.62, 0.52), (0.30, 0.19, 0.12), 0.75)
    profile = [
        (0, 0), (0, 0), (0.50, 0.0), (0.50, 0.0), (0.56, 0.04), (0.86, 0.55), (0.97, 1.05), (0.82, 1.62), (0.47, 2.05),
        (0.33, 2.32), (0.36, 2.52), (0.45, 2.62), (0.43, 2.65), (0.38, 2.60), (0.28, 2.40), (0.26, 2.25), (0.26, 2.25), (0, 2.2),
    ]
    vase = shapes.turned("Vase", shapes.smooth_profile(profile, 4), stoneware)
    vase.location = place

    bark = materials.plain("Bark", (0.16, 0.10, 0.06), 0.8)
    green = materials.foliage("Eucalyptus", (0.15, 0.24, 0.17))
    leaf = shapes.leaf("Leaf", 0.6, 0.36, green)
    draw = random.Random(11)
    x, y, z = place[0], place[1], place[2] + 2.3
    for number, (reach, rise, toward, count) in enumerate(
        [((1.75, -0.25), 2.05, 0.75, 15), ((-1.5, 0.35), 1.75, 0.6, 13), ((0.35, 0.6), 2.35, 0.5, 14), ((2.3, 0.55), 1.0, 1.1, 13)]
    ):
        points = []
        for step in range(7):
            t = step / 6
            points.append((
                x + reach[0] * t**1.4 + draw.uniform(-0.04, 0.04),
                y + reach[1] * t + draw.uniform(-0.04, 0.04),
                z - 0.3 + rise * math.sin(t * math.pi / 2 * toward**0.5 * 1.25) + draw.uniform(-0.02, 0.02),
            ))
        shapes.stem(f"Branch {number}", points, 0.034, bark)
        branch_leaves(points, leaf, count, draw)
    bpy.data.objects.remove(leaf)


def branch_leaves(points, leaf, count, draw):
    """Leaves in pairs along a branch, smaller towards its tip."""
    for index in range(count):
        t = 0.22 + 0.78 * index / (count - 1)
        place = min(int(t * (len(points) - 1)), len(points) - 2)
        part = t * (len(points) - 1) - place
        position = [a + (b - a) * part for a, b in zip(points[place], points[place + 1], strict=True)]
        heading = math.atan2(points[-1][1] - points[0][1], points[-1][0] - points[0][0])
        for side in (-1, 1):
            made = leaf.copy()
            made.location = position
            made.rotation_euler = (
                draw.uniform(-0.6, 0.6), draw.uniform(-0.75, 0.25), heading + side * draw.uniform(0.5, 1.35)
            )
            made.scale = [draw.uniform(0.85, 1.15) * (1.12 - 0.62 * t)] * 3
            bpy.context.collection.objects.link(made)


def carafe(place):
    """A carafe of thin glass, half full of water; the water reaches into the glass so that no gap shows."""
    glass = materials.clear("Glass", (0.965, 0.99, 0.975), 1.5)
    water = materials.clear("Water", (0.97, 0.99, 0.985), 1.33)
    outside = [
        (0, 0), (0, 0), (0.62, 0.0), (0.70, 0.06), (0.80, 0.42), (0.83, 0.85), (0.70, 1.38), (0.42, 1.83), (0.30, 2.2),
        (0.31, 2.55), (0.40, 2.86), (0.41, 2.90),
    ]
    inside = [
        (0.385, 2.90), (0.365, 2.86), (0.275, 2.55), (0.262, 2.2), (0.38, 1.80), (0.655, 1.36), (0.785, 0.85), (0.755, 0.45),
        (0.65, 0.16), (0.55, 0.11), (0, 0.10), (0, 0.10),
    ]
    shapes.turned("Carafe", shapes.smooth_profile(outside + inside, 3), glass).location = place
    filled = [(0, 0.09), (0, 0.09), (0.56, 0.10), (0.662, 0.155), (0.765, 0.45), (0.795, 0.85), (0.745, 1.12), (0.735, 1.135), (0.70, 1.12), (0.70, 1.12), (0, 1.12)]
    shapes.turned("Water in the carafe", shapes.smooth_profile(filled, 3), water).location = place


def tumbler(place):
    """A heavy tumbler with a finger of water."""
    glass, water = bpy.data.materials["Glass"], bpy.data.materials["Water"]
    profile = [
        (0, 0), (0, 0), (0.33, 0.0), (0.37, 0.03), (0.39, 0.25), (0.43, 0.95), (0.435, 1.0), (0.41, 1.01), (0.40, 0.95),
        (0.362, 0.30), (0.33, 0.19), (0.25, 0.17), (0, 0.17), (0, 0.17),
    ]
    shapes.turned("Tumbler", shapes.smooth_profile(profile, 3), glass).location = place
    filled = [(0, 0.16), (0, 0.16), (0.26, 0.16), (0.338, 0.19), (0.372, 0.30), (0.385, 0.55), (0.38, 0.56), (0.35, 0.548), (0.35, 0.548), (0, 0.548)]
    shapes.turned("Water in the tumbler", shapes.smooth_profile(filled, 3), water).location = place


def bowl_of_fruit(place):
    """A turned brass bowl, three pears and two lemons."""
    brass = materials.brushed_metal("Brass", (0.86, 0.60, 0.27))
    profile = [
        (0, 0), (0, 0), (0.52, 0.0), (0.56, 0.0), (0.57, 0.05), (0.50, 0.12), (0.50, 0.14), (0.95, 0.36), (1.22, 0.68), (1.27, 0.83),
        (1.285, 0.85), (1.255, 0.86), (1.225, 0.82), (1.16, 0.69), (0.90, 0.42), (0.45, 0.22), (0, 0.2),
    ]
    bowl = shapes.turned("Bowl", shapes.smooth_profile(profile, 3), brass)
    bowl.location = place
    pear_at((place[0] - 0.36, place[1] - 0.22, place[2] + 0.42), (0.15, -0.28, 0.4), 1.0)
    pear_at((place[0] + 0.42, place[1] + 0.22, place[2] + 0.45), (-0.2, 0.42, 1.9), 0.96)
    pear_at((place[0] - 0.15, place[1] + 0.50, place[2] + 0.50), (-0.5, -0.2, 3.3), 0.9)
    lemon_at((place[0] + 0.42, place[1] - 0.48, place[2] + 0.72), (0.3, 0.25, 0.5), 0.86)
    lemon_at((place[0] - 0.72, place[1] + 0.3, place[2] + 0.78), (0.2, -0.35, 2.2), 0.8)


def fallen_fruit():
    """A pear lying at the table's edge, and a lemon on the cloth."""
    settle(pear_at((1.42, -1.65, 0.46), (1.62, 0.15, 0.95), 0.98), 0.0)
    settle(lemon_at((-1.75, -1.55, 0.42), (0.1, 0.1, 0.55), 0.92), 0.06)


def pear_at(place, turn, size):
    """A pear with its stalk."""
    if "Pear skin" not in bpy.data.materials:
        materials.fruit("Pear skin", (0.30, 0.32, 0.05), (0.50, 0.30, 0.06), (0.20, 0.12, 0.03), 0.18, 55)
        materials.plain("Stalk", (0.10, 0.06, 0.03), 0.8)
    profile = [
        (0, 0.06), (0.06, 0.05), (0.16, 0.0), (0.36, 0.07), (0.49, 0.30), (0.505, 0.52), (0.42, 0.80), (0.275, 1.04), (0.205, 1.22),
        (0.135, 1.32), (0.06, 1.335), (0, 1.31),
    ]
    pear = shapes.turned("Pear", shapes.smooth_profile(profile, 3), bpy.data.materials["Pear skin"], 32)
    dent(pear, 0.035, 1.7)
    stalk = shapes.stem("Stalk", [(0, 0, 1.27), (0.01, 0.0, 1.42), (0.05, 0.01, 1.56), (0.12, 0.02, 1.66)], 0.026, bpy.data.materials["Stalk"])
    stalk.data.splines[0].points[-1].radius = 1.4
    stalk.parent = pear
    pear.location, pear.rotation_euler, pear.scale = place, turn, (size,) * 3
    return pear


def lemon_at(place, turn, size):
    """A lemon, its axis lying along x."""
    if "Lemon skin" not in bpy.data.materials:
        materials.fruit("Lemon skin", (0.80, 0.50, 0.03), (0.86, 0.60, 0.06), (0.70, 0.44, 0.03), 0.42, 38, 0.34)
    profile = [
        (0, -0.66), (0.07, -0.63), (0.12, -0.55), (0.27, -0.44), (0.42, -0.20), (0.455, 0.04), (0.39, 0.28), (0.24, 0.46), (0.13, 0.54),
        (0.10, 0.60), (0.05, 0.64), (0, 0.645),
    ]
    lemon = shapes.turned("Lemon", shapes.smooth_profile(profile, 3), bpy.data.materials["Lemon skin"], 32)
    dent(lemon, 0.03, 1.4)
    lemon.location, lemon.scale = place, (size,) * 3
    lemon.rotation_euler = (turn[0], turn[1] + math.pi / 2, turn[2])
    return lemon


def dent(thing, strength, size):
    """No fruit is a solid of revolution."""
    name = f"Dents {size}"
    clouds = bpy.data.textures.get(name) or bpy.data.textures.new(name, "CLOUDS")
    clouds.noise_scale = size / 2
    modifier = thing.modifiers.new("Dents", "DISPLACE")
    modifier.texture, modifier.strength, modifier.mid_level = clouds, strength * 4, 0.5
    modifier.texture_coords = "GLOBAL"


def settle(thing, height):
    """Lets a thing down until it touches what lies at `height`."""
    bpy.context.view_layer.update()
    shape = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    thing.location.z += height - min((thing.matrix_world @ vertex.co).z for vertex in shape.data.vertices)


def candlestick(place):
    """Turned brass, out of focus, with a candle that is not lit."""
    brass = bpy.data.materials["Brass"]
    profile = [
        (0, 0), (0, 0), (0.72, 0.0), (0.75, 0.04), (0.70, 0.12), (0.40, 0.22), (0.16, 0.42), (0.13, 0.62), (0.24, 0.76), (0.25, 0.86),
        (0.14, 1.0), (0.105, 1.4), (0.12, 1.75), (0.22, 1.9), (0.22, 1.96), (0.14, 2.05), (0.17, 2.2), (0.38, 2.32), (0.40, 2.36), (0.38, 2.38),
        (0.2, 2.36), (0.2, 2.36), (0, 2.36),
    ]
    shapes.turned("Candlestick", shapes.smooth_profile(profile, 3), brass).location = place
    wax = materials.plain("Wax", (0.80, 0.72, 0.56), 0.5, Subsurface_Weight=0.5, Subsurface_Scale=0.2)
    candle = [(0, 2.3), (0, 2.3), (0.17, 2.3), (0.17, 2.3), (0.165, 3.35), (0.15, 3.41), (0.10, 3.39), (0.05, 3.37), (0, 3.37)]
    shapes.turned("Candle", shapes.smooth_profile(candle, 3), wax).location = place
    wick = materials.plain("Wick", (0.02, 0.018, 0.015), 0.9)
    shapes.stem("Wick", [(0, 0, 3.33), (0, 0, 3.45), (0.03, 0, 3.53), (0.06, 0, 3.56)], 0.016, wick).location = place


def cloth():
    """A linen napkin drawn across the table and over its edge, in soft folds."""
    flax = materials.linen("Linen", textures.load(TEXTURES / "linen.jpg"), (0.56, 0.50, 0.41), 1.7)
    edge, thickness = -2.8, 0.03

    def place(u, v):
        x, along = 3.6 * (u - 0.5), 4.4 * v
        spread = 1.0 + 0.10 * math.sin(3.0 * v + 1.0)
        fold = 0.16 * math.sin(4.6 * x + 1.3 * v + 0.4) * math.exp(-((u - 0.45) ** 2) * 5)
        fold += 0.075 * math.sin(8.7 * x - 3.3 * v + 2.2) * (0.4 + 2.2 * u * (1 - u))
        fold += 0.05 * math.sin(2.3 * x + 6.1 * v)
        lift = max(fold, -0.25 * fold) * 1.15
        forward = along - 2.7
        y, z = -forward + edge + 0.7, lift + thickness
        drop = forward - 0.7
        if drop > -0.12:
            bend = 0.12
            over = drop + bend
            arc = bend * math.pi / 2
            if over < arc:
                angle = over / bend
                y, z = edge + bend - bend * math.sin(angle) - 0.0, thickness - bend + bend * math.cos(angle) + lift * math.cos(angle)
            else:
                hang = over - arc
                y, z = edge - (fold + 0.06) * min(1.0, hang) * 1.6 - 0.02, thickness - bend - hang
        return (-1.55 + (x * spread) * math.cos(0.12) - 0.10 * math.sin(4 * v), y + 0.16 * x, z)

    napkin = shapes.sheet("Napkin", 3.6, 4.4, 60, 72, flax, place)
    body = napkin.modifiers.new("Thickness", "SOLIDIFY")
    body.thickness, body.offset = 0.018, 1.0


if __name__ == "__main__":
    main()
