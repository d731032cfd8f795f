//! The models that somebody has added, as files: `HASH.onnx` and beside it `HASH.json`. And recipes laid out from them.

use super::{ENDING, Examined};
use crate::error::EngineError;
use rayswarm_models::{
    Recipe,
    recipe::{Colours, Kind, Model, VERSION, Values},
    registry::{self, Entry, is_good_name},
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What its owner says of a model that is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The name to render it with.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// Under which licence it may be used.
    pub licence: String,
    /// The numbers it takes, where its owner knows better than trying tells.
    pub values: Option<Values>,
    /// The order of its colours.
    pub colours: Colours,
}

/// A folder of models.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The models in `folder`, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Every model, by name. Files that are no entries are left out.
    pub fn list(&self) -> Vec<Entry> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let entries = files.filter_map(|file| {
            let path = file.path();
            let is_entry = path.extension().is_some_and(|ending| ending == "json");
            let entry: Entry = serde_json::from_slice(&is_entry.then(|| fs::read(&path).ok())??).ok()?;
            let is_whole = path.file_stem().is_some_and(|stem| *stem == *entry.hash) && self.model(&entry).is_file();
            is_whole.then_some(entry)
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries
    }

    /// The model that `asked` names: a name, the first digits of a hash, or a kind.
    pub fn find(&self, asked: &str) -> Result<Entry, EngineError> {
        let entries = self.list();
        let found = registry::find(&entries, asked).cloned();
        found.map_err(|error| {
            let text = error.to_string();
            let (message, remedy) = text.split_once("; ").unwrap_or((&text, "see: rayswarm models list"));
            refused("no_model", message.into(), remedy)
        })
    }

    /// The file of a model.
    pub fn model(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.onnx", entry.hash))
    }

    /// Copies `file` in under its hash. `examined` is what the sandbox found it to be. A model that is there already
    /// gets what is told now.
    pub fn add(&self, file: &Path, told: Told, examined: &Examined) -> Result<Entry, EngineError> {
        if !is_good_name(&told.name) {
            let message = format!("{:?} is no name for a model", told.name);
            let remedy = "use letters, digits, dots and dashes, and no name of a kind";
            return Err(refused("bad_name", message, remedy));
        }
        let bytes = fs::read(file).map_err(EngineError::file("reading", file))?;
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let taken = self
            .list()
            .into_iter()
            .find(|entry| entry.name == told.name && entry.hash != hash);
        if let Some(entry) = taken {
            let message = format!(
                "another model is called {:?} already ({})",
                entry.name,
                &entry.hash[..12]
            );
            let remedy = format!(
                "choose another name, or remove that one: rayswarm models remove {}",
                entry.name
            );
            return Err(refused("name_taken", message, &remedy));
        }
        let entry = Entry {
            name: told.name,
            kind: told.kind,
            licence: told.licence,
            values: told.values.unwrap_or(examined.values),
            colours: told.colours,
            scale: examined.scale,
            bytes: bytes.len() as u64,
            hash,
        };
        fs::create_dir_all(&self.folder).map_err(EngineError::file("making", &self.folder))?;
        put(&self.model(&entry), &bytes)?;
        // The entry last: without it the file is no model.
        put(&self.entry(&entry), text_of(&entry)?.as_bytes())?;
        Ok(entry)
    }

    /// Takes a model out. Recipes that were laid out from it keep their copies.
    pub fn remove(&self, asked: &str) -> Result<Entry, EngineError> {
        let entry = self.find(asked)?;
        for path in [self.entry(&entry), self.model(&entry)] {
            fs::remove_file(&path).map_err(EngineError::file("removing", path))?;
        }
        Ok(entry)
    }

    fn entry(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.json", entry.hash))
    }

    /// Lays out a recipe for `picture` in a folder of its own below `recipes`, named after what is in it, and gives its
    /// path. A job's files lie together there, so that it needs nothing of the picture's own folder.
    pub fn lay_out(&self, entry: &Entry, picture: &Path, strength: u8, recipes: &Path) -> Result<PathBuf, EngineError> {
        let name = picture
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let bytes = fs::read(picture).map_err(EngineError::file("reading", picture))?;
        let recipe = Recipe {
            recipe: VERSION,
            model: Model {
                file: "model.onnx".into(),
                kind: entry.kind,
                values: Some(entry.values),
                colours: entry.colours,
            },
            picture: "picture.png".into(),
            strength,
        };
        let text = recipe
            .write()
            .map_err(|error| refused("recipe", error.to_string(), "report this"))?;
        let mut hasher = blake3::Hasher::new();
        for part in [entry.hash.as_bytes(), text.as_bytes(), name.as_bytes(), &bytes] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let folder = recipes.join(&hasher.finalize().to_hex()[..32]);
        let scene = folder.join(format!("{name}-{}{ENDING}", entry.name));
        if scene.is_file() {
            return Ok(scene);
        }
        fs::create_dir_all(&folder).map_err(EngineError::file("making", &folder))?;
        let model = self.model(entry);
        put(
            &folder.join("model.onnx"),
            &fs::read(&model).map_err(EngineError::file("reading", &model))?,
        )?;
        put(&folder.join("picture.png"), &bytes)?;
        put(&scene, text.as_bytes())?;
        Ok(scene)
    }
}

fn text_of(entry: &Entry) -> Result<String, EngineError> {
    let text = serde_json::to_string_pretty(entry);
    let text = text.map_err(|error| refused("entry", error.to_string(), "report this"))?;
    Ok(text + "\n")
}

/// Writes a file whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&part).and_then(|mut file| file.write_all(bytes));
    written
        .and_then(|()| fs::rename(&part, path))
        .map_err(EngineError::file("writing", path))
}

fn refused(code: &'static str, message: String, remedy: &str) -> EngineError {
    EngineError::Refused {
        code,
        message,
        remedy: remedy.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(name: &str) -> Told {
        Told {
            name: name.into(),
            kind: Kind::Upscale,
            licence: "ours".into(),
            values: None,
            colours: Colours::Rgb,
        }
    }

    const EXAMINED: Examined = Examined {
        values: Values::Bytes,
        scale: 2,
        multiple: 1,
        around: 4,
        bytes_per_pixel: 100,
        statistics: 0,
    };

    fn shelf() -> (tempfile::TempDir, Shelf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.onnx");
        fs::write(&file, b"model").unwrap();
        let shelf = Shelf::at(folder.path().join("models"));
        (folder, shelf, file)
    }

    #[test]
    fn a_model_is_added_listed_found_and_removed() {
        let (_folder, shelf, file) = shelf();
        assert!(shelf.list().is_empty());
        let entry = shelf.add(&file, told("large"), &EXAMINED).unwrap();
        assert_eq!((entry.values, entry.scale, entry.bytes), (Values::Bytes, 2, 5));
        assert_eq!(shelf.list(), std::slice::from_ref(&entry));
        assert_eq!(fs::read(shelf.model(&entry)).unwrap(), b"model");
        assert_eq!(shelf.find("upscale").unwrap(), entry);
        assert_eq!(shelf.remove("large").unwrap(), entry);
        assert!(shelf.list().is_empty());
        let missing = shelf.find("large").unwrap_err().to_string();
        assert!(missing.contains("models add"), "{missing}");
    }

    #[test]
    fn a_name_belongs_to_one_model_and_a_model_has_one_name() {
        let (folder, shelf, file) = shelf();
        shelf.add(&file, told("one"), &EXAMINED).unwrap();
        shelf.add(&file, told("renamed"), &EXAMINED).unwrap();
        assert_eq!(shelf.list().len(), 1);
        let other = folder.path().join("other.onnx");
        fs::write(&other, b"other").unwrap();
        assert!(shelf.add(&other, told("renamed"), &EXAMINED).is_err());
        assert!(shelf.add(&other, told("../x"), &EXAMINED).is_err());
        assert!(shelf.add(&other, told("denoise"), &EXAMINED).is_err());
    }

    #[test]
    fn a_recipe_has_its_files_beside_it_and_is_laid_out_once() {
        let (folder, shelf, file) = shelf();
        let entry = shelf.add(&file, told("large"), &EXAMINED).unwrap();
        let picture = folder.path().join("cat.png");
        fs::write(&picture, b"png").unwrap();
        let recipes = folder.path().join("recipes");
        let scene = shelf.lay_out(&entry, &picture, 100, &recipes).unwrap();
        assert_eq!(scene.file_name().unwrap(), "cat-large.recipe.json");
        let recipe = Recipe::read(&fs::read(&scene).unwrap()).unwrap();
        for (name, _) in recipe.files() {
            assert!(scene.with_file_name(name).is_file(), "{name}");
        }
        assert_eq!(shelf.lay_out(&entry, &picture, 100, &recipes).unwrap(), scene);
        assert_ne!(shelf.lay_out(&entry, &picture, 50, &recipes).unwrap(), scene);
    }
}
