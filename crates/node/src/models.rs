//! Image models of this machine's user: adding, listing and removing them, and recipes laid out from them. They lie in
//! the data folder, models in `models/` and recipes in `recipes/`.

pub use rayswarm_engines::onnx::{
    Colours, Entry, Examined, Kind, Values,
    shelf::{Shelf, Told},
};
use rayswarm_engines::{EngineError, Onnx, Sandbox, onnx::serve};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The models in a data folder.
pub fn shelf(data_dir: &Path) -> Shelf {
    Shelf::at(data_dir.join("models"))
}

/// Has the sandbox look at an ONNX file and keeps a copy of it.
pub async fn add(data_dir: &Path, file: &Path, told: Told) -> Result<(Entry, Examined), EngineError> {
    let engine = Onnx::detect(&Sandbox::detect()?).ok_or_else(|| EngineError::NotInstalled {
        engine: "onnx",
        version: "any version".into(),
        remedy: "rayswarm models add (only the program `rayswarm` itself runs image models)".into(),
    })?;
    let examined = engine.examine(file, &crate::local::limits()).await?;
    let entry = shelf(data_dir).add(file, told, &examined)?;
    Ok((entry, examined))
}

/// A recipe that gives `picture` to the model that `model` names: laid out below the data folder.
pub fn recipe(data_dir: &Path, model: &str, picture: &Path, strength: u8) -> Result<PathBuf, EngineError> {
    let shelf = shelf(data_dir);
    let entry = shelf.find(model)?;
    let recipes = data_dir.join("recipes");
    // A daemon that is given the path has a working directory of its own.
    let recipes = std::path::absolute(&recipes).unwrap_or(recipes);
    shelf.lay_out(&entry, picture, strength, &recipes)
}

/// Makes this process a session of an image model: what it is inside a sandbox, and only there.
pub fn session() -> ExitCode {
    serve()
}
