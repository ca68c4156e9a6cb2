//! How a family is stored in GGUF files.

/// A family's names in GGUF files.
#[derive(Debug)]
pub struct Form {
    /// `general.architecture`.
    pub architecture: &'static str,
    /// `model_type` of the configuration that the metadata becomes.
    pub family: &'static str,
    /// Keys of the metadata, without the architecture before them, and those of `config.json`.
    pub keys: &'static [(&'static str, &'static str)],
    /// Tensors and their names in the family, without `.weight` or `.bias`; `{}` stands for the layer.
    pub tensors: &'static [(&'static str, &'static str)],
    /// Of these the rows of each head are in another order: both rows of a rotated pair side by side, where the family has all first rows before all
    /// second ones.
    pub paired: &'static [&'static str],
    /// Of these the matrix is stored as [outputs, inputs], where the family has [inputs, outputs].
    pub turned: &'static [&'static str],
}

/// What converters do to a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Same,
    Turned,
    Paired,
}

impl Form {
    /// Names in the file, without the layer's number, with names in the family and what is done to the tensor.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (String, String, Layout)> {
        self.tensors.iter().flat_map(|(stored, name)| {
            [".weight", ".bias"].map(|end| {
                let layout = match end {
                    _ if self.paired.contains(stored) => Layout::Paired,
                    ".weight" if self.turned.contains(stored) => Layout::Turned,
                    _ => Layout::Same,
                };
                (format!("{stored}{end}"), format!("{name}{end}"), layout)
            })
        })
    }
}
