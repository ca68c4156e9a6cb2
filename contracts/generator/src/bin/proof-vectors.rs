//! Writes the vectors of the contract's unit tests, `contracts/src/vectors.cairo`, from the prover's crates:
//! `cargo run --release -p verifier-generator --bin proof-vectors`; with `--check` it compares.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use cairo_decode::wrap::shape::AGGREGATE;
use circuit_verifier::circuit_claim::column_log_sizes_per_tree;
use circuit_verifier::statement::all_circuit_components;
use circuits::ivalue::NoValue;
use stwo::core::channel::{Blake2sM31Channel, Channel, MerkleChannel};
use stwo::core::circle::{CirclePoint, Coset};
use stwo::core::fields::FieldExpOps;
use stwo::core::fields::m31::{BaseField, M31};
use stwo::core::fields::qm31::{QM31, SecureField};
use stwo::core::fri::{fold_circle_into_line, fold_coset};
use stwo::core::pcs::TreeVec;
use stwo::core::pcs::quotients::{PointSample, fri_answers};
use stwo::core::poly::circle::{CanonicCoset, CircleDomain};
use stwo::core::poly::line::LineDomain;
use stwo::core::queries::{Queries, draw_queries};
use stwo::core::utils::bit_reverse_index;
use stwo::core::vcs::blake2_hash::{Blake2sHash, Blake2sHasherGeneric};
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sM31MerkleChannel, Blake2sM31MerkleHasher};
use stwo::prover::backend::CpuBackend;
use stwo::prover::vcs_lifted::prover::MerkleProverLifted;

/// Numbers without a pattern: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u32
    }

    fn base(&mut self) -> BaseField {
        M31::from(self.word() % stwo::core::fields::m31::P)
    }

    fn secure(&mut self) -> SecureField {
        QM31::from_m31_array(std::array::from_fn(|_| self.base()))
    }
}

/// The text of the module.
struct Module(String);

impl Module {
    fn words(&mut self, doc: &str, name: &str, words: &[u32]) {
        let _ = write!(
            self.0,
            "\n/// {doc}\npub const {name}: [u32; {}] = [\n",
            words.len()
        );
        for row in words.chunks(8) {
            let row: Vec<String> = row.iter().map(u32::to_string).collect();
            let _ = writeln!(self.0, "    {},", row.join(", "));
        }
        self.0 += "];\n";
    }
}

fn digest(hash: &Blake2sHash) -> Vec<u32> {
    let word = |c: &[u8]| u32::from_le_bytes([c[0], c[1], c[2], c[3]]);
    hash.0.chunks_exact(4).map(word).collect()
}

fn limbs(x: &QM31) -> [u32; 4] {
    x.to_m31_array().map(|x| x.0)
}

fn hashes(module: &mut Module) {
    let words: Vec<u32> = (0..152u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let mut all = vec![];
    for n in [1, 8, 15, 16, 17, 32, 45, 152] {
        let bytes: Vec<u8> = words[..n].iter().flat_map(|w| w.to_le_bytes()).collect();
        all.extend(digest(&Blake2sHasherGeneric::<true>::hash(&bytes)));
    }
    module.words(
        "Digests of the words i · 0x9e3779b9 mod 2^32 for i = 0 to n − 1, n = 1, 8, 15, 16, 17, 32, 45, 152.",
        "HASHES",
        &all,
    );
}

fn channel(module: &mut Module) {
    let channel = &mut Blake2sM31Channel::default();
    let mut steps = vec![];
    channel.mix_felts(&[QM31::from_u32_unchecked(1, 2, 3, 4)]);
    steps.extend(digest(&channel.digest()));
    let five: Vec<QM31> = (0..5)
        .map(|i| QM31::from_u32_unchecked(i, i + 1, i + 2, i + 3))
        .collect();
    channel.mix_felts(&five);
    steps.extend(digest(&channel.digest()));
    let root = channel.digest();
    Blake2sM31MerkleChannel::mix_root(channel, root);
    steps.extend(digest(&channel.digest()));
    channel.mix_u64(0x1234_5678_9abc_def0);
    steps.extend(digest(&channel.digest()));
    module.words(
        "Digests after mixing 1 + 2 i + 3 u + 4 iu; then five elements (k, k + 1, k + 2, k + 3); then the digest itself as a root; then 0x123456789abcdef0.",
        "MIXED",
        &steps,
    );
    let mut drawn = vec![];
    drawn.extend(limbs(&channel.draw_secure_felt()));
    for x in channel.draw_secure_felts(2) {
        drawn.extend(limbs(&x));
    }
    module.words(
        "Drawn then: one element, two elements at once.",
        "DRAWN",
        &drawn,
    );
    let raw = draw_queries(channel, 23, 22);
    let queries: Vec<u32> = Queries::new(&raw, 23).iter().map(|&q| q as u32).collect();
    module.words(
        "Drawn then: 22 queries of 23 bits, sorted.",
        "QUERIES",
        &queries,
    );
    let nonce = (0..)
        .find(|&n| channel.verify_pow_nonce(12, n))
        .unwrap_or_default();
    module.words(
        "The first nonce with 12 bits of work on the last digest, and the first with fewer behind it.",
        "NONCES",
        &[
            nonce as u32,
            (nonce + 1..).find(|&n| !channel.verify_pow_nonce(12, n)).unwrap_or_default() as u32,
        ],
    );
}

fn merkle(module: &mut Module, numbers: &mut Numbers) {
    let columns: Vec<Vec<BaseField>> = [2, 4, 3]
        .iter()
        .map(|&log| (0..1 << log).map(|_| numbers.base()).collect())
        .collect();
    let columns: Vec<&Vec<BaseField>> = columns.iter().collect();
    let tree =
        MerkleProverLifted::<CpuBackend, Blake2sM31MerkleHasher>::commit(columns.clone(), 4, 0);
    let positions = vec![1usize, 6, 7, 12];
    let (values, decommitment) = tree.decommit(&positions, columns);
    module.words(
        "Root of a tree of columns of 4, 16 and 8 rows, lifted to 16.",
        "TREE_ROOT",
        &digest(&tree.root()),
    );
    let rows: Vec<u32> = (0..positions.len())
        .flat_map(|q| [0, 2, 1].map(|c| values[c][q].0))
        .collect();
    module.words(
        "Its rows, sorted by size, at 1, 6, 7 and 12.",
        "TREE_ROWS",
        &rows,
    );
    let witness: Vec<u32> = decommitment
        .decommitment
        .hash_witness
        .iter()
        .flat_map(digest)
        .collect();
    module.words("Its witness.", "TREE_WITNESS", &witness);
}

fn folds(module: &mut Module, numbers: &mut Numbers) {
    let values: Vec<SecureField> = (0..16).map(|_| numbers.secure()).collect();
    let alpha = numbers.secure();
    let flat: Vec<u32> = values.iter().flat_map(limbs).collect();
    module.words("Values of a coset.", "COSET", &flat);
    module.words("The factor of its folding.", "ALPHA", &limbs(&alpha));
    let mut folded = vec![];
    let start = 16 * 0x5_1234usize;
    let domain = CanonicCoset::new(23).circle_domain();
    let initial = domain.index_at(bit_reverse_index(start, 23));
    let first = fold_circle_into_line(&values, CircleDomain::new(Coset::new(initial, 3)), alpha);
    let line = LineDomain::new(Coset::new(initial, 3));
    folded.extend(limbs(&fold_coset(first, line, alpha * alpha)));
    for log_size in [19, 15, 7] {
        let start = 16 * (0x1234 % (1usize << (log_size - 4)));
        let domain = LineDomain::new(Coset::half_odds(log_size));
        let initial = domain.coset().index_at(bit_reverse_index(start, log_size));
        let line = LineDomain::new(Coset::new(initial, 4));
        folded.extend(limbs(&fold_coset(values.clone(), line, alpha)));
    }
    module.words(
        "Folded: coset 0x51234 of the circle domain of 2^23 points; coset 0x1234 mod 2^(n − 4) of the lines of 2^n, n = 19, 15, 7.",
        "FOLDED",
        &folded,
    );
    let places = [0usize, 1, 2, 3, 0x12_3457, 0x7f_ffff];
    let points: Vec<u32> = places
        .iter()
        .map(|&p| domain.at(bit_reverse_index(p, 23)))
        .flat_map(|p: CirclePoint<BaseField>| [p.x.0, p.y.0])
        .collect();
    module.words(
        "Points at the places 0, 1, 2, 3, 0x123457, 0x7fffff of the circle domain of 2^23 points.",
        "POINTS",
        &points,
    );
}

/// Log sizes of the columns of the four trees, on the trace domain.
fn log_sizes() -> [Vec<u32>; 4] {
    let fixed = AGGREGATE.column_log_sizes();
    let components = all_circuit_components::<NoValue>();
    let sizes: Vec<u32> = components
        .values()
        .map(|c| c.log_size(&fixed).unwrap_or_default())
        .collect();
    let [trace, interaction] = column_log_sizes_per_tree(&sizes.try_into().unwrap_or_default());
    let composition = vec![AGGREGATE.trace_log_size(); 8];
    [
        fixed.values().copied().collect(),
        trace,
        interaction,
        composition,
    ]
}

fn quotients(module: &mut Module, numbers: &mut Numbers) {
    let trace = AGGREGATE.trace_log_size();
    let domain = trace + 3;
    let sizes = log_sizes();
    let t = numbers.secure();
    let denominator = (t * t + QM31::from(M31::from(1))).inverse();
    let oods = CirclePoint {
        x: (QM31::from(M31::from(1)) - t * t) * denominator,
        y: (t + t) * denominator,
    };
    let previous = oods + CanonicCoset::new(trace).step().mul_signed(-1).into_ef();
    // Which interaction columns have two samples.
    let mut twice = vec![];
    for component in all_circuit_components::<NoValue>().values() {
        let n = component.interaction_columns();
        twice.extend((0..n).map(|i| i + 4 >= n));
    }
    let mut sampled = vec![];
    let mut samples = vec![];
    for (i, tree) in sizes.iter().enumerate() {
        let column = |(place, _)| {
            let points = match i == 2 && twice[place] {
                true => vec![previous, oods],
                false => vec![oods],
            };
            let sample = |point| {
                let value = numbers.secure();
                sampled.extend(limbs(&value));
                PointSample { point, value }
            };
            points.into_iter().map(sample).collect()
        };
        samples.push(
            tree.iter()
                .enumerate()
                .map(column)
                .collect::<Vec<Vec<PointSample>>>(),
        );
    }
    let positions = [5usize, 0x7a_bcde];
    let queried: Vec<Vec<Vec<BaseField>>> = sizes
        .iter()
        .map(|tree| {
            tree.iter()
                .map(|_| positions.map(|_| numbers.base()).to_vec())
                .collect()
        })
        .collect();
    let mut rows = vec![];
    for (tree, values) in sizes.iter().zip(&queried) {
        let mut order: Vec<usize> = (0..tree.len()).collect();
        order.sort_by_key(|&c| tree[c]);
        for (q, _) in positions.iter().enumerate() {
            rows.extend(order.iter().map(|&c| values[c][q].0));
            rows.extend(vec![0; tree.len().next_multiple_of(8) - tree.len()]);
        }
    }
    let coefficient = numbers.secure();
    let lifted = sizes.map(|tree| tree.iter().map(|&n| n + 3).collect());
    let answers = fri_answers(
        TreeVec::new(lifted.to_vec()),
        TreeVec::new(samples),
        coefficient,
        &positions,
        TreeVec::new(queried),
        domain,
    );
    let answers: Vec<u32> = answers.unwrap_or_default().iter().flat_map(limbs).collect();
    module.words(
        "Parameter of a point out of the domain.",
        "OODS",
        &limbs(&t),
    );
    module.words(
        "Coefficient of the quotients.",
        "COEFFICIENT",
        &limbs(&coefficient),
    );
    module.words(
        "Samples of all columns, in the order of commitment.",
        "SAMPLES",
        &sampled,
    );
    module.words(
        "Rows at 5 and 0x7abcde: tree after tree, each padded to multiples of eight.",
        "ROWS",
        &rows,
    );
    module.words("FRI's input there.", "ANSWERS", &answers);
}

fn main() -> anyhow::Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("unknown argument {other:?}; the only one is --check"),
    };
    let mut module = Module(String::from(
        "\
//! GENERATED by `cargo run --release -p verifier-generator --bin proof-vectors` from the prover's crates.
//! Do not edit.
//!
//! Vectors of the unit tests.
",
    ));
    let numbers = &mut Numbers(1);
    hashes(&mut module);
    channel(&mut module);
    merkle(&mut module, numbers);
    folds(&mut module, numbers);
    quotients(&mut module, numbers);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/vectors.cairo");
    if check {
        let found = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if found != module.0 {
            bail!("{}: is not what the prover's crates give", file.display());
        }
        return Ok(());
    }
    std::fs::write(&file, module.0).with_context(|| file.display().to_string())
}
