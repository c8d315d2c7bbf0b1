//! Pictures that are made up, what becomes of pictures that leak, and what can still be read in them: for the tests of this crate, and for the
//! benchmark, which makes more of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "a test"
)]

use yingdun_crypto::SealingKey;
use yingdun_model::Secret;
use yingdun_pixels::render::{Bitmap, to_jpeg};
use yingdun_pixels::{Coding, ImageAttributes, Photometric, decode};
use yingdun_watermark::{
    FoundView, FrameView, HiddenMark, MarkKey, Number, Opening, Part, Plane, Reading, SURE, Stamp, Surface,
    Words,
};

pub const SIDE: usize = 512;

/// Noise that is the same in every run.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed >> 40) as f32 + 0.5) / (1 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.next()
    }

    /// Of a normal distribution.
    fn normal(&mut self) -> f32 {
        (-2.0 * self.next().ln()).sqrt() * (std::f32::consts::TAU * self.next()).cos()
    }
}

/// Grey, with values from 0 to 255.
#[derive(Clone)]
pub struct Grey {
    columns: usize,
    rows: usize,
    values: Vec<f32>,
}

impl Grey {
    fn made(columns: usize, rows: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let values =
            (0..rows * columns).map(|at| value(at % columns, at / columns).clamp(0.0, 255.0).round());
        Self { columns, rows, values: values.collect() }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) =
            ((x - 0.5).clamp(0.0, self.columns as f32 - 1.0), (y - 0.5).clamp(0.0, self.rows as f32 - 1.0));
        let (column, row) = (x as usize, y as usize);
        let value = |column: usize, row: usize| {
            self.values[row.min(self.rows - 1) * self.columns + column.min(self.columns - 1)]
        };
        let (right, below) = (x - column as f32, y - row as f32);
        let line = |row| value(column, row) * (1.0 - right) + value(column + 1, row) * right;
        line(row) * (1.0 - below) + line(row + 1) * below
    }

    pub fn plane(&self) -> Plane {
        Plane::new(self.columns, self.rows, self.values.clone()).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|value| *value as u8).collect()
    }

    fn of_bytes(columns: usize, rows: usize, bytes: &[u8]) -> Self {
        Self { columns, rows, values: bytes.iter().map(|byte| f32::from(*byte)).collect() }
    }

    fn resized(&self, columns: usize, rows: usize) -> Self {
        let (across, down) = (self.columns as f32 / columns as f32, self.rows as f32 / rows as f32);
        let parts = across.max(down).ceil().max(1.0) as usize;
        Self::made(columns, rows, |column, row| {
            let place = |number: usize, part: usize, step: f32| {
                (number as f32 + (part as f32 + 0.5) / parts as f32) * step
            };
            let sum: f32 = (0..parts * parts)
                .map(|part| self.at(place(column, part % parts, across), place(row, part / parts, down)))
                .sum();
            sum / (parts * parts) as f32
        })
    }

    fn changed(&self, mut change: impl FnMut(f32) -> f32) -> Self {
        let values = self.values.iter().map(|value| change(*value).clamp(0.0, 255.0).round()).collect();
        Self { values, ..*self }
    }

    pub fn jpeg(&self, quality: u8) -> Self {
        let (columns, rows) = (self.columns as u32, self.rows as u32);
        let file =
            to_jpeg(Bitmap { columns, rows, in_colour: false, samples: self.bytes() }, quality).unwrap();
        let declared = ImageAttributes {
            rows,
            columns,
            samples: 1,
            bits_allocated: 8,
            bits_stored: 8,
            high_bit: 7,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
        };
        Self::of_bytes(self.columns, self.rows, &decode(Coding::Jpeg, &declared, &file).unwrap().bytes)
    }
}

/// A slice of a body, or a chest from the front: organs, vessels, noise, and air around or not.
pub fn body(seed: u64) -> Grey {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1));
    let is_slice = seed.is_multiple_of(2);
    let organs: Vec<[f32; 6]> = (0..26)
        .map(|_| {
            let angle = dice.between(0.0, 3.1);
            let (a, b) = (dice.between(0.02, 0.22), dice.between(0.02, 0.16));
            [dice.between(-0.6, 0.6), dice.between(-0.55, 0.55), a, b, angle, dice.between(-70.0, 75.0)]
        })
        .collect();
    let (wide, high, ground) = (dice.between(0.55, 0.9), dice.between(0.45, 0.8), dice.between(90.0, 150.0));
    let grain = if is_slice { 6.0 } else { 3.0 };
    let mut smooth = [[0.0; 34]; 34];
    smooth.iter_mut().flatten().for_each(|value| *value = dice.normal() * 7.0);
    Grey::made(SIDE, SIDE, |column, row| {
        let (u, v) = (column as f32 / 256.0 - 1.0, row as f32 / 256.0 - 1.0);
        let is_body = !is_slice || u * u / wide + v * v / high < 1.0;
        let mut value = if is_body { ground } else { 2.0 };
        if is_body {
            for [x, y, a, b, angle, change] in &organs {
                let (sin, cos) = angle.sin_cos();
                let (p, q) = ((u - x) * cos + (v - y) * sin, (v - y) * cos - (u - x) * sin);
                let inside = 1.0 - (p / a).powi(2) - (q / b).powi(2);
                value += change * (inside * 6.0).clamp(0.0, 1.0);
            }
            let (x, y) = (column / 16, row / 16);
            let (right, below) = (column as f32 / 16.0 - x as f32, row as f32 / 16.0 - y as f32);
            let line = |row: &[f32; 34]| row[x] * (1.0 - right) + row[x + 1] * right;
            value += line(&smooth[y]) * (1.0 - below) + line(&smooth[y + 1]) * below;
        }
        value + dice.normal() * if is_body { grain } else { 1.5 }
    })
}

pub fn key(byte: u8) -> MarkKey {
    MarkKey::from(&SealingKey::from_secret(&Secret::new([byte; 32])))
}

const WHOLE: Part = Part { left: 0.0, top: 0.0, columns: SIDE as f64, rows: SIDE as f64 };

/// The picture as a session is shown it, in this size.
pub fn shown(frame: &Grey, side: usize, key: &MarkKey, name: &[u8], number: Number) -> Grey {
    let picture = if side == frame.columns { frame.clone() } else { frame.resized(side, side) };
    let mut samples = picture.bytes();
    let (columns, rows) = (side as u32, side as u32);
    let pieces = ["李伟 li.wei", ".3.21", "P20260001", "2026-11-23 14:30", &number.to_string()];
    let stamp = Stamp::new(&Words::new(pieces, columns, rows));
    let mut surface = Surface { columns, rows, in_colour: false, samples: &mut samples };
    stamp.press(&mut surface);
    HiddenMark::new(key, name, number).press(&mut surface, &WHOLE);
    Grey::of_bytes(side, side, &samples)
}

/// A photograph of a screen: from a little beside, darker to the edges, with its own noise, blur, gamma and a frame around.
fn photographed(picture: &Grey, dice: &mut Dice) -> Grey {
    let (turn, lean, rise) =
        (dice.between(-0.03, 0.03), dice.between(-0.05, 0.05), dice.between(-0.05, 0.05));
    let (columns, rows) = (1280_usize, 1100_usize);
    let scale = dice.between(0.98, 1.08) * picture.columns as f32 / 960.0;
    let (left, top) = (dice.between(-30.0, 30.0), dice.between(-25.0, 25.0));
    let side = picture.columns as f32;
    let warped = Grey::made(columns, rows, |column, row| {
        let (x, y) = (column as f32 - columns as f32 / 2.0 - left, row as f32 - rows as f32 / 2.0 - top);
        let depth = 1.0 + lean * x / columns as f32 + rise * y / rows as f32;
        let (sin, cos) = turn.sin_cos();
        let (u, v) = (
            (x * cos + y * sin) * scale / depth + side / 2.0,
            (y * cos - x * sin) * scale / depth + side / 2.0,
        );
        if u < 0.0 || v < 0.0 || u > side || v > side {
            return 24.0;
        }
        // Four places of the sensor's pixel, and the stripes of a screen.
        let blur = [(0.4, 0.4), (-0.4, 0.4), (0.4, -0.4), (-0.4, -0.4)];
        let value: f32 =
            blur.iter().map(|(right, below)| picture.at(u + right * scale, v + below * scale)).sum::<f32>()
                / 4.0;
        let stripes = 1.0 + 0.02 * (u * 2.1).sin() * (v * 2.1).cos();
        let edge = 1.0 - 0.18 * (x * x + y * y) / (800.0 * 800.0);
        255.0 * (value * stripes * edge / 255.0).clamp(0.0, 1.0).powf(0.85)
    });
    warped.changed(|value| value + dice.normal() * 3.0).jpeg(80)
}

pub type Change = fn(&Grey, &mut Dice) -> Grey;

pub const CHANGES: [(&str, Change); 9] = [
    ("as it was shown", |picture, _| picture.clone()),
    ("JPEG 50", |picture, _| picture.jpeg(50)),
    ("half size", |picture, _| picture.resized(picture.columns / 2, picture.rows / 2)),
    ("half size, JPEG 60", |picture, _| picture.resized(picture.columns / 2, picture.rows / 2).jpeg(60)),
    ("cut to 60 %, JPEG 80", |picture, dice| {
        let (columns, rows) = (picture.columns * 6 / 10, picture.rows * 6 / 10);
        let (left, top) = (
            dice.between(0.0, picture.columns as f32 * 0.4) as usize,
            dice.between(0.0, picture.rows as f32 * 0.4) as usize,
        );
        let cut = Grey::made(columns, rows, |column, row| {
            picture.values[(row + top) * picture.columns + column + left]
        });
        cut.jpeg(80)
    }),
    ("noise of 5", |picture, dice| picture.changed(|value| value + dice.normal() * 5.0)),
    ("gamma 1.3, JPEG 75", |picture, _| picture.changed(|value| 255.0 * (value / 255.0).powf(1.3)).jpeg(75)),
    ("another size, in a chat", |picture, _| {
        picture.resized(picture.columns * 71 / 100, picture.rows * 71 / 100).jpeg(55)
    }),
    ("photograph of a screen", photographed),
];

/// How many pictures were read after each change.
#[derive(Default)]
pub struct Read {
    /// Found among the openings of their study.
    pub found: [u64; CHANGES.len()],
    /// Told without knowing any opening.
    pub alone: [u64; CHANGES.len()],
    /// How surely, summed up.
    pub sureness: [f32; CHANGES.len()],
    /// Pictures that were attributed to somebody else's opening.
    pub wrong: u64,
}

impl Read {
    pub fn add(&mut self, other: &Self) {
        for at in 0..CHANGES.len() {
            self.found[at] += other.found[at];
            self.alone[at] += other.alone[at];
            self.sureness[at] += other.sureness[at];
        }
        self.wrong += other.wrong;
    }
}

/// Marks a picture, changes it in each way, and reads it.
pub fn read_back(seed: u64) -> Read {
    let key = key(1);
    let frame = body(seed);
    let view = FrameView::new(frame.plane());
    let name = format!("1.2.{seed}/1");
    let actor = format!("reader-{seed}");
    let opening = Opening { log: "renmin/audit", leaf: 1_000 + seed, actor: &actor, study: "00ff" };
    let number = key.number(&opening).unwrap();
    let side = if seed.is_multiple_of(3) { SIDE } else { 2 * SIDE };
    let picture = shown(&frame, side, &key, name.as_bytes(), number);
    let mut dice = Dice(seed + 77);
    let mut read = Read::default();
    for (at, (what, change)) in CHANGES.iter().enumerate() {
        let found = FoundView::new(change(&picture, &mut dice).plane());
        let Some(registration) = found.lay_over(&view) else {
            println!("{what}: picture {seed} of {side} does not fit");
            continue;
        };
        let reading = Reading::new(&key, name.as_bytes(), &view, &found, &registration);
        let told = reading.number();
        let sureness = reading.sureness(number);
        read.sureness[at] += sureness;
        read.alone[at] += u64::from(told.is_some_and(|told| told.number == number));
        // Compared with the openings of the study, weaker marks are found.
        read.found[at] += u64::from(sureness >= SURE);
        if sureness < SURE {
            println!("{what}: picture {seed} of {side} is read with {sureness:.1} deviations");
        }
        if let Some(told) = told.filter(|told| told.number != number) {
            let leaf = key.leaf(told.number);
            read.wrong += u64::from(key.is_of(told.number, &Opening { leaf, ..opening }));
        }
    }
    read
}

/// Kinds of pictures without a mark of ours: none at all, that of another key, that of another frame.
pub const UNMARKED_KINDS: u64 = 3;

/// Numbers with which each of them is compared: openings of a study that is looked at often.
const OPENINGS: u64 = 2_000;

/// How many pictures of a seed that have no mark of ours are attributed to somebody all the same.
pub fn blamed(seed: u64) -> u64 {
    let (ours, theirs) = (key(1), key(2));
    let frame = body(seed);
    let view = FrameView::new(frame.plane());
    let name = format!("1.2.{seed}/1");
    let opening = Opening { log: "renmin/audit", leaf: seed, actor: "somebody", study: "00ff" };
    let number = theirs.number(&opening).unwrap();
    let unmarked = frame.jpeg(85);
    let of_theirs = shown(&frame, SIDE, &theirs, name.as_bytes(), number);
    let of_another_frame = shown(&frame, SIDE, &ours, b"1.2.9/9", ours.number(&opening).unwrap());
    let blames = |picture: Grey| {
        let found = FoundView::new(picture.plane());
        let Some(registration) = found.lay_over(&view) else { return false };
        let reading = Reading::new(&ours, name.as_bytes(), &view, &found, &registration);
        let mut candidates = (0..OPENINGS).map(|leaf| ours.number(&Opening { leaf, ..opening }).unwrap());
        if candidates.any(|number| reading.sureness(number) >= SURE) {
            return true;
        }
        // A word that is told without any opening leads to a leaf that nobody has.
        let told = reading.number().map(|told| (told.number, ours.leaf(told.number)));
        told.is_some_and(|(number, leaf)| ours.is_of(number, &Opening { leaf, ..opening }))
    };
    [unmarked, of_theirs, of_another_frame].into_iter().map(|picture| u64::from(blames(picture))).sum()
}
