//! What the seeded jobs render.

use rayswarm_model::{
    Bytes, Resolution, SceneFacts,
    scene::{Camera, Dependency, DependencyState, Finding, FrameRate, OutputPattern, Severity, ViewLayer},
};

/// Picture size.
pub const RESOLUTION: Resolution = Resolution {
    width: 1920,
    height: 1080,
};
/// Samples per pixel.
pub const SAMPLES: u32 = 128;

const ENGINE: &str = "blender";
const ENGINE_VERSION: &str = "4.5.15";
/// Textures of a scene.
const TEXTURES: u32 = 12;

/// A scene of a film: textures, two layers, something to say.
pub fn facts(frames: i32) -> SceneFacts {
    let texture = |number: u32| Dependency {
        reference: format!("//textures/wall_{number:02}.png"),
        path: Some(format!("/projects/film/textures/wall_{number:02}.png").into()),
        kind: "image".into(),
        state: DependencyState::Found,
    };
    let layer = |name: &str| ViewLayer {
        name: name.into(),
        passes: ["Combined", "Denoising Albedo", "Denoising Normal"]
            .map(Into::into)
            .to_vec(),
    };
    SceneFacts {
        engine: ENGINE.into(),
        engine_version: ENGINE_VERSION.into(),
        saved_by: "Blender 4.5.1".into(),
        renderer: "Cycles".into(),
        frame_start: 1,
        frame_end: frames,
        frame_step: 1,
        frames_bounded: None,
        frame_rate: FrameRate {
            numerator: 24,
            denominator: 1,
        },
        resolution: RESOLUTION,
        pixel_aspect_milli: 1000,
        samples: SAMPLES,
        adaptive_sampling: true,
        denoise: true,
        compositor: true,
        cameras: vec![Camera {
            name: "Camera".into(),
            active: true,
            marker_frames: Vec::new(),
        }],
        view_layers: ["Foreground", "Background"].map(layer).into(),
        output: OutputPattern {
            name: "shot_####".into(),
            format: "PNG".into(),
            color_mode: "RGBA".into(),
            color_depth: 8,
            numbered: true,
        },
        memory_estimate: Bytes(2 << 30),
        dependencies: (0..TEXTURES).map(texture).collect(),
        findings: vec![Finding {
            severity: Severity::Note,
            code: "adaptive_sampling".into(),
            message: "sampling adapts to noise, so the cost is an upper estimate".into(),
            remedy: "nothing needs to be done".into(),
        }],
        sequential: false,
        tile_padding: 16,
        tile_step: 1,
        tiles_exact: true,
        slices_refused: None,
        repeats_roughly: None,
    }
}
