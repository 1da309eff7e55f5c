//! What is derived from outputs: keys by HKDF (RFC 5869), and handles in buckets by HMAC (RFC 2104).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::batch::{same_count, Fault, Result, Threads};

pub const HANDLE_BYTES: usize = 16;
pub const ENTRY_ID_BYTES: usize = 16;
const HANDLE_PREFIX: &[u8] = b"handle";

/// HKDF-SHA256 with an empty salt, 32 bytes from each packed seed of 32.
pub fn derive(seeds: &[u8], info: &[u8], threads: Threads) -> Result<Zeroizing<Vec<u8>>> {
    let (seeds, rest) = seeds.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Fault::Batch("a batch is a multiple of 32 bytes"));
    }
    let mut keys = Zeroizing::new(vec![0; 32 * seeds.len()]);
    threads.fill(seeds, keys.as_chunks_mut::<32>().0, |seed, key| {
        let expanded = Hkdf::<Sha256>::new(None, seed).expand(info, key);
        debug_assert!(expanded.is_ok(), "32 bytes are below the limit of 255 hashes");
    });
    Ok(keys)
}

/// Find the entries of a bucket that belong to label keys; gives pairs of places, entry first.
///
/// Packed label keys (32 bytes each), entry ids and handles (16 bytes each). Handles are compared in constant time.
pub fn find_handles(keys: &[u8], entry_ids: &[u8], handles: &[u8], threads: Threads) -> Result<Vec<(usize, usize)>> {
    let (keys, rest) = keys.as_chunks::<32>();
    let (entry_ids, rest_of_ids) = entry_ids.as_chunks::<ENTRY_ID_BYTES>();
    let (handles, rest_of_handles) = handles.as_chunks::<HANDLE_BYTES>();
    if !(rest.is_empty() && rest_of_ids.is_empty() && rest_of_handles.is_empty()) {
        return Err(Fault::Batch("keys have 32 bytes, entry ids and handles 16"));
    }
    same_count(entry_ids.len(), handles.len())?;
    let keyed = keys
        .iter()
        .map(|key| Hmac::<Sha256>::new_from_slice(key).map_err(|_| Fault::Key))
        .collect::<Result<Vec<Hmac<Sha256>>>>()?;
    let entries: Vec<(usize, &[u8; ENTRY_ID_BYTES], &[u8; HANDLE_BYTES])> =
        entry_ids.iter().zip(handles).enumerate().map(|(place, (id, handle))| (place, id, handle)).collect();
    Ok(threads.map(&entries, |part| {
        let mut found = Vec::new();
        for (entry, id, handle) in part {
            for (place, key) in keyed.iter().enumerate() {
                let ours = key.clone().chain_update(HANDLE_PREFIX).chain_update(id).finalize().into_bytes();
                if bool::from(ours[..HANDLE_BYTES].ct_eq(handle.as_slice())) {
                    found.push((*entry, place));
                }
            }
        }
        found
    }))
}
