//! Plans with attention, and chunks of them, that are refused: each by the name of its check; and the largest ones that are not.

use cairo_decode::tensor::attention::Attention;
use cairo_decode::tensor::masks::Masks;
use cairo_decode::tensor::{Function, Matrix, Operation, Plan, PlanError, Product, Tensor};

use crate::Numbers;
use crate::attention::{NEAR, NEAREST, exp};

/// A plan with tensors of given magnitudes: of queries, keys, values, for two heads of 8 channels.
fn tensors(blocks: u32, magnitudes: [i32; 3]) -> (Plan, [Tensor; 3]) {
    let embedding = Matrix::new(8, vec![vec![1; 8]]);
    let mut plan = Plan::new(8, 4, embedding).expect("a plan");
    plan.carry(blocks).expect("before attention");
    let x = plan.embed();
    let of = magnitudes.map(|bias| {
        let weights = Matrix::new(8, vec![vec![0; 8]; 16]);
        let bias = vec![bias; 16];
        let shift = 0;
        let product = Product {
            weights,
            bias,
            shift,
        };
        plan.linear(x, product, 16).expect("in range")
    });
    (plan, of)
}

const OF: Attention = Attention {
    heads: 2,
    kv_heads: 2,
    head_dim: 8,
    shift: 0,
    weights: 0,
    mixed_shift: 13,
    bits: 16,
};

/// Attention of these magnitudes, with a table of weights for all distances.
fn attention(blocks: u32, magnitudes: [i32; 3], of: Attention) -> Result<Tensor, PlanError> {
    let (mut plan, [queries, keys, values]) = tensors(blocks, magnitudes);
    plan.table(exp(0.001, 1 << 16)).expect("a table");
    plan.attention(queries, keys, values, of)
}

/// The same with another table, and small numbers.
fn weighs(function: Function, magnitude: i32) -> Result<Tensor, PlanError> {
    let (mut plan, [queries, keys, values]) = tensors(0, [magnitude, 7, 7]);
    plan.table(function).expect("a table");
    plan.attention(queries, keys, values, OF)
}

#[test]
fn heads_fit_their_tensors() {
    assert!(attention(0, [7; 3], OF).is_ok());
    for head_dim in [0, 12] {
        let found = attention(0, [7; 3], Attention { head_dim, ..OF });
        assert_eq!(found, Err(PlanError::HeadChannels(head_dim)));
    }
    for (heads, kv_heads) in [(2, 0), (3, 2), (0, 2)] {
        let of = Attention {
            heads,
            kv_heads,
            ..OF
        };
        let refusal = PlanError::SharedHeads { heads, kv_heads };
        assert_eq!(attention(0, [7; 3], of), Err(refusal));
    }
    let refused = |tensor, heads, kv_heads, expected| {
        let of = Attention {
            heads,
            kv_heads,
            ..OF
        };
        let found = 16;
        let refusal = PlanError::HeadsChannels {
            tensor,
            found,
            expected,
        };
        assert_eq!(attention(0, [7; 3], of), Err(refusal));
    };
    refused("queries", 4, 2, 32);
    refused("keys", 2, 1, 8);
    let (mut plan, [queries, keys, values]) = tensors(0, [7; 3]);
    plan.table(exp(0.001, 1 << 16)).expect("a table");
    let part = Tensor {
        channels: 8,
        ..values
    };
    let refusal = PlanError::HeadsChannels {
        tensor: "values",
        found: 8,
        expected: 16,
    };
    assert_eq!(plan.attention(queries, keys, part, OF), Err(refusal));
    let nobodys = Tensor {
        address: plan.addresses,
        ..keys
    };
    let found = plan.attention(queries, nobodys, values, OF);
    let operation = "attention";
    let [address, channels, magnitude] = [nobodys.address, 16, 7];
    let refusal = PlanError::Unwritten {
        operation,
        address,
        channels: channels as usize,
        magnitude: magnitude.into(),
    };
    assert_eq!(found, Err(refusal));
    assert!(plan.attention(queries, keys, values, OF).is_ok());
    let one = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: 16,
        ..OF
    };
    let refusal = PlanError::HeadDim {
        found: 16,
        expected: 8,
    };
    assert_eq!(plan.attention(queries, keys, values, one), Err(refusal));
    assert_eq!(plan.carry(3), Err(PlanError::CarriedLate(3)));
}

/// Carried numbers have 15 bits, sign included. A carried key can be as large as its bits allow, whatever the own keys are.
#[test]
fn keys_and_values_have_proven_ranges() {
    let bits = |bits| {
        Err(PlanError::CarriedBits {
            operation: "attention",
            bits,
            limit: 15,
        })
    };
    let wide = Attention {
        mixed_shift: 14,
        ..OF
    };
    assert!(attention(0, [7, (1 << 14) - 1, 7], OF).is_ok());
    assert_eq!(attention(0, [7, 1 << 14, 7], OF), bits(16));
    assert!(attention(0, [7, 7, (1 << 14) - 1], wide).is_ok());
    assert_eq!(attention(0, [7, 7, 1 << 14], wide), bits(16));

    // 8 channels of 2^12 and 2^14 are 2^29.
    let far = Attention { shift: 4, ..OF };
    assert!(attention(0, [(1 << 12) - 1, (1 << 14) - 1, 7], far).is_ok());
    let refusal = PlanError::Score {
        reach: 1 << 29,
        limit: 1 << 29,
    };
    let found = attention(0, [1 << 12, (1 << 14) - 1, 7], far);
    assert_eq!(found, Err(refusal));
}

#[test]
fn keys_are_few() {
    let most = (1 << 15) / 8 - 1;
    assert!(attention(most, [7; 3], OF).is_ok());
    let refusal = PlanError::Keys {
        keys: (1 << 15) + 8,
        limit: 1 << 15,
    };
    assert_eq!(attention(most + 1, [7; 3], OF), Err(refusal));
}

/// The largest mixture is of `2^15` keys and values of 15 bits: `(2^13 + 2^14) · 2^14`, below `2^29`. So a result of few bits is checked.
#[test]
fn mixtures_fit_their_bits() {
    let most = (1 << 15) / 8 - 1;
    let largest = [7, 7, (1 << 14) - 1];
    let of = |mixed_shift, bits| Attention {
        mixed_shift,
        bits,
        ..OF
    };
    for (shift, magnitude) in [(14, 3 << 13), (13, 1 << 15)] {
        let mixed = attention(most, largest, of(shift, 16)).expect("in range");
        assert_eq!(mixed.magnitude, magnitude);
    }
    let refusal = PlanError::Bits {
        operation: "attention",
        bits: 16,
        shift: 15,
    };
    assert_eq!(attention(0, [7; 3], of(15, 16)), Err(refusal));
}

/// The table has every distance that scores can have, up to `2^16`; a larger distance has a second limb.
#[test]
fn weights_are_a_table_of_distances() {
    // Scores are at most 8 · 7 · 8, as a carried key of 4 bits can be −8.
    let needed = 2 * 448 + 1;
    assert!(weighs(exp(0.01, needed), 7).is_ok());
    let found = needed - 1;
    let refusal = PlanError::Distances { found, needed };
    assert_eq!(weighs(exp(0.01, found), 7), Err(refusal));
    let needed = 1 << 16;
    assert!(weighs(exp(0.01, needed), 4000).is_ok());
    let found = needed - 1;
    let refusal = PlanError::Distances { found, needed };
    assert_eq!(weighs(exp(0.01, found), 4000), Err(refusal));

    let refusal = PlanError::NoTable {
        operation: "attention",
        table: 1,
    };
    assert_eq!(
        attention(0, [7; 3], Attention { weights: 1, ..OF }),
        Err(refusal)
    );
    let with = |change: &dyn Fn(&mut Function)| {
        let mut table = exp(0.01, 1000);
        change(&mut table);
        weighs(table, 7)
    };
    let refusal = PlanError::Nearest {
        found: NEAREST + 1,
        expected: NEAREST,
    };
    assert_eq!(with(&|table| table.first += 1), Err(refusal));
    for value in [-1, 1 << 15] {
        let refusal = PlanError::Weight {
            distance: 3,
            value,
            limit: 1 << 15,
        };
        assert_eq!(with(&|table| table.values[3] = value), Err(refusal));
    }
    assert!(with(&|table| table.values[3] = (1 << 15) - 1).is_ok());
    let refusal = PlanError::NearestWeight {
        value: (1 << 14) - 1,
        least: 1 << 14,
    };
    assert!(with(&|table| table.values[0] = 1 << 14).is_ok());
    assert_eq!(with(&|table| table.values[0] = (1 << 14) - 1), Err(refusal));
}

/// A distance and its rest are below `2^30` together.
#[test]
fn distances_are_forms() {
    let shifted = |shift, magnitude| attention(0, [magnitude, 7, 7], Attention { shift, ..OF });
    assert!(shifted(14, 7).is_ok());
    let (shift, limit) = (15, 14);
    assert_eq!(shifted(shift, 7), Err(PlanError::Distance { shift, limit }));
    // Any scores below 2^29 have distances below 2^30, so a shift and a second limb fit together.
    let wide = |shift| {
        attention(
            0,
            [(1 << 12) - 1, (1 << 14) - 1, 7],
            Attention { shift, ..OF },
        )
    };
    for shift in [0, 5, 13, 14] {
        assert!(wide(shift).is_ok(), "{shift}");
    }
}

/// Attack: an operation that writes a carried block, whose values the roots bind. Stopped by: the check of the plan.
#[test]
fn nobody_writes_carried_blocks() {
    let mut plan = NEAR.plan(&mut Numbers(4));
    assert_eq!(plan.check(), Ok(()));
    let address = plan.addresses;
    let output = Tensor {
        address,
        channels: 24,
        magnitude: 1,
        length: 24,
        bits: 2,
    };
    plan.operations.push(Operation::Masks(Masks { output }));
    let writers = 2;
    assert_eq!(plan.check(), Err(PlanError::Writers { address, writers }));
}
