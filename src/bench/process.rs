//! What the system says about this process (Linux).

use std::fs;

/// CPU seconds of this process so far, user and system; 0 where the system does not say it.
pub fn cpu_seconds() -> f64 {
    // Linux counts in hundredths of a second here, whatever the kernel's own clock.
    let ticks = || -> Option<u64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name, in parentheses, may have spaces; the fields behind it start with the third.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    ticks().unwrap_or(0) as f64 / 100.0
}
