//! From the tensors of a file to those of the family.

use super::Gguf;
use super::form::Layout;
use crate::model::weights::{Tensor, Weights};
use crate::model::{Config, ModelError, names};
use std::collections::BTreeMap;

/// Stored, but said by the configuration already.
const IGNORED: [&str; 1] = ["rope_freqs.weight"];

impl Gguf {
    /// Reads every tensor, and refuses one that the configuration does not call for.
    pub(in crate::model) fn weights(mut self, config: &Config) -> Result<Weights, ModelError> {
        let expected = names::expected(config);
        let mut named = BTreeMap::new();
        for (stored, name, layout) in self.form.tensors() {
            for layer in 0..config.num_hidden_layers {
                let of_layer = |name: &str| name.replace("{}", &layer.to_string());
                named.insert(of_layer(&stored), (of_layer(&name), layout));
            }
        }
        let stored: Vec<String> = self.container.tensors.keys().cloned().collect();
        let mut tensors = BTreeMap::new();
        for stored in stored {
            if IGNORED.contains(&stored.as_str()) {
                continue;
            }
            let place = named.get(&stored);
            let place = place.and_then(|(name, layout)| Some((name, *layout, expected.get(name)?)));
            let Some((name, layout, shape)) = place else {
                return Err(ModelError::UnexpectedTensor {
                    path: self.container.path,
                    tensor: stored,
                });
            };
            let found = self.shape(&stored, layout);
            if found != *shape {
                return Err(ModelError::TensorShape {
                    path: self.container.path,
                    tensor: stored,
                    found,
                    expected: shape.clone(),
                });
            }
            let data = self.container.read(&stored)?;
            let data = match layout {
                Layout::Same => data,
                Layout::Turned => turned(&data, shape),
                Layout::Paired => unpaired(&data, shape, config.head_dim),
            };
            let shape = shape.clone();
            tensors.insert(name.clone(), Tensor { shape, data });
        }
        for name in expected.keys() {
            if !tensors.contains_key(name) && !names::is_optional(name, config) {
                let stored = named.iter().find(|(_, (known, _))| known == name);
                return Err(ModelError::MissingTensor {
                    dir: self.container.path,
                    tensor: stored.map_or(name, |(stored, _)| stored).clone(),
                });
            }
        }
        Ok(Weights { tensors })
    }

    /// The shape that a stored tensor has in the family.
    fn shape(&self, stored: &str, layout: Layout) -> Vec<usize> {
        let info = self.container.tensors.get(stored);
        let mut shape = info.map_or(vec![], |info| info.shape.clone());
        if layout == Layout::Turned {
            shape.reverse();
        }
        shape
    }
}

/// From [outputs, inputs] to the shape [inputs, outputs].
fn turned(data: &[f32], shape: &[usize]) -> Vec<f32> {
    let (inputs, outputs) = (shape[0], shape.get(1).copied().unwrap_or(1));
    let input = |input: usize| (0..outputs).map(move |output| data[output * inputs + input]);
    (0..inputs).flat_map(input).collect()
}

/// Rows `2 i + j` of each head, for the pair `i` and its part `j`, become rows `i + j head_dim / 2`.
fn unpaired(data: &[f32], shape: &[usize], head_dim: usize) -> Vec<f32> {
    let width = shape.get(1).copied().unwrap_or(1);
    let half = head_dim / 2;
    let row = |row: usize| {
        let (head, place) = (row / head_dim, row % head_dim);
        let from = head * head_dim + 2 * (place % half) + place / half;
        &data[from * width..(from + 1) * width]
    };
    (0..shape[0]).flat_map(row).copied().collect()
}
