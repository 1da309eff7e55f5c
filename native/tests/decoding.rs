//! Whatever bytes arrive: what is taken is canonical, what is not is a fault, and nothing panics.

use alliance_native::batch::{decode, split, Fault, Threads};
use alliance_native::{bloom, keys, oprf, signatures};
use curve25519_dalek::{RistrettoPoint, Scalar};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::atomic::AtomicU8;

const ONE: Threads = Threads(1);
const TWO: Threads = Threads(2);

/// Any 32 bytes, or an element's encoding with one bit changed: nearly right is where a decoder goes wrong.
fn encodings() -> impl Strategy<Value = [u8; 32]> {
    let near = (any::<[u8; 64]>(), 0usize..256).prop_map(|(wide, place)| {
        let mut encoding = RistrettoPoint::from_uniform_bytes(&wide).compress().to_bytes();
        encoding[place / 8] ^= 1 << (place % 8);
        encoding
    });
    prop_oneof![any::<[u8; 32]>(), near]
}

fn scalars(count: usize) -> Vec<u8> {
    (1..=count as u64).flat_map(|number| Scalar::from(number).to_bytes()).collect()
}

proptest! {
    #[test]
    fn what_decodes_is_what_it_encodes_to(encoding in encodings()) {
        match decode(&[encoding], ONE) {
            Ok(points) => {
                prop_assert_eq!(points[0].compress().to_bytes(), encoding);
                prop_assert_ne!(encoding, [0; 32]);
            }
            Err(fault) => {
                let is_identity = encoding == [0; 32];
                prop_assert_eq!(fault, if is_identity { Fault::Identity(0) } else { Fault::Element(0) });
            }
        }
    }

    #[test]
    fn the_first_bad_element_is_named(good in any::<[u8; 64]>(), place in 0usize..40, count in 40usize..80) {
        let element = RistrettoPoint::from_uniform_bytes(&good).compress().to_bytes();
        let mut batch = vec![element; count];
        batch[place] = [0xff; 32];
        batch[count - 1] = [0xff; 32];
        for threads in [ONE, TWO] {
            prop_assert_eq!(decode(&batch, threads).unwrap_err(), Fault::Element(place));
        }
    }

    #[test]
    fn any_length_is_cut_or_refused(packed in vec(any::<u8>(), 0..300)) {
        let fits = !packed.is_empty() && packed.len().is_multiple_of(32);
        prop_assert_eq!(split(&packed).is_ok(), fits);
    }

    #[test]
    fn calls_of_any_bytes_are_answered_or_refused_each(calls in vec(vec(any::<u8>(), 0..100), 0..5)) {
        let together = oprf::Elements::decode_many(&calls, TWO);
        prop_assert_eq!(together.len(), calls.len());
        for (outcome, call) in together.iter().zip(&calls) {
            match (outcome, oprf::Elements::decode(call, ONE)) {
                (Ok(elements), Ok(alone)) => {
                    prop_assert_eq!(&elements.packed(), call);
                    let nonce = [7; 64];
                    let many = oprf::evaluate_many(&scalars(1), &[elements], &nonce, TWO).unwrap();
                    prop_assert_eq!(&many[0], &oprf::evaluate(&scalars(1), &alone, &nonce, ONE).unwrap());
                }
                (Err(fault), Err(alone)) => prop_assert_eq!(fault, &alone),
                _ => prop_assert!(false, "together and alone differ"),
            }
        }
    }

    #[test]
    fn replies_of_any_bytes_are_faults(
        evaluated in vec(any::<u8>(), 0..100),
        proof in vec(any::<u8>(), 0..70),
        public_key in vec(any::<u8>(), 0..34),
    ) {
        let inputs = [b"one".as_slice(), b"two"];
        let scalars = scalars(2);
        let blinded = oprf::blind_additive(&inputs, &scalars, ONE).unwrap();
        let reply = oprf::Reply {
            inputs: &inputs,
            scalars: &scalars,
            blinded: &blinded,
            evaluated: &evaluated,
            proof: &proof,
            public_key: &public_key,
        };
        prop_assert!(oprf::finalize_additive(&reply, ONE).is_err());
        prop_assert!(oprf::finalize_multiplicative(&reply, TWO).is_err());
    }

    #[test]
    fn both_blindings_and_any_threads_give_one_output(
        inputs in vec(vec(any::<u8>(), 0..40), 1..6),
        secret in 1u64..,
        threads in 1usize..4,
    ) {
        let threads = Threads(threads);
        let (secret, scalars) = (Scalar::from(secret).to_bytes(), scalars(inputs.len()));
        let key = RistrettoPoint::mul_base(&Scalar::from_canonical_bytes(secret).unwrap()).compress().to_bytes();
        let mut outputs = Vec::new();
        for additive in [true, false] {
            let blind = if additive { oprf::blind_additive } else { oprf::blind_multiplicative };
            let blinded = blind(&inputs, &scalars, threads).unwrap();
            let (evaluated, proof) = oprf::evaluate(&secret, &blinded, &[9; 64], threads).unwrap();
            let reply = oprf::Reply {
                inputs: &inputs,
                scalars: &scalars,
                blinded: &blinded,
                evaluated: &evaluated,
                proof: &proof,
                public_key: &key,
            };
            let finalize = if additive { oprf::finalize_additive } else { oprf::finalize_multiplicative };
            outputs.push(finalize(&reply, threads).unwrap());
        }
        prop_assert_eq!(&outputs[0], &outputs[1]);
    }

    #[test]
    fn what_goes_with_it_takes_any_lengths(
        left in vec(any::<u8>(), 0..100),
        right in vec(any::<u8>(), 0..100),
        length in 0usize..40,
    ) {
        prop_assert_eq!(keys::derive(&left, b"info", TWO).is_ok(), left.len().is_multiple_of(32));
        let _ = keys::find_handles(&left, &right, &right, TWO);
        let signed = signatures::verify(&left, b"", std::slice::from_ref(&right), std::slice::from_ref(&left), ONE);
        prop_assert!(signed.is_ok_and(|held| held == [false]) || left.len() != 32);
        let bits: Vec<AtomicU8> = (0..length).map(|_| AtomicU8::new(0)).collect();
        match bloom::Shape::new(8 * length as u64, 1, &bits) {
            Ok(shape) => {
                let fits = left.len().is_multiple_of(32);
                prop_assert_eq!(bloom::set_new(&bits, shape, &left, TWO).is_ok(), fits);
                if fits {
                    let places: Vec<usize> = (0..left.len() / 32).collect();
                    prop_assert_eq!(bloom::query(&bits, shape, &left, TWO).unwrap(), places);
                }
            }
            Err(_) => prop_assert_eq!(length, 0),
        }
    }
}
