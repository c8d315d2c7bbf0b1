//! Bodies of ellipses, in the values of each modality.

use super::canvas::{Canvas, Ellipse};
use super::rng::Rng;
use std::f64::consts::PI;

/// Hounsfield units of air outside the body.
const AIR: i16 = -1_000;
/// Hounsfield units of lung.
const LUNG: i16 = -830;
/// Hounsfield units of fat.
const FAT: i16 = -100;
/// Hounsfield units of muscle.
const MUSCLE: i16 = 50;
/// Hounsfield units of blood with contrast medium.
const BLOOD: i16 = 160;
/// Hounsfield units of cancellous bone.
const BONE: i16 = 350;
/// Standard deviation of the noise of a thin slice, Hounsfield units.
const CT_NOISE: f64 = 14.0;

/// One slice of a chest from the apex of the lungs (`number` 1) to the diaphragm (`slices`).
pub(super) fn chest_ct(seed: u64, number: u32, slices: u32, matrix: u16, rng: &mut Rng) -> Canvas {
    let height = f64::from(number) / f64::from(slices.max(1));
    let size = usize::from(matrix);
    let mut canvas = Canvas::new(size, size, AIR);
    let mut body = Rng::new(seed);
    let girth = body.between(0.92, 1.05);
    let lung = (0.35 + 0.65 * (PI * height).sin()).clamp(0.0, 1.0);

    // The table, then the body from outside to inside.
    canvas.paint(ellipse(0.0, 0.78, 0.62, 0.05, -200));
    canvas.paint(ellipse(0.0, 0.77, 0.60, 0.03, AIR));
    canvas.paint(ellipse(0.0, 0.05, 0.78 * girth, 0.58 * girth, FAT));
    canvas.paint(ellipse(0.0, 0.05, 0.73 * girth, 0.53 * girth, MUSCLE));
    for rib in 0..12_u32 {
        let angle = f64::from(rib) / 12.0 * 2.0 * PI + height * 3.0;
        let (x, y) = (0.68 * girth * angle.cos(), 0.05 + 0.48 * girth * angle.sin());
        canvas.paint(ellipse(x, y, 0.035, 0.022, BONE + 150));
    }
    for side in [-1.0, 1.0] {
        canvas.paint(ellipse(side * 0.36, 0.02, 0.27 * lung, 0.38 * lung, LUNG));
        // Vessels: many, small, bright.
        for _ in 0..40 {
            let (angle, distance) = (body.between(0.0, 2.0 * PI), body.between(0.0, 0.9) * lung);
            let thickness = body.between(0.004, 0.012);
            let (x, y) = (side * 0.36 + 0.25 * distance * angle.cos(), 0.02 + 0.35 * distance * angle.sin());
            let sway = 0.02 * (height * 20.0 + angle).sin();
            canvas.paint(ellipse(x + sway, y, thickness, thickness, 40));
        }
    }
    // A lesion or two in the right lung: spheres that show in a few slices.
    for _ in 0..2 {
        let (x, y) = (body.between(-0.50, -0.25), body.between(-0.15, 0.2));
        let (middle, radius) = (body.between(0.3, 0.7), body.between(0.03, 0.06));
        let off = (height - middle) / radius;
        if off.abs() < 1.0 {
            let shown = radius * (1.0 - off * off).sqrt();
            canvas.paint(ellipse(x, y, shown, shown, 35));
        }
    }
    // Heart, aorta, spine and its canal, sternum.
    let heart = 0.05 + 0.2 * (height * 1.2).clamp(0.0, 1.0);
    canvas.paint(ellipse(0.08, -0.08, heart, heart * 0.85, BLOOD - 60));
    canvas.paint(ellipse(0.1, -0.1, heart * 0.5, heart * 0.4, BLOOD));
    canvas.paint(ellipse(0.09, 0.24, 0.055, 0.055, BLOOD));
    canvas.paint(ellipse(0.0, 0.38, 0.11, 0.09, BONE));
    canvas.paint(ellipse(0.0, 0.49, 0.04, 0.035, 20));
    canvas.paint(ellipse(0.0, 0.56, 0.03, 0.06, BONE));
    canvas.paint(ellipse(0.0, -0.44 * girth, 0.09, 0.025, BONE - 100));
    canvas.noise(CT_NOISE, rng);
    canvas.crop_to_circle(i16::MIN);
    canvas.store(1_024, 4_095);
    canvas
}

/// A chest in projection: thicknesses add up. Bright is little radiation (MONOCHROME1 shows it inverted).
pub(super) fn chest_radiograph(size: usize, rng: &mut Rng) -> Canvas {
    let mut canvas = Canvas::new(size, size, 300);
    for layer in 1..=20_u32 {
        let share = f64::from(layer) / 20.0;
        canvas.add(ellipse(0.0, 0.2, 0.85 * share.sqrt(), 1.15 * share.sqrt(), 70));
    }
    for side in [-1.0, 1.0] {
        for layer in 1..=10_u32 {
            let share = f64::from(layer) / 10.0;
            canvas.add(ellipse(side * 0.38, 0.0, 0.28 * share.sqrt(), 0.62 * share.sqrt(), -70));
        }
        for rib in 0..9_u32 {
            let y = -0.6 + f64::from(rib) * 0.14;
            canvas.add(ellipse(side * 0.4, y, 0.33, 0.025, 90));
        }
    }
    canvas.add(ellipse(0.0, 0.0, 0.09, 1.0, 250));
    canvas.add(ellipse(0.13, 0.25, 0.3, 0.3, 220));
    canvas.noise(18.0, rng);
    canvas.store(0, 4_095);
    canvas
}

/// One slice of a head, T1-weighted, from the vertex to the base.
pub(super) fn head_mr(number: u32, slices: u32, size: usize, rng: &mut Rng) -> Canvas {
    let height = f64::from(number) / f64::from(slices + 1);
    let girth = 0.35 + 0.5 * (PI * height).sin();
    let mut canvas = Canvas::new(size, size, 8);
    canvas.paint(ellipse(0.0, 0.0, 0.85 * girth, girth, 900));
    canvas.paint(ellipse(0.0, 0.0, 0.80 * girth, 0.95 * girth, 60));
    canvas.paint(ellipse(0.0, 0.0, 0.76 * girth, 0.90 * girth, 420));
    canvas.paint(ellipse(0.0, 0.0, 0.62 * girth, 0.76 * girth, 620));
    for side in [-1.0, 1.0] {
        canvas.paint(ellipse(side * 0.13 * girth, 0.0, 0.06 * girth, 0.25 * girth, 120));
        canvas.paint(ellipse(side * 0.3 * girth, 0.05, 0.1 * girth, 0.14 * girth, 480));
    }
    canvas.noise(9.0, rng);
    canvas.store(0, 4_095);
    canvas
}

/// One frame of a heart in an ultrasound sector; it beats once in 25 frames.
pub(super) fn ultrasound(frame: u32, rng: &mut Rng) -> Canvas {
    let beat = 1.0 + 0.15 * (f64::from(frame) / 25.0 * 2.0 * PI).sin();
    let mut canvas = Canvas::new(640, 480, 0);
    canvas.paint(ellipse(0.0, -0.1, 0.62, 0.95, 70));
    canvas.paint(ellipse(-0.08, 0.05, 0.28 * beat, 0.42 * beat, 120));
    canvas.paint(ellipse(-0.08, 0.05, 0.20 * beat, 0.32 * beat, 25));
    canvas.paint(ellipse(0.2, 0.25, 0.14 * beat, 0.2 * beat, 30));
    canvas.noise(16.0, rng);
    canvas.crop_to_circle(0);
    canvas
}

fn ellipse(x: f64, y: f64, half_width: f64, half_height: f64, value: i16) -> Ellipse {
    Ellipse { x, y, half_width, half_height, value }
}
