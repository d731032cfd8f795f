"""Meshes: turned shapes from a profile, superformed fruit, leaves, boards."""

import math

import bpy


def smooth_profile(points, steps=6):
    """Catmull-Rom curve through (radius, height) points; a point given twice stays a sharp corner."""
    curve = []
    last = len(points) - 1
    for index in range(last):
        before = points[max(index - 1, 0)]
        start, end = points[index], points[index + 1]
        after = points[min(index + 2, last)]
        if start == end:
            continue
        for step in range(steps):
            t = step / steps
            curve.append(tuple(_catmull_rom(before[axis], start[axis], end[axis], after[axis], t) for axis in (0, 1)))
    curve.append(points[last])
    return [(max(radius, 0.0), height) for radius, height in curve]


def _catmull_rom(before, start, end, after, t):
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )


def turned(name, profile, material, segments=48, subdivision=2):
    """A solid of revolution about z. Profile: (radius, height) from the bottom's centre, outside first."""
    vertices, faces, uvs = [], [], []
    rows = []
    for radius, height in profile:
        if radius < 1e-5:
            rows.append([len(vertices)] * segments)
            vertices.append((0.0, 0.0, height))
        else:
            first = len(vertices)
            rows.append([first + column for column in range(segments)])
            for column in range(segments):
                angle = 2 * math.pi * column / segments
                vertices.append((radius * math.cos(angle), radius * math.sin(angle), height))
    lengths = [0.0]
    for (r0, h0), (r1, h1) in zip(profile, profile[1:], strict=False):
        lengths.append(lengths[-1] + math.hypot(r1 - r0, h1 - h0))
    for row in range(len(rows) - 1):
        for column in range(segments):
            after = (column + 1) % segments
            corners = [
                (rows[row][column], column, row),
                (rows[row][after], column + 1, row),
                (rows[row + 1][after], column + 1, row + 1),
                (rows[row + 1][column], column, row + 1),
            ]
            unique = [corner for place, corner in enumerate(corners) if corner[0] != corners[place - 1][0]]
            if len(unique) < 3:
                continue
            faces.append([corner[0] for corner in unique])
            uvs.extend((corner[1] / segments, lengths[corner[2]] / lengths[-1]) for corner in unique)
    return _mesh_object(name, vertices, faces, uvs, material, subdivision)


def board(name, size, material, bevel=0.03):
    """A box of (x, y, z) extent whose top face lies at z = 0, with rounded edges and the grain along x."""
    x, y, z = (extent / 2 for extent in size)
    vertices = [(sx * x, sy * y, sz * z - z) for sz in (-1, 1) for sy in (-1, 1) for sx in (-1, 1)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (1, 3, 7, 5), (0, 4, 6, 2)]
    uvs = []
    for face in faces:
        for corner in face:
            vx, vy, vz = vertices[corner]
            uvs.append((vx / 8 + 0.5, (vy + vz) / 8 + 0.5))
    made = _mesh_object(name, vertices, faces, uvs, material, 0)
    modifier = made.modifiers.new("Rounded edges", "BEVEL")
    modifier.width, modifier.segments = bevel, 3
    # Applied, since the live modifier gives texture coordinates that depend on memory addresses.
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.modifier_apply(modifier=modifier.name)
    return made


def sheet(name, width, depth, columns, rows, material, place):
    """A grid whose vertices lie where `place(u, v)` says, u and v from 0 to 1."""
    vertices = [place(column / columns, row / rows) for row in range(rows + 1) for column in range(columns + 1)]
    faces, uvs = [], []
    for row in range(rows):
        for column in range(columns):
            first = row * (columns + 1) + column
            faces.append((first, first + 1, first + columns + 2, first + columns + 1))
            for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
                uvs.append((width * (column + du) / columns, depth * (row + dv) / rows))
    return _mesh_object(name, vertices, faces, uvs, material, 1)


def leaf(name, length, width, material):
    """A leaf along +x, bent and folded along its midrib."""
    steps = 8
    vertices, faces, uvs = [], [], []
    for step in range(steps + 1):
        t = step / steps
        half = width / 2 * math.sin(math.pi * t**0.8) ** 0.8 + 0.002
        sag = -0.25 * length * t**2
        for side in (-1, 0, 1):
            vertices.append((length * t, side * half, sag + abs(side) * half * 0.35))
    for step in range(steps):
        for side in range(2):
            first = step * 3 + side
            faces.append((first, first + 3, first + 4, first + 1))
            for dt, ds in ((0, 0), (1, 0), (1, 1), (0, 1)):
                uvs.append(((step + dt) / steps, (side + ds) / 2))
    return _mesh_object(name, vertices, faces, uvs, material, 1)


def stem(name, points, radius, material):
    """A round stem through points, thinner towards its end."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth, curve.bevel_resolution = radius, 3
    curve.use_fill_caps = True
    spline = curve.splines.new("NURBS")
    spline.points.add(len(points) - 1)
    for index, (point, place) in enumerate(zip(spline.points, points, strict=True)):
        point.co = (*place, 1.0)
        point.radius = 1.0 - 0.7 * index / (len(points) - 1)
    spline.use_endpoint_u = True
    curve.materials.append(material)
    made = bpy.data.objects.new(name, curve)
    bpy.context.collection.objects.link(made)
    return made


def _mesh_object(name, vertices, faces, uvs, material, subdivision):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", [component for uv in uvs for component in uv])
    mesh.shade_smooth()
    mesh.materials.append(material)
    mesh.validate()
    made = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(made)
    if subdivision:
        modifier = made.modifiers.new("Smooth", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivision
    return made
