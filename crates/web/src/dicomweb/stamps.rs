//! Presses marks onto rendered pictures. The stamp of a mark is drawn once and kept for the next pictures of that opening.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use yingdun_archive::PictureMark;
use yingdun_pixels::ImageAttributes;
use yingdun_pixels::render::{Bitmap, View};
use yingdun_watermark::{Part, Stamp, Surface, Words};

/// Bytes of stamps that are kept: those of some hundred openings. An opening has a new one each minute, so what is old is needed no more, and all of
/// them are given up when there is no room.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// The stamps that were drawn last.
#[derive(Debug, Default)]
pub(super) struct Stamps(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    stamps: HashMap<Words, Arc<Stamp>>,
    bytes: usize,
}

impl Stamps {
    /// Presses both marks onto a picture: the one that is seen, and the hidden one over it.
    pub(super) fn press(
        &self,
        mark: &PictureMark,
        bitmap: &mut Bitmap,
        view: &View,
        frame: &ImageAttributes,
    ) {
        let words = Words::new(mark.words(), bitmap.columns, bitmap.rows);
        let stamp = self.stamp(words);
        let (columns, rows, in_colour) = (bitmap.columns, bitmap.rows, bitmap.in_colour);
        let mut surface = Surface { columns, rows, in_colour, samples: &mut bitmap.samples };
        stamp.press(&mut surface);
        mark.hidden().press(&mut surface, &part_of(view, frame));
    }

    fn stamp(&self, words: Words) -> Arc<Stamp> {
        if let Some(stamp) = self.kept().stamps.get(&words) {
            return Arc::clone(stamp);
        }
        // Two that draw the same do it twice, and nobody waits for anybody.
        let stamp = Arc::new(Stamp::new(&words));
        let mut kept = self.kept();
        if kept.bytes.saturating_add(stamp.bytes()) > KEPT_BYTES_MAX {
            *kept = Kept::default();
        }
        if kept.stamps.insert(words, Arc::clone(&stamp)).is_none() {
            kept.bytes += stamp.bytes();
        }
        stamp
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === helpers ===

/// Which part of the frame a picture shows.
pub(super) fn part_of(view: &View, frame: &ImageAttributes) -> Part {
    let whole = Part { left: 0.0, top: 0.0, columns: f64::from(frame.columns), rows: f64::from(frame.rows) };
    view.viewport.and_then(|viewport| viewport.region).map_or(whole, |region| Part {
        left: f64::from(region.left),
        top: f64::from(region.top),
        columns: f64::from(region.columns),
        rows: f64::from(region.rows),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_kept_within_their_bound() {
        let stamps = Stamps::default();
        for number in 0..200 {
            let text = format!("{number:040}");
            let pieces = [text.as_str(); 8];
            stamps.stamp(Words::new(pieces, 4_000, 4_000));
            let kept = stamps.kept();
            assert!(kept.bytes <= KEPT_BYTES_MAX && !kept.stamps.is_empty());
            assert_eq!(kept.bytes, kept.stamps.values().map(|stamp| stamp.bytes()).sum::<usize>());
        }
        let words = Words::new(["a"], 512, 512);
        assert!(Arc::ptr_eq(&stamps.stamp(words.clone()), &stamps.stamp(words)));
    }
}
