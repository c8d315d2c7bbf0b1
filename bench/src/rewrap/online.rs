//! The job itself, and those who read and store meanwhile.

use super::house::House;
use super::{Figures, Load};
use crate::failure::{Failure, Outcome, While};
use crate::statistics::Latencies;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use yingdun_keys::{REWRAP_KEYS_MAX, RewrapTurn, RewrapWorker};

/// Between two batches, as the archive pauses.
const BETWEEN_BATCHES: Duration = Duration::from_millis(5);

/// Between two reads, and between two stores: some tens of each in a second, as in a busy hour.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(20);

/// A step through all studies that meets each once.
const STRIDE: u32 = 7919;

/// Rotates, and wraps all keys again.
pub(super) async fn measure(
    house: &House,
    engine: &'static str,
    studies: u32,
    made_in: Duration,
) -> Outcome<Figures> {
    let status = house.keys.status(&house.institution).await.or_fail("counting the keys")?;
    let kek = status.keks.into_iter().next().or_fail("there is no key")?;
    house.keys.rotate_kek(&kek.line, kek.version).await.or_fail("rotating")?;
    let done = AtomicBool::new(false);
    let reads = load(&done, |turn| house.read(turn.wrapping_mul(STRIDE) % studies));
    let stores = load(&done, |turn| house.store(studies + turn));
    let job = async {
        let wrapped_in = job(house).await;
        done.store(true, Ordering::Release);
        wrapped_in
    };
    let (wrapped_in, reads, stores) = tokio::join!(job, reads, stores);
    let wrapped_in = wrapped_in?;
    house.keys.destroy_kek(&kek.line, kek.version).await.or_fail("destroying the version before")?;
    house.read(0).await?;
    eprintln!("{engine:<10} {} keys wrapped again after {:.1} s", kek.keys, wrapped_in.as_secs_f64());
    Ok(Figures { engine, made_in, keys: kek.keys, wrapped_in, reads, stores })
}

/// All turns until nothing is left.
async fn job(house: &House) -> Outcome<Duration> {
    let (started, worker) = (Instant::now(), RewrapWorker::new());
    house.keys.begin_rewrap(&house.institution).await.or_fail("beginning")?;
    loop {
        let turn = house.keys.rewrap_turn(&house.institution, worker, REWRAP_KEYS_MAX, Duration::ZERO).await;
        match turn.or_fail("wrapping keys again")? {
            RewrapTurn::NothingLeft => return Ok(started.elapsed()),
            RewrapTurn::Wrapped(_) | RewrapTurn::Lost => tokio::time::sleep(BETWEEN_BATCHES).await,
            RewrapTurn::Idle => return Err(Failure::new("somebody else wraps the keys again")),
        }
    }
}

/// One request after another until it is done.
async fn load<F: Future<Output = Outcome<()>>>(done: &AtomicBool, request: impl Fn(u32) -> F) -> Load {
    let (mut latencies, mut failed) = (Vec::new(), 0);
    for turn in 0.. {
        if done.load(Ordering::Acquire) {
            break;
        }
        let started = Instant::now();
        match request(turn).await {
            Ok(()) => latencies.push(started.elapsed()),
            Err(failure) => {
                failed += 1;
                eprintln!("{failure}");
            }
        }
        tokio::time::sleep(BETWEEN_REQUESTS).await;
    }
    Load { latencies: Latencies::new(latencies), failed }
}
