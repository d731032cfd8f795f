//! The published probe scenes: one per engine. Their pixels tell comparison classes apart, their time gives the speed.

use rayswarm_model::{RenderSettings, Resolution, Slice, TaskId, TaskSpec, Work};

/// A scene that every node renders to learn its speed and comparison class.
#[derive(Clone, Copy, Debug)]
pub struct ProbeScene {
    /// File name, with the extension the adapter expects.
    pub file_name: &'static str,
    /// The file.
    pub bytes: &'static [u8],
    /// Picture size.
    pub resolution: Resolution,
    /// Samples per pixel.
    pub samples: u32,
    /// What rendering it once is worth. Fixes the work unit: one WU is one CPU second on the reference CPU, a core of
    /// an AMD EPYC with AVX-512, on which these were measured.
    pub work: Work,
}

const BLENDER: ProbeScene = ProbeScene {
    file_name: "probe.blend",
    bytes: include_bytes!("../probes/probe.blend"),
    resolution: Resolution {
        width: 160,
        height: 120,
    },
    samples: 32,
    work: Work { milli_wu: 1_300 },
};

const POVRAY: ProbeScene = ProbeScene {
    file_name: "probe.pov",
    bytes: include_bytes!("../probes/probe.pov"),
    resolution: Resolution {
        width: 640,
        height: 480,
    },
    samples: 1,
    work: Work { milli_wu: 1_800 },
};

/// Model and picture are made by the session itself.
const ONNX: ProbeScene = ProbeScene {
    file_name: "probe.recipe.json",
    bytes: br#"{"recipe":1,"picture":"built-in:probe",
"model":{"file":"built-in:probe","kind":"style-transfer","values":"0-1"}}"#,
    resolution: crate::onnx::PROBE,
    samples: 1,
    work: Work { milli_wu: 1_000 },
};

impl ProbeScene {
    /// The probe of an engine.
    pub fn of(engine: &str) -> Option<Self> {
        match engine {
            "blender" => Some(BLENDER),
            "povray" => Some(POVRAY),
            "onnx" => Some(ONNX),
            _ => None,
        }
    }

    /// Its settings.
    pub fn settings(&self) -> RenderSettings {
        RenderSettings {
            resolution: self.resolution,
            samples: self.samples,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        }
    }

    /// The whole picture as one task.
    pub fn task(&self) -> TaskSpec {
        TaskSpec {
            id: TaskId(0),
            frame: 1,
            tile: self.resolution.whole(),
            slice: Slice::whole(self.samples),
            work: self.work,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_models::{Recipe, sample::probe_recipe};

    #[test]
    fn the_probe_of_image_models_is_a_recipe_of_what_this_program_makes() {
        assert_eq!(Recipe::read(ONNX.bytes).unwrap(), probe_recipe());
        assert!(crate::onnx::is_recipe(ONNX.file_name.as_ref()));
    }
}
