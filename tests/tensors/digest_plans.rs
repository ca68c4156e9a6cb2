//! Records and chains that are refused, each by the name of its check, and the largest ones that are not.

use cairo_decode::tensor::{Chunk, ChunkError, Matrix, Plan, PlanError, Product, Tensor};

use crate::Numbers;
use crate::digests::{carried, digested};

fn plan() -> (Plan, Tensor) {
    let mut plan = Plan::new(8, 12, Numbers(3).matrix(8, 4, 100)).expect("a plan");
    let x = plan.embed();
    (plan, x)
}

/// So many channels with values of at most `magnitude`.
fn tensor(plan: &mut Plan, input: Tensor, channels: usize, magnitude: i32) -> Tensor {
    let weights = Matrix::new(8, vec![vec![0; 8]; channels]);
    let of = Product {
        weights,
        bias: vec![magnitude; channels],
        shift: 0,
    };
    plan.linear(input, of, 16).expect("in range")
}

#[test]
fn values_fit_an_element() {
    let limit = (1 << 14) - 1;
    let (mut plan, x) = plan();
    let large = tensor(&mut plan, x, 8, limit + 1);
    let refusal = PlanError::RecordValue {
        magnitude: i64::from(limit) + 1,
        limit: limit.into(),
    };
    assert_eq!(plan.records(&[large]).err(), Some(refusal));
    let largest = tensor(&mut plan, x, 8, limit);
    assert!(plan.clone().records(&[largest]).is_ok());
    // Values that can be larger, and are checked to have 15 bits.
    let of = Product {
        weights: Matrix::new(8, vec![vec![0; 8]; 8]),
        bias: vec![2 * limit; 8],
        shift: 0,
    };
    let checked = plan.linear(x, of, 15).expect("in range");
    assert_eq!(checked.magnitude, i64::from(limit) + 1);
    assert!(plan.records(&[checked]).is_ok());
}

/// Values of which more is proven than they are checked to have are packed with the bits that are checked.
#[test]
fn checked_values_are_packed_with_their_bits() {
    use cairo_decode::spec::record::Packing;
    for (bits, packing) in [(15, Packing::Two), (11, Packing::Two), (10, Packing::Three)] {
        let (mut plan, x) = plan();
        let of = Product {
            weights: Matrix::new(8, vec![vec![1000; 8]; 8]),
            bias: vec![0; 8],
            shift: 0,
        };
        let wide = plan.linear(x, of, bits).expect("in range");
        assert_eq!((wide.bits, wide.magnitude), (bits, 1 << (bits - 1)));
        assert_eq!(plan.records(&[wide]).expect("records").packing, packing);
    }
}

#[test]
fn records_have_views() {
    let (mut plan, x) = plan();
    let seven = tensor(&mut plan, x, 7, 1);
    let refusal = PlanError::RecordChannels {
        address: seven.address,
        channels: 7,
    };
    assert_eq!(plan.records(&[x, seven]).err(), Some(refusal));
}

#[test]
fn records_are_of_what_is_written() {
    let (mut plan, mut x) = plan();
    x.address += 8;
    let error = plan.records(&[x]).expect_err("unwritten");
    assert!(
        matches!(
            error,
            PlanError::Unwritten {
                operation: "records",
                ..
            }
        ),
        "{error}"
    );
}

/// The blocks of all positions have different numbers modulo `p`.
#[test]
fn records_have_so_many_blocks() {
    let limit = 32_767;
    let of_blocks = |blocks: usize| {
        let (mut plan, x) = plan();
        // Three values of 10 bits in an element, so 48 in a block.
        let large = tensor(&mut plan, x, 480, 511);
        let last = tensor(&mut plan, x, 48 * (blocks % 10) + 8, 1);
        let mut tensors = vec![large; blocks / 10];
        tensors.push(last);
        plan.records(&tensors).map(|records| records.blocks())
    };
    assert_eq!(of_blocks(limit - 1), Ok(limit));
    assert_eq!(
        of_blocks(limit),
        Err(PlanError::RecordBlocks {
            blocks: limit + 1,
            limit
        })
    );
    let (mut plan, _) = plan();
    assert_eq!(
        plan.records(&[]).err(),
        Some(PlanError::RecordBlocks { blocks: 0, limit })
    );
}

/// Rows of two records would have the same numbers.
#[test]
fn a_plan_has_one_root() {
    let (mut plan, x) = plan();
    assert!(plan.records(&[x]).is_ok());
    assert_eq!(plan.records(&[x]).err(), Some(PlanError::Recorded));
}

#[test]
fn chains_are_of_chosen_tokens() {
    let (mut plan, x) = plan();
    assert_eq!(
        plan.chains().err(),
        Some(PlanError::NoHead {
            operation: "chains"
        })
    );
    plan.head(x).expect("in range");
    assert!(plan.chains().is_ok());
    assert_eq!(plan.check(), Ok(()));
}

/// Carried keys and values have one place, and each own tensor has its own there.
#[test]
fn carried_values_stand_behind_all_others() {
    let (mut plan, x) = plan();
    let [keys, values] = [16, 8].map(|channels| tensor(&mut plan, x, channels, 9));
    plan.carried.blocks = 3;
    assert_eq!(plan.carried_addresses().len(), 0);
    plan.records(&[keys, values]).expect("in range");
    let first = plan.addresses;
    let offsets: Vec<_> = plan
        .carried
        .tensors
        .iter()
        .map(|t| (t.own, t.offset))
        .collect();
    assert_eq!(offsets, [(keys, 0), (values, 16)]);
    assert_eq!(plan.carried_address(2, 16), first + 2 * 24 + 16);
    assert_eq!(plan.carried_addresses(), first..first + 3 * 24);
    assert_eq!(plan.carried.step, 24);
    assert_eq!(plan.check(), Ok(()));
}

/// What a chunk brings fits the plan's room and ranges.
#[test]
fn chunks_that_fit_a_plan() {
    let (plan, ..) = digested(8, &[16, 24], 7, 2);
    for position in [0, 1, 8, 9, 16] {
        assert_eq!(
            plan.accepts(&carried(&plan, position, &mut Numbers(4))),
            Ok(())
        );
    }
    let refused = |position: u32, change: &dyn Fn(&mut Chunk)| {
        let mut chunk = carried(&plan, position, &mut Numbers(4));
        change(&mut chunk);
        plan.accepts(&chunk).expect_err("a chunk that does not fit")
    };
    let found = refused(9, &|chunk| chunk.tokens.clear());
    assert_eq!(found, ChunkError::Tokens { found: 0, lanes: 8 });
    let found = refused(9, &|chunk| chunk.tokens[2] = 40);
    assert_eq!(
        found,
        ChunkError::Token {
            lane: 2,
            token: 40,
            tokens: 40
        }
    );
    assert_eq!(
        refused(17, &|_| ()),
        ChunkError::Room {
            position: 17,
            room: 16
        }
    );
    let short = ChunkError::Carried {
        found: 79,
        expected: 80,
        lanes: 8,
    };
    assert_eq!(refused(9, &|chunk| chunk.carried.truncate(79)), short);
    assert_eq!(refused(9, &|chunk| chunk.carried[5].truncate(7)), short);
    // The tensor of row 40 has 12 bits.
    let limit = 1 << 11;
    for value in [limit, -limit - 1] {
        let error = ChunkError::Value {
            row: 40,
            value,
            least: -limit,
            limit,
        };
        assert_eq!(refused(9, &|chunk| chunk.carried[40][0] = value), error);
        // Of the second block's lanes only the first one counts.
        let mut chunk = carried(&plan, 9, &mut Numbers(4));
        chunk.carried[40][1] = value;
        assert_eq!(plan.accepts(&chunk), Ok(()));
    }
}
