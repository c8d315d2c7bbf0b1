//! Lines of text as outlines, and outlines as a mask. The font is ours and is compiled in; no font of anybody else is read.

use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};
use zeno::{Command, Mask, Transform, Vector};

/// GB 2312 and Latin letters of Noto Sans SC; see `font/README.md`.
static FONT: &[u8] = include_bytes!("../font/marks.otf");

/// Drawn for what the font has not.
const UNKNOWN: char = '□';

/// A line of text as an outline, with its beginning at the origin and its baseline on the axis; y grows downwards.
pub(crate) struct Line {
    outline: Vec<Command>,
    /// How long it is, in pixels.
    pub(crate) length: f32,
}

/// Draws lines of one size.
pub(crate) struct Pen {
    font: FontRef<'static>,
    size: Size,
}

impl Pen {
    /// A pen for letters of this height, in pixels; none if the font were broken, which a test excludes.
    pub(crate) fn new(height: f32) -> Option<Self> {
        Some(Self { font: FontRef::new(FONT).ok()?, size: Size::new(height) })
    }

    pub(crate) fn line(&self, text: &str) -> Line {
        let map = self.font.charmap();
        let metrics: GlyphMetrics<'_> = self.font.glyph_metrics(self.size, LocationRef::default());
        let outlines = self.font.outline_glyphs();
        let mut pen = Outline { commands: Vec::new(), at: 0.0 };
        for letter in text.chars() {
            let glyph = map.map(letter).filter(|glyph| *glyph != GlyphId::NOTDEF);
            let Some(glyph) = glyph.or_else(|| map.map(UNKNOWN)) else { continue };
            if let Some(outline) = outlines.get(glyph) {
                // A glyph that cannot be drawn leaves a gap: the number says it all.
                let settings = DrawSettings::unhinted(self.size, LocationRef::default());
                let _ = outline.draw(settings, &mut pen);
            }
            pen.at += metrics.advance_width(glyph).unwrap_or_default();
        }
        Line { outline: pen.commands, length: pen.at }
    }
}

impl Line {
    /// The outline with its beginning at this place.
    pub(crate) fn at(&self, (x, y): (f32, f32)) -> impl Iterator<Item = Command> {
        let moved = move |to: Vector| Vector::new(to.x + x, to.y + y);
        self.outline.iter().map(move |command| match *command {
            Command::MoveTo(to) => Command::MoveTo(moved(to)),
            Command::LineTo(to) => Command::LineTo(moved(to)),
            Command::QuadTo(by, to) => Command::QuadTo(moved(by), moved(to)),
            Command::CurveTo(by, and, to) => Command::CurveTo(moved(by), moved(and), moved(to)),
            Command::Close => Command::Close,
        })
    }

    /// Adds the line to a mask that repeats itself in both directions, turned by `angle` (radians, upwards), its beginning at this place.
    pub(crate) fn onto(&self, mask: &mut Repeated, (x, y): (f32, f32), angle: f32) {
        let turned = Transform::rotation(zeno::Angle::from_radians(-angle)).then_translate(x, y);
        let (drawn, placement) = Mask::new(&self.outline).transform(Some(turned)).render();
        let width = usize::try_from(placement.width).unwrap_or_default();
        for (row, line) in (i64::from(placement.top)..).zip(drawn.chunks_exact(width.max(1))) {
            for (column, coverage) in (i64::from(placement.left)..).zip(line) {
                mask.cover(column, row, *coverage);
            }
        }
    }
}

/// A mask without edges: what leaves it on one side comes in at the other.
pub(crate) struct Repeated {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) coverage: Vec<u8>,
}

impl Repeated {
    pub(crate) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, coverage: vec![0; columns * rows] }
    }

    fn cover(&mut self, column: i64, row: i64, coverage: u8) {
        let wrapped = |at: i64, of: usize| usize::try_from(at.rem_euclid(of as i64)).unwrap_or_default();
        let at = wrapped(row, self.rows) * self.columns + wrapped(column, self.columns);
        if let Some(here) = self.coverage.get_mut(at) {
            *here = (*here).max(coverage);
        }
    }
}

// === helpers ===

struct Outline {
    commands: Vec<Command>,
    /// Where the next glyph begins.
    at: f32,
}

impl Outline {
    /// Fonts count upwards, pictures downwards.
    fn point(&self, x: f32, y: f32) -> Vector {
        Vector::new(self.at + x, -y)
    }
}

impl OutlinePen for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::MoveTo(self.point(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::LineTo(self.point(x, y)));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.commands.push(Command::QuadTo(self.point(cx, cy), self.point(x, y)));
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (first, second) = (self.point(cx0, cy0), self.point(cx1, cy1));
        self.commands.push(Command::CurveTo(first, second, self.point(x, y)));
    }

    fn close(&mut self) {
        self.commands.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_gb_2312_and_ascii_has_an_outline() {
        let pen = Pen::new(16.0).unwrap();
        let map = pen.font.charmap();
        assert!(map.mappings().count() > 7_500);
        for letter in ('!'..='~').chain("李伟王芳欧阳娜娜齄啊澳郎é·".chars()) {
            assert!(map.map(letter).is_some(), "{letter}");
            assert!(!pen.line(&letter.to_string()).outline.is_empty(), "{letter}");
        }
    }

    #[test]
    fn what_the_font_has_not_is_a_box() {
        let pen = Pen::new(16.0).unwrap();
        assert_eq!(pen.line("𠮷").outline, pen.line("□").outline);
        assert!(!pen.line("□").outline.is_empty());
        assert!((pen.line("𠮷").length - 16.0).abs() < 0.1);
    }
}
