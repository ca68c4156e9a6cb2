//! Checks of ranges, each with an error of its own that names the operation.

use super::description::Description;
use super::error::RangeError;
use super::ranges::{FORM_BITS, MAX_BITS, Reach};

/// An operation that is looked at, and what is known before it.
pub(super) struct At<'a> {
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) description: &'a Description,
    pub(super) reaches: &'a [Reach],
    /// Channels of what the operations before have written.
    pub(super) channels: &'a [usize],
}

impl At<'_> {
    pub(super) fn below(
        &self,
        what: &'static str,
        reach: i64,
        limit: i64,
    ) -> Result<(), RangeError> {
        let (operation, name) = (self.number, self.name);
        let wrong = RangeError::Reach {
            operation,
            name,
            what,
            reach,
            limit,
        };
        (reach < limit).then_some(()).ok_or(wrong)
    }

    pub(super) fn shape(&self, found: usize, expected: usize) -> Result<(), RangeError> {
        let (operation, name) = (self.number, self.name);
        let wrong = RangeError::Shape {
            operation,
            name,
            found,
            expected,
        };
        (found == expected).then_some(()).ok_or(wrong)
    }

    pub(super) fn shift(&self, shift: u32, least: u32, most: u32) -> Result<(), RangeError> {
        let (operation, name) = (self.number, self.name);
        let wrong = RangeError::Shift {
            operation,
            name,
            shift,
            least,
            most,
        };
        let fits = (least..=most).contains(&shift);
        fits.then_some(()).ok_or(wrong)
    }

    pub(super) fn form(&self, bits: u32, shift: u32) -> Result<(), RangeError> {
        self.form_within(bits, shift, [1, MAX_BITS])
    }

    pub(super) fn form_within(
        &self,
        bits: u32,
        shift: u32,
        [least, most]: [u32; 2],
    ) -> Result<(), RangeError> {
        let (operation, name) = (self.number, self.name);
        let wrong = RangeError::Form {
            operation,
            name,
            bits,
            shift,
            least,
            most,
        };
        let fits = (least..=most).contains(&bits) && shift <= MAX_BITS && bits + shift <= FORM_BITS;
        fits.then_some(()).ok_or(wrong)
    }

    pub(super) fn constant(
        &self,
        what: &'static str,
        value: i64,
        least: i64,
        most: i64,
    ) -> Result<(), RangeError> {
        let (operation, name) = (self.number, self.name);
        let wrong = RangeError::Constant {
            operation,
            name,
            what,
            value,
            least,
            most,
        };
        let fits = (least..=most).contains(&value);
        fits.then_some(()).ok_or(wrong)
    }
}
