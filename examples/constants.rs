//! What it costs to commit to the constants of tensor components, part by part, and what reading them from a disk would.
//!
//! usage: cargo run --release --example constants -- LANES WIDTH HIDDEN LAYERS TOKENS FILE
//!
//! The model has embeddings, two products for each layer, and a choice of the token. FILE is written and read, twice, and removed. Seconds are of all cores
//! together; those of files are of the clock.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Instant;

use blake2::{Blake2s256, Digest};
use cairo_decode::bench::process::cpu_seconds;
use cairo_decode::tensor::{Matrix, Plan, Product, constants};
use cairo_decode::verify::params::{MerkleChannel, PLAIN, pcs_config};
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};

/// Runs a step, and says what it took.
fn timed<T>(what: &str, step: impl FnOnce() -> T) -> T {
    let (cpu, clock) = (cpu_seconds(), Instant::now());
    let done = step();
    let (cpu, clock) = (cpu_seconds() - cpu, clock.elapsed().as_secs_f64());
    println!("{what:<44}{cpu:>8.2} s of cores {clock:>8.2} s");
    done
}

fn plan(sizes: [usize; 5]) -> Plan {
    let [lanes, width, hidden, layers, tokens] = sizes;
    let mut state = 1u64;
    let mut matrix = |inputs: usize, outputs: usize, most: i32| {
        let mut number = || {
            // Knuth's multiplier of a linear congruential generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) as i64 % (2 * i64::from(most) + 1)) as i32 - most
        };
        let mut row = |_| -> Vec<i32> { (0..inputs).map(|_| number()).collect() };
        let rows = (0..outputs).map(&mut row);
        Matrix::new(inputs, rows)
    };
    let mut plan = Plan::new(lanes, width, matrix(width, tokens, 127)).expect("a plan");
    let mut x = plan.embed();
    for _ in 0..layers {
        for outputs in [hidden, width] {
            let product = Product {
                weights: matrix(x.channels, outputs, 60),
                bias: vec![0; outputs],
                shift: 16,
            };
            x = plan.linear(x, product, 14).expect("in range");
        }
    }
    plan.head(x).expect("in range");
    plan
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let sizes: Vec<usize> = arguments.iter().filter_map(|x| x.parse().ok()).collect();
    let (Ok(sizes), Some(file)) = (<[usize; 5]>::try_from(sizes), arguments.get(5)) else {
        eprintln!("usage: constants LANES WIDTH HIDDEN LAYERS TOKENS FILE");
        std::process::exit(2);
    };
    let plan = plan(sizes);
    let constants = timed("columns from the plan", || {
        constants::constants(&plan, plan.lanes).expect("one writer each")
    });
    let set = &PLAIN;
    let domain = CanonicCoset::new(set.max_log_rows + set.params.log_blowup).circle_domain();
    let twiddles = timed("twiddles", || {
        SimdBackend::precompute_twiddles(domain.half_coset)
    });
    let columns = timed("columns as the library takes them", || {
        let tables = constants.tables.iter().flatten();
        let mut columns: Vec<&Vec<BaseField>> = tables.flat_map(|table| table.iter()).collect();
        columns.sort_by_key(|column| column.len());
        let of = |rows: &Vec<BaseField>| {
            let domain = CanonicCoset::new(rows.len().ilog2()).circle_domain();
            let values: BaseColumn = rows.iter().copied().collect();
            CircleEvaluation::<SimdBackend, BaseField, BitReversedOrder>::new(domain, values)
        };
        columns.into_iter().map(of).collect::<Vec<_>>()
    });
    let cells: usize = columns.iter().map(|column| column.values.length).sum();
    println!(
        "{} columns, {:.1} M values",
        columns.len(),
        cells as f64 / 1e6
    );
    let polynomials = timed("interpolation", || {
        SimdBackend::interpolate_columns(columns, &twiddles)
    });
    let tree = timed("evaluation on the larger domain, hashing", || {
        CommitmentTreeProver::<SimdBackend, MerkleChannel>::new(
            polynomials,
            set.params.log_blowup,
            &twiddles,
            true,
            pcs_config(&set.params).lifting_log_size,
            &BaseColumnPool::new(),
        )
    });
    let mut bytes: Vec<u8> = vec![];
    timed("copied into one piece", || {
        for polynomial in &tree.polynomials {
            let coefficients = polynomial.coeffs.as_ref().expect("kept");
            for values in [&coefficients.coeffs, &polynomial.evals.values] {
                let numbers = values.data.iter().flat_map(|packed| packed.to_array());
                bytes.extend(numbers.flat_map(|number| number.0.to_le_bytes()));
            }
        }
        for layer in &tree.commitment.layers {
            bytes.extend(layer.iter().flat_map(|hash| hash.0));
        }
    });
    drop(tree);
    println!("{:.2} GB", bytes.len() as f64 / 1e9);
    timed("Blake2s of it", || Blake2s256::digest(&bytes));
    timed("written and synced", || {
        let mut file = File::create(file).expect("a file");
        file.write_all(&bytes).expect("written");
        file.sync_all().expect("synced");
    });
    for read in ["read, as the system has it", "read again"] {
        timed(read, || {
            bytes.clear();
            let mut file = File::open(file).expect("a file");
            file.read_to_end(&mut bytes).expect("read");
        });
    }
    std::fs::remove_file(file).expect("removed");
}
