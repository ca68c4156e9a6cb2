//! Norms that a plan refuses, each by the name of its check, and the largest ones that it does not refuse.

use cairo_decode::tensor::{Function, Matrix, Norm, NormKind, Plan, PlanError, Product, Tensor};

use crate::Numbers;

/// Channels of these plans' embeddings.
const WIDTH: usize = 8;

/// A plan of one embedding, whose values are at most 100.
fn embedded() -> (Plan, Tensor) {
    let mut embedding = Numbers(3).rows(WIDTH, 2, 100);
    embedding[0][0] = 100;
    let embedding = Matrix::new(WIDTH, embedding);
    let mut plan = Plan::new(8, 12, embedding).expect("a plan");
    let x = plan.embed();
    (plan, x)
}

/// A norm with the largest numbers that it takes, and each of them one further.
#[test]
fn a_norm_has_proven_ranges() {
    let (mut plan, x) = embedded();
    let of = Norm {
        kind: NormKind::Rms,
        grain: 4,
        floor: 1 << 10,
        bits: 15,
    };
    for bits in [14, 16] {
        assert!(plan.norm(x, Norm { bits, ..of }).is_ok());
    }
    for bits in [13, 17] {
        let (least, most) = (14, 16);
        let refusal = PlanError::NormBits { bits, least, most };
        assert_eq!(plan.norm(x, Norm { bits, ..of }), Err(refusal));
    }
    let (least, limit) = (1 << 10, 1 << 28);
    for floor in [least, limit - 1] {
        assert!(plan.norm(x, Norm { floor, ..of }).is_ok());
    }
    for floor in [least - 1, limit, -1] {
        let refusal = PlanError::NormFloor {
            floor,
            least,
            limit,
        };
        assert_eq!(plan.norm(x, Norm { floor, ..of }), Err(refusal));
    }
    // 100 · 2^21 is below 2^28.
    assert!(plan.norm(x, Norm { grain: 21, ..of }).is_ok());
    for grain in [22, 31, 32, 64, u32::MAX] {
        let refusal = PlanError::NormLength {
            channels: WIDTH,
            magnitude: 100,
            grain,
        };
        assert_eq!(plan.norm(x, Norm { grain, ..of }), Err(refusal));
    }
    let of = Norm {
        kind: NormKind::Layer,
        ..of
    };
    assert_eq!(plan.norm(x, of), Err(PlanError::NormKinds));
    let (mut plan, x) = embedded();
    assert!(plan.norm(x, of).is_ok());
    let address = x.address + 8;
    let unwritten = Tensor { address, ..x };
    let refusal = PlanError::Unwritten {
        operation: "norm",
        address,
        channels: WIDTH,
        magnitude: 100,
    };
    assert_eq!(plan.norm(unwritten, of), Err(refusal));
}

/// The most channels, and the longest stream of them: `‖x‖` is below `2^30`, whatever the grain.
#[test]
fn a_norm_has_a_unit_for_every_stream() {
    let norm = |channels: usize, magnitude: i32, grain: u32| {
        let embedding = Matrix::new(8, [[magnitude, 0, 0, 0, 0, 0, 0, 0]]);
        let mut plan = Plan::new(8, 12, embedding).expect("a plan");
        let x = plan.embed();
        let mut weights = vec![vec![0; 8]; channels];
        for row in &mut weights {
            row[0] = 1;
        }
        let of = Product {
            weights: Matrix::new(8, weights),
            bias: vec![0; channels],
            shift: 0,
        };
        // As large as the embedding's first channel.
        let table = plan.table(Function {
            first: -1,
            values: vec![magnitude, 0, magnitude],
        });
        let table = table.expect("a table");
        let small = plan.linear(x, small(), 2).expect("in range");
        let stream = plan.function(small, of, table).expect("in range");
        let norm = Norm {
            kind: NormKind::Layer,
            grain,
            floor: 1 << 10,
            bits: 15,
        };
        plan.norm(stream, norm)
    };
    assert!(norm(4088, 1 << 24, 0).is_ok());
    let refusal = PlanError::NormLength {
        channels: 4089,
        magnitude: 1 << 24,
        grain: 0,
    };
    assert_eq!(norm(4089, 1 << 24, 0), Err(refusal));
    assert!(norm(1023, 1 << 24, 1).is_ok());
    assert!(norm(1024, 1 << 24, 1).is_err());
    assert!(norm(4095, 1, 0).is_ok());
    let refusal = PlanError::NormChannels {
        channels: 4096,
        limit: 4095,
    };
    assert_eq!(norm(4096, 1, 0), Err(refusal));
}

/// A product that makes at most 1 of an embedding, however large its channels are.
fn small() -> Product {
    Product {
        weights: Matrix::new(8, vec![vec![0; 8]; 8]),
        bias: vec![1; 8],
        shift: 0,
    }
}

/// A norm's results are together no longer than one of them can be: eight of them add up to `√8` times as much, not to eight times. Other tensors have no such range.
#[test]
fn products_of_a_norm_have_the_range_of_its_length() {
    let (mut plan, x) = embedded();
    let of = Norm::finest(NormKind::Rms, WIDTH, x.magnitude, 1.0, 15);
    let y = plan.norm(x, of).expect("in range");
    assert_eq!((y.magnitude, y.length), (16_376, 16_379));
    let sum = |shift: u32| Product {
        weights: Matrix::new(WIDTH, vec![vec![1; WIDTH]]),
        bias: vec![0],
        shift,
    };
    let added = plan.linear(y, sum(1), 16).expect("in range");
    // √8 · 16379 / 2, rounded.
    assert_eq!(added.magnitude, 23_163);
    let bias = vec![16_376; WIDTH];
    let constant = Product {
        weights: Matrix::new(WIDTH, vec![vec![0; WIDTH]; WIDTH]),
        bias,
        shift: 0,
    };
    let constant = plan.linear(x, constant, 15).expect("in range");
    let added = plan.linear(constant, sum(3), 16).expect("in range");
    assert_eq!(added.magnitude, 16_376);
}
