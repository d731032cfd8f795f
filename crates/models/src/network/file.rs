//! From the bytes of an ONNX file to a model that may be looked at: everything that can be refused without computing.

use super::NetworkError;
use std::{
    collections::{BTreeSet, HashSet},
    io::Cursor,
};
use tract_onnx::{
    model::Onnx,
    pb::{GraphProto, ModelProto, NodeProto, TensorProto, tensor_shape_proto::dimension, type_proto},
    prelude::*,
};

/// Bytes of a model at most.
const BYTES_MAX: usize = 512 << 20;
/// Operations at most.
const NODES_MAX: usize = 10_000;
/// ONNX's number for 32-bit floats.
const FLOAT: i32 = 1;
/// Operations whose result is another each time.
const RANDOM: [&str; 6] = [
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
];

/// Reads a model and refuses what is never run.
pub(super) fn read(bytes: &[u8]) -> Result<InferenceModel, NetworkError> {
    if bytes.len() > BYTES_MAX {
        return Err(NetworkError::TooLarge {
            bytes: bytes.len(),
            limit: BYTES_MAX,
        });
    }
    let onnx = onnx().with_ignore_value_info(true);
    let proto = onnx.proto_model_for_read(&mut Cursor::new(bytes));
    let proto = proto.map_err(|error| NetworkError::Unreadable(error.root_cause().to_string()))?;
    let graph = proto.graph.as_ref().filter(|graph| !graph.node.is_empty());
    let graph = graph.ok_or_else(|| NetworkError::Unreadable("it holds no operations".into()))?;
    check(graph, &onnx)?;
    model_of(&onnx, &proto)
}

fn model_of(onnx: &Onnx, proto: &ModelProto) -> Result<InferenceModel, NetworkError> {
    let parsed = onnx.parse(proto, None).map_err(NetworkError::inner)?;
    match parsed.unresolved_inputs.first() {
        None => Ok(parsed.model),
        Some(name) => Err(NetworkError::Unreadable(format!("{name:?} is used and never made"))),
    }
}

fn check(graph: &GraphProto, onnx: &Onnx) -> Result<(), NetworkError> {
    if graph.node.len() > NODES_MAX {
        return Err(NetworkError::TooLong {
            nodes: graph.node.len(),
            limit: NODES_MAX,
        });
    }
    let unknown: BTreeSet<&str> = graph
        .node
        .iter()
        .filter(|node| !is_known(node, onnx))
        .map(name_of_kind)
        .collect();
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.into_iter().collect();
        return Err(NetworkError::UnknownOperations(names.join(", ")));
    }
    graph.node.iter().try_for_each(check_node)?;
    graph.initializer.iter().try_for_each(check_tensor)?;
    check_layout(graph)
}

fn name_of_kind(node: &NodeProto) -> &str {
    &node.op_type
}

fn is_known(node: &NodeProto, onnx: &Onnx) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx") && onnx.op_register.0.contains_key(&node.op_type)
}

fn check_node(node: &NodeProto) -> Result<(), NetworkError> {
    let forbidden = |what| NetworkError::Forbidden {
        what,
        node: format!("{} {:?}", node.op_type, node.name),
    };
    if RANDOM.contains(&node.op_type.as_str()) {
        return Err(forbidden("draws lots"));
    }
    if node.attribute.iter().any(|attribute| attribute.g.is_some()) {
        return Err(forbidden("has loops or branches"));
    }
    let tensors = node.attribute.iter().filter_map(|attribute| attribute.t.as_ref());
    tensors.into_iter().try_for_each(check_tensor)
}

fn check_tensor(tensor: &TensorProto) -> Result<(), NetworkError> {
    let is_elsewhere = tensor.data_location.unwrap_or(0) != 0 || !tensor.external_data.is_empty();
    if is_elsewhere {
        return Err(NetworkError::Forbidden {
            what: "keeps weights in other files",
            node: tensor.name.clone(),
        });
    }
    Ok(())
}

fn check_layout(graph: &GraphProto) -> Result<(), NetworkError> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<_> = graph
        .input
        .iter()
        .filter(|input| !weights.contains(input.name.as_str()))
        .collect();
    let [input] = inputs.as_slice() else {
        return Err(NetworkError::Layout(format!("takes {} inputs", inputs.len())));
    };
    if graph.output.len() != 1 {
        return Err(NetworkError::Layout(format!("gives {} results", graph.output.len())));
    }
    let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return Err(NetworkError::Layout("does not say what it takes".into()));
    };
    if tensor.elem_type != FLOAT {
        return Err(NetworkError::Layout("takes something else than 32-bit floats".into()));
    }
    let dims = tensor
        .shape
        .as_ref()
        .map(|shape| shape.dim.as_slice())
        .unwrap_or_default();
    let lengths: Vec<Option<i64>> = dims
        .iter()
        .map(|dim| match dim.value {
            Some(dimension::Value::DimValue(length)) if length > 0 => Some(length),
            _ => None,
        })
        .collect();
    match lengths.as_slice() {
        [_, None | Some(3), _, _] => Ok(()),
        [_, _, _, Some(3)] => Err(NetworkError::Layout("takes the colours last (NHWC)".into())),
        [_, Some(channels), _, _] => Err(NetworkError::Layout(format!("takes {channels} channels"))),
        other => Err(NetworkError::Layout(format!("takes a tensor of {} axes", other.len()))),
    }
}
