//! Networks that make pictures from pictures: read, cut into cells, run. Bytes in, samples out.
//!
//! | module | does |
//! |---|---|
//! | [`recipe`] | the scene file of an image model |
//! | [`picture`] | samples on their way in and out, thumbnails |
//! | [`network`] | ONNX files: the only module that knows tract |
//! | [`tiling`] | the fixed grid of cells that makes every plan of tiles give the same bytes |
//! | [`painter`] | picture, network and grid together: any rectangle of the result |
//! | [`registry`] | what is kept of an added model |
//! | [`sample`] | networks that this program makes itself |
//!
//! Deliberately missing: files, threads and processes. A model is a stranger's file; whoever reads one does it in a
//! sandbox (`engines`).

pub mod network;
pub mod painter;
pub mod picture;
pub mod recipe;
pub mod registry;
pub mod sample;
pub mod tiling;

pub use network::{Network, NetworkError};
pub use painter::{Painter, PainterError};
pub use picture::{Planes, Source};
pub use recipe::Recipe;
