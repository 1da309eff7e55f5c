//! The batched VOPRF of RFC 9497 on ristretto255-SHA512, with both blindings.
//!
//! - Keys, blinds, offsets and nonces meet points in constant-time multiplications only. Variable-time
//!   multi-scalar multiplication is for the public weights of a proof.
//! - What comes from the other party is decoded strictly before anything is computed with it.
//! - Where the result is encoded in batches (`double_and_compress_batch`: one inversion for all), scalars are
//!   halved before the multiplication, since that encoding doubles.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::RistrettoBasepointTable;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::{Zeroize, Zeroizing};

use crate::batch::{
    check_count, decode, decode_each, public_key, same_count, secret_scalar, secret_scalars, split, Bytes32, Fault,
    Result, Threads,
};
use crate::hashing;

pub const MAX_INPUT: usize = 65_535;
pub const OUTPUT_BYTES: usize = 64;
pub const PROOF_BYTES: usize = 64;
pub const NONCE_BYTES: usize = 64;

/// Tables of the few public keys that a process meets at a time: its epochs'.
static TABLES: Mutex<VecDeque<(Bytes32, Arc<RistrettoBasepointTable>)>> = Mutex::new(VecDeque::new());
const MAX_TABLES: usize = 4;

/// 1/2 modulo the order.
static HALF: LazyLock<Scalar> = LazyLock::new(|| Scalar::from(2u8).invert());

/// Encode points that are half of what is meant.
fn encode_doubled<'a>(halves: impl IntoIterator<Item = &'a RistrettoPoint>) -> Vec<Bytes32> {
    RistrettoPoint::double_and_compress_batch(halves).into_iter().map(|point| point.to_bytes()).collect()
}

/// Give a table of multiples of a public key.
fn table_of(encoding: &Bytes32, key: &RistrettoPoint) -> Arc<RistrettoBasepointTable> {
    // A panic elsewhere leaves the list whole: each change to it is one call.
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, table)) = tables.iter().find(|(known, _)| known == encoding) {
        return Arc::clone(table);
    }
    let table = Arc::new(RistrettoBasepointTable::create(key));
    tables.truncate(MAX_TABLES - 1);
    tables.push_front((*encoding, Arc::clone(&table)));
    table
}

/// Reduce packed strings of 64 uniform bytes to packed scalars, none of them zero.
pub fn reduce_scalars(wide: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (items, rest) = wide.as_chunks::<64>();
    if !rest.is_empty() {
        return Err(Fault::Batch("uniform bytes are a multiple of 64"));
    }
    check_count(items.len())?;
    let mut packed = Zeroizing::new(Vec::with_capacity(32 * items.len()));
    for item in items {
        let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(item));
        if *scalar == Scalar::ZERO {
            return Err(Fault::Scalar);
        }
        packed.extend_from_slice(scalar.as_bytes());
    }
    Ok(packed)
}

fn check_inputs<I: AsRef<[u8]>>(inputs: &[I], scalars: usize) -> Result<()> {
    check_count(inputs.len())?;
    same_count(inputs.len(), scalars)?;
    if inputs.iter().any(|input| input.as_ref().len() > MAX_INPUT) {
        return Err(Fault::Input);
    }
    Ok(())
}

/// Hash an input to the group; the identity is refused (RFC 9497 §3.3.1).
fn hash_input(input: &[u8]) -> Result<RistrettoPoint> {
    let element = hashing::hash_to_group(input);
    if element == RistrettoPoint::identity() {
        Err(Fault::Input)
    } else {
        Ok(element)
    }
}

/// A batch of elements as they are computed with, beside their encodings: decoded once, used several times.
#[derive(Debug)]
pub struct Elements {
    encodings: Vec<Bytes32>,
    points: Vec<RistrettoPoint>,
}

impl Elements {
    /// Decode packed elements strictly.
    pub fn decode(packed: &[u8], threads: Threads) -> Result<Elements> {
        let encodings = split(packed)?;
        let points = decode(&encodings, threads)?;
        Ok(Elements { encodings, points })
    }

    /// Decode several batches, each with a fault of its own.
    pub fn decode_many<I: AsRef<[u8]> + Sync>(calls: &[I], threads: Threads) -> Vec<Result<Elements>> {
        let parts: Vec<Result<Vec<Bytes32>>> = calls.iter().map(|call| split(call.as_ref())).collect();
        let all: Vec<Bytes32> = parts.iter().flatten().flatten().copied().collect();
        let mut decoded = decode_each(&all, threads).into_iter();
        parts
            .into_iter()
            .map(|part| {
                let encodings = part?;
                let own: Vec<Result<RistrettoPoint>> = decoded.by_ref().take(encodings.len()).collect();
                let points: Result<Vec<RistrettoPoint>> =
                    own.into_iter().enumerate().map(|(place, point)| point.map_err(|fault| fault.at(place))).collect();
                Ok(Elements { encodings, points: points? })
            })
            .collect()
    }

    fn collect(made: Vec<Result<(Bytes32, RistrettoPoint)>>) -> Result<Elements> {
        let (encodings, points) = made.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Elements { encodings, points })
    }

    pub fn count(&self) -> usize {
        self.encodings.len()
    }

    pub fn packed(&self) -> Vec<u8> {
        self.encodings.concat()
    }
}

/// H(x) + r·G for each input and its offset.
pub fn blind_additive<I: AsRef<[u8]> + Sync>(inputs: &[I], offsets: &[u8], threads: Threads) -> Result<Elements> {
    let offsets = secret_scalars(offsets)?;
    check_inputs(inputs, offsets.len())?;
    let pairs: Vec<(&I, &Scalar)> = inputs.iter().zip(offsets.iter()).collect();
    Elements::collect(threads.map(&pairs, |part| {
        part.iter()
            .map(|(input, offset)| {
                let blinded = hash_input(input.as_ref())? + RistrettoPoint::mul_base(offset);
                Ok((blinded.compress().to_bytes(), blinded))
            })
            .collect()
    }))
}

/// blind·H(x) for each input (RFC 9497 §3.3.1).
pub fn blind_multiplicative<I: AsRef<[u8]> + Sync>(inputs: &[I], blinds: &[u8], threads: Threads) -> Result<Elements> {
    let blinds = secret_scalars(blinds)?;
    check_inputs(inputs, blinds.len())?;
    let pairs: Vec<(&I, &Scalar)> = inputs.iter().zip(blinds.iter()).collect();
    Elements::collect(threads.map(&pairs, |part| {
        let halves: Result<Vec<RistrettoPoint>> =
            part.iter().map(|(input, blind)| Ok(hash_input(input.as_ref())? * (*blind * *HALF))).collect();
        match halves {
            Ok(halves) => {
                encode_doubled(&halves).into_iter().zip(&halves).map(|(bytes, half)| Ok((bytes, half + half))).collect()
            }
            Err(fault) => vec![Err(fault)],
        }
    }))
}

/// Elements and proof of one call: 32·n and 64 bytes.
pub type Evaluated = (Vec<u8>, [u8; PROOF_BYTES]);

/// Multiply and prove (RFC 9497 §3.3.2). The nonce is 64 uniform bytes.
pub fn evaluate(secret: &[u8], elements: &Elements, nonce: &[u8], threads: Threads) -> Result<Evaluated> {
    let signer = Signer::new(secret)?;
    let evaluated = signer.multiply(&elements.points, threads);
    signer.prove(elements, &evaluated, nonce, threads)
}

/// Several calls under one key, each with a proof of its own; nonces are 64 bytes a call.
///
/// All points are multiplied and encoded together, and the calls' proofs are spread over the threads.
pub fn evaluate_many<E: Borrow<Elements> + Sync>(
    secret: &[u8],
    calls: &[E],
    nonces: &[u8],
    threads: Threads,
) -> Result<Vec<Evaluated>> {
    let signer = Signer::new(secret)?;
    let (nonces, rest) = nonces.as_chunks::<NONCE_BYTES>();
    if nonces.len() != calls.len() || !rest.is_empty() {
        return Err(Fault::Scalar);
    }
    let points: Vec<RistrettoPoint> = calls.iter().flat_map(|call| &call.borrow().points).copied().collect();
    let evaluated = signer.multiply(&points, threads);
    let mut left = evaluated.as_slice();
    let mut work = Vec::with_capacity(calls.len());
    for (call, nonce) in calls.iter().zip(nonces) {
        let (own, others) = left.split_at(call.borrow().count());
        work.push((call.borrow(), own, nonce));
        left = others;
    }
    threads
        .map(&work, |part| part.iter().map(|(call, own, nonce)| signer.prove(call, own, *nonce, Threads(1))).collect())
        .into_iter()
        .collect()
}

/// A key of an evaluator, with what is computed from it once.
struct Signer {
    key: Zeroizing<Scalar>,
    halved: Zeroizing<Scalar>,
    public_key: Bytes32,
}

impl Signer {
    fn new(secret: &[u8]) -> Result<Self> {
        let key = secret_scalar(secret)?;
        let halved = Zeroizing::new(*key * *HALF);
        let public_key = RistrettoPoint::mul_base(&key).compress().to_bytes();
        Ok(Signer { key, halved, public_key })
    }

    fn multiply(&self, points: &[RistrettoPoint], threads: Threads) -> Vec<Bytes32> {
        threads.map(points, |part| {
            let halves: Vec<RistrettoPoint> = part.iter().map(|point| point * *self.halved).collect();
            encode_doubled(&halves)
        })
    }

    /// GenerateProof, with ComputeCompositesFast (RFC 9497 §2.2.1).
    fn prove(&self, elements: &Elements, evaluated: &[Bytes32], nonce: &[u8], threads: Threads) -> Result<Evaluated> {
        let mut wide: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Fault::Scalar)?;
        let r = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        wide.zeroize();
        if *r == Scalar::ZERO {
            return Err(Fault::Scalar);
        }
        // M = Σ di·Ci, and Z = k·M; t2 = r·A, t3 = r·M: all of them as halves, to be encoded together.
        let halves = halved_weights(&self.public_key, &elements.encodings, evaluated, threads);
        let m = threads.multiscalar(&halves, &elements.points);
        let halved_r = Zeroizing::new(*r * *HALF);
        let encoded = encode_doubled(&[m, m * *self.key, RistrettoPoint::mul_base(&halved_r), m * *r]);
        let c = challenge(&self.public_key, &encoded);
        // s = r - c * k
        let s = *r - c * *self.key;
        let mut proof = [0; PROOF_BYTES];
        proof[..32].copy_from_slice(c.as_bytes());
        proof[32..].copy_from_slice(s.as_bytes());
        Ok((evaluated.concat(), proof))
    }
}

fn challenge(public_key: &Bytes32, encoded: &[Bytes32]) -> Scalar {
    hashing::challenge([public_key, &encoded[0], &encoded[1], &encoded[2], &encoded[3]])
}

/// The weights di (RFC 9497 §2.2.1), halved.
fn halved_weights(public_key: &Bytes32, c: &[Bytes32], d: &[Bytes32], threads: Threads) -> Vec<Scalar> {
    let seed = hashing::composite_seed(public_key);
    let items: Vec<(u16, &Bytes32, &Bytes32)> = (0..=u16::MAX).zip(c).zip(d).map(|((i, c), d)| (i, c, d)).collect();
    threads
        .map(&items, |part| part.iter().map(|(i, c, d)| hashing::composite_weight(&seed, *i, c, d) * *HALF).collect())
}

/// Packed outputs of 64 bytes, half of which are seeds of keys.
pub type Outputs = Zeroizing<Vec<u8>>;

/// What a member holds when a reply arrives.
pub struct Reply<'a, I> {
    pub inputs: &'a [I],
    pub scalars: &'a [u8],
    pub blinded: &'a Elements,
    pub evaluated: &'a [u8],
    pub proof: &'a [u8],
    pub public_key: &'a [u8],
}

/// Verify the proof, then unblind with k·B − r·pk, then hash (RFC 9497 §3.3.2, additive blinding).
pub fn finalize_additive<I: AsRef<[u8]> + Sync>(reply: &Reply<I>, threads: Threads) -> Result<Outputs> {
    let offsets = secret_scalars(reply.scalars)?;
    check_inputs(reply.inputs, offsets.len())?;
    let verified = verify(reply, offsets.len(), threads)?;
    let table = verified.key_table;
    let items: Vec<(&I, &Scalar, &RistrettoPoint)> = zipped(reply.inputs, &offsets, &verified.evaluated);
    let outputs = Zeroizing::new(threads.map(&items, |part| {
        part.iter()
            .map(|(input, offset, point)| {
                let unblinded = *point - table.as_ref() * *offset;
                hashing::output(input.as_ref(), &unblinded.compress().to_bytes())
            })
            .collect()
    }));
    Ok(Zeroizing::new(outputs.concat()))
}

/// Verify the proof, then unblind with 1/blind, then hash (RFC 9497 §3.3.2).
pub fn finalize_multiplicative<I: AsRef<[u8]> + Sync>(reply: &Reply<I>, threads: Threads) -> Result<Outputs> {
    let mut inverses = secret_scalars(reply.scalars)?;
    check_inputs(reply.inputs, inverses.len())?;
    let verified = verify(reply, inverses.len(), threads)?;
    Scalar::invert_batch_alloc(&mut inverses).zeroize();
    let items: Vec<(&I, &Scalar, &RistrettoPoint)> = zipped(reply.inputs, &inverses, &verified.evaluated);
    let outputs = Zeroizing::new(threads.map(&items, |part| {
        let halves: Vec<RistrettoPoint> = part.iter().map(|(_, inverse, point)| *point * (*inverse * *HALF)).collect();
        let elements = encode_doubled(&halves);
        part.iter().zip(&elements).map(|((input, ..), element)| hashing::output(input.as_ref(), element)).collect()
    }));
    Ok(Zeroizing::new(outputs.concat()))
}

fn zipped<'a, I>(
    inputs: &'a [I],
    scalars: &'a [Scalar],
    points: &'a [RistrettoPoint],
) -> Vec<(&'a I, &'a Scalar, &'a RistrettoPoint)> {
    inputs.iter().zip(scalars).zip(points).map(|((input, scalar), point)| (input, scalar, point)).collect()
}

struct Verified {
    evaluated: Vec<RistrettoPoint>,
    key_table: Arc<RistrettoBasepointTable>,
}

/// VerifyProof (RFC 9497 §2.2.2), after decoding what arrived.
fn verify<I>(reply: &Reply<I>, count: usize, threads: Threads) -> Result<Verified> {
    let (key_bytes, key) = public_key(reply.public_key)?;
    let (c, s) = read_proof(reply.proof)?;
    if reply.evaluated.len() != 32 * reply.blinded.count() {
        return Err(Fault::Batch("the reply has another number of elements than the request"));
    }
    same_count(reply.blinded.count(), count)?;
    let Elements { encodings: c_bytes, points: c_points } = reply.blinded;
    let d_bytes = split(reply.evaluated)?;
    let d_points = decode(&d_bytes, threads)?;
    let key_table = table_of(&key_bytes, &key);
    let halves = halved_weights(&key_bytes, c_bytes, &d_bytes, threads);
    // Halves of M and Z; t2 = s·A + c·B and t3 = s·M + c·Z come as halves from them or from halved scalars.
    let m = threads.multiscalar(&halves, c_points);
    let z = threads.multiscalar(&halves, &d_points);
    let t2 = RistrettoPoint::mul_base(&(s * *HALF)) + key_table.as_ref() * &(c * *HALF);
    let t3 = RistrettoPoint::vartime_multiscalar_mul([s, c], [m, z]);
    if challenge(&key_bytes, &encode_doubled(&[m, z, t2, t3])) == c {
        Ok(Verified { evaluated: d_points, key_table })
    } else {
        Err(Fault::Proof)
    }
}

fn read_proof(proof: &[u8]) -> Result<(Scalar, Scalar)> {
    let proof: &[u8; PROOF_BYTES] = proof.try_into().map_err(|_| Fault::Proof)?;
    let (halves, _) = proof.as_chunks::<32>();
    let read = |half: Bytes32| Option::<Scalar>::from(Scalar::from_canonical_bytes(half)).ok_or(Fault::Proof);
    Ok((read(halves[0])?, read(halves[1])?))
}

/// One constant-time multiplication after the other: what everything else is measured by.
pub fn multiply_repeatedly(rounds: usize) -> Bytes32 {
    let scalar = -*HALF;
    let mut point = RISTRETTO_BASEPOINT_POINT;
    for _ in 0..rounds {
        point *= scalar;
    }
    point.compress().to_bytes()
}
