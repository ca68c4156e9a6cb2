//! A decoder's operations as text: what `inspect --graph` shows.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::decoder::Decoder;
use crate::program::Call;
use crate::tensor::{Operation, Tensor};

/// Fewest and most bits of the integers that operations of one name write, sign included.
pub type Bits = [u32; 2];

impl Decoder {
    /// The operations in the order of their calls, by layers: number, name, the tensors that it reads and that it writes. A tensor is its
    /// channels at its first address in the tensor memory, each with its bits, sign included.
    pub fn listing(&self) -> String {
        let mut text = String::new();
        let mut layer = None;
        for (number, (call, operation)) in (1..).zip(self.operations()) {
            if call.name.layer != layer {
                layer = call.name.layer;
                let title = layer.map_or("around".to_string(), |layer| format!("layer_{layer}"));
                let _ = writeln!(text, "{title}:");
            }
            let [reads, writes] = [operation.reads(), operation.writes()].map(|all| tensors(&all));
            let _ = writeln!(
                text,
                "{number:>6}  {:<10} {reads} -> {writes}",
                call.name.name
            );
        }
        text
    }

    /// The bits of what operations write, by their names.
    pub fn bits(&self) -> BTreeMap<String, Bits> {
        let mut all = BTreeMap::new();
        for (call, operation) in self.operations() {
            for tensor in operation.writes() {
                let bits = tensor.bits;
                let [least, most] = all.entry(call.name.name.clone()).or_insert([bits; 2]);
                (*least, *most) = (bits.min(*least), bits.max(*most));
            }
        }
        all
    }

    fn operations(&self) -> impl Iterator<Item = (&Call, &Operation)> {
        self.schedule.calls().into_iter().zip(&self.plan.operations)
    }
}

fn tensors(all: &[Tensor]) -> String {
    let one = |tensor: &Tensor| {
        let bits = tensor.bits;
        format!("{}@{}:{bits}", tensor.channels, tensor.address)
    };
    match all {
        [] => "-".to_string(),
        all => all.iter().map(one).collect::<Vec<_>>().join(" "),
    }
}
