//! What each key of a configuration file means here: one table per file.

use super::json::Object;
use super::{ModelError, Warning};
use serde_json::Value;

/// What this importer makes of a key. An explicit null counts as absent for every key.
#[derive(Debug)]
pub(super) enum Meaning {
    /// It is understood: the code that reads it refuses what it cannot follow.
    Read,
    /// It must have one of these values (as JSON), else the forward pass is another; the text says why.
    Only(&'static [&'static str], &'static str),
    /// It changes nothing that is computed here.
    Harmless,
}

use Meaning::{Harmless, Only, Read};

/// Keys and what they mean.
pub(super) type Table = &'static [(&'static str, Meaning)];

const NO_BIAS: &str = "these linear layers have no bias here";
const FLOATS: &str = "start from float weights";
const ROTATION: &str =
    "every pair of every head is rotated, in every layer, and by the position alone";
const DECODER: &str = "only decoders are";
const FOREIGN: &str =
    "Hugging Face's class does not read it, so the model is not what `model_type` says";

/// `config.json`, for keys that a family does not have in a table of its own.
pub(super) const CONFIG: Table = &[
    ("model_type", Read),
    ("architectures", Read),
    ("auto_map", Read),
    ("vocab_size", Read),
    ("tie_word_embeddings", Read),
    ("bos_token_id", Read),
    ("eos_token_id", Read),
    ("attention_bias", Only(&["false"], NO_BIAS)),
    ("mlp_bias", Only(&["false"], NO_BIAS)),
    ("attention_out_bias", Only(&["false"], NO_BIAS)),
    ("qkv_bias", Only(&["false"], NO_BIAS)),
    ("lm_head_bias", Only(&["false"], NO_BIAS)),
    ("quantization_config", Only(&[], FLOATS)),
    ("compression_config", Only(&[], FLOATS)),
    ("partial_rotary_factor", Only(&["1"], ROTATION)),
    ("rotary_pct", Only(&["1"], ROTATION)),
    ("rotary_dim", Only(&[], ROTATION)),
    ("rotary_emb_base", Only(&[], ROTATION)),
    ("rope_local_base_freq", Only(&[], ROTATION)),
    ("global_rope_theta", Only(&[], ROTATION)),
    ("local_rope_theta", Only(&[], ROTATION)),
    ("rope_interleave", Only(&["false"], ROTATION)),
    ("rope_interleaved", Only(&["false"], ROTATION)),
    ("no_rope_layers", Only(&["[]"], ROTATION)),
    ("no_rope_layer_interval", Only(&[], ROTATION)),
    ("nope_layer_interval", Only(&[], ROTATION)),
    ("original_max_position_embeddings", Only(&[], ROTATION)),
    ("alibi", Only(&["false"], ROTATION)),
    ("position_embedding_type", Only(&["\"rope\""], ROTATION)),
    ("is_encoder_decoder", Only(&["false"], DECODER)),
    ("add_cross_attention", Only(&["false"], DECODER)),
    ("pruned_heads", Only(&["{}"], "heads are as the sizes say")),
    ("attn_logit_softcapping", Only(&[], FOREIGN)),
    ("final_logit_softcapping", Only(&[], FOREIGN)),
    ("logit_scale", Only(&["1"], FOREIGN)),
    ("logits_scaling", Only(&["1"], FOREIGN)),
    ("embedding_multiplier", Only(&["1"], FOREIGN)),
    ("residual_multiplier", Only(&["1"], FOREIGN)),
    ("attention_multiplier", Only(&[], FOREIGN)),
    ("query_pre_attn_scalar", Only(&[], FOREIGN)),
    ("scale_emb", Only(&["1"], FOREIGN)),
    ("scale_depth", Only(&[], FOREIGN)),
    ("dim_model_base", Only(&[], FOREIGN)),
    ("clip_qkv", Only(&[], FOREIGN)),
    ("use_qk_norm", Only(&["false"], FOREIGN)),
    ("qk_norm", Only(&["false"], FOREIGN)),
    ("qk_layernorm", Only(&["false"], FOREIGN)),
    ("use_parallel_residual", Only(&["false"], FOREIGN)),
    ("parallel_attn", Only(&["false"], FOREIGN)),
    ("num_experts", Only(&["0", "1"], FOREIGN)),
    ("num_local_experts", Only(&["0", "1"], FOREIGN)),
    ("attention_chunk_size", Only(&[], FOREIGN)),
    ("num_kv_shared_layers", Only(&["0"], FOREIGN)),
    ("pretraining_tp", Harmless),
    ("is_llama_config", Harmless),
    ("max_sequence_length", Harmless),
    ("output_past", Harmless),
    ("_num_labels", Harmless),
    ("attention_dropout", Harmless),
    ("hidden_dropout", Harmless),
    ("resid_pdrop", Harmless),
    ("embd_pdrop", Harmless),
    ("attn_pdrop", Harmless),
    ("initializer_range", Harmless),
    ("use_cache", Harmless),
    ("pad_token_id", Harmless),
    ("sep_token_id", Harmless),
    ("unk_token_id", Harmless),
    ("decoder_start_token_id", Harmless),
    ("cross_attention_hidden_size", Harmless),
    ("is_decoder", Harmless),
    ("tie_encoder_decoder", Harmless),
    ("torch_dtype", Harmless),
    ("dtype", Harmless),
    ("use_bfloat16", Harmless),
    ("torchscript", Harmless),
    ("tf_legacy_loss", Harmless),
    ("chunk_size_feed_forward", Harmless),
    ("transformers_version", Harmless),
    ("_name_or_path", Harmless),
    ("name_or_path", Harmless),
    ("_commit_hash", Harmless),
    ("_attn_implementation", Harmless),
    ("_attn_implementation_autoset", Harmless),
    ("attn_implementation", Harmless),
    ("_flash_attn_2_enabled", Harmless),
    ("return_dict", Harmless),
    ("return_dict_in_generate", Harmless),
    ("output_attentions", Harmless),
    ("output_hidden_states", Harmless),
    ("output_scores", Harmless),
    ("id2label", Harmless),
    ("label2id", Harmless),
    ("num_labels", Harmless),
    ("problem_type", Harmless),
    ("finetuning_task", Harmless),
    ("task_specific_params", Harmless),
    ("tokenizer_class", Harmless),
    ("model_max_length", Harmless),
    ("prefix", Harmless),
    ("unsloth_version", Harmless),
    ("unsloth_fixed", Harmless),
];

/// One set of rotation settings, `rope_scaling` or `rope_parameters`: what all types have.
pub(super) const ROPE: Table = &[
    ("rope_theta", Read),
    ("rope_type", Only(ROPE_TYPES, ROPE_KNOWN)),
    ("type", Only(ROPE_TYPES, ROPE_KNOWN)),
    ("partial_rotary_factor", Only(&["1"], ROTATION)),
];

const ROPE_TYPES: &[&str] = &["\"default\"", "\"linear\"", "\"llama3\"", "\"yarn\""];
const ROPE_KNOWN: &str = "the supported ones are default, linear, llama3 and yarn";

/// What settings of the plain type have besides.
pub(super) const ROPE_DEFAULT: Table = &[];

/// `linear`.
pub(super) const ROPE_LINEAR: Table = &[
    ("factor", Read),
    ("original_max_position_embeddings", Harmless),
];

/// `llama3`.
pub(super) const ROPE_LLAMA3: Table = &[
    ("factor", Read),
    ("low_freq_factor", Read),
    ("high_freq_factor", Read),
    ("original_max_position_embeddings", Read),
];

/// `yarn`.
pub(super) const ROPE_YARN: Table = &[
    ("factor", Read),
    ("original_max_position_embeddings", Read),
    ("attention_factor", Read),
    ("beta_fast", Read),
    ("beta_slow", Read),
    ("mscale", Read),
    ("mscale_all_dim", Read),
    ("truncate", Read),
    ("finetuned", Harmless),
];

/// Settings of one type of layers, which these families do not read.
pub(super) const ROPE_NESTED: Table = &[
    ("rope_type", Only(&["\"default\""], "only \"default\" is")),
    ("type", Only(&["\"default\""], "only \"default\" is")),
];

/// Types of layers that may have settings of their own inside `rope_parameters`.
pub(super) const LAYER_TYPES: [&str; 2] = ["full_attention", "sliding_attention"];

/// `generation_config.json`: the settings that change greedy decoding unless they have one of the values; those of
/// sampling, of beams, of a length or of speed change nothing here.
pub(super) const GENERATION: Table = &[
    ("repetition_penalty", Only(&["1"], "")),
    ("encoder_repetition_penalty", Only(&["1"], "")),
    ("no_repeat_ngram_size", Only(&["0"], "")),
    ("encoder_no_repeat_ngram_size", Only(&["0"], "")),
    ("bad_words_ids", Only(&["[]"], "")),
    ("force_words_ids", Only(&["[]"], "")),
    ("constraints", Only(&["[]"], "")),
    ("suppress_tokens", Only(&["[]"], "")),
    ("begin_suppress_tokens", Only(&["[]"], "")),
    ("sequence_bias", Only(&["{}", "[]"], "")),
    ("forced_bos_token_id", Only(&[], "")),
    ("forced_eos_token_id", Only(&[], "")),
    ("forced_decoder_ids", Only(&["[]"], "")),
    ("exponential_decay_length_penalty", Only(&[], "")),
    ("min_length", Only(&["0"], "")),
    ("min_new_tokens", Only(&["0"], "")),
    ("num_beams", Only(&["1"], "")),
    ("num_beam_groups", Only(&["1"], "")),
    ("penalty_alpha", Only(&["0"], "")),
    ("dola_layers", Only(&[], "")),
    ("guidance_scale", Only(&["1"], "")),
    ("token_healing", Only(&["false"], "")),
    ("watermarking_config", Only(&[], "")),
    ("stop_strings", Only(&["[]"], "")),
    // A cache of another kind only keeps the same numbers elsewhere; one of rounded numbers changes them.
    (
        "cache_implementation",
        Only(
            &[
                "\"dynamic\"",
                "\"dynamic_full\"",
                "\"offloaded\"",
                "\"static\"",
                "\"offloaded_static\"",
                "\"sliding_window\"",
                "\"hybrid\"",
            ],
            "",
        ),
    ),
    ("eos_token_id", Read),
    ("bos_token_id", Harmless),
    ("pad_token_id", Harmless),
    ("decoder_start_token_id", Harmless),
    ("do_sample", Harmless),
    ("temperature", Harmless),
    ("top_k", Harmless),
    ("top_p", Harmless),
    ("top_h", Harmless),
    ("min_p", Harmless),
    ("typical_p", Harmless),
    ("epsilon_cutoff", Harmless),
    ("eta_cutoff", Harmless),
    ("renormalize_logits", Harmless),
    ("remove_invalid_values", Harmless),
    ("early_stopping", Harmless),
    ("length_penalty", Harmless),
    ("diversity_penalty", Harmless),
    ("low_memory", Harmless),
    ("max_length", Harmless),
    ("max_new_tokens", Harmless),
    ("max_time", Harmless),
    ("num_return_sequences", Harmless),
    ("use_cache", Harmless),
    ("cache_config", Harmless),
    ("return_legacy_cache", Harmless),
    ("prefill_chunk_size", Harmless),
    ("is_assistant", Harmless),
    ("num_assistant_tokens", Harmless),
    ("num_assistant_tokens_schedule", Harmless),
    ("assistant_confidence_threshold", Harmless),
    ("assistant_early_exit", Harmless),
    ("assistant_lookbehind", Harmless),
    ("target_lookbehind", Harmless),
    ("prompt_lookup_num_tokens", Harmless),
    ("max_matching_ngram_size", Harmless),
    ("output_attentions", Harmless),
    ("output_hidden_states", Harmless),
    ("output_scores", Harmless),
    ("output_logits", Harmless),
    ("return_dict_in_generate", Harmless),
    ("compile_config", Harmless),
    ("disable_compile", Harmless),
    ("generation_kwargs", Harmless),
    ("transformers_version", Harmless),
    ("_from_model_config", Harmless),
    ("_commit_hash", Harmless),
];

/// Refuses what the first table that has a key says must be otherwise; gives the names of the keys that no table has.
pub(super) fn check(object: &Object, tables: &[Table]) -> Result<Vec<String>, ModelError> {
    let mut unknown = Vec::new();
    for (key, value) in object.entries().filter(|(_, value)| !value.is_null()) {
        let mut entries = tables.iter().flat_map(|table| table.iter());
        match entries.find(|(name, _)| name == key) {
            None => unknown.push(key.clone()),
            Some((_, Read | Harmless)) => {}
            Some((_, Only(allowed, why))) => {
                if !is_one_of(value, allowed) {
                    return Err(object.unsupported(key, value, why));
                }
            }
        }
    }
    Ok(unknown)
}

/// A warning for every setting that the table wants otherwise, then for those that it does not have.
pub(super) fn deviations(object: &Object, table: Table) -> Vec<Warning> {
    let deviates = |(key, meaning): &(&'static str, Meaning)| {
        let value = object.get(key)?;
        match meaning {
            Only(allowed, _) if !is_one_of(value, allowed) => Some(Warning::Generation {
                path: object.path().into(),
                key: object.name(key),
                value: value.clone(),
            }),
            _ => None,
        }
    };
    let unknown = object
        .entries()
        .filter(|(key, value)| !value.is_null() && table.iter().all(|(name, _)| name != key))
        .map(|(key, _)| Warning::UnknownKey {
            path: object.path().into(),
            key: object.name(key),
        });
    table.iter().filter_map(deviates).chain(unknown).collect()
}

fn is_one_of(value: &Value, allowed: &[&str]) -> bool {
    let same = |text: &&str| match serde_json::from_str::<Value>(text) {
        Ok(allowed) => {
            allowed == *value || (allowed.is_number() && allowed.as_f64() == value.as_f64())
        }
        Err(_) => false,
    };
    allowed.iter().any(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_each_key_once_and_only_valid_values() {
        let rope = [ROPE, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN, ROPE_NESTED];
        for table in [&rope[..], &[CONFIG, GENERATION]].concat() {
            let mut names: Vec<_> = table.iter().map(|(name, _)| name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), table.len());
            for (name, meaning) in table {
                if let Only(allowed, _) = meaning {
                    for text in *allowed {
                        let value: Value = serde_json::from_str(text).expect(name);
                        assert!(is_one_of(&value, allowed));
                    }
                }
            }
        }
    }
}
