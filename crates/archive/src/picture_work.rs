//! Threads for decoding, rendering and coding pictures: few enough that a crowd of viewers neither starves the archive of
//! processors nor fills its memory with decoded frames.

use crate::error::Unavailable;
use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// Pictures that are worked on at the same time at most, whatever the machine has: each may hold a few times
/// `yingdun_pixels::limits::FRAME_BYTES_MAX`.
const PICTURES_AT_ONCE_MAX: usize = 16;

/// One picture for each processor.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(processors.min(PICTURES_AT_ONCE_MAX)))
});

/// Runs `work` on a thread that may take its time, when there is a place for it. Work that has begun ends even if nobody
/// waits for it any more, and keeps its place until then.
///
/// # Errors
/// [`Unavailable`] when the work broke off.
pub async fn picture_work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unavailable> {
    let broke_off = |error: String| Unavailable::new("pictures", error);
    let place = Arc::clone(&PLACES).acquire_owned().await.map_err(|error| broke_off(error.to_string()))?;
    let work = move || {
        let done = work();
        drop(place);
        done
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| broke_off(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_waits_for_a_place_and_a_panic_gives_its_place_back() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let places = PLACES.available_permits();
        for _ in 0..places {
            assert!(picture_work(|| assert!(NOW.load(Ordering::SeqCst) > 100)).await.is_err());
        }
        let all = (0..4 * places).map(|_| {
            tokio::spawn(picture_work(|| {
                MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(2));
                NOW.fetch_sub(1, Ordering::SeqCst);
            }))
        });
        for work in all.collect::<Vec<_>>() {
            work.await.unwrap().unwrap();
        }
        assert!((1..=places).contains(&MOST.load(Ordering::SeqCst)));
    }
}
