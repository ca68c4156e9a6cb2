//! Which build a path on the command line is. What else a path can be, the verifier's command line says.

use std::path::Path;

use cairo_decode::bundle::{Bundle, MANIFEST_FILE, TensorModel};
use cairo_decode::decode::Decoder;
use cairo_decode::model::Text;
use cairo_decode::receipt::{Manifest, ModelManifest};
pub use cairo_decode_verifier::cli::paths::*;

/// Reads manifest, plan and program of the build in a folder, whose proofs are made to be wrapped.
///
/// # Errors
/// A path that is no build's, a build of another kind, and as [`TensorModel::open`].
pub fn foldable(path: &Path) -> anyhow::Result<Decoder> {
    let (decoder, _) = TensorModel::open(&build_folder(path)?)?.decoder()?;
    Ok(decoder)
}

/// A build of either kind, which its manifest tells apart.
pub enum AnyBuild {
    /// Its proofs are of VM steps.
    Steps(Box<Bundle>),
    /// Its proofs have tensor components.
    Tensors(Box<TensorModel>),
}

impl AnyBuild {
    /// Reads the build in a folder, of which the manifest may be given instead: of a build with tensor components what says something of
    /// the model, and no program.
    ///
    /// # Errors
    /// A path that is no build's, and as [`Bundle::open`] or [`TensorModel::open`].
    pub fn open(path: &Path) -> anyhow::Result<AnyBuild> {
        let folder = build_folder(path)?;
        Ok(match ModelManifest::read(&folder.join(MANIFEST_FILE))? {
            ModelManifest::Cairo(_) => AnyBuild::Steps(Bundle::open(&folder)?.into()),
            ModelManifest::Tensors(_) => AnyBuild::Tensors(TensorModel::open(&folder)?.into()),
        })
    }

    /// What a manifest of either kind says.
    pub fn manifest(&self) -> &Manifest {
        match self {
            AnyBuild::Steps(build) => &build.manifest,
            AnyBuild::Tensors(build) => &build.model.manifest.model,
        }
    }

    /// The model's tokenizer.
    pub fn text(&self) -> &Text {
        match self {
            AnyBuild::Steps(build) => &build.text,
            AnyBuild::Tensors(build) => &build.text,
        }
    }
}
