//! Whether the time of a secret operation depends on its secret, seen from outside: Welch's t-test between two classes of
//! secrets, in the manner of dudect (Reparaz, Balasch, Verbauwhede, 2017).
//!
//! ```text
//! cargo bench -p yingdun-crypto --bench timing
//! ```
//!
//! One class is a single extreme secret, the other is random ones; both come in random order, from as many objects of their own.
//! |t| above 4.5 says that the means differ; a busy machine may say so by chance, so look at it again before believing it, and nothing is failed
//! by it. Below 4.5 it says that this many measurements on this machine show nothing, no more.
#![allow(missing_docs, clippy::indexing_slicing, reason = "a benchmark")]

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;
use yingdun_crypto::sign::Sm2SigningKey;
use yingdun_crypto::{CHUNK_BYTES, Context, SealingKey, Suite, random, seal};
use yingdun_model::Secret;

/// Objects of each class: enough that no cache line stands for a class.
const OBJECTS: usize = 64;
/// |t| from which dudect speaks of a leak.
const SUSPICIOUS: f64 = 4.5;
/// The slowest tenth of the measurements is left out: interrupts, other programs.
const KEPT: f64 = 0.9;

fn main() -> io::Result<()> {
    let mut lowest = [0; 32];
    lowest[31] = 1;
    let fixed = |_| Sm2SigningKey::from_secret(&Secret::new(lowest));
    let sm2 = compare(4_000, fixed, |_| Sm2SigningKey::generate(), |key| key.sign(b"checkpoint"));
    report("SM2, signing: private key 1 or random", sm2)?;

    let context = Context::new("timing");
    let plain = vec![0; CHUNK_BYTES];
    let fixed = |_| SealingKey::from_secret(&Secret::new([0; 32])).given_to(Suite::Sm4GcmSm3);
    let random_key = |_| SealingKey::generate_for(Suite::Sm4GcmSm3);
    let sm4 = compare(40_000, fixed, random_key, |key| seal(key, &context, &plain));
    report("SM4-GCM, sealing a chunk: key 0 or random", sm4)?;

    let key = SealingKey::generate_for(Suite::Sm4GcmSm3);
    let random_plain = |_| {
        let mut plain = vec![0; CHUNK_BYTES];
        random::fill(&mut plain);
        plain
    };
    let zeros = |_| vec![0; CHUNK_BYTES];
    let sm4 = compare(40_000, zeros, random_plain, |plain| seal(&key, &context, plain));
    report("SM4-GCM, sealing a chunk: zeros or random bytes", sm4)
}

/// Welch's t between the times of an operation over two classes.
fn compare<T, R>(
    measurements: usize,
    fixed: impl Fn(usize) -> T,
    random_one: impl Fn(usize) -> T,
    operation: impl Fn(&T) -> R,
) -> f64 {
    let objects: [Vec<T>; 2] = [(0..OBJECTS).map(fixed).collect(), (0..OBJECTS).map(random_one).collect()];
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for number in 0..measurements {
        let [choice, object] = random::array::<2>();
        let class = usize::from(choice % 2);
        let object = &objects[class][usize::from(object) % OBJECTS];
        let started = Instant::now();
        black_box(operation(black_box(object)));
        let time_ns = started.elapsed().as_nanos() as f64;
        // The first ones warm up.
        if number > measurements / 20 {
            times[class].push(time_ns);
        }
    }
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let bound = all[((all.len() - 1) as f64 * KEPT) as usize];
    let [one, two] = times.map(|times| statistics(times.into_iter().filter(|time| *time <= bound)));
    (one.mean - two.mean) / (one.variance / one.count + two.variance / two.count).sqrt()
}

struct Statistics {
    count: f64,
    mean: f64,
    variance: f64,
}

fn statistics(times: impl Iterator<Item = f64>) -> Statistics {
    let times: Vec<f64> = times.collect();
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Statistics { count, mean, variance }
}

fn report(what: &str, t: f64) -> io::Result<()> {
    let word = if t.abs() > SUSPICIOUS { "look at this" } else { "nothing shows" };
    writeln!(io::stdout(), "{what}: t = {t:.2}, {word}")
}
