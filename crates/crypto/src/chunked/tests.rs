//! Behaviour of sealed objects.

use super::seal::seal_with_salt;
use super::*;
use crate::{OpenError, SealError, Suite};
use proptest::prelude::*;
use yingdun_model::Secret;

/// Lengths at and around every border of the format.
const LENGTHS: [usize; 9] = [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES - 1,
    2 * CHUNK_BYTES,
    50_000,
    100_000,
];

fn key() -> SealingKey {
    SealingKey::from_secret(&Secret::new([7; 32]))
}

/// The same bytes as a key of each suite.
fn keys() -> [SealingKey; 2] {
    [Suite::Cobblestone256, Suite::Sm4GcmSm3].map(|suite| key().given_to(suite))
}

fn context() -> Context {
    Context::new("yingdun/test/v1").field("renmin").field("1.2.3")
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

/// Seals in pieces of the given lengths.
fn seal_in_pieces(plain: &[u8], pieces: &[usize], salt: &[u8; SALT_BYTES]) -> Vec<u8> {
    let mut sealer = Sealer::with_salt(&key(), &context(), salt);
    let (mut out, mut rest) = (Vec::new(), plain);
    for piece in pieces {
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        sealer.push(now, &mut out).unwrap();
        rest = later;
    }
    sealer.push(rest, &mut out).unwrap();
    sealer.finish(&mut out);
    out
}

#[test]
fn a_message_of_every_border_length_comes_back() {
    for (key, len) in keys().iter().flat_map(|key| LENGTHS.map(|len| (key, len))) {
        let plain = message(len);
        let sealed = seal(key, &context(), &plain);
        assert_eq!(sealed.len() as u64, sealed_len(len as u64));
        assert_eq!(open(key, &context(), &sealed), Ok(plain), "{} length {len}", key.suite());
    }
}

#[test]
fn one_message_sealed_twice_has_nothing_in_common() {
    let (one, two) = (seal(&key(), &context(), &message(64)), seal(&key(), &context(), &message(64)));
    assert_ne!(one[..SALT_BYTES], two[..SALT_BYTES]);
    assert_ne!(one[HEADER_BYTES..], two[HEADER_BYTES..]);
}

#[test]
fn another_key_or_context_is_named_before_any_chunk_is_opened() {
    let refused = Err(OpenError::WrongKeyOrContext);
    for key in keys() {
        let sealed = seal(&key, &context(), &message(100));
        assert_eq!(open(&SealingKey::generate_for(key.suite()), &context(), &sealed), refused);
        assert_eq!(open(&key, &context().field(""), &sealed), refused);
        assert!(Opener::new(&key, &Context::new("yingdun/test/v2"), &sealed).is_err());
    }
}

#[test]
fn what_was_sealed_in_one_suite_does_not_open_in_the_other_under_the_same_bytes_of_a_key() {
    let [one, two] = keys();
    let refused = Err(OpenError::WrongKeyOrContext);
    assert_eq!(open(&two, &context(), &seal(&one, &context(), b"x")), refused);
    assert_eq!(open(&one, &context(), &seal(&two, &context(), b"x")), refused);
}

#[test]
fn a_flip_at_every_byte_is_detected() {
    let sealed = seal(&key(), &context(), &message(CHUNK_BYTES + 300));
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1 << (at % 8);
        let expected = if at < HEADER_BYTES {
            OpenError::WrongKeyOrContext
        } else {
            OpenError::Damaged { chunk: ((at - HEADER_BYTES) / SEALED_CHUNK_BYTES) as u64 }
        };
        assert_eq!(open(&key(), &context(), &damaged), Err(expected), "byte {at}");
    }
}

/// The same with a shorter message, because it costs more without optimisation: what a flip in a whole chunk does
/// is known from above, that the other cipher looks at every byte is not.
#[test]
fn a_flip_at_every_byte_of_a_message_sealed_with_sm4_is_detected() {
    let [_, key] = keys();
    let sealed = seal(&key, &context(), &message(300));
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1 << (at % 8);
        let expected =
            if at < HEADER_BYTES { OpenError::WrongKeyOrContext } else { OpenError::Damaged { chunk: 0 } };
        assert_eq!(open(&key, &context(), &damaged), Err(expected), "byte {at}");
    }
}

#[test]
fn a_cut_at_every_length_is_detected() {
    let sealed = seal(&key(), &context(), &message(CHUNK_BYTES + 300));
    for len in 0..sealed.len() {
        assert!(open(&key(), &context(), &sealed[..len]).is_err(), "length {len}");
    }
    let mut longer = sealed;
    longer.push(0);
    assert!(open(&key(), &context(), &longer).is_err());
}

#[test]
fn swapped_repeated_and_dropped_chunks_are_detected() {
    for key in keys() {
        let sealed = seal(&key, &context(), &message(3 * CHUNK_BYTES + 5));
        let (header, body) = sealed.split_at(HEADER_BYTES);
        let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK_BYTES).collect();
        for order in [&[1, 0, 2, 3][..], &[0, 0, 2, 3], &[0, 2, 3], &[0, 1, 2], &[0, 1, 2, 2, 3], &[0, 1, 3]]
        {
            let mut forged = header.to_vec();
            order.iter().for_each(|chunk| forged.extend_from_slice(chunks[*chunk]));
            assert!(open(&key, &context(), &forged).is_err(), "{order:?}");
        }
    }
}

#[test]
fn a_chunk_opens_in_its_own_place_only() {
    let sealed = seal(&key(), &context(), &message(CHUNK_BYTES + 5));
    let opener = Opener::new(&key(), &context(), &sealed).unwrap();
    let whole = &sealed[HEADER_BYTES..HEADER_BYTES + SEALED_CHUNK_BYTES];
    let last = &sealed[HEADER_BYTES + SEALED_CHUNK_BYTES..];
    assert_eq!(opener.open_chunk(0, false, &mut whole.to_vec()).unwrap(), &message(CHUNK_BYTES)[..]);
    assert_eq!(opener.open_chunk(1, true, &mut last.to_vec()).unwrap().len(), 5);
    let wrong_place = opener.open_chunk(1, false, &mut whole.to_vec()).map(<[u8]>::len);
    assert_eq!(wrong_place, Err(OpenError::Damaged { chunk: 1 }));
    for (is_last, chunk) in [(true, whole), (false, last), (true, &last[..15]), (false, &whole[1..])] {
        let refused = opener.open_chunk(0, is_last, &mut chunk.to_vec()).map(<[u8]>::len);
        assert_eq!(refused, Err(OpenError::ChunkLength { chunk: 0, bytes: chunk.len() }));
    }
}

#[test]
fn a_header_that_is_cut_off_is_an_error() {
    let sealed = seal(&key(), &context(), b"");
    for len in 0..HEADER_BYTES {
        let refused = Opener::new(&key(), &context(), &sealed[..len]).err();
        assert_eq!(refused, Some(OpenError::Length { sealed_len: len as u64 }));
    }
}

#[test]
fn a_stream_stops_at_the_bound_of_the_format() {
    let mut sealer = Sealer::new(&key(), &context());
    sealer.skip_to_chunk(CHUNKS_MAX - 2);
    let mut out = Vec::new();
    assert_eq!(sealer.push(&message(CHUNK_BYTES), &mut out), Ok(()));
    assert_eq!(sealer.push(&message(CHUNK_BYTES), &mut out), Err(SealError::TooLong));
}

#[test]
fn a_span_that_lies_about_its_object_is_refused() {
    let sealed = seal(&key(), &context(), &message(3 * CHUNK_BYTES + 5));
    let opener = Opener::new(&key(), &context(), &sealed).unwrap();
    let (len, body) = (sealed.len() as u64, &sealed[HEADER_BYTES..]);
    let span = |first, len, bytes: &[u8]| opener.open_span(first, len, &mut bytes.to_vec());
    assert_eq!(span(0, len, body), Ok(3 * CHUNK_BYTES + 5));
    assert_eq!(span(2, len, &[]), Ok(0));
    assert_eq!(span(0, len, &body[1..]), Err(OpenError::Damaged { chunk: 0 }));
    let cut = body.len() - 3 * SEALED_CHUNK_BYTES - 1;
    assert_eq!(span(0, len, &body[..body.len() - 1]), Err(OpenError::ChunkLength { chunk: 3, bytes: cut }));
    assert!(span(1, len, body).is_err());
    assert!(span(9, len, body).is_err());
    assert_eq!(span(0, 60, body), Err(OpenError::Length { sealed_len: 60 }));
    // An object that claims to end earlier: its last chunk is not short.
    let shorter = sealed_len(CHUNK_BYTES as u64 + 5);
    assert!(span(0, shorter, &body[..2 * SEALED_CHUNK_BYTES]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_length_seal_to_the_same_bytes_as_the_whole(
        len in 0_usize..70_000, pieces in prop::collection::vec(0_usize..40_000, 0..6), salt: [u8; SALT_BYTES],
    ) {
        let plain = message(len);
        let mut whole = Vec::new();
        seal_with_salt(&key(), &context(), &salt, &plain, &mut whole);
        prop_assert_eq!(seal_in_pieces(&plain, &pieces, &salt), whole);
    }

    #[test]
    fn any_range_is_read_and_opened_without_the_rest(len in 1_u64..120_000, a: u64, b: u64, suite: bool) {
        let key = &keys()[usize::from(suite)];
        let plain = message(len as usize);
        let sealed = seal(key, &context(), &plain);
        let (a, b) = (a % (len + 1), b % (len + 1));
        let range = a.min(b)..a.max(b);
        let plan = chunk_span(range.clone(), sealed.len() as u64).unwrap();
        let mut span = sealed[plan.sealed_range.start as usize..plan.sealed_range.end as usize].to_vec();
        let opener = Opener::new(key, &context(), &sealed[..HEADER_BYTES]).unwrap();
        let opened = opener.open_span(plan.first_chunk, sealed.len() as u64, &mut span).unwrap();
        let got = &span[..opened][plan.skip..plan.skip + plan.take as usize];
        prop_assert_eq!(got, &plain[range.start as usize..range.end as usize]);
    }

    #[test]
    fn hostile_bytes_never_open_and_never_panic(bytes: Vec<u8>, first: u64, total: u64) {
        prop_assert!(open(&key(), &context(), &bytes).is_err());
        let sealed = seal(&key(), &context(), b"");
        let opener = Opener::new(&key(), &context(), &sealed).unwrap();
        let mut span = bytes.clone();
        prop_assert!(bytes.is_empty() || opener.open_span(first, total, &mut span).is_err());
        prop_assert!(opener.open_chunk(first, true, &mut span).is_err());
    }
}
