"""Fluid domains: whether what they show is baked, and whether this Blender can read it."""

DROPS = ("use_spray_particles", "use_foam_particles", "use_bubble_particles", "use_tracer_particles")


def unbaked_parts(domain):
    """What a fluid domain shows and has not baked. Mesh and noise are bakes of their own beside the flow itself."""
    if domain.cache_type == "REPLAY" or not domain.has_cache_baked_data:
        return ["flow"]
    liquid = domain.domain_type == "LIQUID"
    shown = (
        ("mesh", liquid and domain.use_mesh, domain.has_cache_baked_mesh),
        ("noise", not liquid and domain.use_noise, domain.has_cache_baked_noise),
        ("particles", liquid and any(getattr(domain, name) for name in DROPS), domain.has_cache_baked_particles),
    )
    return [part for part, used, baked in shown if used and not baked]


def solver_is_whole():
    """Whether Blender's fluid solver works. Baked caches are read through it too. In the Python module its classes lack
    what they inherit (4.5.15: a LevelsetGrid has no setConst), and domains stay empty with no more than a complaint on
    standard error."""
    try:
        import manta
    except ImportError:
        return False
    return hasattr(manta.LevelsetGrid, "setConst")
