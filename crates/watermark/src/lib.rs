//! Whose look a picture shows: marks put into rendered pictures, copies of them with what was drawn over, as pictures and as pages, and marks read again in a
//! picture that was found.
//!
//! ```text
//!  leaf of an opening ──MarkKey──► Number ──┬──► Words ──► Stamp      what everybody sees
//!                                           └──► HiddenMark          what nobody sees, and who has the key finds
//!  rendered picture ──► press ──► press ──► file
//!
//!  found picture + stored frame ──► register ──► read ──► Number ──MarkKey──► leaf
//! ```
//!
//! What it can do is bounded by what a picture is: the marks are in the pixels, so whatever copies the pixels copies the marks. It hinders nobody from
//! taking a picture of a screen, and a picture that was cut to a few letters, or drawn anew, has neither mark.
//!
//! Pure: pixels in, pixels out. No files, no clock, no network; the same key, number and picture give the same bytes.

mod code;
mod drawn;
mod glyphs;
mod hidden;
mod number;
mod page;
mod plane;
mod read;
mod register;
mod tone;
mod visible;

pub use drawn::{DRAWINGS_MAX, Drawing, LINE_CHARACTERS_MAX, LINES_MAX, POINTS_MAX, draw};
pub use hidden::{HiddenMark, Part};
pub use number::{LeafTooFar, MarkKey, NUMBER_BITS, NotANumber, Number, Opening};
pub use page::{Page, PagePicture};
pub use plane::{Plane, WrongSize};
pub use read::{Reading, SURE, Told};
pub use register::{FoundView, FrameView, Perspective, Registration};
pub use visible::{Stamp, Words};

/// A picture of 8 bits per sample that marks are pressed onto: grey, or red, green and blue, row by row.
#[derive(Debug)]
pub struct Surface<'a> {
    /// Pixels of a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Whether a pixel has three samples.
    pub in_colour: bool,
    /// The samples.
    pub samples: &'a mut [u8],
}

impl Surface<'_> {
    const fn samples_per_pixel(&self) -> usize {
        if self.in_colour { 3 } else { 1 }
    }
}
