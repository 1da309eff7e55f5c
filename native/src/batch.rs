//! What every batch has in common: its limits, its faults, and the threads that it may take.

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::Zeroizing;

pub const MAX_BATCH: usize = 4096;

pub type Bytes32 = [u8; 32];
pub type Result<T> = std::result::Result<T, Fault>;

/// Why a batch is refused. `Identity` and `Element` carry the place of the first bad element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Batch(&'static str),
    Identity(usize),
    Element(usize),
    Key,
    Scalar,
    Input,
    Proof,
}

/// How many threads a batch may take; one computes on the caller's own.
#[derive(Clone, Copy)]
pub struct Threads(pub usize);

impl Threads {
    /// Map items to results, in order, a contiguous part a thread; the caller's own takes the first.
    pub fn map<T, R, F>(self, items: &[T], work: F) -> Vec<R>
    where
        T: Sync,
        R: Send,
        F: Fn(&[T]) -> Vec<R> + Sync + Send,
    {
        let mut parts = self.parts(items, work).into_iter();
        let mut whole = parts.next().unwrap_or_default();
        parts.for_each(|mut part| whole.append(&mut part));
        whole
    }

    /// Sum up public scalars times public points, in variable time.
    pub fn multiscalar(self, scalars: &[Scalar], points: &[RistrettoPoint]) -> RistrettoPoint {
        // Below some points a part, what the method saves by having many is lost.
        let threads = Threads(self.0.min(points.len() / 128));
        let pairs: Vec<(&Scalar, &RistrettoPoint)> = scalars.iter().zip(points).collect();
        let sums = threads.parts(&pairs, |part| {
            let (scalars, points): (Vec<&Scalar>, Vec<&RistrettoPoint>) = part.iter().copied().unzip();
            RistrettoPoint::vartime_multiscalar_mul(scalars, points)
        });
        sums.iter().sum()
    }

    /// Fill places with what becomes of their items, without another copy.
    pub fn fill<T, P, F>(self, items: &[T], places: &mut [P], work: F)
    where
        T: Sync,
        P: Send,
        F: Fn(&T, &mut P) + Sync + Send,
    {
        let part = self.part(items.len());
        let fill = |items: &[T], places: &mut [P]| items.iter().zip(places).for_each(|(item, place)| work(item, place));
        rayon::in_place_scope(|scope| {
            let mut parts = items.chunks(part).zip(places.chunks_mut(part));
            let own = parts.next();
            for (items, places) in parts {
                let fill = &fill;
                scope.spawn(move |_| fill(items, places));
            }
            // No thread is woken for what this one would otherwise wait for.
            if let Some((items, places)) = own {
                fill(items, places);
            }
        });
    }

    /// Do the work on each thread's part of the items.
    fn parts<T, P, F>(self, items: &[T], work: F) -> Vec<P>
    where
        T: Sync,
        P: Send,
        F: Fn(&[T]) -> P + Sync + Send,
    {
        let chunks: Vec<&[T]> = items.chunks(self.part(items.len())).collect();
        if let [only] = chunks.as_slice() {
            return vec![work(only)];
        }
        let mut done: Vec<Option<P>> = chunks.iter().map(|_| None).collect();
        Threads(chunks.len()).fill(&chunks, &mut done, |chunk, place| *place = Some(work(chunk)));
        done.into_iter().flatten().collect()
    }

    /// How many items a thread takes, so that none is left over.
    fn part(self, items: usize) -> usize {
        items.div_ceil(self.0.max(1)).max(1)
    }
}

/// Hold a number of items against the limits: 1 to 4,096.
pub fn check_count(count: usize) -> Result<()> {
    if (1..=MAX_BATCH).contains(&count) {
        Ok(())
    } else {
        Err(Fault::Batch("a batch has 1 to 4096 items"))
    }
}

pub fn same_count(left: usize, right: usize) -> Result<()> {
    if left == right {
        Ok(())
    } else {
        Err(Fault::Batch("the parts of a batch differ in number"))
    }
}

/// Cut packed elements or scalars, after a look at their number.
pub fn split(packed: &[u8]) -> Result<Vec<Bytes32>> {
    let (items, rest) = packed.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Fault::Batch("a batch is a multiple of 32 bytes"));
    }
    check_count(items.len())?;
    Ok(items.to_vec())
}

/// Decode an element strictly (RFC 9496 §4.3.1); the identity is none (RFC 9497 §2.1).
fn decode_one(place: usize, encoding: &Bytes32) -> Result<RistrettoPoint> {
    if *encoding == [0; 32] {
        return Err(Fault::Identity(place));
    }
    CompressedRistretto(*encoding).decompress().ok_or(Fault::Element(place))
}

/// Decode every element, or name the first bad one.
pub fn decode(encodings: &[Bytes32], threads: Threads) -> Result<Vec<RistrettoPoint>> {
    let each = decode_each(encodings, threads);
    each.into_iter().enumerate().map(|(place, point)| point.map_err(|fault| fault.at(place))).collect()
}

/// Decode every element by itself; places in faults are 0.
pub fn decode_each(encodings: &[Bytes32], threads: Threads) -> Vec<Result<RistrettoPoint>> {
    threads.map(encodings, |part| part.iter().map(|encoding| decode_one(0, encoding)).collect())
}

impl Fault {
    /// The same fault at another place.
    pub fn at(self, place: usize) -> Fault {
        match self {
            Fault::Identity(_) => Fault::Identity(place),
            Fault::Element(_) => Fault::Element(place),
            other => other,
        }
    }
}

/// Decode a public key.
pub fn public_key(encoding: &[u8]) -> Result<(Bytes32, RistrettoPoint)> {
    let bytes: Bytes32 = encoding.try_into().map_err(|_| Fault::Key)?;
    let point = decode_one(0, &bytes).map_err(|_| Fault::Key)?;
    Ok((bytes, point))
}

/// Read a key, a blind or an offset: canonical and not zero.
pub fn secret_scalar(encoding: &[u8]) -> Result<Zeroizing<Scalar>> {
    let bytes: Zeroizing<Bytes32> = Zeroizing::new(encoding.try_into().map_err(|_| Fault::Scalar)?);
    let scalar: Option<Scalar> = Scalar::from_canonical_bytes(*bytes).into();
    scalar.filter(|scalar| *scalar != Scalar::ZERO).map(Zeroizing::new).ok_or(Fault::Scalar)
}

/// Read packed blinds or offsets.
pub fn secret_scalars(packed: &[u8]) -> Result<Zeroizing<Vec<Scalar>>> {
    let encodings = Zeroizing::new(split(packed)?);
    let mut scalars = Zeroizing::new(Vec::with_capacity(encodings.len()));
    for encoding in encodings.iter() {
        scalars.push(*secret_scalar(encoding)?);
    }
    Ok(scalars)
}
