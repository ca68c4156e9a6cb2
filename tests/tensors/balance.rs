//! Whether a witness is one, without a proof: every constraint of every row, every relation of this project's, and
//! the zero sum under random challenges.
//!
//! A proof says the same, and takes seconds instead of milliseconds; `proofs` holds the two against each other.

use std::collections::BTreeMap;

use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::components::Component;
use cairo_decode::air::components::relations::{ADDRESS, OPCODES, VALUE};
use cairo_decode::air::transcript::Channel;
use cairo_decode::prove::tensor::scalar::{ScalarColumns, ScalarRow, Sink};
use cairo_decode::prove::tensor::{Constants, Witness};
use stwo::core::channel::Channel as _;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

/// What is wrong with a witness.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Constraint(Component),
    /// A tuple that is used more often, or less often, than it is yielded; by its relation.
    Relation(u32),
    /// The sum of all terms.
    Sum,
}

#[derive(Default)]
struct Findings {
    broken: bool,
    tuples: BTreeMap<Vec<u32>, M31>,
    sum: QM31,
    powers: BTreeMap<usize, QM31>,
}

impl Sink for Findings {
    fn zero(&mut self, number: M31) {
        self.broken |= number != M31::from(0);
    }

    fn uses(&mut self, on: M31, tuple: &[M31]) {
        let mut tuple: Vec<u32> = tuple.iter().map(|element| element.0).collect();
        // Elements that are 0 at the end of a tuple make no difference to it.
        while tuple.last() == Some(&0) {
            tuple.pop();
        }
        *self.tuples.entry(tuple).or_default() += on;
    }

    fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31 {
        let power = self.powers.entry(place).or_default();
        *power = *power * factor + first;
        *power
    }

    fn sums(&mut self, term: QM31) {
        self.sum += term;
    }
}

/// The challenges of a witness: any, and the messages that it makes.
pub fn challenges(constants: &Constants, witness: &Witness) -> Challenges {
    let mut channel = Channel::default();
    channel.mix_felts(&[QM31::from(M31::from(42))]);
    let mut challenges = Challenges::draw(&mut channel, true);
    let inputs = constants
        .layout
        .components
        .iter()
        .position(|p| p.component == Component::HeadInput);
    let table = &witness.tables[inputs.expect("a head")];
    // Behind three operands, the values.
    let message = |row: usize| {
        let lanes: Vec<M31> = table[3..].iter().map(|column| column[row]).collect();
        challenges.over_lanes(&lanes)
    };
    let messages: Vec<QM31> = (0..constants.layout.messages).map(message).collect();
    challenges.bind(messages, &mut channel);
    challenges
}

/// Every fault of a witness. The relations of Cairo's own are left out: its components hold their other side.
pub fn faults(constants: &Constants, witness: &Witness) -> Vec<Fault> {
    let challenges = challenges(constants, witness);
    let mut faults = vec![];
    let mut all = Findings::default();
    for (i, placed) in constants.layout.components.iter().enumerate() {
        let columns = ScalarColumns {
            constants: &constants.tables[i],
            trace: &witness.tables[i],
        };
        all.powers.clear();
        all.broken = false;
        for row in 0..1 << placed.log_rows {
            let mut row = ScalarRow::new(&columns, row, &mut all);
            placed
                .component
                .evaluate(constants.layout.lanes, &challenges, &mut row);
        }
        if all.broken {
            faults.push(Fault::Constraint(placed.component));
        }
    }
    let cairos = [ADDRESS, OPCODES, VALUE].map(|relation| relation.0);
    for (tuple, count) in &all.tuples {
        let relation = tuple.first().copied().unwrap_or(0);
        if *count != M31::from(0) && !cairos.contains(&relation) {
            faults.push(Fault::Relation(relation));
        }
    }
    if all.sum != challenges.messages_sum() {
        faults.push(Fault::Sum);
    }
    faults.sort();
    faults.dedup();
    faults
}
