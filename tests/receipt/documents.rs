//! Strictness of the three documents, and their errors' wording.

use std::fs;
use std::path::Path;

use cairo_decode::receipt::{
    Completion, Digest, DocumentError, FileError, FormatError, MAX_DOCUMENT_BYTES, MODEL_FORMAT,
    Manifest, RECEIPT_FORMAT, Receipt, Session, WriteDocument, write_atomic,
};
use cairo_decode_verdicts::Document;
use expect_test::expect_file;
use starknet_types_core::felt::Felt;

use crate::fixtures::{Recipe, document, run};

#[test]
fn documents_round_trip() {
    let run = run(&Recipe {
        eos: Some(63),
        ..Recipe::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.json");
    let manifest = document(&Recipe::default());
    manifest.write(&file).unwrap();
    assert_eq!(Manifest::read(&file).unwrap(), manifest);
    for receipt in &run.receipts {
        receipt.write(&file).unwrap();
        assert_eq!(Receipt::read(&file).unwrap(), *receipt);
    }
    let running = Session {
        completion: None,
        ..run.session.clone()
    };
    for session in [run.session, running] {
        session.write(&file).unwrap();
        assert_eq!(Session::read(&file).unwrap(), session);
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files are gone");
}

#[test]
fn fields_in_another_order_mean_the_same() {
    let run = run(&Recipe::default());
    let text = run.receipts[0].to_json().unwrap();
    let sorted: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        Receipt::from_json(sorted.to_string().as_bytes()).unwrap(),
        run.receipts[0]
    );
}

/// The text of a receipt does not change unnoticed.
#[test]
fn a_receipt_has_one_text() {
    let run = run(&Recipe {
        chunk_size: 5,
        ..Recipe::default()
    });
    let text = run.receipts[0].to_json().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tensor_receipt.json");
    expect_file![golden].assert_eq(&text);
}

/// What reading says about the receipt's text after a replacement.
fn replaced(from: &str, to: &str) -> String {
    let text = run(&Recipe::default()).receipts[0].to_json().unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    Receipt::from_json(text.replacen(from, to, 1).as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn requirement_27_another_format() {
    let old = RECEIPT_FORMAT;
    for other in [
        "cairo-decode-receipt/1",
        "cairo-decode-receipt/3",
        "cairo-decode-model/2",
    ] {
        assert_eq!(
            replaced(old, other),
            format!(
                "format: is \"{other}\", expected \"{old}\" here (each target of `compile` has formats of its own)"
            )
        );
    }
    let newer = br#"{"format":"cairo-decode-receipt/3","else":1}"#;
    let error = Receipt::from_json(newer).unwrap_err();
    assert!(matches!(error, FormatError::OtherFormat { .. }));
}

#[test]
fn requirement_27_whatever_is_no_such_document() {
    let text = run(&Recipe::default()).receipts[0].to_json().unwrap();
    let deep = "[".repeat(200_000);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "document: is not valid JSON"),
        (b"\0".to_vec(), "document: is not valid JSON"),
        (
            b"[]".to_vec(),
            "document: expected an object, found an array",
        ),
        (b"null".to_vec(), "document: expected an object, found null"),
        (b"{}".to_vec(), "format: missing field"),
        (
            b"{\"format\":1}".to_vec(),
            "format: expected a string, found the number 1",
        ),
        (b"\xff{}".to_vec(), "is not UTF-8 text (byte 0)"),
        (
            format!("\u{feff}{text}").into_bytes(),
            "document: is not valid JSON",
        ),
        (deep.into_bytes(), "document: is not valid JSON"),
        (text[..text.len() / 2].into(), "document: is not valid JSON"),
        (
            format!("{text}x").into_bytes(),
            "has bytes after the document, at line",
        ),
        (
            format!("{text}{text}").into_bytes(),
            "has bytes after the document, at line",
        ),
        (
            format!("{text}\0").into_bytes(),
            "has bytes after the document, at line",
        ),
    ];
    for (bytes, start) in cases {
        let error = Receipt::from_json(&bytes).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
    Receipt::from_json(format!(" {text}\n ").as_bytes()).unwrap();
}

#[test]
fn every_prefix_of_a_receipt_is_an_error() {
    let text = run(&Recipe::default()).receipts[0].to_json().unwrap();
    for end in 0..text.len() - 1 {
        assert!(
            Receipt::from_json(&text.as_bytes()[..end]).is_err(),
            "prefix of {end} bytes"
        );
    }
}

#[test]
fn numbers_and_felts_have_one_spelling() {
    for number in [
        "1.0",
        "1e0",
        "-1",
        "4294967296",
        "\"1\"",
        "-0",
        "99999999999999999999999",
    ] {
        let error = replaced(
            "\"spec_version\": 2",
            &format!("\"spec_version\": {number}"),
        );
        assert!(
            error.starts_with("statement.spec_version: expected an integer"),
            "{error}"
        );
    }
    for felt in ["0x04d", "0x4D", "4d", "77", "0X4d", " 0x4d", ""] {
        let error = replaced(
            "\"session_id\": \"0x4d\"",
            &format!("\"session_id\": \"{felt}\""),
        );
        assert!(
            error.starts_with(&format!("statement.session_id: \"{felt}\"")),
            "{error}"
        );
    }
    assert!("A".repeat(64).parse::<Digest>().is_err());
    assert!("a".repeat(63).parse::<Digest>().is_err());
    "a".repeat(64).parse::<Digest>().unwrap();
}

#[test]
fn names_come_from_their_list() {
    let error = replaced("\"greedy\"", "\"beam\"");
    assert_eq!(
        error,
        "statement.policy.kind: is \"beam\", allowed are greedy"
    );
    let error = replaced("\"canonical_small\"", "\"Canonical\"");
    assert!(
        error.starts_with("proof.params.preprocessed: is \"Canonical\""),
        "{error}"
    );
}

#[test]
fn file_names_are_plain() {
    for name in ["", "../x", "/x", "a/b", ".hidden", "a\\u0000b", "a b"] {
        let error = replaced("\"chunk-0000.proof\"", &format!("\"{name}\""));
        assert!(error.starts_with("proof.file: "), "{error}");
    }
}

#[test]
fn long_texts_do_not_flood_the_message() {
    let long = "x".repeat(100_000);
    let error = replaced(
        "\"session_id\": \"0x4d\"",
        &format!("\"session_id\": \"{long}\""),
    );
    assert!(error.len() < 300, "{}", error.len());
    let error = replaced("\"session_id\"", &format!("\"{long}\""));
    assert!(error.len() < 300, "{}", error.len());
    // Tens of thousands of fields are refused quickly.
    let fields: Vec<String> = (0..60_000).map(|n| format!("\"f{n}\":0")).collect();
    let many = format!(
        "{{\"format\":\"cairo-decode-receipt/2\",{}}}",
        fields.join(",")
    );
    assert!(Receipt::from_json(many.as_bytes()).is_err());
}

#[test]
fn errors_name_file_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chunk-0001.receipt.json");
    let text = run(&Recipe::default()).receipts[1].to_json().unwrap();
    let broken = text.replacen("\"kv_root\": \"0x", "\"kv_root\": \"0x0", 1);
    fs::write(&file, broken).unwrap();
    let error = Receipt::read(&file).unwrap_err().to_string();
    let start = format!("{}: statement.frontier_in.kv_root: ", file.display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn files_that_are_no_documents_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.json");
    let not_found = Manifest::read(&file);
    assert!(matches!(
        not_found,
        Err(DocumentError::File(FileError::NotFound { .. }))
    ));
    let not_a_file = Manifest::read(folder.path());
    assert!(matches!(
        not_a_file,
        Err(DocumentError::File(FileError::NotAFile { .. }))
    ));
    fs::write(&file, vec![b' '; MAX_DOCUMENT_BYTES as usize + 1]).unwrap();
    let too_large = Manifest::read(&file);
    assert!(matches!(
        too_large,
        Err(DocumentError::File(FileError::TooLarge { .. }))
    ));
    let nowhere = write_atomic(&folder.path().join("no/model.json"), b"");
    assert!(matches!(
        nowhere,
        Err(FileError::Io {
            action: "write",
            ..
        })
    ));
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.json");
    let mut run = run(&Recipe::default());
    run.session.prompt_tokens.clear();
    assert!(run.session.write(&file).is_err());
    run.session.prompt_tokens = vec![1];
    run.session.prompt = "x".repeat(MAX_DOCUMENT_BYTES as usize);
    assert!(run.session.write(&file).is_err());
    let mut manifest = document(&Recipe::default());
    manifest.model.name = "\u{1b}[2J".to_owned();
    assert!(manifest.write(&file).is_err());
    assert!(!file.exists());
}

#[test]
fn manifests_keep_their_rules() {
    type Change = fn(&mut Manifest);
    let rules: [(Change, &str); 10] = [
        (|m| m.model.vocab_size = 0, "vocab_size"),
        (|m| m.model.context_length = 0, "context_length"),
        (|m| m.model.context_length = u32::MAX, "context_length"),
        (|m| m.model.policy.eos = Some(64), "policy.eos"),
        (|m| m.model.name.push('\n'), "name"),
        (|m| m.model.source.push('\u{7f}'), "source"),
        (|m| m.model.spec_version -= 1, "spec_version"),
        (|m| m.model.statement_version -= 1, "statement_version"),
        (|m| m.model.model_root.0 += Felt::ONE, "model_root"),
        (|m| m.parameters_root.0 += Felt::ONE, "model_root"),
    ];
    for (change, field) in rules {
        let mut manifest = document(&Recipe::default());
        let before = serde_json::to_value(&manifest).unwrap();
        change(&mut manifest);
        let error = manifest.to_json().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{field}: ")), "{error}");
        let mut document = serde_json::to_value(&manifest).unwrap();
        assert_ne!(document, before);
        document["format"] = MODEL_FORMAT.into();
        let error = Manifest::from_json(document.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("{field}: ")), "{error}");
    }
}

#[test]
fn a_session_is_running_or_complete() {
    let session = run(&Recipe::default()).session;
    let running = Session {
        completion: None,
        ..session.clone()
    };
    let chunks = Completion {
        chunks: 3,
        generated_tokens: vec![],
    };
    let complete = Session {
        completion: Some(chunks),
        ..session
    };
    let cases = [
        (&running, "\"chunks\": null", "\"chunks\": 3", "chunks"),
        (
            &running,
            "\"generated_tokens\": null",
            "\"generated_tokens\": []",
            "generated_tokens",
        ),
        (&running, "\"running\"", "\"complete\"", "chunks"),
        (&running, "\"running\"", "\"paused\"", "status"),
        (&complete, "\"chunks\": 3", "\"chunks\": null", "chunks"),
        (
            &complete,
            "\"generated_tokens\": []",
            "\"generated_tokens\": null",
            "generated_tokens",
        ),
        (&complete, "\"complete\"", "\"running\"", "chunks"),
        (
            &complete,
            "\"chunk_size\": 3",
            "\"chunk_size\": 0",
            "chunk_size",
        ),
    ];
    for (session, from, to, field) in cases {
        let text = session.to_json().unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        let error = Session::from_json(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{field}: ")),
            "{error}"
        );
    }
}
