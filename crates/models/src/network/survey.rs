//! Walking through a network once, for one size of picture: how far each result pixel reaches, what of the picture as a
//! whole it uses, and whether all of it can be computed in pieces.

use super::{
    NetworkError,
    field::{Field, Known, Ratio, Side, gcd},
    taps::{Ends, Kernel},
};
use tract_onnx::{
    prelude::*,
    tract_hir::tract_core::{
        internal::DimLike,
        ops::{
            array::{MultiBroadcastTo, Pad, Slice, TypedConcat},
            binary::TypedBinOp,
            cast::Cast,
            change_axes::AxisOp,
            cnn::{Conv, Deconv, MaxPool, PoolSpec, SumPool},
            element_wise::ElementWiseOp,
            identity::Identity,
            konst::Const,
            logic::Iff,
            nn::{
                Reduce, Softmax,
                resize::{CoordTransformer, Interpolator},
            },
            source::TypedSource,
        },
    },
};
use tract_onnx_opl::resize::{CoordTransform, Nearest, Resize};

/// What a walk found.
#[derive(Debug)]
pub(super) struct Survey {
    /// The result.
    pub(super) result: Field,
    /// What sizes must be multiples of.
    pub(super) multiple: usize,
    /// Where numbers about the whole picture enter the picture's own computation, in order.
    pub(super) statistics: Vec<OutletId>,
}

/// Walks through `model`.
pub(super) fn survey(model: &TypedModel) -> Result<Survey, NetworkError> {
    let mut walk = Walk {
        model,
        known: vec![None; model.nodes().len()],
        multiple: 1,
        statistics: Vec::new(),
    };
    for id in model.eval_order().map_err(NetworkError::inner)? {
        walk.step(model.node(id))?;
    }
    let output = model.output_outlets().map_err(NetworkError::inner)?;
    match output.first().and_then(|outlet| walk.known[outlet.node].clone()) {
        Some(Known::Field(result)) => Ok(Survey {
            result,
            multiple: walk.multiple,
            statistics: walk.statistics,
        }),
        _ => Err(NetworkError::NoPicture),
    }
}

struct Walk<'a> {
    model: &'a TypedModel,
    /// By node; tensors of one node are alike.
    known: Vec<Option<Known>>,
    multiple: usize,
    statistics: Vec<OutletId>,
}

impl Walk<'_> {
    fn step(&mut self, node: &TypedNode) -> Result<(), NetworkError> {
        let known = self.known_of(node)?;
        if let Known::Field(field) = &known {
            for side in &field.sides {
                let under = side.ratio.over;
                self.multiple = self.multiple / gcd(self.multiple, under) * under;
            }
            let enters = |outlet: &&OutletId| matches!(self.known[outlet.node], Some(Known::Global));
            for outlet in node.inputs.iter().filter(enters) {
                if !self.statistics.contains(outlet) {
                    self.statistics.push(*outlet);
                }
            }
        }
        self.known[node.id] = Some(known);
        Ok(())
    }

    fn known_of(&self, node: &TypedNode) -> Result<Known, NetworkError> {
        if node.op_is::<TypedSource>() {
            return Ok(Known::Field(input()));
        }
        let inputs: Vec<&Known> = node
            .inputs
            .iter()
            .filter_map(|outlet| self.known[outlet.node].as_ref())
            .collect();
        if node.op_is::<Const>() || inputs.iter().all(|known| **known == Known::Constant) {
            return Ok(Known::Constant);
        }
        let mut fields = inputs.iter().filter_map(|known| match known {
            Known::Field(field) => Some(field.clone()),
            Known::Constant | Known::Global => None,
        });
        let Some(first) = fields.next() else {
            return Ok(Known::Global);
        };
        let refused = || NetworkError::NotInPieces {
            node: node.name.clone(),
            operation: node.op.name().into_owned(),
        };
        if node.op_is::<Reduce>() {
            return self.reduced(node, first).ok_or_else(refused);
        }
        let together = fields.try_fold(first, |all, one| all.with(&one));
        let field = together.and_then(|field| self.followed(node, field));
        field.map(Known::Field).ok_or_else(refused)
    }

    /// What an operation makes of the picture it is given; `None` where that cannot be told, or needs all of it.
    fn followed(&self, node: &TypedNode, field: Field) -> Option<Field> {
        if let Some(op) = node.op_as::<Conv>() {
            return self.convolved(node, field, &op.pool_spec, false);
        }
        if let Some(op) = node.op_as::<MaxPool>() {
            return self.convolved(node, field, &op.pool_spec, false);
        }
        if let Some(op) = node.op_as::<SumPool>() {
            return self.convolved(node, field, &op.pool_spec, false);
        }
        if let Some(op) = node.op_as::<Deconv>() {
            return self.convolved(node, field, &op.pool_spec, true);
        }
        if let Some(op) = node.op_as::<Pad>() {
            return self.shifted(node, field, |axis| op.pads.get(axis).map(|pads| -(pads.0 as i64)));
        }
        if let Some(op) = node.op_as::<Slice>() {
            let start = op.start.to_i64().ok()?;
            return self.shifted(node, field, |axis| Some(if axis == op.axis { start } else { 0 }));
        }
        if let Some(op) = node.op_as::<Resize>() {
            return self.resized(node, field, op);
        }
        if let Some(op) = node.op_as::<AxisOp>() {
            return self.turned(node, field, op);
        }
        if let Some(op) = node.op_as::<TypedConcat>() {
            return (!field.has(op.axis)).then_some(field);
        }
        if let Some(op) = node.op_as::<Softmax>() {
            return (!op.axes.iter().any(|axis| field.has(*axis))).then_some(field);
        }
        let pixel_by_pixel = node.op_is::<ElementWiseOp>()
            || node.op_is::<TypedBinOp>()
            || node.op_is::<Iff>()
            || node.op_is::<Cast>()
            || node.op_is::<Identity>()
            || node.op_is::<MultiBroadcastTo>();
        (pixel_by_pixel && self.is_the_same_everywhere(node, &field)).then_some(field)
    }

    /// Whether no constant of `node` differs from place to place.
    fn is_the_same_everywhere(&self, node: &TypedNode, field: &Field) -> bool {
        let others = node
            .inputs
            .iter()
            .filter(|outlet| !matches!(self.known[outlet.node], Some(Known::Field(_))));
        let mut shapes = others.filter_map(|outlet| self.shape(*outlet));
        shapes.all(|shape| {
            field
                .sides
                .iter()
                .all(|side| shape.get(side.axis).is_none_or(|length| *length == 1))
        })
    }

    fn shape(&self, outlet: OutletId) -> Option<Vec<usize>> {
        let fact = self.model.outlet_fact(outlet).ok()?;
        fact.shape.iter().map(|length| length.to_usize().ok()).collect()
    }

    /// The shapes of the picture given and of the one made.
    fn shapes(&self, node: &TypedNode) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((
            self.shape(*node.inputs.first()?)?,
            self.shape(OutletId::new(node.id, 0))?,
        ))
    }

    fn convolved(&self, node: &TypedNode, field: Field, spec: &PoolSpec, transposed: bool) -> Option<Field> {
        let (before, after) = self.shapes(node)?;
        let first = spec.data_format.h_axis();
        if field.sides.map(|side| side.axis) != [first, first + 1] || spec.rank() != 2 {
            return None;
        }
        let given = before.get(first..first + 2)?;
        let pads: Vec<usize> = if transposed {
            let (strides, dilations) = (spec.strides(), spec.dilations());
            let none = [0, 0];
            let padding = spec
                .padding
                .compute_for_deconv(given, &spec.kernel_shape, &dilations, &strides, &none);
            padding.ok()?.iter().map(|pad| pad.pad_before).collect()
        } else {
            spec.computed_padding(given).iter().map(|pad| pad.pad_before).collect()
        };
        let mut sides = field.sides;
        for (at, side) in sides.iter_mut().enumerate() {
            let kernel = Kernel {
                size: *spec.kernel_shape.get(at)?,
                stride: spec.stride(at),
                dilation: spec.dilation(at),
                pad: *pads.get(at)?,
            };
            let lengths = (*before.get(side.axis)?, *after.get(side.axis)?);
            side.ends = match transposed {
                false => side
                    .ends
                    .spread(lengths.0, lengths.1, |place| kernel.convolution(place)),
                true => side.ends.spread(lengths.0, lengths.1, |place| kernel.transposed(place)),
            };
            side.ratio = match transposed {
                false => side.ratio.times(kernel.stride, 1),
                true => side.ratio.times(1, kernel.stride),
            };
        }
        self.checked(Field { sides }, &after)
    }

    /// Output pixel `at` is input pixel `at + shift`.
    fn shifted(&self, node: &TypedNode, field: Field, shift: impl Fn(usize) -> Option<i64>) -> Option<Field> {
        let (before, after) = self.shapes(node)?;
        let mut sides = field.sides;
        for side in &mut sides {
            let by = shift(side.axis)?;
            let lengths = (*before.get(side.axis)?, *after.get(side.axis)?);
            side.ends = side.ends.spread(lengths.0, lengths.1, |at| (at + by, at + by));
        }
        self.checked(Field { sides }, &after)
    }

    fn resized(&self, node: &TypedNode, field: Field, op: &Resize) -> Option<Field> {
        let (before, after) = self.shapes(node)?;
        let CoordTransform::Plain(transform) = &op.coord_transformer else {
            return None;
        };
        let depends_on_size = matches!(
            transform,
            CoordTransformer::AlignCorners | CoordTransformer::HalfPixelSymmetric
        );
        if depends_on_size || op.antialias {
            return None;
        }
        let mut sides = field.sides;
        for side in &mut sides {
            let (old, new) = (*before.get(side.axis)?, *after.get(side.axis)?);
            if old == new {
                continue;
            }
            let scale = new as f32 / old as f32;
            side.ends = side.ends.spread(old, new, |at| {
                let place = transform.transform(usize::try_from(at).unwrap_or(0), scale, old, new);
                let (below, above) = (place.floor() as i64, place.ceil() as i64);
                match op.interpolator {
                    Interpolator::Nearest if op.nearest == Nearest::Floor => (below, below),
                    Interpolator::Nearest | Interpolator::Linear => (below, above),
                    Interpolator::Cubic => (below - 1, above + 1),
                }
            });
            side.ratio = side.ratio.times(old, new);
        }
        self.checked(Field { sides }, &after)
    }

    fn turned(&self, node: &TypedNode, field: Field, op: &AxisOp) -> Option<Field> {
        let (_, after) = self.shapes(node)?;
        let lengths = |dims: &[TDim]| dims.iter().map(|dim| dim.to_usize().ok()).collect::<Option<Vec<_>>>();
        let turned = match op {
            AxisOp::Add(at) => Some(field.after_adding(*at)),
            AxisOp::Rm(at) => field.after_removing(*at),
            AxisOp::Move(from, to) => Some(field.after_moving(*from, *to)),
            AxisOp::Reshape(at, from, to) => field.after_reshaping(*at, &lengths(from)?, &lengths(to)?),
        };
        self.checked(turned?, &after)
    }

    /// A mean or sum over both sides is a number about the whole picture; over neither, it stays a picture.
    fn reduced(&self, node: &TypedNode, field: Field) -> Option<Known> {
        let op = node.op_as::<Reduce>()?;
        match field.sides.map(|side| op.axes.contains(&side.axis)) {
            [true, true] => Some(Known::Global),
            [false, false] => Some(Known::Field(field)),
            _ => None,
        }
    }

    fn checked(&self, field: Field, shape: &[usize]) -> Option<Field> {
        let spoilt = |side: &Side| shape.get(side.axis).is_none_or(|length| side.ends.cover(*length));
        (!field.sides.iter().any(spoilt)).then_some(field)
    }
}

fn input() -> Field {
    let side = |axis| Side {
        axis,
        ratio: Ratio::ONE,
        ends: Ends::default(),
    };
    Field {
        sides: [side(2), side(3)],
    }
}
