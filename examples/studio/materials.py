"""Materials: glass, water, brushed metal, glazed ceramic, wood, linen, plaster, fruit, leaves."""

import bpy


class Graph:
    """A small front for a material's nodes: `node(kind, inputs)` makes one, values or sockets go in by name."""

    def __init__(self, name):
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def node(self, kind, settings=None, **inputs):
        made = self.tree.nodes.new(kind)
        for key, value in (settings or {}).items():
            setattr(made, key, value)
        for key, value in inputs.items():
            self.feed(made, key.replace("_", " "), value)
        return made

    def feed(self, node, key, value):
        socket = node.inputs[int(key)] if key.isdigit() else node.inputs[key]
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def ramp(self, factor, stops):
        """A colour ramp: stops are (position, colour)."""
        made = self.node("ShaderNodeValToRGB", Fac=factor)
        elements = made.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, color) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*color, 1.0)
        return made.outputs["Color"]

    def noise(self, scale, detail=4.0, roughness=0.5, vector=None):
        made = self.node("ShaderNodeTexNoise", Scale=scale, Detail=detail, Roughness=roughness)
        if vector is not None:
            self.feed(made, "Vector", vector)
        return made.outputs["Fac"]

    def coordinates(self, space="Object", scale=(1, 1, 1), rotation=(0, 0, 0)):
        source = self.node("ShaderNodeTexCoord").outputs[space]
        return self.node("ShaderNodeMapping", Vector=source, Scale=scale, Rotation=rotation).outputs["Vector"]

    def mix(self, factor, first, second, blend="MIX"):
        made = self.node("ShaderNodeMix", {"data_type": "RGBA", "blend_type": blend})
        self.feed(made, "0", factor)
        self.feed(made, "6", first)
        self.feed(made, "7", second)
        return made.outputs[2]

    def bump(self, height, strength, distance=0.02):
        return self.node("ShaderNodeBump", Height=height, Strength=strength, Distance=distance).outputs["Normal"]

    def image(self, image, scale=(1, 1, 1), color=True):
        vector = self.coordinates("UV", scale)
        made = self.node("ShaderNodeTexImage", {"image": image}, Vector=vector)
        if not color:
            image.colorspace_settings.name = "Non-Color"
        return made.outputs["Color"]

    def surface(self, shader):
        output = self.node("ShaderNodeOutputMaterial")
        self.tree.links.new(shader.outputs[0], output.inputs["Surface"])
        return self.material

    def principled(self, **inputs):
        return self.node("ShaderNodeBsdfPrincipled", **inputs)


def clear(name, color, ior, roughness=0.0):
    """Glass or water. Shadow rays pass straight through, tinted: light reaches what stands behind without noise."""
    graph = Graph(name)
    glass = graph.node("ShaderNodeBsdfGlass", Color=(*color, 1.0), IOR=ior, Roughness=roughness)
    facing = graph.node("ShaderNodeLayerWeight", Blend=0.35).outputs["Facing"]
    tint = graph.ramp(facing, [(0.0, tuple(0.97 * part for part in color)), (1.0, tuple(0.35 * part for part in color))])
    through = graph.node("ShaderNodeBsdfTransparent", Color=tint)
    rays = graph.node("ShaderNodeLightPath")
    either = graph.node("ShaderNodeMath", {"operation": "MAXIMUM"})
    graph.feed(either, "0", rays.outputs["Is Shadow Ray"])
    graph.feed(either, "1", rays.outputs["Is Diffuse Ray"])
    mixed = graph.node("ShaderNodeMixShader", Fac=either.outputs[0])
    graph.feed(mixed, "1", glass.outputs[0])
    graph.feed(mixed, "2", through.outputs[0])
    return graph.surface(mixed)


def brushed_metal(name, color, roughness=0.22, stretch=(0.6, 0.6, 60.0)):
    """Metal turned on a lathe: fine grooves across `stretch`'s long axis, highlights drawn out around z."""
    graph = Graph(name)
    grooves = graph.noise(4.0, 3.0, 0.6, graph.coordinates("Object", stretch))
    wear = graph.noise(1.3, 5.0, 0.6, graph.coordinates("Object"))
    tone = graph.mix(wear, (*(0.72 * part for part in color), 1.0), (*color, 1.0))
    low, high = roughness * 0.75, roughness * 1.45
    rough = graph.ramp(grooves, [(0.35, (low,) * 3), (0.7, (high,) * 3)])
    tangent = graph.node("ShaderNodeTangent", {"direction_type": "RADIAL", "axis": "Z"}).outputs[0]
    return graph.surface(
        graph.principled(
            Base_Color=tone, Metallic=1.0, Roughness=rough, Anisotropic=0.65, Tangent=tangent,
            Normal=graph.bump(grooves, 0.08),
        )
    )


def glazed(name, glaze, clay, waterline):
    """Stoneware dipped in glaze down to the height `waterline`; iron speckles show through."""
    graph = Graph(name)
    place = graph.coordinates("Object")
    height = graph.node("ShaderNodeSeparateXYZ", Vector=place).outputs["Z"]
    wobble = graph.node("ShaderNodeMath", {"operation": "MULTIPLY_ADD"})
    for key, value in (("0", graph.noise(1.6, 3.0, 0.5, place)), ("1", 0.35), ("2", height)):
        graph.feed(wobble, key, value)
    line = waterline + 0.17
    dipped = graph.ramp(
        graph.node("ShaderNodeMapRange", Value=wobble.outputs[0], From_Min=line - 0.5, From_Max=line + 0.5).outputs[0],
        [(0.485, (0, 0, 0)), (0.5, (1, 1, 1))],
    )
    speckles = graph.ramp(graph.noise(26.0, 2.0, 0.5, place), [(0.685, (0, 0, 0)), (0.72, (1, 1, 1))])
    pooled = graph.mix(graph.noise(0.9, 4.0, 0.55, place), (*glaze, 1.0), (*(0.82 * part for part in glaze), 1.0))
    glaze_color = graph.mix(speckles, pooled, (0.16, 0.09, 0.05, 1.0))
    grain = graph.noise(34.0, 5.0, 0.7, place)
    clay_color = graph.mix(grain, (*clay, 1.0), (*(0.6 * part for part in clay), 1.0))
    rough = graph.ramp(dipped, [(0.0, (0.85,) * 3), (1.0, (0.24,) * 3)])
    return graph.surface(
        graph.principled(
            Base_Color=graph.mix(dipped, clay_color, glaze_color), Roughness=rough,
            Coat_Weight=graph.ramp(dipped, [(0.0, (0,) * 3), (1.0, (0.55,) * 3)]), Coat_Roughness=0.06,
            Normal=graph.bump(grain, 0.12),
        )
    )


def wood(name, image, tint=(1, 1, 1), roughness=0.42):
    """Oiled wood from a picture of its grain."""
    graph = Graph(name)
    grain = graph.image(image)
    tone = graph.mix(1.0, grain, (*tint, 1.0), "MULTIPLY")
    value = graph.node("ShaderNodeRGBToBW", Color=grain).outputs[0]
    rough = graph.ramp(value, [(0.05, (roughness * 1.5,) * 3), (0.6, (roughness * 0.85,) * 3)])
    return graph.surface(
        graph.principled(Base_Color=tone, Roughness=rough, Normal=graph.bump(value, 0.35), Coat_Weight=0.12, Coat_Roughness=0.3)
    )


def linen(name, weave, color, repeat):
    """Cloth from a picture of its weave; some light comes through."""
    graph = Graph(name)
    threads = graph.image(weave, (repeat, repeat, 1), color=False)
    value = graph.node("ShaderNodeRGBToBW", Color=threads).outputs[0]
    slub = graph.noise(2.2, 5.0, 0.6, graph.coordinates("UV", (1, 7, 1)))
    tone = graph.mix(value, (*(0.5 * part for part in color), 1.0), (*color, 1.0))
    tone = graph.mix(0.35, tone, graph.ramp(slub, [(0.3, (0.62, 0.58, 0.5)), (0.7, (1.0, 1.0, 1.0))]), "MULTIPLY")
    normal = graph.bump(value, 0.55, 0.012)
    front = graph.principled(Base_Color=tone, Roughness=0.92, Sheen_Weight=0.25, Sheen_Roughness=0.4, Normal=normal)
    behind = graph.node("ShaderNodeBsdfTranslucent", Color=tone, Normal=normal)
    mixed = graph.node("ShaderNodeMixShader", Fac=0.16)
    graph.feed(mixed, "1", front.outputs[0])
    graph.feed(mixed, "2", behind.outputs[0])
    return graph.surface(mixed)


def plaster(name, color):
    """A limewashed wall."""
    graph = Graph(name)
    place = graph.coordinates("Object")
    clouds = graph.noise(0.35, 7.0, 0.62, place)
    strokes = graph.noise(2.4, 6.0, 0.65, graph.coordinates("Object", (1.0, 1.0, 0.45)))
    tone = graph.ramp(clouds, [(0.3, tuple(0.62 * part for part in color)), (0.72, tuple(1.25 * part for part in color))])
    return graph.surface(graph.principled(Base_Color=tone, Roughness=0.95, Normal=graph.bump(strokes, 0.4, 0.08)))


def fruit(name, low, high, speckle, pores, scale, gloss=0.38):
    """Skin that runs from one colour to another upwards, with speckles, pores and a little light under it."""
    graph = Graph(name)
    place = graph.coordinates("Generated")
    height = graph.node("ShaderNodeSeparateXYZ", Vector=place).outputs["Z"]
    drift = graph.node("ShaderNodeMath", {"operation": "MULTIPLY_ADD"})
    for key, value in (("0", graph.noise(2.0, 4.0, 0.55, place)), ("1", 0.7), ("2", height)):
        graph.feed(drift, key, value)
    skin = graph.ramp(drift.outputs[0], [(0.45, low), (1.05, high)])
    dots = graph.ramp(graph.noise(scale, 1.0, 0.4, place), [(0.66, (0, 0, 0)), (0.74, (1, 1, 1))])
    tone = graph.mix(dots, skin, (*speckle, 1.0))
    skin_pores = graph.noise(scale * 0.9, 2.0, 0.5, place)
    shader = graph.principled(
        Base_Color=tone, Roughness=gloss, Subsurface_Weight=0.18, Subsurface_Scale=0.12,
        Normal=graph.bump(skin_pores, pores, 0.03), Coat_Weight=0.15, Coat_Roughness=0.3,
    )
    shader.inputs["Subsurface Radius"].default_value = (0.9, 0.5, 0.2)
    return graph.surface(shader)


def foliage(name, color):
    """A leathery leaf: glossy above, light comes through."""
    graph = Graph(name)
    each = graph.node("ShaderNodeObjectInfo").outputs["Random"]
    tone = graph.ramp(each, [(0.0, tuple(0.6 * part for part in color)), (1.0, tuple(1.3 * part for part in color))])
    vein = graph.node("ShaderNodeSeparateXYZ", Vector=graph.coordinates("UV")).outputs["Y"]
    rib = graph.ramp(vein, [(0.44, (0, 0, 0)), (0.5, (1, 1, 1)), (0.56, (0, 0, 0))])
    tone = graph.mix(rib, tone, (0.42, 0.46, 0.28, 1.0))
    front = graph.principled(Base_Color=tone, Roughness=0.45)
    behind = graph.node("ShaderNodeBsdfTranslucent", Color=tone)
    mixed = graph.node("ShaderNodeMixShader", Fac=0.3)
    graph.feed(mixed, "1", front.outputs[0])
    graph.feed(mixed, "2", behind.outputs[0])
    return graph.surface(mixed)


def plain(name, color, roughness=0.6, **inputs):
    """One colour."""
    graph = Graph(name)
    return graph.surface(graph.principled(Base_Color=(*color, 1.0), Roughness=roughness, **inputs))
