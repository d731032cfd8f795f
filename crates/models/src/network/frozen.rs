//! What a network computes about the picture as a whole (the means and variances of instance normalisation, for one) is
//! measured once on a thumbnail and then put in as constants, so that every piece is normalised alike (thumbnail
//! instance normalisation: Chen et al., Towards Ultra-Resolution Neural Style Transfer, ECCV 2022, arXiv 2203.11932).
//!
//! It does not matter how a network spells its normalisation: whatever is a number about the whole picture where it
//! meets the picture again counts.

use super::NetworkError;
use std::sync::Arc;
use tract_onnx::prelude::*;

/// Stands for a number that is not measured yet.
const BLANK: f32 = 0.5;

/// Numbers about one picture as a whole, for one network.
#[derive(Clone, Debug, Default)]
pub struct Statistics(Vec<Statistic>);

#[derive(Clone, Debug)]
struct Statistic {
    place: Place,
    value: Arc<Tensor>,
}

/// Where in a network a number about the whole picture is made. Names, because a model of another size is another
/// model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    node: String,
    slot: usize,
}

impl Place {
    /// The place of `outlet` in `model`.
    pub(super) fn of(model: &TypedModel, outlet: OutletId) -> Self {
        Self {
            node: model.node(outlet.node).name.clone(),
            slot: outlet.slot,
        }
    }

    /// Where it lies in `model`.
    pub(super) fn within(&self, model: &TypedModel) -> Result<OutletId, NetworkError> {
        let misfit = |_| NetworkError::Statistics(self.node.clone());
        let node = model.node_id_by_name(&self.node).map_err(misfit)?;
        Ok(OutletId::new(node, self.slot))
    }
}

impl Statistics {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the network computes nothing about the picture as a whole.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was made at `places`.
    pub(super) fn of(places: &[Place], values: TVec<TValue>) -> Self {
        let values = values.into_iter().map(TValue::into_arc_tensor);
        let statistics = places.iter().cloned().zip(values);
        Self(statistics.map(|(place, value)| Statistic { place, value }).collect())
    }

    /// The same number at all `places`, for looking at what a network needs. Neither zero nor one, by which layers
    /// vanish.
    pub(super) fn blank(model: &TypedModel, places: &[Place]) -> Result<Self, NetworkError> {
        let blank = |place: &Place| {
            let fact = model.outlet_fact(place.within(model)?).map_err(NetworkError::inner)?;
            let shape = fact.shape.as_concrete().ok_or(NetworkError::NoPicture)?;
            let blank = tensor0(BLANK)
                .broadcast_scalar_to_shape(shape)
                .map_err(NetworkError::inner)?;
            Ok::<_, NetworkError>(blank.into_tvalue())
        };
        let values = places.iter().map(blank).collect::<Result<TVec<_>, _>>()?;
        Ok(Self::of(places, values))
    }

    /// Puts them into `model`.
    pub(super) fn put_into(&self, model: &mut TypedModel) -> Result<(), NetworkError> {
        for (number, Statistic { place, value }) in self.0.iter().enumerate() {
            let outlet = place.within(model)?;
            let shape = model.outlet_fact(outlet).map_err(NetworkError::inner)?.shape.clone();
            if shape.as_concrete() != Some(value.shape()) {
                return Err(NetworkError::Statistics(place.node.clone()));
            }
            let constant = model.add_const(format!("whole-picture.{number}"), Arc::clone(value));
            let constant = constant.map_err(NetworkError::inner)?;
            for inlet in model.outlet_successors(outlet).to_vec() {
                model.add_edge(constant, inlet).map_err(NetworkError::inner)?;
            }
        }
        Ok(())
    }
}
