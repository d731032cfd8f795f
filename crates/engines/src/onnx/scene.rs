//! Inside the sandbox: a recipe and its files, and any rectangle of its result as raw pixels.

use super::png::{self, PngError};
use crate::display::linear;
use rayswarm_imaging::{Channel, Compression, EncodeError, Picture, PictureError, Samples, encode};
use rayswarm_model::{Rect, Resolution};
use rayswarm_models::{
    Network, NetworkError, Painter, PainterError, Planes, Recipe, Source,
    painter::{CELL_BYTES_MAX, Manner, Outlook},
    recipe::{BUILT_IN, RecipeError},
    sample,
    tiling::Cell,
};
use std::{
    fs, io,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The size of the picture that measures machines.
pub(crate) const PROBE: Resolution = Resolution {
    width: 320,
    height: 240,
};
/// Memory that cells computed at the same time may take together.
const CELLS_BYTES_MAX: u64 = 2 * CELL_BYTES_MAX;

/// A recipe cannot be opened or its result not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SceneError {
    #[error("{path} cannot be read")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Painter(#[from] PainterError),
    #[error(transparent)]
    Png(#[from] PngError),
    #[error("the probe's own picture cannot be made: {0}")]
    Probe(String),
    #[error(
        "the result is {result} and cannot be made as {asked}; leave --resolution out, or resize the \
         picture before or after"
    )]
    Resolution { result: Resolution, asked: Resolution },
    #[error("{rect} is not inside a result of {result}")]
    Outside { rect: Rect, result: Resolution },
    #[error("the tile is not a picture")]
    Picture(#[from] PictureError),
    #[error("the tile cannot be encoded")]
    Encode(#[from] EncodeError),
    #[error("a thread that computed has ended")]
    Stopped,
}

/// What a recipe names, read.
pub(super) struct Files {
    recipe: Recipe,
    pub(super) network: Network,
    pub(super) picture: png::Read,
}

/// A recipe ready for tiles.
pub(super) struct Scene {
    painter: Painter,
    alpha: Option<Alpha>,
    threads: usize,
}

/// The opacity of a picture's pixels, enlarged with it.
struct Alpha {
    samples: Vec<u16>,
    picture: Resolution,
    white: f32,
    scale: u32,
}

/// Reads a model.
pub(super) fn network(path: &Path) -> Result<Network, SceneError> {
    Ok(Network::read(&file(path)?)?)
}

fn file(path: &Path) -> Result<Vec<u8>, SceneError> {
    fs::read(path).map_err(|source| SceneError::File {
        path: path.display().to_string(),
        source,
    })
}

impl Files {
    /// Reads the recipe at `path` and all it names.
    pub(super) fn read(path: &Path) -> Result<Self, SceneError> {
        let recipe = Recipe::read(&file(path)?)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let network = match recipe.model.file.as_str() {
            BUILT_IN => Network::read(&sample::probe_network())?,
            name => network(&folder.join(name))?,
        };
        let picture = match recipe.picture.as_str() {
            BUILT_IN => built_in()?,
            name => png::read(&file(&folder.join(name))?)?,
        };
        Ok(Self {
            recipe,
            network,
            picture,
        })
    }

    /// What the result will be.
    pub(super) fn outlook(&self) -> Result<Outlook, SceneError> {
        Ok(Outlook::of(&self.network, self.picture.colours.resolution())?)
    }
}

fn built_in() -> Result<png::Read, SceneError> {
    let colours: Source = sample::probe_picture(PROBE).map_err(|error| SceneError::Probe(error.to_string()))?;
    Ok(png::Read {
        colours,
        alpha: None,
        white: u16::from(u8::MAX),
    })
}

impl Scene {
    /// Measures the picture and makes everything ready, for a result of the size `asked`.
    pub(super) fn open(files: Files, asked: Resolution, threads: u32) -> Result<Self, SceneError> {
        let result = files.outlook()?.result;
        if result != asked {
            return Err(SceneError::Resolution { result, asked });
        }
        let Files {
            recipe,
            network,
            picture,
        } = files;
        let values = match recipe.model.values {
            Some(values) => values,
            None => network.guess_values()?,
        };
        let manner = Manner {
            values,
            colours: recipe.model.colours,
            strength: recipe.strength,
        };
        let (size, scale) = (picture.colours.resolution(), network.reach().scale);
        let alpha = picture.alpha.map(|samples| Alpha {
            samples,
            picture: size,
            white: f32::from(picture.white),
            scale,
        });
        Ok(Self {
            painter: Painter::new(network, picture.colours, manner)?,
            alpha,
            threads: threads as usize,
        })
    }

    /// The part `rect` of the result as an OpenEXR file. `progress` gets thousandths done.
    pub(super) fn render(&self, rect: Rect, progress: &(dyn Fn(u32) + Sync)) -> Result<Vec<u8>, SceneError> {
        let result = self.painter.cells().result();
        let is_inside = rect.width > 0
            && rect.height > 0
            && rect
                .x
                .checked_add(rect.width)
                .is_some_and(|right| right <= result.width)
            && rect
                .y
                .checked_add(rect.height)
                .is_some_and(|bottom| bottom <= result.height);
        if !is_inside {
            return Err(SceneError::Outside { rect, result });
        }
        let canvas = self.paint(rect, progress)?;
        Ok(encode(&self.picture(rect, canvas)?, Compression::Zip)?)
    }

    /// Computes every cell that `rect` touches, several at a time. Which thread computes what changes nothing.
    fn paint(&self, rect: Rect, progress: &(dyn Fn(u32) + Sync)) -> Result<Canvas, SceneError> {
        let cells = self.painter.cells().touching(rect);
        let at_a_time = CELLS_BYTES_MAX / self.painter.cell_bytes().max(1);
        let workers = self
            .threads
            .min(usize::try_from(at_a_time).unwrap_or(1))
            .clamp(1, cells.len().max(1));
        let (canvas, next, done) = (Mutex::new(Canvas::new(rect)), AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || -> Result<(), SceneError> {
            while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                let painted = self.painter.paint(cell)?;
                canvas
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .put(cell, &painted);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress(u32::try_from(done * 1000 / cells.len()).unwrap_or(1000));
            }
            Ok(())
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let own = work();
            let others = others
                .into_iter()
                .map(|other| other.join().unwrap_or(Err(SceneError::Stopped)));
            others.fold(own, Result::and)
        })?;
        Ok(canvas.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Display-referred values as linear light, colours multiplied by their opacity, as OpenEXR has them.
    fn picture(&self, rect: Rect, canvas: Canvas) -> Result<Picture, SceneError> {
        let opacity: Option<Vec<f32>> = self.alpha.as_ref().map(|alpha| alpha.part(rect));
        let mut channels = Vec::with_capacity(4);
        for (name, mut plane) in ["R", "G", "B"].into_iter().zip(canvas.planes) {
            for (at, value) in plane.iter_mut().enumerate() {
                let light = linear(f64::from(*value)) as f32;
                *value = opacity.as_ref().map_or(light, |opacity| light * opacity[at]);
            }
            channels.push(Channel::new(name, Samples::F32(plane)));
        }
        channels.extend(opacity.map(|opacity| Channel::new("A", Samples::F32(opacity))));
        let size = Resolution {
            width: rect.width,
            height: rect.height,
        };
        Ok(Picture::new(size, channels)?)
    }
}

/// The result's pixels in a rectangle of it.
struct Canvas {
    rect: Rect,
    planes: [Vec<f32>; 3],
}

impl Canvas {
    fn new(rect: Rect) -> Self {
        let pixels = rect.width as usize * rect.height as usize;
        Self {
            rect,
            planes: std::array::from_fn(|_| vec![0.0; pixels]),
        }
    }

    /// Copies what lies inside.
    fn put(&mut self, cell: &Cell, painted: &Planes) {
        let (rect, from) = (self.rect, cell.result);
        let (left, right) = (rect.x.max(from.x), rect.right().min(from.right()));
        let (top, bottom) = (rect.y.max(from.y), rect.bottom().min(from.bottom()));
        let length = right.saturating_sub(left) as usize;
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            for row in top..bottom {
                let line = (row - rect.y) as usize * rect.width as usize + (left - rect.x) as usize;
                let source = channel * painted.width * painted.height
                    + (row - from.y) as usize * painted.width
                    + (left - from.x) as usize;
                plane[line..line + length].copy_from_slice(&painted.values[source..source + length]);
            }
        }
    }
}

impl Alpha {
    /// Opacity between 0 and 1 in `rect` of the result, linear between the picture's pixels.
    fn part(&self, rect: Rect) -> Vec<f32> {
        let columns: Vec<_> = (rect.x..rect.right())
            .map(|x| self.between(x, self.picture.width))
            .collect();
        let rows = (rect.y..rect.bottom()).map(|y| self.between(y, self.picture.height));
        rows.flat_map(|(above, below, down)| {
            columns.iter().map(move |(left, right, across)| {
                let mix = |one: f32, other: f32, share: f32| one + (other - one) * share;
                let upper = mix(self.at(*left, above), self.at(*right, above), *across);
                mix(upper, mix(self.at(*left, below), self.at(*right, below), *across), down)
            })
        })
        .collect()
    }

    fn at(&self, x: u32, y: u32) -> f32 {
        let at = y as usize * self.picture.width as usize + x as usize;
        f32::from(self.samples[at]) / self.white
    }

    /// The two pixels of a side around pixel `at` of the result, and how far it lies from the first to the second.
    fn between(&self, at: u32, length: u32) -> (u32, u32, f32) {
        let doubled = 2 * i64::from(at) + 1 - i64::from(self.scale);
        let unit = 2 * i64::from(self.scale);
        let first = doubled.div_euclid(unit);
        let within = |place: i64| u32::try_from(place.clamp(0, i64::from(length) - 1)).unwrap_or(0);
        (
            within(first),
            within(first + 1),
            doubled.rem_euclid(unit) as f32 / unit as f32,
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn alpha(scale: u32) -> Alpha {
        Alpha {
            samples: vec![0, 100, 200, 255],
            picture: Resolution { width: 4, height: 1 },
            white: 255.0,
            scale,
        }
    }

    #[test]
    fn opacity_is_itself_at_its_own_size_and_smooth_when_enlarged() {
        let whole = |scale: u32| {
            alpha(scale).part(
                Resolution {
                    width: 4 * scale,
                    height: scale,
                }
                .whole(),
            )
        };
        let own: Vec<f32> = [0.0, 100.0, 200.0, 255.0].map(|value: f32| value / 255.0).to_vec();
        assert_eq!(whole(1), own);
        let doubled: Vec<f32> = whole(2)[..8].iter().map(|value| (value * 255.0).round()).collect();
        assert_eq!(doubled, [0.0, 25.0, 75.0, 125.0, 175.0, 214.0, 241.0, 255.0]);
    }

    #[test]
    fn the_probe_is_the_same_bytes_in_one_piece_and_in_many_on_any_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.recipe.json");
        fs::write(&path, sample::probe_recipe().write().unwrap()).unwrap();
        let scene = |threads| Scene::open(Files::read(&path).unwrap(), PROBE, threads).unwrap();
        let whole = scene(1).paint(PROBE.whole(), &|_| {}).unwrap();
        let many = scene(4);
        let mut pieced = Canvas::new(PROBE.whole());
        for (x, width) in [(0, 100), (100, 150), (250, 70)] {
            let rect = Rect {
                x,
                y: 0,
                width,
                height: PROBE.height,
            };
            let part = many.paint(rect, &|_| {}).unwrap();
            let [red, green, blue] = part.planes;
            let planes = Planes {
                width: width as usize,
                height: PROBE.height as usize,
                values: [red, green, blue].concat(),
            };
            let cell = Cell {
                result: rect,
                ..many.painter.cells().touching(rect)[0]
            };
            pieced.put(&cell, &planes);
        }
        assert_eq!(pieced.planes, whole.planes);
    }

    #[test]
    fn a_result_of_another_size_and_tiles_outside_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.recipe.json");
        fs::write(&path, sample::probe_recipe().write().unwrap()).unwrap();
        let other = Resolution { width: 1, ..PROBE };
        let refused = Scene::open(Files::read(&path).unwrap(), other, 1).err().unwrap();
        assert!(refused.to_string().contains("320x240"), "{refused}");
        let scene = Scene::open(Files::read(&path).unwrap(), PROBE, 1).unwrap();
        let rect = Rect {
            x: u32::MAX,
            y: 0,
            width: 2,
            height: 1,
        };
        assert!(scene.render(rect, &|_| {}).is_err());
    }
}
