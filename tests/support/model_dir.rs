//! Random Hugging Face model directories for the tests: the library's, without results to handle.

#![allow(dead_code, unused_imports)]

use std::path::Path;

pub use cairo_decode::model::random::{
    Random, SPECIAL, Shape, Tensors, config_json, tensors_of, text, tokenizer_json, word_level_json,
};
use cairo_decode::model::{Model, random};

/// Random weights of the given shape.
pub fn random_tensors(shape: &Shape, seed: u64) -> Tensors {
    random::random_tensors(shape, seed).unwrap()
}

/// The bytes of a safetensors file with `f32` tensors.
pub fn safetensors_bytes(tensors: &Tensors) -> Vec<u8> {
    random::safetensors_bytes(tensors).unwrap()
}

/// A complete random model directory.
pub fn write_model_dir(dir: &Path, shape: &Shape, seed: u64) {
    random::write_model_dir(dir, shape, seed).unwrap();
}

/// The loaded model of a random directory.
pub fn random_model(shape: &Shape, seed: u64) -> Model {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), shape, seed);
    Model::load(dir.path()).unwrap()
}
