//! Bits of the alliance's Bloom filter: MurmurHash3_x64_128 and enhanced double hashing, ten probes.
//!
//! The bits belong to the caller, who may map them from a file and read them on one thread while another sets some;
//! so every byte is touched as an atomic one.

use std::sync::atomic::{AtomicU8, Ordering};

use fastmurmur3::murmur3_x64_128;

use crate::batch::{Bytes32, Fault, Result, Threads};

const PROBES: u64 = 10;

/// The numbers that fix where a tag's bits lie.
#[derive(Clone, Copy)]
pub struct Shape {
    bits: u64,
    seed: u32,
}

impl Shape {
    /// Take the number of bits, which the buffer must have, and the seed.
    pub fn new(bits: u64, seed: u32, buffer: &[AtomicU8]) -> Result<Shape> {
        if bits == 0 || !bits.is_multiple_of(8) || bits / 8 != buffer.len() as u64 {
            return Err(Fault::Batch("the bits are not as long as the filter's shape says"));
        }
        Ok(Shape { bits, seed })
    }

    /// ((h1 + i·h2 + (i³ − i)/6) mod 2^64) mod m for i = 0 … 9.
    fn positions(self, tag: &Bytes32) -> impl Iterator<Item = u64> {
        let hash = murmur3_x64_128(tag, u64::from(self.seed));
        let (mut x, mut y) = (hash as u64, (hash >> 64) as u64);
        (1..=PROBES).map(move |i| {
            let position = x % self.bits;
            x = x.wrapping_add(y);
            y = y.wrapping_add(i);
            position
        })
    }
}

fn place(position: u64) -> (usize, u8) {
    ((position / 8) as usize, 1 << (position % 8))
}

fn split(tags: &[u8]) -> Result<&[Bytes32]> {
    match tags.as_chunks::<32>() {
        (tags, []) => Ok(tags),
        _ => Err(Fault::Batch("a tag has 32 bytes")),
    }
}

/// Set the bits of every tag.
pub fn set(bits: &[AtomicU8], shape: Shape, tags: &[u8], threads: Threads) -> Result<()> {
    let tags = split(tags)?;
    threads.map(tags, |part| {
        for tag in part {
            for (byte, bit) in shape.positions(tag).map(place) {
                bits[byte].fetch_or(bit, Ordering::Relaxed);
            }
        }
        Vec::<()>::new()
    });
    Ok(())
}

/// Set the bits of every tag and give the positions that were clear before, increasing.
pub fn set_new(bits: &[AtomicU8], shape: Shape, tags: &[u8], threads: Threads) -> Result<Vec<u64>> {
    let tags = split(tags)?;
    let mut fresh = threads.map(tags, |part| {
        let mut fresh = Vec::new();
        for position in part.iter().flat_map(|tag| shape.positions(tag)) {
            let (byte, bit) = place(position);
            if bits[byte].fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                fresh.push(position);
            }
        }
        fresh
    });
    fresh.sort_unstable();
    Ok(fresh)
}

/// Give the places of the tags all of whose bits are set, increasing.
pub fn query(bits: &[AtomicU8], shape: Shape, tags: &[u8], threads: Threads) -> Result<Vec<usize>> {
    let tags = split(tags)?;
    let is_set = |position| {
        let (byte, bit) = place(position);
        bits[byte].load(Ordering::Relaxed) & bit != 0
    };
    let mut found = vec![false; tags.len()];
    threads.fill(tags, &mut found, |tag, found| *found = shape.positions(tag).all(is_set));
    Ok(found.iter().enumerate().filter(|(_, found)| **found).map(|(place, _)| place).collect())
}
