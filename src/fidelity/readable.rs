//! Measured numbers as people read them, and in JSON.

use serde::Serializer;

/// From here on a power of ten is easier to read.
const LARGE: f64 = 1e4;

/// Four decimals, a power of ten for large numbers, words for what is no finite number.
pub fn readable(number: f64) -> String {
    match number {
        n if n.is_nan() => "not a number".to_string(),
        n if n.is_infinite() => "infinite".to_string(),
        n if n.abs() < LARGE => format!("{n:.4}"),
        n => format!("{n:.2e}"),
    }
}

/// How much more or less than 1 a ratio is: in per cent, and in multiples where that is easier to read.
pub fn readable_change(ratio: f64) -> String {
    match ratio {
        r if !r.is_finite() => readable(r),
        r if r < 10.0 => format!("{:+.2} %", 100.0 * (r - 1.0)),
        r if r < LARGE => format!("{r:.1} times"),
        r => format!("{r:.2e} times"),
    }
}

/// For `serialize_with`: JSON has no infinity, so a number that is not finite is written in words.
pub(crate) fn in_json<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match number.is_finite() {
        true => serializer.serialize_f64(*number),
        false => serializer.serialize_str(&readable(*number)),
    }
}
