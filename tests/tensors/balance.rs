//! Whether a witness is one, without a proof: every constraint of every row, every relation of this project's, and
//! the zero sum under random challenges.
//!
//! A proof says the same, and takes seconds instead of microseconds; `proofs` holds the two against each other.

use std::collections::BTreeMap;

use cairo_decode::air::challenges::{Challenges, Kind};
use cairo_decode::air::components::relations::{ADDRESS, OPCODES, VALUE};
use cairo_decode::air::transcript::Channel;
use cairo_decode::prove::tensor::interaction;
use cairo_decode::prove::tensor::{Constants, Witness, messages};
use stwo::core::channel::Channel as _;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_constraint_framework::Relation;

use crate::scalar::{ScalarColumns, ScalarRow, Sink};

/// What rows say: whether a constraint is broken, what they use, what they add to the sum.
#[derive(Clone, Default)]
pub struct Findings {
    broken: bool,
    tuples: BTreeMap<Vec<u32>, M31>,
    sum: QM31,
    /// The powers of the row before; from then on the row's own.
    powers: Vec<QM31>,
}

impl Findings {
    /// Takes away what other rows say.
    fn less(&mut self, other: &Findings) {
        for (tuple, count) in &other.tuples {
            *self.tuples.entry(tuple.clone()).or_default() -= *count;
        }
        self.sum -= other.sum;
    }

    /// The relations whose uses and yields are not equal.
    fn open(&self) -> Vec<u32> {
        let open = self
            .tuples
            .iter()
            .filter(|(_, count)| **count != M31::from(0));
        open.map(|(tuple, _)| tuple.first().copied().unwrap_or(0))
            .collect()
    }
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
        self.powers
            .resize(self.powers.len().max(place + 1), QM31::default());
        self.powers[place] = self.powers[place] * factor + first;
        self.powers[place]
    }

    fn sums(&mut self, term: QM31) {
        self.sum += term;
    }
}

/// What a check has otherwise than a verifier: messages so often as large as the inputs say, and kinds of sums that have one factor.
#[derive(Clone, Copy)]
struct Weakened<'a> {
    times: u32,
    alike: &'a [Kind],
}

/// The challenges of a witness: any, and the messages that it makes.
fn challenges(constants: &Constants, witness: &Witness, weakened: Weakened<'_>) -> Challenges {
    let Weakened { times, alike } = weakened;
    let mut channel = Channel::default();
    channel.mix_felts(&[QM31::from(M31::from(42))]);
    let mut challenges = Challenges::draw(&mut channel, Some(&constants.layout));
    if let [first, others @ ..] = alike {
        let kappa = &mut challenges.weights.kappa;
        others
            .iter()
            .for_each(|kind| kappa[*kind as usize] = kappa[*first as usize]);
    }
    let messages = messages(constants, witness, &challenges).into_iter();
    let messages = messages.map(|message| message * M31::from(times));
    challenges.bind(messages.collect(), &mut channel);
    challenges
}

/// What does not fit in a witness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit {
    /// Components and rows with a constraint that is broken.
    pub broken: Vec<(String, usize)>,
    /// The relation of each tuple whose uses and yields are not equal.
    pub open: Vec<u32>,
    /// Whether the zero sum is not zero.
    pub sum: bool,
}

/// A witness that fits, and the powers of its rows: what a lie is held against.
pub struct Honest<'a> {
    constants: &'a Constants,
    pub witness: &'a Witness,
    challenges: Challenges,
    /// By component and row: the powers of the row before.
    powers: Vec<Vec<Vec<QM31>>>,
}

impl<'a> Honest<'a> {
    /// # Panics
    /// The witness does not fit.
    pub fn new(constants: &'a Constants, witness: &'a Witness) -> Honest<'a> {
        Honest::check(constants, witness, 1).expect("a witness that fits")
    }

    /// With messages so often as large as the inputs say: what does not fit, if something does not.
    pub fn check(
        constants: &'a Constants,
        witness: &'a Witness,
        times: u32,
    ) -> Result<Honest<'a>, Misfit> {
        let weakened = Weakened { times, alike: &[] };
        Honest::weakened(constants, witness, weakened)
    }

    /// With one factor for these kinds of sums: what does not fit, if something does not.
    pub fn check_alike(
        constants: &'a Constants,
        witness: &'a Witness,
        alike: &[Kind],
    ) -> Result<Honest<'a>, Misfit> {
        let weakened = Weakened { times: 1, alike };
        Honest::weakened(constants, witness, weakened)
    }

    fn weakened(
        constants: &'a Constants,
        witness: &'a Witness,
        weakened: Weakened<'_>,
    ) -> Result<Honest<'a>, Misfit> {
        let challenges = challenges(constants, witness, weakened);
        let mut honest = Honest {
            constants,
            witness,
            challenges,
            powers: vec![],
        };
        let mut all = Findings::default();
        let mut misfit = Misfit::default();
        for (i, placed) in constants.layout.components.iter().enumerate() {
            let mut powers = vec![];
            all.powers = vec![];
            for row in 0..1 << placed.log_rows {
                powers.push(all.powers.clone());
                honest.row(witness, i, row, &mut all);
                if std::mem::take(&mut all.broken) {
                    misfit.broken.push((placed.component.to_string(), row));
                }
            }
            honest.powers.push(powers);
        }
        // The other side of Cairo's relations is in Cairo's components.
        let cairos = [ADDRESS, OPCODES, VALUE].map(|relation| relation.0);
        misfit.open = all.open();
        misfit.open.retain(|relation| !cairos.contains(relation));
        misfit.sum = all.sum != honest.challenges.messages_sum();
        let fits = misfit == Misfit::default();
        fits.then_some(honest).ok_or(misfit)
    }

    fn row(&self, witness: &Witness, component: usize, row: usize, findings: &mut Findings) {
        let layout = &self.constants.layout;
        let columns = ScalarColumns {
            constants: &self.constants.tables[component],
            trace: &witness.tables[component],
        };
        let mut row = ScalarRow::new(&columns, row, findings);
        layout.components[component].component.evaluate(
            layout.lanes,
            &self.challenges.weights,
            &mut row,
        );
    }

    /// What a row and the next one say in a witness.
    fn around(&self, witness: &Witness, component: usize, row: usize) -> Findings {
        let rows = self.powers[component].len();
        let mut both = Findings::default();
        for row in [row, (row + 1) % rows] {
            both.powers = self.powers[component][row].clone();
            self.row(witness, component, row, &mut both);
        }
        both
    }

    /// What a witness that is another in one row of a component says otherwise.
    fn differs(&self, lie: &Witness, component: usize, row: usize) -> Findings {
        let mut said = self.around(lie, component, row);
        said.less(&self.around(self.witness, component, row));
        said
    }

    /// Whether a witness that is another in one row of a component fits as well.
    pub fn accepts(&self, lie: &Witness, component: usize, row: usize) -> bool {
        let said = self.differs(lie, component, row);
        !said.broken && said.open().is_empty() && said.sum == QM31::default()
    }

    /// What a witness that is another in one row of a component adds to the zero sum.
    pub fn change(&self, lie: &Witness, component: usize, row: usize) -> QM31 {
        self.differs(lie, component, row).sum
    }
}

/// The sum of the fractions of all rows of a component, one by one.
pub fn sum_of_rows(constants: &Constants, witness: &Witness, component: usize) -> (QM31, QM31) {
    struct Fractions<'a> {
        challenges: &'a Challenges,
        powers: Vec<QM31>,
        sum: QM31,
    }
    impl Sink for Fractions<'_> {
        fn uses(&mut self, on: M31, tuple: &[M31]) {
            let denominator: QM31 = self.challenges.elements.combine(tuple);
            self.sum += QM31::from(on) / denominator;
        }
        fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31 {
            self.powers
                .resize(self.powers.len().max(place + 1), QM31::default());
            self.powers[place] = self.powers[place] * factor + first;
            self.powers[place]
        }
        fn sums(&mut self, term: QM31) {
            self.sum += term;
        }
    }
    let challenges = challenges(
        constants,
        witness,
        Weakened {
            times: 1,
            alike: &[],
        },
    );
    let placed = constants.layout.components[component];
    let columns = ScalarColumns {
        constants: &constants.tables[component],
        trace: &witness.tables[component],
    };
    let mut all = Fractions {
        challenges: &challenges,
        powers: vec![],
        sum: QM31::default(),
    };
    for row in 0..1 << placed.log_rows {
        let mut row = ScalarRow::new(&columns, row, &mut all);
        placed
            .component
            .evaluate(constants.layout.lanes, &challenges.weights, &mut row);
    }
    let (_, written) = interaction::write(
        placed,
        &constants.layout,
        &challenges,
        (columns.constants, columns.trace),
    );
    (all.sum, written)
}
