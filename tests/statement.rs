//! The statement's encoding, its form, the chains of tokens, and what a verifier accepts.

use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::spec::poseidon2::P;
use cairo_decode::verify::policy::{Accept, AcceptedModel, MIN_SECURITY_BITS, PolicyError};
use cairo_decode::verify::statement::{
    BoundaryKind, ChainId, Channel, ChosenRoot, ContractAddress, Domain, HexError, KvRoot,
    MAX_POSITION, ModelRoot, Policy, Preprocessed, ProgramHash, ProofParams, PublicFacts,
    SessionId, StatementError, TokensRoot, parse_felt,
};
use cairo_decode::verify::statement::{
    ChainError, Frontier, OUTPUT_FIELDS, OUTPUT_LEN, Statement, VERSION, extended, prompt_root,
};
use starknet_types_core::felt::Felt;

/// Steps 2 and 3 of a session with a prompt of four tokens: one token forced, one chosen.
fn statement() -> Statement {
    let frontier = |position: u32, last_token: u32, roots: u64| Frontier {
        position,
        last_token,
        kv_root: KvRoot(Felt::from(roots)),
        tokens_root: TokensRoot(Felt::from(roots + 1)),
        chosen_root: ChosenRoot(Felt::from(roots + 2)),
    };
    Statement {
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
        prompt_root: TokensRoot(Felt::from(3003u64)),
        prompt_length: 4,
        steps: 2,
        frontier_in: frontier(2, 9, 20),
        frontier_out: frontier(4, 11, 40),
    }
}

fn accept() -> Accept {
    let statement = statement();
    let model = AcceptedModel {
        model_root: statement.model_root,
        program_hash: statement.program_hash,
        policy: statement.policy,
        spec_version: SPEC_VERSION,
        statement_version: VERSION,
    };
    Accept::new(model, statement.domain)
}

/// The root of the chain of these numbers.
fn chain(numbers: &[u64]) -> Felt {
    extended(Felt::ZERO, numbers.iter().copied()).expect("numbers of a chain")
}

#[test]
fn chains_are_in_order_and_count_token_zero() {
    assert_eq!(chain(&[]), Felt::ZERO);
    assert_ne!(chain(&[0]), Felt::ZERO);
    assert_ne!(chain(&[0, 0]), chain(&[0]));
    assert_ne!(chain(&[1, 2]), chain(&[2, 1]));
    assert_eq!(extended(chain(&[1, 2]), [3]), Ok(chain(&[1, 2, 3])));
    assert_eq!(prompt_root(&[1, 2]), TokensRoot(chain(&[1, 2])));
    let found = u64::from(P);
    assert_eq!(
        extended(Felt::ZERO, [found]),
        Err(ChainError::Number { found })
    );
    assert!(matches!(
        extended(-Felt::ONE, [1]),
        Err(ChainError::Root { .. })
    ));
}

#[test]
fn a_session_begins_with_nothing_carried() {
    let start = Frontier::start(&[5, 9]).expect("a prompt");
    assert_eq!((start.position, start.last_token), (0, 5));
    let roots = [start.kv_root.0, start.tokens_root.0, start.chosen_root.0];
    assert_eq!(roots, [Felt::ZERO; 3]);
    assert_eq!(Frontier::start(&[]), None);
}

#[test]
fn an_output_says_one_statement() {
    let with = |change: &dyn Fn(&mut Statement)| {
        let mut statement = statement();
        change(&mut statement);
        statement
    };
    let statements = [
        statement(),
        with(&|s| s.policy.eos = None),
        with(&|s| s.policy.eos = Some(u32::MAX)),
        with(&|s| s.domain = Domain::local()),
        with(&|s| s.frontier_out.position = u32::MAX),
    ];
    for statement in statements {
        let output = statement.to_output();
        let read = Statement::from_output(&output, statement.program_hash);
        assert_eq!(read.as_ref(), Ok(&statement));
        assert_eq!(statement.compare(&output, statement.program_hash.0), Ok(()));
    }
}

/// The order of the felts, written out.
#[test]
fn the_order_of_the_output() {
    let local = Statement {
        domain: Domain::local(),
        ..statement()
    };
    let numbers: Vec<u64> = vec![
        3,
        2,
        0x6c_6f63_616c,
        0x123,
        77,
        1001,
        0,
        1,
        0,
        3003,
        4,
        2,
        2,
        9,
        20,
        21,
        22,
        4,
        11,
        40,
        41,
        42,
    ];
    let mut output = local.to_output();
    assert_eq!(output[3], Felt::ZERO);
    output[3] = Felt::from(0x123u64);
    assert_eq!(
        output.to_vec(),
        numbers.into_iter().map(Felt::from).collect::<Vec<_>>()
    );
}

/// Each field alone is compared, and the message names it.
#[test]
fn a_relabelled_field_is_named() {
    let statement = statement();
    let output = statement.to_output();
    for (place, field) in OUTPUT_FIELDS.into_iter().enumerate() {
        let mut other = output;
        other[place] += Felt::ONE;
        let refusal = statement.compare(&other, statement.program_hash.0);
        let refusal = refusal.expect_err(field);
        assert!(
            matches!(&refusal, StatementError::Differs { field: named, .. } if *named == field)
        );
        let message = refusal.to_string();
        assert!(
            message.starts_with(&format!("{field}: receipt says ")),
            "{message}"
        );
        assert!(message.contains(", proof says "), "{message}");
    }
    let refusal = statement.compare(&output, Felt::from(2003u64)).unwrap_err();
    assert!(
        refusal.to_string().starts_with("statement.program_hash: "),
        "{refusal}"
    );
    let refusal = statement.compare(&output[1..], statement.program_hash.0);
    assert_eq!(
        refusal,
        Err(StatementError::OutputLength {
            found: OUTPUT_LEN - 1
        })
    );
}

/// What no statement has in a place is refused with the name of the field.
#[test]
fn an_output_of_no_statement_is_refused() {
    let refusal = |place: usize, felt: Felt| {
        let mut output = statement().to_output();
        output[place] = felt;
        let read = Statement::from_output(&output, ProgramHash(Felt::ONE));
        read.expect_err("no statement").to_string()
    };
    let large = Felt::from(1u64 << 32);
    for place in [1, 10, 11, 12, 13, 17, 18] {
        for felt in [large, -Felt::ONE] {
            let refusal = refusal(place, felt);
            assert!(refusal.starts_with(OUTPUT_FIELDS[place]), "{refusal}");
        }
    }
    assert!(refusal(7, large + Felt::ONE).starts_with("statement.policy.eos"));
    assert!(refusal(6, Felt::ONE).starts_with("statement.policy.kind"));
    assert!(refusal(8, Felt::ONE).starts_with("statement.boundary"));
    for chain in [
        Felt::ZERO,
        Felt::from(7u64),
        Felt::from(0x6100u64),
        -Felt::ONE,
    ] {
        assert!(refusal(2, chain).starts_with("statement.domain.chain"));
    }
    for version in [1, 2, VERSION + 1] {
        let refusal = refusal(0, Felt::from(version));
        assert_eq!(
            refusal,
            format!("statement.version: is {version}, this program reads 3")
        );
    }
    let output = statement().to_output();
    let long = [&output[..], &[Felt::ZERO]].concat();
    for output in [&output[..OUTPUT_LEN - 1], &long, &[]] {
        let found = output.len();
        let read = Statement::from_output(output, ProgramHash(Felt::ONE));
        assert_eq!(read, Err(StatementError::OutputLength { found }));
    }
}

/// Each rule of the form has a statement that breaks it alone, and the largest or smallest that does not.
#[test]
fn the_rules_of_the_form() {
    let checked = |change: &dyn Fn(&mut Statement)| {
        let mut statement = statement();
        change(&mut statement);
        // Whatever the form, counting does not panic.
        let _ = (statement.forced_count(), statement.emitted_count());
        statement.check_form().map_err(|error| error.to_string())
    };
    assert_eq!(checked(&|_| {}), Ok(()));
    type Change<'a> = &'a dyn Fn(&mut Statement);
    let broken: [(Change<'_>, &str); 9] = [
        (&|s| s.domain.chain = Domain::local().chain, "must be 0x0"),
        (
            &|s| s.domain.verifier = ContractAddress(Felt::ZERO),
            "must not be 0x0",
        ),
        (&|s| s.prompt_length = 0, "prompt_length: is 0"),
        (
            &|s| s.prompt_length = MAX_POSITION + 1,
            "prompt_length: is 1048577",
        ),
        (
            &|s| (s.steps, s.frontier_out.position) = (0, 2),
            "steps: is 0",
        ),
        (&|s| s.steps = 3, "3 steps from position 2 end at 5"),
        (&|s| s.steps = u32::MAX, "4294967295 steps from position 2"),
        (
            &|s| s.frontier_in.position = 3,
            "2 steps from position 3 end at 5",
        ),
        (
            &|s| s.frontier_out.position = MAX_POSITION + 1,
            "frontier_out.position: is 1048577",
        ),
    ];
    for (change, reason) in broken {
        let refusal = checked(change).expect_err(reason);
        assert!(refusal.contains(reason), "{refusal}");
    }
    let far = |s: &mut Statement| {
        s.frontier_in.position = MAX_POSITION + 1;
        s.frontier_out.position = MAX_POSITION + 3;
    };
    assert!(checked(&far).unwrap_err().contains("frontier_in.position"));
    assert_eq!(checked(&|s| s.prompt_length = MAX_POSITION), Ok(()));
    let last = |s: &mut Statement| {
        s.frontier_in.position = MAX_POSITION - 2;
        s.frontier_out.position = MAX_POSITION;
    };
    assert_eq!(checked(&last), Ok(()));
}

/// A step at position `p` brings the token at `p + 1`, which the prompt gives if it has it.
#[test]
fn forced_and_chosen_tokens_are_counted() {
    let counts = |position: u32, length: u32, steps: u32| {
        let mut statement = statement();
        statement.frontier_in.position = position;
        (statement.prompt_length, statement.steps) = (length, steps);
        (statement.forced_count(), statement.emitted_count())
    };
    assert_eq!(counts(0, 1, 3), (0, 3));
    assert_eq!(counts(0, 2, 3), (1, 2));
    assert_eq!(counts(2, 4, 2), (1, 1));
    assert_eq!(counts(2, 9, 2), (2, 0));
    assert_eq!(counts(3, 4, 2), (0, 2));
    assert_eq!(counts(9, 4, 2), (0, 2));
    assert_eq!(counts(0, 0, 2), (0, 2));
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
    let rules: [(Change, &str); 8] = [
        (|s| s.spec_version = 3, "statement.spec_version"),
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
        .with_spec_versions(vec![3])
        .check_statement(&statement());
    assert!(matches!(error, Err(PolicyError::Spec { found: 2, .. })));
    let newer = Statement {
        spec_version: 3,
        ..statement()
    };
    let error = accept()
        .with_spec_versions(vec![2, 3])
        .check_statement(&newer);
    let (found, expected) = (3, 2);
    assert_eq!(error, Err(PolicyError::ModelSpec { found, expected }));
    // A manifest of statements of another version.
    let mut model = accept().model().clone();
    model.statement_version = VERSION - 1;
    let error = Accept::new(model, statement().domain)
        .with_spec_versions(vec![2])
        .check_statement(&statement());
    let expected = VERSION - 1;
    assert_eq!(error, Err(PolicyError::Version { expected }));
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
