//! The statement's encoding, its form, the token and KV chains, and what a verifier accepts.

#[path = "statement/v3.rs"]
mod v3;

use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::spec::roots::{
    committed_root, fold_token, fold_tokens, fold_tokens_onto, kv_append, prompt_root,
};
use cairo_decode::verify::policy::{Accept, AcceptedModel, MIN_SECURITY_BITS, PolicyError};
use cairo_decode::verify::statement::{
    BoundaryKind, ChainId, Channel, ContractAddress, Domain, Frontier, HexError, KvRoot,
    MAX_POSITION, ModelRoot, OUTPUT_FIELDS, OUTPUT_LEN, Policy, Preprocessed, ProgramHash,
    ProofParams, PublicFacts, STATEMENT_VERSION, SessionId, Statement, StatementError, TokensRoot,
    parse_felt,
};
use starknet_types_core::felt::Felt;

/// Steps 2 and 3 of a session with a prompt of four tokens: one forced token, one emitted.
fn statement() -> Statement {
    let tokens = [5, 9, 2, 7, 11];
    let frontier = |position: usize, kv: u64| Frontier {
        position: position as u32,
        last_token: tokens[position],
        kv_root: KvRoot(Felt::from(kv)),
        tokens_root: TokensRoot(fold_tokens(tokens[..=position].iter().copied())),
    };
    Statement {
        version: STATEMENT_VERSION,
        spec_version: SPEC_VERSION,
        domain: Domain {
            chain: "SN_SEPOLIA".parse().unwrap(),
            verifier: ContractAddress(Felt::from(0x123u64)),
        },
        session_id: SessionId(Felt::from(77u64)),
        model_root: ModelRoot(Felt::from(1001u64)),
        program_hash: ProgramHash(Felt::from(2002u64)),
        policy: Policy::greedy(Some(0)),
        boundary: BoundaryKind::Token,
        prompt_root: TokensRoot(prompt_root(&tokens[..4])),
        prompt_length: 4,
        steps: 2,
        frontier_in: frontier(2, 20),
        frontier_out: frontier(4, 40),
        emitted_root: TokensRoot(fold_tokens([11])),
    }
}

fn accept() -> Accept {
    let statement = statement();
    let model = AcceptedModel {
        model_root: statement.model_root,
        program_hash: statement.program_hash,
        policy: statement.policy,
        spec_version: SPEC_VERSION,
        statement_version: STATEMENT_VERSION,
    };
    Accept::new(model, statement.domain)
}

#[test]
fn poseidon_is_starknets() {
    let hash = fold_token(Felt::ONE, 2);
    let known = "0x5d44a3decb2b2e0cc71071f7b802f45dd792d064f0fc7316c46514f70f9891a";
    assert_eq!(format!("{hash:#x}"), known);
}

/// The vectors of `docs/spec.md`, sections "KV chain" and "Committed root".
#[test]
fn vectors_of_roots() {
    let words = |values: &[i8]| cairo_decode::spec::kv::pack_kv(values);
    let r_1 = kv_append(Felt::ZERO, &words(&[1, -2, 3, -4]));
    let r_2 = kv_append(r_1, &words(&[0, 0, 127, -128]));
    let committed = committed_root(Felt::from(1234), &[1, 2, 3].map(Felt::from));
    let known = [
        "0x380314afc54efeb61246f28e98ea62b91b838e226f9f699aead8cb3dd42626b",
        "0x5722f4675aacc248952091968f786e785b7340e2439a611dd33e96f3db480c0",
        "0x43a829fd6d1ff2216d032e562446dc9a02fef8831a9e3b66107e562fb11f25d",
    ];
    assert_eq!(
        [r_1, r_2, committed].map(|root| format!("{root:#x}")),
        known
    );
}

#[test]
fn chains_fold_in_order_and_count_token_zero() {
    assert_eq!(fold_tokens([]), Felt::ZERO);
    assert_ne!(fold_tokens([0]), Felt::ZERO);
    assert_ne!(fold_tokens([0, 0]), fold_tokens([0]));
    assert_ne!(fold_tokens([1, 2]), fold_tokens([2, 1]));
    assert_eq!(
        fold_tokens_onto(fold_tokens([1, 2]), [3]),
        fold_tokens([1, 2, 3])
    );
    assert_eq!(
        prompt_root(&[1, 2]),
        fold_token(fold_token(Felt::ZERO, 1), 2)
    );
    let (a, b) = (Felt::from(3u64), Felt::from(4u64));
    assert_ne!(
        kv_append(Felt::ZERO, &[a, b]),
        kv_append(Felt::ZERO, &[b, a])
    );
    assert_ne!(kv_append(a, &[b]), kv_append(b, &[a]));
    assert_ne!(kv_append(a, &[]), a);
}

#[test]
fn first_frontier_is_the_prompts() {
    let start = Frontier::start(&[5, 9]).unwrap();
    assert_eq!((start.position, start.last_token), (0, 5));
    assert_eq!(start.kv_root.0, Felt::ZERO);
    assert_eq!(start.tokens_root.0, fold_tokens([5]));
    assert_eq!(Frontier::start(&[]), None);
}

#[test]
fn output_round_trips() {
    for policy in [
        Policy::greedy(None),
        Policy::greedy(Some(0)),
        Policy::greedy(Some(u32::MAX)),
    ] {
        for domain in [Domain::local(), statement().domain] {
            let statement = Statement {
                policy,
                domain,
                ..statement()
            };
            let output = statement.to_output();
            assert_eq!(
                Statement::from_output(&output, statement.program_hash),
                Ok(statement)
            );
        }
    }
}

#[test]
fn output_order_is_fixed() {
    let output = statement().to_output();
    assert_eq!(output.len(), OUTPUT_LEN);
    assert_eq!(output[0], Felt::ONE);
    assert_eq!(output[2], Felt::from_bytes_be_slice(b"SN_SEPOLIA"));
    assert_eq!(output[6..9], [Felt::ZERO, Felt::ONE, Felt::ZERO]);
    assert_eq!(output[10..14], [4u64, 2, 2, 2].map(Felt::from));
    assert_eq!(output[16..19], [4u64, 11, 40].map(Felt::from));
    assert_eq!(output[20], fold_token(Felt::ZERO, 11));
}

#[test]
fn every_output_felt_is_compared_and_named() {
    let statement = statement();
    statement
        .compare(&statement.to_output(), statement.program_hash.0)
        .unwrap();
    for (index, field) in OUTPUT_FIELDS.iter().enumerate() {
        let mut output = statement.to_output();
        output[index] += Felt::ONE;
        let error = statement
            .compare(&output, statement.program_hash.0)
            .unwrap_err();
        assert!(matches!(&error, StatementError::Differs { field: named, .. } if named == field));
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("{field}: receipt says ")),
            "{message}"
        );
        assert!(message.contains(", proof says "), "{message}");
    }
    let error = statement
        .compare(&statement.to_output(), Felt::ONE)
        .unwrap_err();
    assert!(
        error.to_string().starts_with("statement.program_hash: "),
        "{error}"
    );
    for length in [0, OUTPUT_LEN - 1] {
        let error = statement.compare(&statement.to_output()[..length], Felt::from(2002u64));
        assert_eq!(error, Err(StatementError::OutputLength { found: length }));
    }
}

#[test]
fn outputs_that_no_statement_has_are_refused() {
    let statement = statement();
    let read = |index: usize, felt: Felt| {
        let mut output = statement.to_output();
        output[index] = felt;
        Statement::from_output(&output, statement.program_hash)
            .unwrap_err()
            .to_string()
    };
    let large = Felt::from(1u64 << 32);
    for index in [0, 1, 10, 11, 12, 13, 16, 17] {
        assert!(read(index, large).starts_with(OUTPUT_FIELDS[index]));
        assert!(read(index, Felt::ZERO - Felt::ONE).starts_with(OUTPUT_FIELDS[index]));
    }
    assert!(read(7, large + Felt::ONE).starts_with("statement.policy.eos"));
    assert!(read(6, Felt::ONE).starts_with("statement.policy.kind"));
    assert!(read(8, Felt::ONE).starts_with("statement.boundary"));
    for chain in [
        Felt::ZERO,
        Felt::from(7u64),
        Felt::from(0x6100u64),
        Felt::ZERO - Felt::ONE,
    ] {
        assert!(read(2, chain).starts_with("statement.domain.chain"));
    }
    let mut long = statement.to_output().to_vec();
    long.push(Felt::ZERO);
    let error = Statement::from_output(&long, statement.program_hash);
    assert_eq!(error, Err(StatementError::OutputLength { found: 22 }));
}

#[test]
fn form_is_checked_rule_by_rule() {
    type Change = fn(&mut Statement);
    let rules: [(Change, &str); 12] = [
        (|s| s.version = 3, "statement.version"),
        (
            |s| s.domain.verifier.0 = Felt::ZERO,
            "statement.domain.verifier",
        ),
        (
            |s| s.domain.chain = ChainId::local(),
            "statement.domain.verifier",
        ),
        (|s| s.prompt_length = 0, "statement.prompt_length"),
        (
            |s| s.prompt_length = MAX_POSITION + 1,
            "statement.prompt_length",
        ),
        (|s| s.steps = 0, "statement.steps"),
        (|s| s.steps = 1, "statement.frontier_out.position"),
        (|s| s.steps = u32::MAX, "statement.frontier_out.position"),
        (
            |s| s.frontier_in.position = 3,
            "statement.frontier_out.position",
        ),
        (
            |s| s.frontier_out.position = 5,
            "statement.frontier_out.position",
        ),
        (
            |s| s.frontier_in.position = MAX_POSITION + 1,
            "statement.frontier_in.position",
        ),
        (
            |s| s.frontier_out.position = u32::MAX,
            "statement.frontier_out.position",
        ),
    ];
    statement().check_form().unwrap();
    for (change, field) in rules {
        let mut changed = statement();
        change(&mut changed);
        let message = changed.check_form().unwrap_err().to_string();
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
        // Whatever the form, counting must not panic.
        let _ = (changed.forced_count(), changed.emitted_count());
    }
}

#[test]
fn forced_and_emitted_steps_are_told_apart() {
    let counts = |position: u32, steps: u32, prompt_length: u32| {
        let mut statement = Statement {
            steps,
            prompt_length,
            ..statement()
        };
        statement.frontier_in.position = position;
        statement.frontier_out.position = position + steps;
        (statement.forced_count(), statement.emitted_count())
    };
    assert_eq!(counts(0, 3, 4), (3, 0));
    assert_eq!(counts(0, 4, 4), (3, 1));
    assert_eq!(counts(2, 2, 4), (1, 1));
    assert_eq!(counts(3, 2, 4), (0, 2));
    assert_eq!(counts(9, 2, 4), (0, 2));
    assert_eq!(counts(0, 2, 1), (0, 2));
}

#[test]
fn felts_have_one_spelling() {
    assert_eq!(parse_felt("0x0"), Ok(Felt::ZERO));
    assert_eq!(parse_felt("0x1f"), Ok(Felt::from(31u64)));
    let largest = "0x800000000000011000000000000000000000000000000000000000000000000";
    assert_eq!(parse_felt(largest), Ok(Felt::ZERO - Felt::ONE));
    let prime = "0x800000000000011000000000000000000000000000000000000000000000001";
    let long = format!("0x1{}", "0".repeat(64));
    let cases = [
        ("", HexError::Prefix),
        ("1f", HexError::Prefix),
        ("0X1f", HexError::Prefix),
        ("0x", HexError::Empty),
        ("0x1F", HexError::Digit),
        ("0x-1", HexError::Digit),
        ("0x1 ", HexError::Digit),
        ("0x00", HexError::LeadingZero),
        ("0x01", HexError::LeadingZero),
        (prime, HexError::TooLarge),
        (&long, HexError::TooLarge),
    ];
    for (text, error) in cases {
        assert_eq!(parse_felt(text), Err(error), "{text}");
    }
    let json = |text: &str| serde_json::from_str::<KvRoot>(text);
    assert_eq!(json("\"0x1f\"").unwrap(), KvRoot(Felt::from(31u64)));
    assert!(json("\"0x01f\"").is_err() && json("31").is_err());
    assert_eq!(
        serde_json::to_string(&KvRoot(Felt::from(31u64))).unwrap(),
        "\"0x1f\""
    );
}

#[test]
fn chain_ids_are_short_strings() {
    let longest = "a".repeat(31);
    for text in ["local", "SN_MAIN", &longest] {
        let id: ChainId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(ChainId::from_felt(id.felt()), Ok(id));
    }
    let too_long = "a".repeat(32);
    for text in ["", "a b", "é", "a\n", &too_long] {
        assert!(text.parse::<ChainId>().is_err(), "{text:?}");
    }
    assert_eq!(Domain::local().to_string(), "local");
    assert_eq!(statement().domain.to_string(), "SN_SEPOLIA/0x123");
}

#[test]
fn requirement_23_another_model_policy_or_domain() {
    type Change = fn(&mut Statement);
    let rules: [(Change, &str); 9] = [
        (|s| s.version = 2, "statement.version"),
        (|s| s.spec_version = 2, "statement.spec_version"),
        (|s| s.model_root.0 += Felt::ONE, "statement.model_root"),
        (|s| s.program_hash.0 += Felt::ONE, "statement.program_hash"),
        (|s| s.policy.eos = None, "statement.policy.eos"),
        (|s| s.policy.eos = Some(1), "statement.policy.eos"),
        (
            |s| s.domain.chain = "SN_MAIN".parse().unwrap(),
            "statement.domain.chain",
        ),
        (
            |s| s.domain.verifier.0 += Felt::ONE,
            "statement.domain.verifier",
        ),
        (|s| s.domain = Domain::local(), "statement.domain.chain"),
    ];
    accept().check_statement(&statement()).unwrap();
    for (change, field) in rules {
        let mut changed = statement();
        change(&mut changed);
        let message = accept().check_statement(&changed).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    let error = accept()
        .with_spec_versions(vec![2])
        .check_statement(&statement());
    assert!(matches!(error, Err(PolicyError::Spec { found: 1, .. })));
    let newer = Statement {
        spec_version: 2,
        ..statement()
    };
    let error = accept()
        .with_spec_versions(vec![1, 2])
        .check_statement(&newer);
    assert_eq!(
        error,
        Err(PolicyError::ModelSpec {
            found: 2,
            expected: 1
        })
    );
    let mut model = accept().model().clone();
    model.statement_version = 2;
    let error = Accept::new(model, statement().domain).check_statement(&statement());
    let (found, expected) = (1, 2);
    assert_eq!(error, Err(PolicyError::Version { found, expected }));
}

#[test]
fn requirement_33_the_security_floor() {
    let params = ProofParams {
        channel: Channel::Blake2s,
        log_blowup: 1,
        queries: 70,
        pow_bits: 26,
        interaction_pow_bits: 24,
        fold_step: 1,
        log_last_layer_degree_bound: 0,
        lifting_log_size: None,
        preprocessed: Preprocessed::CanonicalSmall,
    };
    let facts = |security_bits: u32| PublicFacts {
        program_hash: Felt::ZERO,
        output: Vec::new(),
        params,
        security_bits,
    };
    assert_eq!(accept().min_security_bits(), 96);
    accept().check_security(&facts(96)).unwrap();
    for found in [0, 13, 95] {
        let error = accept().check_security(&facts(found));
        assert_eq!(error, Err(PolicyError::Security { found, floor: 96 }));
    }
    let error = accept().with_min_security_bits(MIN_SECURITY_BITS - 1);
    assert_eq!(error, Err(PolicyError::Floor { asked: 95 }));
    let higher = accept().with_min_security_bits(100).unwrap();
    assert!(higher.check_security(&facts(99)).is_err());
}
