//! Receipts about statements of version 3 as documents: their text, and that none is read as a receipt of the other kind.

use std::path::Path;

use cairo_decode::receipt::{
    FormatError, RECEIPT_FORMAT, Receipt, SessionError, TENSOR_RECEIPT_FORMAT, TensorReceipt,
};
use cairo_decode::spec::poseidon2::P;
use cairo_decode::verify::statement::v3;
use cairo_decode_verdicts::{Document, check_session};
use expect_test::expect_file;

use crate::fixtures::{Recipe, Run, run, run_of};

fn tensors(recipe: &Recipe) -> Run<v3::Statement> {
    run_of(recipe)
}

/// The text of a receipt does not change unnoticed, and is read as what was written.
#[test]
fn a_tensor_receipt_has_one_text() {
    let run = tensors(&Recipe {
        chunk_size: 5,
        ..Recipe::default()
    });
    let text = run.receipts[0].to_json().expect("a text");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tensor_receipt.json");
    expect_file![golden].assert_eq(&text);
    for receipt in &run.receipts {
        let text = receipt.to_json().expect("a text");
        assert_eq!(
            TensorReceipt::from_json(text.as_bytes()),
            Ok(receipt.clone())
        );
    }
    for end in 0..text.len() - 1 {
        TensorReceipt::from_json(&text.as_bytes()[..end]).expect_err("a prefix");
    }
}

/// A receipt of one kind is none of the other: not under its own format, and not under the other's.
#[test]
fn a_receipt_of_one_kind_is_never_read_as_the_other() {
    let old = run(&Recipe::default()).receipts[0]
        .to_json()
        .expect("a text");
    let new = tensors(&Recipe::default()).receipts[0]
        .to_json()
        .expect("a text");
    let other = |text: &str| {
        let error = TensorReceipt::from_json(text.as_bytes()).expect_err("of the other kind");
        assert!(matches!(error, FormatError::OtherFormat { .. }), "{error}");
    };
    other(&old);
    let error = Receipt::from_json(new.as_bytes()).expect_err("of the other kind");
    assert!(matches!(error, FormatError::OtherFormat { .. }), "{error}");
    // Relabelled.
    let text = old.replacen(RECEIPT_FORMAT, TENSOR_RECEIPT_FORMAT, 1);
    let error = TensorReceipt::from_json(text.as_bytes()).expect_err("fields of the other kind");
    assert!(error.to_string().starts_with("statement."), "{error}");
    let text = new.replacen(TENSOR_RECEIPT_FORMAT, RECEIPT_FORMAT, 1);
    let error = Receipt::from_json(text.as_bytes()).expect_err("fields of the other kind");
    assert!(error.to_string().starts_with("statement."), "{error}");
}

/// Sessions are accepted however they are cut, with the same end.
#[test]
fn complete_tensor_sessions_are_accepted_however_they_are_cut() {
    let facts = |chunk_size: usize, prompt: &[u32]| {
        let run = tensors(&Recipe {
            chunk_size,
            prompt: prompt.to_vec(),
            ..Recipe::default()
        });
        check_session(&run.session, &run.manifest, &run.receipts).expect("accepted")
    };
    for prompt in [&[5, 9, 2, 7][..], &[3]] {
        let whole = facts(100, prompt);
        assert_eq!((whole.chunks, whole.finished), (1, true));
        assert_eq!(Some(whole.first), v3::Frontier::start(prompt));
        for chunk_size in 1..=8 {
            let cut = facts(chunk_size, prompt);
            assert_eq!(cut.last, whole.last);
            assert_eq!(cut.generated_tokens, whole.generated_tokens);
        }
    }
}

/// A prompt with a token as large as the chain's field is refused, whatever the manifest's vocabulary.
#[test]
fn a_prompt_beyond_the_chains_field_is_refused() {
    let mut run = tensors(&Recipe::default());
    run.manifest.vocab_size = u32::MAX;
    check_session(&run.session, &run.manifest, &run.receipts).expect("accepted");
    run.session.prompt_tokens[3] += P;
    let error = check_session(&run.session, &run.manifest, &run.receipts).expect_err("refused");
    assert!(matches!(error, SessionError::Prompt { .. }), "{error}");
    let said = "session.json: prompt_tokens: 2147483654 is too large for a chain of tokens";
    assert!(error.to_string().starts_with(said), "{error}");
}
