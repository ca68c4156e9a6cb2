//! Places of the fields at the beginning of a chunk's input, and the prompt of the attacked sessions.

pub const CHAIN: usize = 0;
pub const VERIFIER: usize = 1;
pub const SESSION: usize = 2;
pub const EOS: usize = 3;
pub const PROMPT_ROOT: usize = 4;
pub const PROMPT_LENGTH: usize = 5;
pub const STEPS: usize = 6;
pub const POSITION: usize = 7;
pub const TOKEN: usize = 8;
pub const KV_ROOT: usize = 9;
pub const TOKENS_ROOT: usize = 10;
pub const HEADER: usize = 11;

pub const PROMPT: [u32; 4] = [3, 1, 6, 2];
