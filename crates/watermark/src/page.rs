//! A page of paper as PDF (ISO 32000-1): a picture, what is to be said of it, and the mark over all of it. Letters are outlines of our own font, so that a
//! page looks the same everywhere, and nothing of it can be searched or copied as text.
//!
//! The picture lies in the page byte by byte as it was made, so that its SHA-256 in the last line can be compared.

use crate::glyphs::Pen;
use std::fmt::Write as _;
use zeno::Command;

/// A4, in points of a seventy-second of an inch.
const SHORT: f32 = 595.28;
const LONG: f32 = 841.89;
const MARGIN: f32 = 34.0;

const TITLE: f32 = 13.0;
const TEXT: f32 = 9.0;
const SMALL: f32 = 7.5;
/// From one line to the next, as part of the height of letters.
const LEADING: f32 = 1.45;
/// How far a line that is too long shrinks.
const SHRINK_MIN: f32 = 0.55;
/// Lines above the picture and below it that are printed.
const LINES_MAX: usize = 12;
/// Characters of a line.
const LINE_CHARACTERS_MAX: usize = 200;

/// Letters of the mark, its slant (17 degrees), and how dark it is.
const MARK: f32 = 10.0;
const SLANT: f32 = 0.3;
const DARKNESS: &str = "0.16";

/// A JPEG of 8 bits per sample.
#[derive(Clone, Copy, Debug)]
pub struct PagePicture<'a> {
    /// The file.
    pub file: &'a [u8],
    /// Pixels of a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Whether a pixel has three samples.
    pub in_colour: bool,
}

/// What stands on a page.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The picture.
    pub picture: PagePicture<'a>,
    /// Above it; the first line is larger.
    pub heading: &'a [String],
    /// Below it.
    pub footer: &'a [String],
    /// Over all of it, again and again.
    pub mark: &'a str,
}

impl Page<'_> {
    /// The page as a file.
    #[must_use]
    pub fn to_pdf(&self) -> Vec<u8> {
        let lies = u64::from(self.picture.columns) * 4 > u64::from(self.picture.rows) * 5;
        let (width, height) = if lies { (LONG, SHORT) } else { (SHORT, LONG) };
        let (content, mark) = self.drawn(width, height);
        let colours = if self.picture.in_colour { "DeviceRGB" } else { "DeviceGray" };
        let PagePicture { file, columns, rows, .. } = self.picture;
        let mut pdf = Pdf::default();
        pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
        pdf.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
        pdf.object(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R /Resources << /XObject << /Picture 5 0 R /Mark 6 0 R >> \
             /ExtGState << /Faint 7 0 R >> >> >>"
        ));
        pdf.stream("", content.as_bytes());
        pdf.stream(
            &format!(
                "/Type /XObject /Subtype /Image /Width {columns} /Height {rows} /ColorSpace /{colours} /BitsPerComponent 8 /Filter /DCTDecode "
            ),
            file,
        );
        let side = LONG * 2.0;
        pdf.stream(
            &format!("/Type /XObject /Subtype /Form /BBox [-{side} -{side} {side} {side}] "),
            mark.as_bytes(),
        );
        pdf.object(&format!("<< /Type /ExtGState /ca {DARKNESS} >>"));
        pdf.finish()
    }

    /// The content of the page, and the mark as a form. Both count downwards from the upper left.
    fn drawn(&self, width: f32, height: f32) -> (String, String) {
        let mut content = format!("1 0 0 -1 0 {height} cm\n");
        let room = width - 2.0 * MARGIN;
        let mut down = MARGIN;
        for (number, text) in self.heading.iter().take(LINES_MAX).enumerate() {
            let letter = if number == 0 { TITLE } else { TEXT };
            down += letter * LEADING;
            write_line(&mut content, text, letter, (MARGIN, down), room);
        }
        let footer = self.footer.get(..LINES_MAX).unwrap_or(self.footer);
        #[allow(clippy::cast_precision_loss, reason = "a dozen lines")]
        let foot = height - MARGIN - SMALL * LEADING * footer.len() as f32;
        self.place_picture(&mut content, (MARGIN, down + TEXT), (room, foot - down - 2.0 * TEXT));
        let mut down = foot;
        for text in footer {
            down += SMALL * LEADING;
            write_line(&mut content, text, SMALL, (MARGIN, down), room);
        }
        let mut mark = String::new();
        let length = write_line(&mut mark, self.mark, MARK, (0.0, 0.0), f32::MAX);
        content.push_str("/Faint gs\n");
        let (across, step) = (length * SLANT.cos() + MARK * 4.0, MARK * 7.0);
        let (sine, cosine) = SLANT.sin_cos();
        let mut y = 0.0;
        let mut is_odd = false;
        while y < height + length * sine {
            let mut x = if is_odd { -across / 2.0 } else { -across };
            while x < width {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    content,
                    "q {cosine:.4} {:.4} {sine:.4} {cosine:.4} {x:.2} {y:.2} cm /Mark Do Q",
                    -sine
                );
                x += across;
            }
            y += step;
            is_odd = !is_odd;
        }
        (content, mark)
    }

    #[allow(clippy::cast_precision_loss, reason = "sides of 16 bits")]
    fn place_picture(&self, content: &mut String, (left, top): (f32, f32), (width, height): (f32, f32)) {
        let (columns, rows) = (self.picture.columns.max(1) as f32, self.picture.rows.max(1) as f32);
        let scale = (width / columns).min(height / rows);
        let (wide, high) = (columns * scale, rows * scale);
        let (x, y) = (left + (width - wide) / 2.0, top + (height - high) / 2.0 + high);
        let _ = writeln!(content, "q {wide:.2} 0 0 {:.2} {x:.2} {y:.2} cm /Picture Do Q", -high);
    }
}

// === helpers ===

/// Writes a line as outlines; gives its length.
fn write_line(content: &mut String, text: &str, letter: f32, (x, y): (f32, f32), room: f32) -> f32 {
    let text: String = text.chars().filter(|one| !one.is_control()).take(LINE_CHARACTERS_MAX).collect();
    let long = Pen::new(letter).map_or(0.0, |pen| pen.line(&text).length);
    let shrunk = if long > room { (room / long).max(SHRINK_MIN) } else { 1.0 };
    let Some(pen) = Pen::new(letter * shrunk) else { return 0.0 };
    let line = pen.line(&text);
    let mut from = (0.0_f32, 0.0_f32);
    for command in line.at((x, y)) {
        // Writing to a string cannot fail.
        let _ = match command {
            Command::MoveTo(to) => writeln!(content, "{:.2} {:.2} m", to.x, to.y),
            Command::LineTo(to) => writeln!(content, "{:.2} {:.2} l", to.x, to.y),
            Command::CurveTo(by, and, to) => {
                writeln!(
                    content,
                    "{:.2} {:.2} {:.2} {:.2} {:.2} {:.2} c",
                    by.x, by.y, and.x, and.y, to.x, to.y
                )
            }
            // A cubic curve that is the same.
            Command::QuadTo(by, to) => {
                let third = |end: f32, by: f32| end + (by - end) * 2.0 / 3.0;
                writeln!(
                    content,
                    "{:.2} {:.2} {:.2} {:.2} {:.2} {:.2} c",
                    third(from.0, by.x),
                    third(from.1, by.y),
                    third(to.x, by.x),
                    third(to.y, by.y),
                    to.x,
                    to.y
                )
            }
            Command::Close => writeln!(content, "h"),
        };
        match command {
            Command::MoveTo(to)
            | Command::LineTo(to)
            | Command::CurveTo(_, _, to)
            | Command::QuadTo(_, to) => {
                from = (to.x, to.y);
            }
            Command::Close => {}
        }
    }
    content.push_str("f\n");
    line.length
}

/// Objects of a file, numbered from 1 in their order, and where each begins.
#[derive(Default)]
struct Pdf {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Pdf {
    fn begin(&mut self) {
        if self.bytes.is_empty() {
            // The second line says that the file is not text.
            self.bytes.extend_from_slice(b"%PDF-1.4\n%\xe5\xbd\xb1\xe7\x9b\xbe\n");
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(format!("{} 0 obj\n", self.starts.len()).as_bytes());
    }

    fn object(&mut self, text: &str) {
        self.begin();
        self.bytes.extend_from_slice(format!("{text}\nendobj\n").as_bytes());
    }

    fn stream(&mut self, entries: &str, bytes: &[u8]) {
        self.begin();
        self.bytes.extend_from_slice(format!("<< {entries}/Length {} >>\nstream\n", bytes.len()).as_bytes());
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
    }

    fn finish(mut self) -> Vec<u8> {
        let table = self.bytes.len();
        let count = self.starts.len() + 1;
        let mut end = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for start in &self.starts {
            let _ = writeln!(end, "{start:010} 00000 n ");
        }
        let _ = write!(end, "trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
        self.bytes.extend_from_slice(end.as_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(file: &[u8], heading: &[String], footer: &[String], mark: &str, size: (u32, u32)) -> Vec<u8> {
        let picture = PagePicture { file, columns: size.0, rows: size.1, in_colour: false };
        Page { picture, heading, footer, mark }.to_pdf()
    }

    /// Where every object begins is what the table says, and the table is where the last lines say.
    fn check(pdf: &[u8]) {
        let find = |needle: &[u8], from: usize| {
            pdf[from..].windows(needle.len()).position(|part| part == needle).map(|at| at + from)
        };
        assert!(pdf.starts_with(b"%PDF-1.4\n") && pdf.ends_with(b"%%EOF\n"));
        let tail = String::from_utf8_lossy(&pdf[pdf.len() - 120..]).into_owned();
        let table: usize = tail.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let text = String::from_utf8_lossy(&pdf[table..]).into_owned();
        assert!(text.starts_with("xref\n0 8\n"), "{text}");
        for (number, row) in text.lines().skip(3).take(7).enumerate() {
            let start: usize = row[..10].parse().unwrap();
            assert_eq!(find(format!("{} 0 obj\n", number + 1).as_bytes(), start), Some(start));
        }
    }

    #[test]
    fn the_picture_lies_in_the_page_as_it_was_made() {
        let file: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let lines = ["张三 · P20260001".to_owned(), "CT".to_owned()];
        let pdf = page(&file, &lines, &lines, "li.wei · WM-7K3F-9QXA-02MC", (512, 512));
        check(&pdf);
        assert!(pdf.windows(file.len()).any(|part| part == file));
        let lies = page(&file, &lines, &lines, "x", (1000, 500));
        let has = |pdf: &[u8], text: &str| pdf.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has(&pdf, "[0 0 595.28 841.89]") && has(&lies, "[0 0 841.89 595.28]"));
        assert!(!has(&pdf, "P20260001"), "letters are outlines");
    }

    proptest! {
        #[test]
        fn no_words_and_no_size_break_a_page(
            lines in proptest::collection::vec(".*", 0..20), mark in ".{0,60}", columns in 0..70_000_u32, rows in 0..70_000_u32,
        ) {
            check(&page(b"jpeg", &lines, &lines, &mark, (columns, rows)));
        }
    }
}
