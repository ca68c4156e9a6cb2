//! Builds whose proofs have tensor components: weights are columns of constants, and in no program.

use super::files::Part;
use super::integers::in_model;
use super::pipeline::{CairoPackage, Compiled, Kind};
use super::{BuildRequest, BundleError};
use crate::compile;
use crate::decode::{Build, Cost, Identity, Outline};
use crate::integers::Description;
use crate::receipt::Manifest;
use crate::wrap::leaf;

/// The kind of such builds.
pub(super) struct Tensors;

impl Kind for Tensors {
    type Manifest = Manifest;

    const DOCUMENT: Part = Part::Manifest;

    fn cost(&self, most: Cost) -> Option<Cost> {
        Some(most)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        (description, outline): (&Description, Outline),
        identity: Identity,
    ) -> Result<Compiled<Manifest>, BundleError> {
        let build = Build::of(outline, description, &identity).map_err(in_model(request))?;
        let words = build.program.words();
        if build.set.is_foldable() {
            leaf::shape(&build.manifest.tensors, &words).map_err(|source| BundleError::Wrap {
                dir: request.model.clone(),
                source: Box::new(source),
            })?;
        }
        let library = compile::tensor_sources();
        Ok(Compiled {
            program: build.program.to_json()?,
            words: words.len(),
            manifest: build.decoder.manifest,
            packages: [
                CairoPackage {
                    name: build.package.name,
                    files: build.package.files,
                },
                CairoPackage::library("tensors", compile::TENSORS_MANIFEST, library),
            ],
        })
    }
}
