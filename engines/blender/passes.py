"""Which render passes somebody reads: the outputs, the denoiser, the compositor. The others are not rendered, because
every channel travels (1080p with 15 channels is 124 MB)."""

# Pass name, who owns the switch (the view layer or its Cycles settings), the switch.
SWITCHES = (
    ("Depth", "layer", "use_pass_z"),
    ("Mist", "layer", "use_pass_mist"),
    ("Position", "layer", "use_pass_position"),
    ("Normal", "layer", "use_pass_normal"),
    ("Vector", "layer", "use_pass_vector"),
    ("UV", "layer", "use_pass_uv"),
    ("IndexOB", "layer", "use_pass_object_index"),
    ("IndexMA", "layer", "use_pass_material_index"),
    ("DiffDir", "layer", "use_pass_diffuse_direct"),
    ("DiffInd", "layer", "use_pass_diffuse_indirect"),
    ("DiffCol", "layer", "use_pass_diffuse_color"),
    ("GlossDir", "layer", "use_pass_glossy_direct"),
    ("GlossInd", "layer", "use_pass_glossy_indirect"),
    ("GlossCol", "layer", "use_pass_glossy_color"),
    ("TransDir", "layer", "use_pass_transmission_direct"),
    ("TransInd", "layer", "use_pass_transmission_indirect"),
    ("TransCol", "layer", "use_pass_transmission_color"),
    ("VolumeDir", "cycles", "use_pass_volume_direct"),
    ("VolumeInd", "cycles", "use_pass_volume_indirect"),
    ("Emit", "layer", "use_pass_emit"),
    ("Env", "layer", "use_pass_environment"),
    ("AO", "layer", "use_pass_ambient_occlusion"),
    ("Shadow Catcher", "cycles", "use_pass_shadow_catcher"),
    ("Debug Sample Count", "cycles", "pass_debug_sample_count"),
    ("CryptoObject", "layer", "use_pass_cryptomatte_object"),
    ("CryptoMaterial", "layer", "use_pass_cryptomatte_material"),
    ("CryptoAsset", "layer", "use_pass_cryptomatte_asset"),
    ("Denoising ", "cycles", "denoising_store_passes"),
)


def rendered_layers(scene):
    """The view layers a render of `scene` goes through."""
    if scene.render.use_single_layer:
        return [scene.view_layers[0]]
    return [layer for layer in scene.view_layers if layer.use]


def denoises(scene, layer):
    """Whether Cycles would denoise this view layer."""
    return scene.cycles.use_denoising and layer.cycles.use_denoising


def has_compositor(scene):
    """Whether the file's compositor makes the picture."""
    return bool(
        scene.render.use_compositing
        and scene.use_nodes
        and scene.node_tree
        and any(node.bl_idname == "CompositorNodeComposite" and not node.mute for node in scene.node_tree.nodes)
    )


def compositor_trees(scene):
    """The scene's compositor tree and every group inside it, each once."""
    seen, waiting = [], [scene.node_tree] if scene.node_tree else []
    while waiting:
        tree = waiting.pop()
        if tree in seen:
            continue
        seen.append(tree)
        waiting += [node.node_tree for node in tree.nodes if getattr(node, "node_tree", None)]
    return seen


def restrict(scene, everything):
    """Switches off every pass nobody reads. With `everything`, or when the file itself writes multilayer files,
    all of the file's passes are kept."""
    everything = everything or scene.render.image_settings.file_format == "OPEN_EXR_MULTILAYER"
    for layer in rendered_layers(scene):
        read = compositor_reads(scene, layer) if has_compositor(scene) else set()
        for name, owner, switch in SWITCHES:
            settings = layer if owner == "layer" else layer.cycles
            wanted = everything or any(one.startswith(name) for one in read)
            if not wanted:
                setattr(settings, switch, False)
        # The denoiser runs after the merge and reads these. Cycles stores all three or none.
        if denoises(scene, layer):
            layer.cycles.denoising_store_passes = True


def compositor_reads(scene, layer):
    """Names of the passes of `layer` that the compositor has links from."""
    read = set()
    for tree in compositor_trees(scene):
        for node in tree.nodes:
            if node.mute:
                continue
            if node.bl_idname == "CompositorNodeRLayers" and node.layer == layer.name:
                read |= {socket.name for socket in node.outputs if socket.is_linked}
            if node.bl_idname == "CompositorNodeCryptomatteV2" and node.source == "RENDER":
                # Its layer name is "View Layer.CryptoObject"; the node reads Combined besides.
                read |= {kind for kind in ("CryptoObject", "CryptoMaterial", "CryptoAsset") if kind in node.layer_name}
    return read


def pass_names(scene, layer):
    """The passes a raw render of `layer` holds, as Cycles itself lists them."""
    from cycles import engine

    names = [name for name, _channels, _kind in engine.list_render_passes(scene, layer)]
    # Raw renders are never denoised, so the noisy picture is Combined.
    return [name for name in names if not name.startswith("Noisy ")]
