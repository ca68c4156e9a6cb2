//! The weights of a model directory, one file or sharded, as finite `f32` of checked shape.

use super::files::{INDEX_LIMIT, Stored, WEIGHTS_LIMIT, read_bounded, stored};
use super::json::Object;
use super::names::{self, Names};
use super::{Config, ModelError, Warning};
use half::{bf16, f16};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A tensor as it is stored, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// All tensors that the forward pass reads, by name. Whatever [`Weights::load`] gives has each of them, in its shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads `model.safetensors`, or every shard that `model.safetensors.index.json` names.
    pub fn load(dir: &Path, config: &Config) -> Result<(Self, Vec<Warning>), ModelError> {
        let mut store = Store {
            dir: dir.into(),
            names: Names::of(config),
            expected: names::expected(config),
            found: BTreeMap::new(),
            zero_biases: Vec::new(),
        };
        let mut warnings = Vec::new();
        match stored(dir)? {
            Stored::One(file) => store.read_file(&file, None)?,
            Stored::Shards(index) => {
                for (shard, tensors) in read_index(&index, &mut warnings)? {
                    store.read_file(&dir.join(shard), Some(&tensors))?;
                }
            }
        }
        if !store.zero_biases.is_empty() {
            warnings.push(Warning::ZeroBiases {
                dir: dir.into(),
                tensors: std::mem::take(&mut store.zero_biases),
            });
        }
        Ok((store.into_weights(config)?, warnings))
    }

    /// The numbers of a tensor; none if there is no such tensor.
    pub fn data(&self, name: &str) -> &[f32] {
        let tensor = self.tensors.get(name);
        tensor.map_or(&[], |tensor| &tensor.data)
    }
}

/// The shards of an index with the tensors each holds. A shard is a plain file name beside the index.
fn read_index(
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<BTreeMap<String, BTreeSet<String>>, ModelError> {
    let bytes = read_bounded(path, INDEX_LIMIT)?;
    let index = Object::parse(&bytes, path)?;
    warnings.extend(index.repeated());
    let map = index
        .object("weight_map")?
        .ok_or_else(|| index.missing("weight_map"))?;
    let mut shards = BTreeMap::<String, BTreeSet<String>>::new();
    for (tensor, shard) in map.entries() {
        let shard = shard
            .as_str()
            .ok_or_else(|| map.wrong_type(tensor, shard, "a file name"))?;
        let plain = shard
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain || shard.starts_with('.') || !shard.ends_with(".safetensors") {
            return Err(ModelError::ShardName {
                path: path.into(),
                shard: shard.into(),
            });
        }
        shards
            .entry(shard.into())
            .or_default()
            .insert(tensor.clone());
    }
    Ok(shards)
}

/// Tensors on their way in: what is still called for and what was read.
struct Store {
    dir: PathBuf,
    names: Names,
    expected: BTreeMap<String, Vec<usize>>,
    found: BTreeMap<String, Vec<f32>>,
    /// Biases that are stored and zero, in a family that has none.
    zero_biases: Vec<String>,
}

impl Store {
    /// Takes every tensor of one file; `listed` is what the index says the file holds.
    fn read_file(
        &mut self,
        path: &Path,
        listed: Option<&BTreeSet<String>>,
    ) -> Result<(), ModelError> {
        let bytes = read_bounded(path, WEIGHTS_LIMIT)?;
        let file =
            SafeTensors::deserialize(&bytes).map_err(|error| not_read(path, &bytes, &error))?;
        // In the order of names, so that the same file always gives the same message.
        let mut tensors: Vec<_> = file.iter().collect();
        tensors.sort_by_key(|(name, _)| *name);
        for (name, view) in tensors {
            let at = || (path.to_path_buf(), name.to_owned());
            if listed.is_some_and(|listed| !listed.contains(name)) {
                let (path, tensor) = at();
                return Err(ModelError::StrayTensor { path, tensor });
            }
            if self.names.is_ignored(name) || self.is_zero_bias(path, name, &view)? {
                continue;
            }
            let Some(known) = self.names.known(name, &self.expected) else {
                return Err(self.unexpected(path, name));
            };
            let expected = &self.expected[&known];
            if view.shape() != expected {
                let (path, tensor) = at();
                return Err(ModelError::TensorShape {
                    path,
                    tensor,
                    found: view.shape().to_vec(),
                    expected: expected.clone(),
                });
            }
            let values = to_f32(path, name, &view)?;
            if self.found.insert(known, values).is_some() {
                let (path, tensor) = at();
                return Err(ModelError::StoredTwice { path, tensor });
            }
        }
        Ok(())
    }

    /// True for a bias of zeros beside a weight of the model: Hugging Face leaves it out as well. Another bias is refused.
    fn is_zero_bias(
        &mut self,
        path: &Path,
        name: &str,
        view: &TensorView,
    ) -> Result<bool, ModelError> {
        let is_known = |name: &str| self.names.known(name, &self.expected).is_some();
        let weight = names::weight_of_bias(name);
        if is_known(name) || weight.is_none_or(|weight| !is_known(&weight)) {
            return Ok(false);
        }
        if to_f32(path, name, view)?.iter().any(|value| *value != 0.0) {
            return Err(ModelError::BiasTensor {
                path: path.into(),
                tensor: name.to_owned(),
            });
        }
        self.zero_biases.push(name.to_owned());
        Ok(true)
    }

    /// Why a tensor that is stored belongs nowhere.
    fn unexpected(&self, path: &Path, name: &str) -> ModelError {
        let (path, tensor) = (path.to_path_buf(), name.to_owned());
        match self.names.prefixed(name, &self.expected) {
            Some((prefix, expected)) => ModelError::TensorPrefix {
                path,
                tensor,
                expected,
                prefix,
            },
            None => ModelError::UnexpectedTensor { path, tensor },
        }
    }

    fn into_weights(mut self, config: &Config) -> Result<Weights, ModelError> {
        if config.tie_word_embeddings
            && let Some(head) = self.found.remove(names::LM_HEAD)
            && self.found.get(&config.forward.tokens.name) != Some(&head)
        {
            return Err(ModelError::TiedHeadDiffers {
                dir: self.dir,
                embedding: config.forward.tokens.name.clone(),
            });
        }
        let mut tensors = BTreeMap::new();
        for (name, shape) in self.expected {
            match self.found.remove(&name) {
                Some(data) => {
                    tensors.insert(name, Tensor { shape, data });
                }
                None if names::is_optional(&name, config) => {}
                None => {
                    return Err(ModelError::MissingTensor {
                        dir: self.dir,
                        tensor: name,
                    });
                }
            }
        }
        Ok(Weights { tensors })
    }
}

/// Why bytes are no safetensors file.
fn not_read(path: &Path, bytes: &[u8], error: &SafeTensorError) -> ModelError {
    let (path, reason) = (path.to_path_buf(), error.to_string());
    if let Some(begins) = first_word(bytes) {
        return ModelError::NotSafetensors { path, begins };
    }
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => ModelError::CutOff {
            path,
            bytes: bytes.len(),
            reason,
        },
        _ => ModelError::Safetensors { path, reason },
    }
}

/// How a text begins; nothing if the bytes begin as no text does: a safetensors file begins with a length, which has zeros.
fn first_word(bytes: &[u8]) -> Option<String> {
    const SHOWN: usize = 24;
    let start = bytes.get(..bytes.len().min(SHOWN))?;
    let is_text = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    if !start.iter().all(is_text) {
        return None;
    }
    let text = String::from_utf8_lossy(start);
    text.split_whitespace().next().map(str::to_owned)
}

/// The elements of a tensor as `f32`, all of them finite.
fn to_f32(path: &Path, name: &str, view: &TensorView) -> Result<Vec<f32>, ModelError> {
    let bytes = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F16 => bytes
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        other => {
            return Err(ModelError::TensorType {
                path: path.into(),
                tensor: name.to_owned(),
                dtype: format!("{other:?}"),
            });
        }
    };
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(ModelError::NotFinite {
            path: path.into(),
            tensor: name.to_owned(),
            index,
            value: values[index],
        }),
    }
}
