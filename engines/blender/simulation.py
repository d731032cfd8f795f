"""Simulations in a scene: jumping to a frame is right only when they are baked; otherwise frames must be played.

Every object the scene reaches counts, instanced collections and background scenes included: Blender simulates them too.
"""

from references import objects, point_caches, with_backgrounds


def unbaked(scene, reachable):
    """(object name, kind) of every simulation that has to be played from the start frame."""
    found = [(one.name, "rigid body") for one in with_backgrounds(scene) if bodies_move(one.rigidbody_world)]
    for item in objects(reachable):
        # Objects hidden from the render count too: they may push others.
        found += [(item.name, kind) for kind in of_object(item)]
    return found


def bodies_move(world):
    """Whether a rigid body world has something to compute."""
    return bool(
        world and world.enabled and world.collection and world.collection.all_objects and not world.point_cache.is_baked
    )


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


def fluid_domains(reachable):
    """(object name, settings) of every fluid domain."""
    return [
        (item.name, modifier.domain_settings)
        for item in objects(reachable)
        for modifier in item.modifiers
        if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN"
    ]
