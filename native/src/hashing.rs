//! Hashing to the group and to scalars: RFC 9380 §5.3.1 and appendix B, RFC 9497 §4.1.

use curve25519_dalek::{RistrettoPoint, Scalar};
use sha2::{Digest, Sha512};

/// contextString = "OPRFV1-" || I2OSP(modeVOPRF, 1) || "-ristretto255-SHA512" (RFC 9497 §3.1).
pub const CONTEXT: &[u8] = b"OPRFV1-\x01-ristretto255-SHA512";
pub const HASH_TO_GROUP_DST: &[u8] = b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512";
pub const HASH_TO_SCALAR_DST: &[u8] = b"HashToScalar-OPRFV1-\x01-ristretto255-SHA512";
pub const SEED_DST: &[u8] = b"Seed-OPRFV1-\x01-ristretto255-SHA512";

const BLOCK_BYTES: usize = 128;
const OUT_BYTES: usize = 64;

/// expand_message_xmd with SHA-512 for 64 bytes: one block of output, so b_1 is all there is.
fn expand(parts: &[&[u8]], dst: &[u8]) -> [u8; OUT_BYTES] {
    debug_assert!(dst.len() < 256);
    let dst_length = [dst.len() as u8];
    // b_0 = H(Z_pad || msg || I2OSP(len_in_bytes, 2) || I2OSP(0, 1) || DST_prime)
    let mut hash = Sha512::new();
    hash.update([0u8; BLOCK_BYTES]);
    for part in parts {
        hash.update(part);
    }
    hash.update([0, OUT_BYTES as u8, 0]);
    hash.update(dst);
    hash.update(dst_length);
    let b_0 = hash.finalize();
    // b_1 = H(b_0 || I2OSP(1, 1) || DST_prime)
    let mut hash = Sha512::new();
    hash.update(b_0);
    hash.update([1]);
    hash.update(dst);
    hash.update(dst_length);
    hash.finalize().into()
}

/// hash_to_ristretto255 (RFC 9380 appendix B).
pub fn hash_to_group(input: &[u8]) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&expand(&[input], HASH_TO_GROUP_DST))
}

/// HashToScalar of a transcript given in parts (RFC 9497 §4.1).
pub fn hash_to_scalar(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&expand(parts, HASH_TO_SCALAR_DST))
}

/// The end of Finalize (RFC 9497 §3.3.1): Hash(len || input || len || element || "Finalize").
pub fn output(input: &[u8], element: &[u8; 32]) -> [u8; 64] {
    let mut hash = Sha512::new();
    hash.update((input.len() as u16).to_be_bytes());
    hash.update(input);
    hash.update([0, 32]);
    hash.update(element);
    hash.update(b"Finalize");
    hash.finalize().into()
}

/// seed = Hash(len(Bm) || Bm || len(seedDST) || seedDST) (RFC 9497 §2.2.1).
pub fn composite_seed(public_key: &[u8; 32]) -> [u8; 64] {
    let mut hash = Sha512::new();
    hash.update([0, 32]);
    hash.update(public_key);
    hash.update((SEED_DST.len() as u16).to_be_bytes());
    hash.update(SEED_DST);
    hash.finalize().into()
}

/// The weight di of an item (RFC 9497 §2.2.1).
pub fn composite_weight(seed: &[u8; 64], index: u16, c: &[u8; 32], d: &[u8; 32]) -> Scalar {
    let length = [0u8, 32];
    hash_to_scalar(&[&[0, 64], seed, &index.to_be_bytes(), &length, c, &length, d, b"Composite"])
}

/// The challenge of a proof (RFC 9497 §2.2.1).
pub fn challenge(elements: [&[u8; 32]; 5]) -> Scalar {
    let length = [0u8, 32];
    let [b, m, z, t2, t3] = elements;
    hash_to_scalar(&[&length, b, &length, m, &length, z, &length, t2, &length, t3, b"Challenge"])
}
