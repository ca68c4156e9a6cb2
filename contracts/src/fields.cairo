pub mod m31;
pub mod packed;
pub mod qm31;
#[cfg(test)]
mod fields_test;
