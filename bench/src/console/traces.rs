//! What is left of hidden marks in pictures that went through hands: the pictures and changes of the tests of `yingdun-watermark`, more of them.

use super::{OURS, Size};
use crate::case::Measured;
use crate::failure::{Outcome, While};

#[path = "../../../crates/watermark/tests/leaks/mod.rs"]
mod leaks;

/// The beginning of the names of cases; the change follows.
pub(super) const CASE: &str = "console-hidden-mark, ";
/// Pictures without a mark of ours.
pub(super) const UNMARKED: &str = "console-hidden-mark-where-there-is-none";

pub(super) fn run(size: Size, measured: &mut Measured) -> Outcome<()> {
    let seeds: Vec<u64> = (0..size.marked).collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parts = seeds.chunks(seeds.len().div_ceil(cores).max(1));
    let (read, blamed) = std::thread::scope(|scope| {
        let running: Vec<_> = parts
            .map(|part| {
                scope.spawn(move || {
                    let mut read = leaks::Read::default();
                    let mut blamed = 0;
                    for seed in part {
                        read.add(&leaks::read_back(*seed));
                        blamed += leaks::blamed(*seed);
                    }
                    (read, blamed)
                })
            })
            .collect();
        let mut all = (leaks::Read::default(), 0);
        for part in running {
            let (read, blamed) = part.join().ok().or_fail("reading marks broke")?;
            all.0.add(&read);
            all.1 += blamed;
        }
        Outcome::Ok(all)
    })?;
    for (at, (change, _)) in leaks::CHANGES.iter().enumerate() {
        let case = format!("{CASE}{change}");
        let (Some(found), Some(alone)) = (read.found.get(at), read.alone.get(at)) else { continue };
        measured.add(&case, OURS, "pictures", size.marked as f64);
        measured.add(&case, OURS, "read", *found as f64);
        measured.add(&case, OURS, "read_without_an_opening", *alone as f64);
        eprintln!("{case:<48} {OURS:<20} {found:>8} of {}", size.marked);
    }
    measured.add(UNMARKED, OURS, "pictures", (leaks::UNMARKED_KINDS * size.marked) as f64);
    measured.add(UNMARKED, OURS, "blamed", (blamed + read.wrong) as f64);
    Ok(())
}
