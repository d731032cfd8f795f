//! Networks that this program makes itself, as the bytes of an ONNX file: the one that measures machines, and small
//! ones for tests. Their weights are computed and belong to nobody.

use prost::Message;
use rayswarm_model::Resolution;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto, type_proto,
};

use crate::{
    picture::{CHANNELS, Source, SourceError},
    recipe::{BUILT_IN, Colours, Kind, Model, Recipe, VERSION, Values},
};

/// The operations of ONNX that are used here have been the same since this set.
const OPERATOR_SET: i64 = 13;
/// The file format's version that goes with it.
const FORMAT: i64 = 7;

/// A network under construction: layers one after another, each fed by the one before.
#[derive(Clone, Debug)]
pub struct Layers {
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    channels: usize,
    last: String,
    seed: u32,
}

impl Default for Layers {
    fn default() -> Self {
        Self::new()
    }
}

impl Layers {
    /// No layer yet: a picture of three channels.
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            weights: Vec::new(),
            channels: CHANNELS,
            last: "picture".into(),
            seed: 1,
        }
    }

    /// A convolution to `channels` with a square kernel, padded with zeros so that the picture keeps its size, or makes
    /// it `stride` times smaller.
    #[must_use]
    pub fn convolution(self, channels: usize, side: usize, stride: usize) -> Self {
        let pad = side / 2;
        self.convolve(channels, side, stride, pad)
    }

    /// A convolution without padding: the picture loses half a kernel on each side.
    #[must_use]
    pub fn unpadded_convolution(self, channels: usize, side: usize) -> Self {
        self.convolve(channels, side, 1, 0)
    }

    /// Mirrors the picture at its edges by `by` pixels.
    #[must_use]
    pub fn mirror(mut self, by: i64) -> Self {
        let pads = self.numbers(&[0, 0, by, by, 0, 0, by, by]);
        self.then("Pad", vec![pads], vec![text("mode", "reflect")])
    }

    /// Cuts off what is below zero.
    #[must_use]
    pub fn rectify(self) -> Self {
        self.then("Relu", vec![], vec![])
    }

    /// Normalises each channel by its mean and variance over the picture.
    #[must_use]
    pub fn normalise(mut self) -> Self {
        let (scale, shift) = (
            self.spread(self.channels, 0.5, 1.5),
            self.spread(self.channels, -0.2, 0.6),
        );
        let channels = self.channels;
        let inputs = vec![self.weight(&[channels], scale), self.weight(&[channels], shift)];
        self.then("InstanceNormalization", inputs, vec![])
    }

    /// Weighs each channel by the mean of the picture over it.
    #[must_use]
    pub fn attend(mut self) -> Self {
        let before = self.last.clone();
        self = self
            .then("GlobalAveragePool", vec![], vec![])
            .then("Sigmoid", vec![], vec![]);
        self.then("Mul", vec![before], vec![])
    }

    /// Makes each pixel a square of `by` pixels.
    #[must_use]
    pub fn enlarge(mut self, by: f32) -> Self {
        let scales = self.weight(&[4], vec![1.0, 1.0, by, by]);
        let modes = vec![
            text("mode", "nearest"),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
        ];
        self.then("Resize", vec![String::new(), scales], modes)
    }

    /// Makes blocks of `by` × `by` pixels of as many channels.
    #[must_use]
    pub fn spread_out(mut self, by: usize) -> Self {
        self.channels /= by * by;
        let block = i64::try_from(by).unwrap_or(1);
        self.then(
            "DepthToSpace",
            vec![],
            vec![number("blocksize", block), text("mode", "CRD")],
        )
    }

    /// Adds a plane that differs from place to place, which no network may do that is computed in pieces.
    #[must_use]
    pub fn add_plane(mut self, side: usize) -> Self {
        let values = self.spread(side * side, 0.0, 1.0);
        let plane = self.weight(&[1, 1, side, side], values);
        self.then("Add", vec![plane], vec![])
    }

    /// Multiplies everything by `by`.
    #[must_use]
    pub fn brighten(mut self, by: f32) -> Self {
        let factor = self.weight(&[1, 1, 1, 1], vec![by]);
        self.then("Mul", vec![factor], vec![])
    }

    /// Any operation of ONNX, without weights.
    #[must_use]
    pub fn operation(self, kind: &str) -> Self {
        self.then(kind, vec![], vec![])
    }

    /// The file.
    pub fn file(self) -> Vec<u8> {
        let graph = GraphProto {
            name: "rayswarm".into(),
            node: self.nodes,
            initializer: self.weights,
            input: vec![picture("picture")],
            output: vec![picture(&self.last)],
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: FORMAT,
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPERATOR_SET,
            }],
            graph: Some(graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    fn convolve(mut self, channels: usize, side: usize, stride: usize, pad: usize) -> Self {
        let (count, bound) = (
            self.channels * side * side,
            (3.0 / (self.channels * side * side) as f32).sqrt(),
        );
        let kernel = self.spread(channels * count, -bound, bound);
        let bias = self.spread(channels, -0.05, 0.05);
        let shape = [channels, self.channels, side, side];
        let inputs = vec![self.weight(&shape, kernel), self.weight(&[channels], bias)];
        self.channels = channels;
        let whole = |value: usize| i64::try_from(value).unwrap_or(0);
        let attributes = vec![
            numbers("kernel_shape", [whole(side); 2].to_vec()),
            numbers("strides", [whole(stride); 2].to_vec()),
            numbers("pads", [whole(pad); 4].to_vec()),
        ];
        self.then("Conv", inputs, attributes)
    }

    fn then(mut self, kind: &str, mut inputs: Vec<String>, attribute: Vec<AttributeProto>) -> Self {
        inputs.insert(0, self.last.clone());
        self.last = format!("t{}", self.nodes.len());
        self.nodes.push(NodeProto {
            name: format!("{kind}{}", self.nodes.len()),
            op_type: kind.into(),
            input: inputs,
            output: vec![self.last.clone()],
            attribute,
            ..NodeProto::default()
        });
        self
    }

    fn weight(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = format!("w{}", self.weights.len());
        self.weights.push(TensorProto {
            name: name.clone(),
            dims: shape.iter().map(|length| i64::try_from(*length).unwrap_or(0)).collect(),
            data_type: DataType::Float as i32,
            float_data: values,
            ..TensorProto::default()
        });
        name
    }

    fn numbers(&mut self, values: &[i64]) -> String {
        let name = format!("w{}", self.weights.len());
        self.weights.push(TensorProto {
            name: name.clone(),
            dims: vec![i64::try_from(values.len()).unwrap_or(0)],
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        name
    }

    /// `count` numbers between two bounds, the same each time: a linear congruential generator.
    fn spread(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        let mut next = || {
            self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.seed >> 8) as f32 / 16_777_216.0
        };
        (0..count).map(|_| low + (high - low) * next()).collect()
    }
}

/// The network that measures machines: the layers of a small style network, halving the picture and back.
pub fn probe_network() -> Vec<u8> {
    let network = Layers::new()
        .mirror(2)
        .unpadded_convolution(16, 5)
        .normalise()
        .rectify();
    let network = network.convolution(32, 3, 2).normalise().rectify();
    let network = network.convolution(32, 3, 1).normalise().rectify();
    network
        .enlarge(2.0)
        .convolution(16, 3, 1)
        .rectify()
        .convolution(CHANNELS, 3, 1)
        .file()
}

/// The picture it is given: slow colours and sharp edges.
pub fn probe_picture(resolution: Resolution) -> Result<Source, SourceError> {
    let Resolution { width, height } = resolution;
    let pixel = |x: u32, y: u32| {
        let checker = if (x / 16 + y / 16).is_multiple_of(2) { 0 } else { 60 };
        let red = x * 195 / width.max(1) + checker;
        let green = y * 195 / height.max(1) + checker;
        [red, green, (x * 7 + y * 13) % 256].map(|level| u16::try_from(level).unwrap_or(255))
    };
    let samples = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)));
    Source::new(resolution, samples.collect(), 255)
}

/// The recipe of both.
pub fn probe_recipe() -> Recipe {
    Recipe {
        recipe: VERSION,
        model: Model {
            file: BUILT_IN.into(),
            kind: Kind::StyleTransfer,
            values: Some(Values::Unit),
            colours: Colours::Rgb,
        },
        picture: BUILT_IN.into(),
        strength: 100,
    }
}

fn picture(name: &str) -> ValueInfoProto {
    let fixed = |length| tensor_shape_proto::dimension::Value::DimValue(length);
    let named = |name: &str| tensor_shape_proto::dimension::Value::DimParam(name.into());
    let values = [fixed(1), fixed(CHANNELS as i64), named("height"), named("width")];
    let dim = values.map(|value| tensor_shape_proto::Dimension {
        value: Some(value),
        ..tensor_shape_proto::Dimension::default()
    });
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: dim.to_vec() }),
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::String as i32,
        s: value.into(),
        ..AttributeProto::default()
    }
}

fn number(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int as i32,
        i: value,
        ..AttributeProto::default()
    }
}

fn numbers(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: values,
        ..AttributeProto::default()
    }
}
