//! Native arithmetic of the alliance hub, in batches over packed bytes.
//!
//! The modules are plain Rust; `python` is how the programs call them.

pub mod batch;
pub mod bloom;
pub mod hashing;
pub mod keys;
pub mod oprf;
#[cfg(feature = "pyo3")]
mod python;
pub mod signatures;
