"""Simulations in a scene: jumping to a frame is right only when they are baked; otherwise frames must be played."""

from references import point_caches


def unbaked(scene):
    """(object name, kind) of every simulation that has to be played from the start frame."""
    found = []
    world = scene.rigidbody_world
    if world and world.enabled and world.collection and world.collection.all_objects and not world.point_cache.is_baked:
        found.append((scene.name, "rigid body"))
    for item in scene.objects:
        # Objects hidden from the render count too: they may push others.
        found += [(item.name, kind) for kind in of_object(item)]
    return found


def of_object(item):
    for modifier in item.modifiers:
        if not (modifier.show_render or modifier.show_viewport):
            continue
        if modifier.type == "CLOTH" and not modifier.point_cache.is_baked:
            yield "cloth"
        elif modifier.type == "SOFT_BODY" and not modifier.point_cache.is_baked:
            yield "soft body"
        elif modifier.type == "DYNAMIC_PAINT" and not all(cache.is_baked for cache in point_caches(item)):
            yield "dynamic paint"
        elif modifier.type == "NODES" and modifier.node_group and simulates(modifier.node_group, set()):
            # Whether a bake is complete cannot be asked; playing is right in either case.
            yield "simulation nodes"
    for system in item.particle_systems:
        if needs_play(system):
            yield "particles"


def needs_play(system):
    """Emitters move their particles frame by frame; hair stands still unless it is simulated as cloth."""
    if system.point_cache.is_baked:
        return False
    return system.settings.type == "EMITTER" or system.use_hair_dynamics


def simulates(tree, seen):
    """Whether a node tree has a simulation zone, groups included."""
    if tree in seen:
        return False
    seen.add(tree)
    return any(
        node.bl_idname == "GeometryNodeSimulationOutput"
        or (getattr(node, "node_tree", None) and simulates(node.node_tree, seen))
        for node in tree.nodes
    )


def unbaked_fluids(scene):
    """Names of fluid domains without a baked cache. They write files while they play, which no session may."""
    return [
        item.name
        for item in scene.objects
        for modifier in item.modifiers
        if modifier.type == "FLUID"
        and modifier.fluid_type == "DOMAIN"
        and (modifier.domain_settings.cache_type == "REPLAY" or not modifier.domain_settings.has_cache_baked_data)
    ]
