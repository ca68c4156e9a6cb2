//! Which places in the definitions of components an attack needs: the constraint, the lookup or the term of the zero sum that alone refuses it.
//!
//! Recorded only in a run of the tests for the table of [`constraints`](crate::constraints), which names a file in the environment: each record is a line there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::thread;

use cairo_decode::air::components::relations::{
    ADDRESS, ANGLES, COMPRESS, EMBEDDING, FUNCTION, LANES, OPCODES, POSITIONS, RANGE, TENSOR, VALUE,
};
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use crate::scalar::{Sink, next_power};

/// The variable of the environment that names the file of records.
pub const RECORDS: &str = "RECORDED_CONSTRAINTS";

/// A relation whose tuples a table yields as often as they are used: what the table yields requires nothing, and each use requires that it is there.
fn is_of_a_table(relation: u32) -> bool {
    let tables = [
        TENSOR, RANGE, LANES, EMBEDDING, FUNCTION, ANGLES, POSITIONS, COMPRESS, ADDRESS, VALUE,
    ];
    tables.iter().any(|of| of.0 == relation)
}

/// A relation of tables whose other side is in Cairo's components.
fn is_cairos(relation: u32) -> bool {
    [ADDRESS, VALUE].iter().any(|of| of.0 == relation)
}

fn relation(tuple: &[u32]) -> u32 {
    tuple.first().copied().unwrap_or(0)
}

/// A place in the definition of a component.
pub type Site = (&'static str, &'static Location<'static>);

/// Whether this run records.
pub fn are_recorded() -> bool {
    std::env::var_os(RECORDS).is_some()
}

/// Looks at all places of a component's definition. No definition says other things in other rows.
pub struct Seen(pub &'static str);

impl Sink for Seen {
    fn zero(&mut self, _: M31, at: &'static Location<'static>) {
        seen("zero", (self.0, at));
    }

    fn uses(&mut self, _: M31, _: &[M31], at: &'static Location<'static>) {
        seen("lookup", (self.0, at));
    }

    fn yields(&mut self, _: M31, tuple: &[M31], at: &'static Location<'static>) {
        if !tuple.first().is_some_and(|of| is_of_a_table(of.0)) {
            seen("lookup", (self.0, at));
        }
    }

    fn power(&mut self, _: usize, _: M31, _: QM31) -> QM31 {
        QM31::default()
    }

    fn sums(&mut self, _: QM31, at: &'static Location<'static>) {
        seen("sum", (self.0, at));
    }
}

/// Adds up what each place adds to the zero sum.
#[derive(Default)]
pub struct Terms {
    component: &'static str,
    powers: Vec<QM31>,
    any: bool,
    pub sums: BTreeMap<Site, QM31>,
}

impl Terms {
    /// From here on a component's.
    pub fn of(&mut self, component: &'static str) {
        (self.component, self.any) = (component, false);
        self.powers.clear();
    }

    /// Whether the component adds nothing.
    pub fn none(&self) -> bool {
        !self.any
    }
}

impl Sink for Terms {
    fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31 {
        next_power(&mut self.powers, place, first, factor)
    }

    fn sums(&mut self, term: QM31, at: &'static Location<'static>) {
        self.any = true;
        *self.sums.entry((self.component, at)).or_default() += term;
    }
}

/// Which places of definitions say of some rows what does not fit.
#[derive(Clone, Default)]
pub struct Said {
    /// The component that says the next things.
    pub component: &'static str,
    broken: BTreeSet<Site>,
    sums: BTreeMap<Site, QM31>,
    /// By tuple: who uses it, or yields it as a part of a chain.
    users: BTreeMap<Vec<u32>, BTreeSet<Site>>,
    /// Tuples of tables.
    offered: BTreeSet<Vec<u32>>,
    /// The tuples that matter, if not all do.
    about: Option<BTreeSet<Vec<u32>>>,
}

impl Said {
    /// About the tuples that are not used as often as they are yielded.
    pub fn about(tuples: &BTreeMap<Vec<u32>, M31>) -> Said {
        let open = tuples.iter().filter(|(_, count)| **count != M31::from(0));
        Said {
            about: Some(open.map(|(tuple, _)| tuple.clone()).collect()),
            ..Said::default()
        }
    }

    fn matters(&self, tuple: &[u32]) -> bool {
        self.about
            .as_ref()
            .is_none_or(|about| about.contains(tuple))
    }

    pub fn zero(&mut self, number: M31, at: &'static Location<'static>) {
        if number != M31::from(0) {
            self.broken.insert((self.component, at));
        }
    }

    pub fn uses(&mut self, tuple: &[u32], at: &'static Location<'static>) {
        if self.matters(tuple) {
            let users = self.users.entry(tuple.to_vec()).or_default();
            users.insert((self.component, at));
        }
    }

    pub fn yields(&mut self, tuple: &[u32], at: &'static Location<'static>) {
        if !is_of_a_table(relation(tuple)) {
            self.uses(tuple, at);
        } else if self.matters(tuple) {
            self.offered.insert(tuple.to_vec());
        }
    }

    pub fn sums(&mut self, term: QM31, at: &'static Location<'static>) {
        *self.sums.entry((self.component, at)).or_default() += term;
    }

    /// What other rows say besides.
    pub fn with(&mut self, other: &Said) {
        for (tuple, users) in &other.users {
            let own = self.users.entry(tuple.clone()).or_default();
            own.extend(users);
        }
    }

    /// Who uses tuples that nobody offers: of all rows these alone do not fit, however often tables yield what they have.
    fn open(
        &self,
        tuples: &BTreeMap<Vec<u32>, M31>,
        offers: impl Fn(&[u32]) -> bool,
    ) -> (BTreeSet<u32>, BTreeSet<Site>) {
        let open = tuples.iter().filter(|(tuple, count)| {
            **count != M31::from(0) && !(is_of_a_table(relation(tuple)) && offers(tuple))
        });
        let (mut relations, mut sites) = (BTreeSet::new(), BTreeSet::new());
        for (tuple, _) in open {
            relations.insert(relation(tuple));
            sites.extend(self.users.get(tuple).into_iter().flatten());
        }
        (relations, sites)
    }

    fn open_of_all(&self, tuples: &BTreeMap<Vec<u32>, M31>) -> (BTreeSet<u32>, BTreeSet<Site>) {
        // Nothing here knows what Cairo's components offer.
        let cairos = |tuple: &[u32]| is_cairos(relation(tuple)) || relation(tuple) == OPCODES.0;
        let open = tuples
            .iter()
            .filter(|(tuple, count)| **count != M31::from(0) && !cairos(tuple));
        let open = open.map(|(tuple, count)| (tuple.clone(), *count)).collect();
        self.open(&open, |tuple| self.offered.contains(tuple))
    }

    /// Records what alone refuses a witness whose sum is zero.
    pub fn record_all(&self, tuples: &BTreeMap<Vec<u32>, M31>) {
        self.record(self.open_of_all(tuples));
    }

    /// Whether nothing but the sum refuses a witness.
    pub fn only_the_sum(&self, tuples: &BTreeMap<Vec<u32>, M31>) -> bool {
        self.broken.is_empty() && self.open_of_all(tuples).1.is_empty()
    }

    /// Records the kind of sums without which nothing refuses a witness, and who adds to it; `other` has the terms without it.
    pub fn record_sum(&self, kind: Option<usize>, other: &BTreeMap<Site, QM31>) {
        for (site, sum) in &self.sums {
            if other.get(site) != Some(sum) {
                let name = kind.map_or("messages".to_string(), |kind| kind.to_string());
                shown(&format!("sum {name}"), *site);
            }
        }
    }

    /// Records what alone refuses rows that differ from those of a witness that fits, whose tuples are `honest`; `tuples` are the differences. What
    /// Cairo's memory has is what the honest witness uses of it.
    pub fn record_difference(
        &self,
        tuples: &BTreeMap<Vec<u32>, M31>,
        honest: &BTreeMap<Vec<u32>, M31>,
    ) {
        self.record(self.open_beside(tuples, honest));
    }

    fn open_beside(
        &self,
        tuples: &BTreeMap<Vec<u32>, M31>,
        honest: &BTreeMap<Vec<u32>, M31>,
    ) -> (BTreeSet<u32>, BTreeSet<Site>) {
        let offers = |tuple: &[u32]| honest.contains_key(tuple) || self.offered.contains(tuple);
        self.open(tuples, offers)
    }

    /// The relations of such tuples, recorded if this run does.
    pub fn differences(
        &self,
        tuples: &BTreeMap<Vec<u32>, M31>,
        honest: &BTreeMap<Vec<u32>, M31>,
    ) -> BTreeSet<u32> {
        let open = self.open_beside(tuples, honest);
        if are_recorded() {
            self.record(open.clone());
        }
        open.0
    }

    /// One constraint; or one lookup of a table; or the places of a chain, which is whole only with all of them.
    fn record(&self, (relations, users): (BTreeSet<u32>, BTreeSet<Site>)) {
        let [broken, open] = [&self.broken, &users].map(BTreeSet::len);
        let of_a_table = relations.iter().any(|&relation| is_of_a_table(relation));
        if broken == 1 && open == 0 {
            self.broken.iter().for_each(|site| shown("zero", *site));
        }
        let whole = if of_a_table {
            open == 1
        } else {
            relations.len() == 1
        };
        if broken == 0 && whole {
            users.iter().for_each(|site| shown("lookup", *site));
        }
    }
}

/// That a definition says something.
fn seen(what: &'static str, site: Site) {
    write("seen", what, site, "");
}

/// That this test's attack is refused by a place of a definition, and by nothing else.
fn shown(what: &str, site: Site) {
    let thread = thread::current();
    write("shown", what, site, thread.name().unwrap_or("no test"));
}

/// Writes a record, once.
fn write(record: &str, what: &str, (component, at): Site, test: &str) {
    static DONE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let (file, line, column) = (at.file(), at.line(), at.column());
    let text = format!("{record}\t{what}\t{component}\t{file}\t{line}\t{column}\t{test}\n");
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if done.contains(&text) {
        return;
    }
    let path = std::env::var_os(RECORDS).expect("a file");
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("a record");
    done.insert(text);
}
