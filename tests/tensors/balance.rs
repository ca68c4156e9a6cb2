//! Whether a witness is one, without a proof: every constraint of every row, every relation of this project's, and
//! the zero sum under random challenges.
//!
//! A proof says the same, and takes seconds instead of microseconds; `proofs` holds the two against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;

use cairo_decode::air::challenges::{Challenges, Kind};
use cairo_decode::air::components::relations::{ADDRESS, OPCODES, VALUE};
use cairo_decode::air::transcript::Channel;
use cairo_decode::prove::tensor::interaction;
use cairo_decode::prove::tensor::{Constants, Witness, messages};
use stwo::core::channel::Channel as _;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_constraint_framework::Relation;

use crate::findings::{Findings, shortest};
use crate::scalar::{ScalarColumns, ScalarRow, Sink, next_power};
use crate::sites::{self, Said, Seen, Site, Terms};

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
    let mut challenges = Challenges::draw(&mut channel, &constants.layout);
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
    /// The tuples of all rows.
    tuples: BTreeMap<Vec<u32>, M31>,
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
            tuples: BTreeMap::new(),
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
        if sites::are_recorded() && weakened.alike.is_empty() {
            honest.record(witness, &misfit, &all.tuples);
        }
        honest.tuples = all.tuples;
        let fits = misfit == Misfit::default();
        fits.then_some(honest).ok_or(misfit)
    }

    /// Records which place of a definition alone refuses a witness: one more look at its rows, at what does not fit.
    fn record(&mut self, witness: &Witness, misfit: &Misfit, tuples: &BTreeMap<Vec<u32>, M31>) {
        for (i, placed) in self.constants.layout.components.iter().enumerate() {
            let mut seen = Seen(placed.component.document_name());
            self.evaluate(witness, i, 0, &mut seen);
        }
        if *misfit == Misfit::default() {
            return;
        }
        let mut all = Findings {
            said: Some(Box::new(Said::about(tuples))),
            ..Findings::default()
        };
        for (i, placed) in self.constants.layout.components.iter().enumerate() {
            all.powers = vec![];
            for row in 0..1 << placed.log_rows {
                self.row(witness, i, row, &mut all);
            }
        }
        let Some(said) = all.said else { return };
        if !misfit.sum {
            said.record_all(tuples);
        } else if said.only_the_sum(tuples) {
            self.record_sum(witness, &said);
        }
    }

    /// Which equation of the sum a witness breaks: the one without which the others hold.
    fn record_sum(&mut self, witness: &Witness, said: &Said) {
        let weights = self.challenges.weights.clone();
        for kind in (0..weights.kappa.len()).map(Some).chain([None]) {
            match kind {
                Some(kind) => self.challenges.weights.kappa[kind] = QM31::default(),
                None => self.challenges.weights.tau = QM31::default(),
            }
            let other = self.terms(witness);
            if other.values().copied().sum::<QM31>() == self.challenges.messages_sum() {
                said.record_sum(kind, &other);
            }
            self.challenges.weights = weights.clone();
        }
    }

    /// What each place of a definition adds to the zero sum.
    fn terms(&self, witness: &Witness) -> BTreeMap<Site, QM31> {
        let mut terms = Terms::default();
        for (i, placed) in self.constants.layout.components.iter().enumerate() {
            terms.of(placed.component.document_name());
            for row in 0..1 << placed.log_rows {
                self.evaluate(witness, i, row, &mut terms);
                if terms.none() {
                    break;
                }
            }
        }
        terms.sums
    }

    fn row(&self, witness: &Witness, component: usize, row: usize, findings: &mut Findings) {
        findings.of_component(self.constants.layout.components[component].component);
        self.evaluate(witness, component, row, findings);
    }

    fn evaluate(&self, witness: &Witness, component: usize, row: usize, sink: &mut impl Sink) {
        let layout = &self.constants.layout;
        let columns = ScalarColumns {
            constants: &self.constants.tables[component],
            trace: &witness.tables[component],
        };
        let mut row = ScalarRow::new(&columns, row, sink);
        layout.components[component].component.evaluate(
            layout.lanes,
            &self.challenges.weights,
            &mut row,
        );
    }

    /// What a row and the next one say in a witness.
    fn around(&self, witness: &Witness, component: usize, row: usize) -> Findings {
        let rows = self.powers[component].len();
        let mut both = Findings {
            said: sites::are_recorded().then(Box::default),
            ..Findings::default()
        };
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
        if let Some(of_lie) = &said.said
            && said.sum == QM31::default()
        {
            of_lie.record_difference(&said.tuples, &self.tuples);
        }
        !said.broken && said.open().is_empty() && said.sum == QM31::default()
    }

    /// The relations of tuples that a witness uses and no table offers, Cairo's memory included: that offers what this witness uses of it.
    pub fn unlike(&self, lie: &Witness) -> BTreeSet<u32> {
        let mut all = Findings {
            said: Some(Box::default()),
            ..Findings::default()
        };
        for (i, placed) in self.constants.layout.components.iter().enumerate() {
            all.powers = vec![];
            for row in 0..1 << placed.log_rows {
                self.row(lie, i, row, &mut all);
            }
        }
        let tuples = &mut all.tuples;
        for (tuple, count) in &self.tuples {
            *tuples.entry(tuple.clone()).or_default() -= *count;
        }
        let said = all.said.as_ref().expect("what rows say");
        said.differences(&all.tuples, &self.tuples)
    }

    /// Goes on as if Cairo's memory did not have what a tuple says.
    pub fn without_memory(&mut self, tuple: &[M31]) {
        let had = self.tuples.remove(&shortest(tuple));
        assert!(had.is_some(), "a tuple of the memory");
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
        fn uses(&mut self, on: M31, tuple: &[M31], _: &'static Location<'static>) {
            let denominator: QM31 = self.challenges.elements.combine(tuple);
            self.sum += QM31::from(on) / denominator;
        }
        fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31 {
            next_power(&mut self.powers, place, first, factor)
        }
        fn sums(&mut self, term: QM31, _: &'static Location<'static>) {
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
