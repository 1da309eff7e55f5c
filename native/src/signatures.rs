//! Ed25519 (RFC 8032), verified one by one: batch verification can disagree with single verification.

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};

use crate::batch::{same_count, Bytes32, Fault, Result, Threads};

/// Sign each message under the key of a seed. A message is the prefix and its own bytes.
///
/// The public key that goes into a signature is computed from the seed here: one that came from elsewhere and did not
/// fit would give the seed away.
pub fn sign<M: AsRef<[u8]> + Sync>(
    seed: &[u8],
    prefix: &[u8],
    messages: &[M],
    threads: Threads,
) -> Result<Vec<[u8; 64]>> {
    let seed: &Bytes32 = seed.try_into().map_err(|_| Fault::Batch("a seed has 32 bytes"))?;
    let key = SigningKey::from_bytes(seed);
    Ok(threads.map(messages, |part| {
        let mut whole = prefix.to_vec();
        part.iter()
            .map(|message| {
                whole.truncate(prefix.len());
                whole.extend_from_slice(message.as_ref());
                key.sign(&whole).to_bytes()
            })
            .collect()
    }))
}

/// Say of each message whether its signature holds under the key. A message is the prefix and its own bytes.
pub fn verify<M: AsRef<[u8]> + Sync, S: AsRef<[u8]> + Sync>(
    public_key: &[u8],
    prefix: &[u8],
    messages: &[M],
    signatures: &[S],
    threads: Threads,
) -> Result<Vec<bool>> {
    same_count(messages.len(), signatures.len())?;
    let bytes: &Bytes32 = public_key.try_into().map_err(|_| Fault::Key)?;
    // A key that does not decode has no valid signature, as in OpenSSL.
    let Ok(key) = VerifyingKey::from_bytes(bytes) else { return Ok(vec![false; messages.len()]) };
    let pairs: Vec<(&M, &S)> = messages.iter().zip(signatures).collect();
    Ok(threads.map(&pairs, |part| {
        let mut whole = prefix.to_vec();
        part.iter()
            .map(|(message, signature)| {
                whole.truncate(prefix.len());
                whole.extend_from_slice(message.as_ref());
                Signature::from_slice(signature.as_ref()).is_ok_and(|signature| key.verify(&whole, &signature).is_ok())
            })
            .collect()
    }))
}
