//! What operations are called in the program: by the layer that they belong to.

use crate::integers::{Description, Operation};
use crate::program::Name;
use crate::tensor::{Planned, Tensor};

/// The operations of the description that belong to each layer: a layer begins where a stream is read that the layer before has written,
/// or the embedding, and ends with the last residual before the next layer's.
pub fn layers(description: &Description) -> Vec<Option<u32>> {
    let operations = &description.operations;
    let joins = |operation: &Operation| matches!(operation, Operation::Residual { .. });
    let stream = |operation: &Operation| joins(operation) || matches!(operation, Operation::Embed);
    let mut layers = vec![None; operations.len()];
    let attention = operations.iter().enumerate();
    let attention =
        attention.filter(|(_, operation)| matches!(operation, Operation::Attention { .. }));
    let begin = |at: usize| {
        operations[..at]
            .iter()
            .rposition(stream)
            .map_or(0, |i| i + 1)
    };
    let starts: Vec<usize> = attention.map(|(at, _)| begin(at)).collect();
    let last = operations.iter().rposition(joins).map_or(0, |i| i + 1);
    let ends = starts.iter().skip(1).copied().chain([last]);
    for ((number, &start), end) in (0..).zip(&starts).zip(ends) {
        for layer in layers.iter_mut().take(end).skip(start) {
            *layer = Some(number);
        }
    }
    layers
}

/// A name for each operation of the plan. One that writes nothing of the description's belongs to the next one that does.
pub(super) fn names(description: &Description, planned: &Planned) -> Vec<Name> {
    let layers = layers(description);
    let of = |tensor: Tensor| {
        let mut written = planned.written.iter();
        let same = |written: &Tensor| written.addresses().contains(&tensor.address);
        written.position(same)
    };
    let mut layer = None;
    let mut names = vec![];
    for operation in planned.plan.operations.iter().rev() {
        let writes = operation.writes();
        if let Some(number) = writes.iter().find_map(|&tensor| of(tensor)) {
            layer = layers.get(number).copied().flatten();
        }
        let name = operation.name().to_string();
        names.push(Name { layer, name });
    }
    names.reverse();
    names
}
