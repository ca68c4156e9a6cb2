//! GGUF files for tests: written by hand, from the tensors of a directory.

#![allow(dead_code)]

use cairo_decode::model::Model;
use cairo_decode::model::forward::Source;
use serde_json::Value;

/// A name, a shape with the inputs last, and the numbers.
pub type Stored = (String, Vec<usize>, Vec<f32>);

/// A file of version 3: metadata, then `f32` tensors of a shape with the inputs last.
pub fn file(metadata: &[(&str, Value)], tensors: &[Stored]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut bytes, key);
        entry(&mut bytes, value);
    }
    let mut offset = 0u64;
    for (name, shape, data) in tensors {
        text(&mut bytes, name);
        bytes.extend((shape.len() as u32).to_le_bytes());
        for size in shape.iter().rev() {
            bytes.extend((*size as u64).to_le_bytes());
        }
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        offset += (4 * data.len() as u64).next_multiple_of(32);
    }
    for (_, _, data) in tensors {
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// The type of a value, and the value.
fn entry(bytes: &mut Vec<u8>, value: &Value) {
    bytes.extend(kind(value).to_le_bytes());
    write(bytes, value);
}

fn kind(value: &Value) -> u32 {
    match value {
        Value::Bool(_) => 7,
        Value::String(_) => 8,
        Value::Array(_) => 9,
        number if number.is_u64() => 4,
        number if number.is_i64() => 5,
        _ => 6,
    }
}

fn write(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(flag) => bytes.push(u8::from(*flag)),
        Value::String(value) => text(bytes, value),
        Value::Array(values) => {
            let of = values.first().map_or(8, kind);
            bytes.extend(of.to_le_bytes());
            bytes.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| write(bytes, value));
        }
        number if number.is_u64() => bytes.extend((number.as_u64().unwrap() as u32).to_le_bytes()),
        number if number.is_i64() => bytes.extend((number.as_i64().unwrap() as i32).to_le_bytes()),
        // `null` is a number that JSON has not.
        number => bytes.extend(number.as_f64().map_or(f32::NAN, |x| x as f32).to_le_bytes()),
    }
}

/// What names of tensors have behind the layer's number, in the families and in files.
const PARTS: [(&str, &str); 23] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("transformer.wte", "token_embd"),
    ("transformer.wpe", "position_embd"),
    ("transformer.ln_f", "output_norm"),
    ("ln_1", "attn_norm"),
    ("attn.c_attn", "attn_qkv"),
    ("attn.c_proj", "attn_output"),
    ("ln_2", "ffn_norm"),
    ("mlp.c_fc", "ffn_up"),
    ("mlp.c_proj", "ffn_down"),
];

/// The tensors of a model as a converter stores them; `paired` says whether it puts the rows of rotated pairs side by side.
pub fn tensors(model: &Model, paired: bool) -> Vec<Stored> {
    let mut done: Vec<&str> = vec![];
    let mut all = vec![];
    for source in model.config.forward.sources() {
        if !done.contains(&source.name.as_str()) {
            done.push(&source.name);
            all.push(tensor(model, source, paired));
        }
    }
    all
}

fn tensor(model: &Model, source: &Source, paired: bool) -> Stored {
    let name = stored_name(&source.name);
    let mut data = model.weights.data(&source.name).to_vec();
    let mut shape = source.shape.clone();
    if source.transposed {
        let (inputs, outputs) = (shape[0], shape[1]);
        let places = (0..outputs).flat_map(|o| (0..inputs).map(move |i| i * outputs + o));
        data = places.map(|place| data[place]).collect();
        shape.reverse();
    }
    let is_rotated = name.contains("attn_q.") || name.contains("attn_k.");
    if paired && is_rotated {
        let (width, head_dim) = (shape.get(1).copied().unwrap_or(1), model.config.head_dim);
        let row = |row: usize| {
            let (head, place) = (row / head_dim, row % head_dim);
            let from = head * head_dim + place / 2 + place % 2 * head_dim / 2;
            &data[from * width..(from + 1) * width]
        };
        data = (0..shape[0]).flat_map(row).copied().collect();
    }
    (name, shape, data)
}

fn stored_name(name: &str) -> String {
    let pieces: Vec<&str> = name.split('.').collect();
    let (end, stem) = pieces.split_last().unwrap();
    let layer = stem.iter().position(|piece| piece.parse::<usize>().is_ok());
    let (before, part) = match layer {
        Some(at) => (format!("blk.{}.", stem[at]), stem[at + 1..].join(".")),
        None => (String::new(), stem.join(".")),
    };
    let named = PARTS.iter().find(|(known, _)| *known == part);
    format!("{before}{}.{end}", named.unwrap().1)
}
