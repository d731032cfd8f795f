//! Cutting a rectangle out of a picture: padding off a tile, an audited crop out of a delivered one.

use crate::picture::{Channel, Picture, Samples};
use rayswarm_model::{Rect, Resolution};

/// A rectangle is not part of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rect} is not inside a picture of {resolution}")]
pub struct CropError {
    /// What was to be cut out, relative to the picture.
    pub rect: Rect,
    /// The picture's size.
    pub resolution: Resolution,
}

/// The part of `picture` inside `rect`, which counts from the picture's own top left. Attributes stay.
pub fn crop(picture: &Picture, rect: Rect) -> Result<Picture, CropError> {
    let resolution = picture.resolution();
    let error = CropError { rect, resolution };
    if !is_inside(rect, resolution) {
        return Err(error);
    }
    let stride = resolution.width as usize;
    let channels = picture
        .channels()
        .iter()
        .map(|channel| {
            let samples = match channel.samples() {
                Samples::F16(samples) => Samples::F16(cut(samples, stride, rect)),
                Samples::F32(samples) => Samples::F32(cut(samples, stride, rect)),
                Samples::U32(samples) => Samples::U32(cut(samples, stride, rect)),
            };
            Channel::new(channel.name(), samples)
        })
        .collect();
    let size = Resolution {
        width: rect.width,
        height: rect.height,
    };
    let cropped = Picture::new(size, channels).map_err(|_| error)?;
    Ok(cropped.with_attributes(picture.attributes().clone()))
}

/// Whether `rect` is not empty and lies inside a picture of `resolution`; never overflows on a peer's numbers.
pub(crate) fn is_inside(rect: Rect, resolution: Resolution) -> bool {
    let fits =
        |start: u32, length: u32, side: u32| length > 0 && start.checked_add(length).is_some_and(|end| end <= side);
    fits(rect.x, rect.width, resolution.width) && fits(rect.y, rect.height, resolution.height)
}

/// Rows of `rect` out of rows of `stride` samples. The rectangle lies inside.
fn cut<T: Copy>(samples: &[T], stride: usize, rect: Rect) -> Vec<T> {
    let mut out = Vec::with_capacity(rect.width as usize * rect.height as usize);
    let (left, right) = (rect.x as usize, rect.x as usize + rect.width as usize);
    for row in samples
        .chunks_exact(stride)
        .skip(rect.y as usize)
        .take(rect.height as usize)
    {
        out.extend_from_slice(&row[left..right]);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::numbered;

    #[test]
    fn a_crop_holds_the_right_pixels() {
        let picture = numbered(5, 4, &["A", "B"]);
        let cropped = crop(
            &picture,
            Rect {
                x: 1,
                y: 2,
                width: 3,
                height: 2,
            },
        )
        .unwrap();
        assert_eq!(
            cropped.channel("A").unwrap().samples(),
            &Samples::F32(vec![11., 12., 13., 16., 17., 18.])
        );
        assert_eq!(cropped.channels().len(), 2);
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let picture = numbered(5, 4, &["A"]);
        let cases = [
            (5, 0, 1, 1),
            (0, 0, 6, 1),
            (0, 3, 1, 2),
            (0, 0, 0, 1),
            (u32::MAX, 0, 2, 1),
            (0, 1, 1, u32::MAX),
        ];
        for (x, y, width, height) in cases {
            assert!(
                crop(&picture, Rect { x, y, width, height }).is_err(),
                "{x} {y} {width} {height}"
            );
        }
    }
}
