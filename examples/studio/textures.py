"""Pictures made from numbers: wood grain and woven cloth. They tile in both directions."""

import pathlib

import bpy
import numpy


def periodic_noise(shape, cells, seed):
    """Smooth noise from 0 to 1 that repeats at the picture's borders; `cells` are its periods down and across."""
    random = numpy.random.default_rng(seed)
    lattice = random.random(cells)
    rows = numpy.linspace(0, cells[0], shape[0], endpoint=False)
    columns = numpy.linspace(0, cells[1], shape[1], endpoint=False)
    row, column = rows.astype(int), columns.astype(int)
    down = (rows - row)[:, None]
    across = (columns - column)[None, :]
    down, across = (t * t * (3 - 2 * t) for t in (down, across))
    corner = lattice[numpy.ix_(row, column)]
    right = lattice[numpy.ix_(row, (column + 1) % cells[1])]
    below = lattice[numpy.ix_((row + 1) % cells[0], column)]
    diagonal = lattice[numpy.ix_((row + 1) % cells[0], (column + 1) % cells[1])]
    return (corner * (1 - across) + right * across) * (1 - down) + (below * (1 - across) + diagonal * across) * down


def oak(size=1024, planks=3, seed=1):
    """Planks of oiled oak, grain along x: annual rings cut at a slant, pores, rays and joints."""
    shape = (size, size)
    rows = numpy.arange(size)[:, None] / size
    picture = numpy.zeros((size, size, 3))
    plank = numpy.minimum((rows * planks).astype(int), planks - 1) + numpy.zeros(shape, int)
    random = numpy.random.default_rng(seed)
    for index in range(planks):
        bend = 0.10 * periodic_noise(shape, (3, 2), seed + 10 * index) + 0.02 * periodic_noise(shape, (9, 4), seed + 10 * index + 1)
        center = random.uniform(-0.1, 0.25)
        distance = numpy.abs(rows - (index + 0.5) / planks - center / planks + bend - 0.06)
        rings = (distance * 62 + 3.0 * periodic_noise(shape, (2, 2), seed + 10 * index + 2)) % 1.0
        late = rings**3
        fibres = periodic_noise(shape, (512, 10), seed + 10 * index + 3)
        broad = periodic_noise(shape, (7, 2), seed + 10 * index + 4)
        pores = (periodic_noise(shape, (400, 34), seed + 10 * index + 5) > 0.86) * (0.35 + 0.65 * late)
        tone = 0.55 + 0.30 * broad - 0.34 * late + 0.20 * (fibres - 0.5) - 0.26 * pores + random.uniform(-0.06, 0.06)
        light, dark = numpy.array([0.72, 0.50, 0.31]), numpy.array([0.20, 0.105, 0.05])
        colored = dark + (light - dark) * numpy.clip(tone, 0, 1)[..., None]
        picture = numpy.where((plank == index)[..., None], colored, picture)
    joint = numpy.abs((rows * planks + 0.5) % 1.0 - 0.5) / planks
    return picture * (0.25 + 0.75 * numpy.clip(joint / 0.0022, 0, 1))[..., None]


def weave(size=256, threads=24, seed=7):
    """Plain weave seen from above: how high each thread lies."""
    rows = numpy.arange(size)[:, None] / size * threads
    columns = numpy.arange(size)[None, :] / size * threads
    uneven = 0.16 * (periodic_noise((size, size), (threads, 4), seed) - 0.5)
    across = numpy.sin(numpy.pi * (rows + uneven)) ** 2 * (0.5 + 0.5 * numpy.cos(numpy.pi * (columns + rows // 1)))
    along = numpy.sin(numpy.pi * (columns + uneven)) ** 2 * (0.5 - 0.5 * numpy.cos(numpy.pi * (rows + columns // 1)))
    height = numpy.maximum(across, along) * (0.8 + 0.2 * periodic_noise((size, size), (threads * 2, 8), seed + 1))
    return numpy.repeat(numpy.clip(height, 0, 1)[..., None], 3, axis=2)


def bands(size=512, seed=21):
    """Cloud bands of a giant world, from pole (first row) to pole."""
    shape = (size, size)
    swirl = 0.035 * (periodic_noise(shape, (16, 6), seed) - 0.5) + 0.018 * (periodic_noise(shape, (48, 18), seed + 1) - 0.5)
    height = numpy.arange(size)[:, None] / size + swirl
    wave = 0.5 + 0.28 * numpy.sin(height * 39) + 0.16 * numpy.sin(height * 17 + 1.3) + 0.10 * numpy.sin(height * 91 + 0.4)
    wave += 0.22 * (periodic_noise(shape, (96, 5), seed + 2) - 0.5)
    stops = numpy.array([0.0, 0.3, 0.5, 0.72, 1.0])
    colors = numpy.array([(0.33, 0.16, 0.09), (0.62, 0.36, 0.20), (0.80, 0.60, 0.40), (0.90, 0.80, 0.64), (0.55, 0.60, 0.62)])
    return numpy.stack([numpy.interp(numpy.clip(wave, 0, 1), stops, colors[:, part]) for part in range(3)], axis=2)


def save(picture, path, file_format="JPEG", quality=88):
    """Writes display-referred values (rows from the top) as an image file."""
    path = pathlib.Path(path)
    height, width = picture.shape[:2]
    pixels = numpy.ones((height, width, 4), numpy.float32)
    pixels[..., :3] = picture[::-1]
    image = bpy.data.images.new(path.stem, width, height)
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = file_format
    image.filepath_raw = str(path)
    image.save(quality=quality)
    bpy.data.images.remove(image)


def load(path):
    """The image of a file; once the scene is saved it is remembered relative to it."""
    return bpy.data.images.load(str(path), check_existing=True)
