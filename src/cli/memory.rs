//! Memory, for proofs that come close to the machine's: the allocator, and how much was used.

pub use cairo_decode::prove::memory::peak;

/// Blocks of a megabyte and more go back to the system as soon as they are freed. By default glibc keeps freed
/// blocks of up to 32 MB for itself once the program has used such, and wrapping peaks 0.8 GB higher.
#[allow(unsafe_code, reason = "no crate has this call of glibc in a safe form")]
pub fn return_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the call sets a number inside the allocator, and touches no memory of ours.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
