//! Picture, network and grid together: any rectangle of the result, the same bytes whoever asks and however it is cut.

use crate::{
    network::{Network, NetworkError, Prepared, Statistics},
    picture::{CHANNELS, Planes, Source},
    recipe::{Colours, Values},
    tiling::{Cell, Cells, Window},
};
use rayswarm_model::Resolution;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How a network is spoken to, and how much of its result counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// The numbers it takes and gives.
    pub values: Values,
    /// The order of its colours.
    pub colours: Colours,
    /// Percent of the result that are the network's.
    pub strength: u8,
}

/// One picture and one network.
#[derive(Debug)]
pub struct Painter {
    network: Network,
    picture: Source,
    manner: Manner,
    cells: Cells,
    statistics: Statistics,
    /// The network made ready, by size of window: a grid has but a few.
    ready: Mutex<HashMap<(u32, u32), Prepared>>,
}

/// A picture cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PainterError {
    /// The network cannot make it.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A result of another size cannot be mixed with the picture.
    #[error(
        "a strength of {strength} percent mixes the result with the picture, but the result is {scale} times as \
         large; use 100"
    )]
    Mixed {
        /// Percent asked for.
        strength: u8,
        /// Pixels out for one in, along a side.
        scale: u32,
    },
}

/// Memory that the window of a cell may take while it is computed: enough for cells of the largest side with the usual
/// style networks.
pub const CELL_BYTES_MAX: u64 = 400 << 20;
/// Memory that the thumbnail may take while it is computed.
const THUMBNAIL_BYTES_MAX: u64 = 800 << 20;
/// Pixels of the thumbnail at most. A picture up to this size is measured as it is.
const THUMBNAIL_PIXELS_MAX: u64 = 1 << 20;

/// What is known of a result before anything is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The result's size.
    pub result: Resolution,
    /// Side of a cell in the result.
    pub step: u32,
    /// Whether numbers about the picture are those of a thumbnail: it is larger, and the network wants some.
    pub from_thumbnail: bool,
    /// Memory of one cell while it is computed, and of the thumbnail where one is needed: the larger of both.
    pub bytes: u64,
}

impl Outlook {
    /// Of `network` for a picture of this size.
    pub fn of(network: &Network, picture: Resolution) -> Result<Self, NetworkError> {
        let cells = cells(network, picture)?;
        let window = u64::from(network.reach().window_side(cells.step() / network.reach().scale)).pow(2);
        let window = window.min(picture.pixels().saturating_mul(2));
        let (measures, most) = (network.statistics() > 0, thumbnail_pixels(network));
        let thumbnail = if measures {
            most.min(picture.pixels()) * network.thumbnail_bytes_per_pixel()
        } else {
            0
        };
        Ok(Self {
            result: cells.result(),
            step: cells.step(),
            from_thumbnail: measures && picture.pixels() > most,
            bytes: thumbnail.max(window.saturating_mul(network.bytes_per_pixel())),
        })
    }
}

impl Painter {
    /// Measures the picture and makes everything ready.
    pub fn new(network: Network, picture: Source, manner: Manner) -> Result<Self, PainterError> {
        let cells = cells(&network, picture.resolution())?;
        Self::with_cells(network, picture, manner, cells)
    }

    /// The same on another grid, which gives other last bits: for measuring what the grid does.
    pub fn with_cells(network: Network, picture: Source, manner: Manner, cells: Cells) -> Result<Self, PainterError> {
        let scale = network.reach().scale;
        if manner.strength < 100 && scale != 1 {
            return Err(PainterError::Mixed {
                strength: manner.strength,
                scale,
            });
        }
        let statistics = network.measure(&picture, thumbnail_pixels(&network), |planes| manner.spoken(planes))?;
        Ok(Self {
            network,
            picture,
            manner,
            cells,
            statistics,
            ready: Mutex::default(),
        })
    }

    /// The grid.
    pub const fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Memory of one window while it is computed.
    pub fn cell_bytes(&self) -> u64 {
        let side = self
            .network
            .reach()
            .window_side(self.cells.step() / self.network.reach().scale);
        u64::from(side).pow(2).saturating_mul(self.network.bytes_per_pixel())
    }

    /// Computes one cell: between 0 (black) and 1 (white), display-referred. Several threads may do so at a time.
    pub fn paint(&self, cell: &Cell) -> Result<Planes, NetworkError> {
        let Window { width, height, .. } = cell.window;
        let ready = self.ready_for(width, height)?;
        let given = ready.run(self.manner.spoken(self.picture.window(cell.window)))?;
        let (left, top) = (cell.inner.0 as usize, cell.inner.1 as usize);
        let (width, height) = (cell.result.width as usize, cell.result.height as usize);
        if left + width > given.width || top + height > given.height {
            return Err(NetworkError::NoPicture);
        }
        let mut values = Vec::with_capacity(CHANNELS * width * height);
        for channel in 0..CHANNELS {
            let plane = self.manner.channel(channel) * given.width * given.height;
            for row in top..top + height {
                let start = plane + row * given.width + left;
                let line = &given.values[start..start + width];
                values.extend(line.iter().map(|value| self.manner.values.heard(*value)));
            }
        }
        let planes = Planes { width, height, values };
        Ok(self.mixed(cell, planes))
    }

    fn ready_for(&self, width: u32, height: u32) -> Result<Prepared, NetworkError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = ready.get(&(width, height)) {
            return Ok(prepared.clone());
        }
        let prepared = self.network.prepare(width, height, &self.statistics)?;
        ready.insert((width, height), prepared.clone());
        Ok(prepared)
    }

    /// The result with as much of the picture in it as was asked for.
    fn mixed(&self, cell: &Cell, mut made: Planes) -> Planes {
        if self.manner.strength >= 100 {
            return made;
        }
        let share = f32::from(self.manner.strength) / 100.0;
        let own = self.picture.window(Window {
            x: i64::from(cell.result.x),
            y: i64::from(cell.result.y),
            width: cell.result.width,
            height: cell.result.height,
        });
        for (value, own) in made.values.iter_mut().zip(&own.values) {
            *value = *value * share + own * (1.0 - share);
        }
        made
    }
}

impl Manner {
    /// Samples as the network takes them.
    pub fn spoken(self, mut planes: Planes) -> Planes {
        for value in &mut planes.values {
            *value = self.values.spoken(*value);
        }
        if self.colours == Colours::Bgr {
            let plane = planes.width * planes.height;
            let (red, rest) = planes.values.split_at_mut(plane);
            if let Some(blue) = rest.get_mut(plane..) {
                red.swap_with_slice(blue);
            }
        }
        planes
    }

    /// Where the network keeps a channel.
    const fn channel(self, channel: usize) -> usize {
        match self.colours {
            Colours::Rgb => channel,
            Colours::Bgr => CHANNELS - 1 - channel,
        }
    }
}

fn cells(network: &Network, picture: Resolution) -> Result<Cells, NetworkError> {
    let side = network.reach().cell_side(network.bytes_per_pixel(), CELL_BYTES_MAX)?;
    Ok(Cells::new(picture, network.reach(), side))
}

fn thumbnail_pixels(network: &Network) -> u64 {
    (THUMBNAIL_BYTES_MAX / network.thumbnail_bytes_per_pixel()).clamp(1, THUMBNAIL_PIXELS_MAX)
}

#[cfg(test)]
mod tests;
