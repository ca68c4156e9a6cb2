//! Statement 3: its encoding, its form, and what a verifier accepts of it.

use cairo_decode::spec::TENSOR_SPEC_VERSION;
use cairo_decode::verify::policy::{Accept, AcceptedModel};
use cairo_decode::verify::statement::v3::{
    Frontier, OUTPUT_FIELDS, OUTPUT_LEN, Statement, VERSION,
};
use cairo_decode::verify::statement::{
    BoundaryKind, ChosenRoot, ContractAddress, Domain, KvRoot, MAX_POSITION, ModelRoot, Policy,
    ProgramHash, STATEMENT_VERSION, SessionId, StatementError, TokensRoot,
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
        spec_version: TENSOR_SPEC_VERSION,
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
        let named =
            matches!(&refusal, Err(StatementError::Differs { field: f, .. }) if *f == field);
        assert!(named, "{field}: {refusal:?}");
    }
    let refusal = statement.compare(&output, Felt::from(2003u64)).unwrap_err();
    assert!(
        refusal.to_string().starts_with("statement.program_hash: "),
        "{refusal}"
    );
    let refusal = statement.compare(&output[1..], statement.program_hash.0);
    assert_eq!(
        refusal,
        Err(StatementError::TensorOutputLength {
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
        let refusal = refusal(place, large);
        assert!(refusal.starts_with(OUTPUT_FIELDS[place]), "{refusal}");
    }
    assert!(refusal(7, large + Felt::ONE).starts_with("statement.policy.eos"));
    assert!(refusal(6, Felt::ONE).starts_with("statement.policy.kind"));
    assert!(refusal(8, Felt::ONE).starts_with("statement.boundary"));
    assert!(refusal(2, Felt::ZERO).starts_with("statement.domain.chain"));
    for version in [STATEMENT_VERSION, VERSION + 1] {
        let refusal = refusal(0, Felt::from(version));
        assert_eq!(
            refusal,
            format!("statement.version: is {version}, this is the reader of version 3")
        );
    }
    let short = Statement::from_output(&[Felt::ONE; OUTPUT_LEN - 1], ProgramHash(Felt::ONE));
    assert_eq!(
        short,
        Err(StatementError::TensorOutputLength {
            found: OUTPUT_LEN - 1
        })
    );
}

/// Each rule of the form has a statement that breaks it alone, and the largest or smallest that does not.
#[test]
fn the_rules_of_the_form() {
    let checked = |change: &dyn Fn(&mut Statement)| {
        let mut statement = statement();
        change(&mut statement);
        statement.check_form().map_err(|error| error.to_string())
    };
    assert_eq!(checked(&|_| {}), Ok(()));
    type Change<'a> = &'a dyn Fn(&mut Statement);
    let broken: [(Change<'_>, &str); 7] = [
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

/// What the verifier's side fixes is checked of this version as of the others.
#[test]
fn a_verifier_accepts_its_model_only() {
    let statement = statement();
    let model = |change: &dyn Fn(&mut AcceptedModel)| {
        let mut model = AcceptedModel {
            model_root: statement.model_root,
            program_hash: statement.program_hash,
            policy: statement.policy,
            spec_version: TENSOR_SPEC_VERSION,
            statement_version: VERSION,
        };
        change(&mut model);
        Accept::new(model, statement.domain)
    };
    assert_eq!(model(&|_| {}).check_statement(&statement), Ok(()));
    type Change<'a> = &'a dyn Fn(&mut AcceptedModel);
    let others: [(Change<'_>, &str); 5] = [
        (
            &|m| m.model_root = ModelRoot(Felt::ONE),
            "statement.model_root",
        ),
        (
            &|m| m.program_hash = ProgramHash(Felt::ONE),
            "statement.program_hash",
        ),
        (&|m| m.policy = Policy::greedy(None), "statement.policy.eos"),
        (&|m| m.spec_version += 1, "statement.spec_version"),
        (
            &|m| m.statement_version = STATEMENT_VERSION,
            "statement.version",
        ),
    ];
    for (change, field) in others {
        let refusal = model(change)
            .check_statement(&statement)
            .expect_err(field)
            .to_string();
        assert!(refusal.starts_with(field), "{refusal}");
    }
}

#[test]
fn a_session_begins_with_nothing_carried() {
    let start = Frontier::start(&[5, 9]).expect("a prompt");
    assert_eq!((start.position, start.last_token), (0, 5));
    let roots = [start.kv_root.0, start.tokens_root.0, start.chosen_root.0];
    assert_eq!(roots, [Felt::ZERO; 3]);
    assert_eq!(Frontier::start(&[]), None);
}
