//! What is left of marks when pictures go through what leaks go through, and that pictures without a mark, or with that of another
//! key, are attributed to nobody.
//!
//! `YINGDUN_MARKED_PICTURES` says how many pictures there are of each kind; few unless it is set.

#![allow(clippy::print_stdout, missing_docs, reason = "a test")]

mod leaks;

use leaks::{CHANGES, Read, UNMARKED_KINDS, blamed, body, read_back};
use yingdun_watermark::{FoundView, FrameView};

fn pictures() -> u64 {
    std::env::var("YINGDUN_MARKED_PICTURES").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Something of each seed, on all cores.
fn of_each<T: Send>(work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = (0..cores)
            .map(|core| {
                let seeds = (core..pictures()).step_by(usize::try_from(cores).unwrap_or(1));
                scope.spawn(move || seeds.map(work).collect::<Vec<T>>())
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

#[test]
fn marks_live_through_what_leaks_go_through_and_nobody_is_blamed_for_another() {
    let mut read = Read::default();
    of_each(read_back).iter().for_each(|one| read.add(one));
    let pictures = pictures();
    for ((what, _), ((found, alone), sure)) in
        CHANGES.iter().zip(read.found.iter().zip(read.alone).zip(read.sureness))
    {
        let mean = sure / pictures as f32;
        println!("{what}: {found} of {pictures}, {alone} without knowing any opening; {mean:.0} deviations");
    }
    assert_eq!(read.wrong, 0, "pictures blame somebody else");
    for ((what, _), found) in CHANGES.iter().zip(read.found) {
        assert!(
            found * 100 >= pictures * 95 || pictures < 20 && found + 1 >= pictures,
            "{what}: {found} of {pictures}"
        );
    }
}

#[test]
fn pictures_without_a_mark_and_with_that_of_others_lead_to_nobody() {
    let blamed: u64 = of_each(blamed).into_iter().sum();
    assert_eq!(blamed, 0, "of {} pictures", UNMARKED_KINDS * pictures());
}

#[test]
fn another_picture_does_not_fit() {
    let view = FrameView::new(body(1).plane());
    let found = FoundView::new(body(4).plane());
    let registration = found.lay_over(&view);
    assert!(registration.is_none(), "{registration:?}");
}
