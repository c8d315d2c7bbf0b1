//! Grey pictures: modality table, window, inversion.

use super::presentation::{Modality, Presentation, Voi, Window, WindowFunction};
use crate::image::{Cell, Picture};

/// Samples of so many bits are mapped by a table of all their values; wider ones each by itself.
const TABLE_BITS_MAX: u32 = 16;

pub(super) fn render(picture: &Picture, presentation: &Presentation, asked: Option<&Window>) -> Vec<u8> {
    let voi = match asked {
        Some(window) => Voi::Window(*window),
        None => presentation.voi.clone().unwrap_or_else(|| Voi::Window(whole_range(picture, presentation))),
    };
    let shade = |value: i64| shade(value, presentation, &voi);
    let attributes = &picture.attributes;
    if attributes.bits_allocated > TABLE_BITS_MAX {
        let mut out = Vec::with_capacity(attributes.frame_samples());
        picture.for_each_sample(|value| out.push(shade(value)));
        return out;
    }
    // One entry for each cell between the lowest and the highest, whatever their unused bits are.
    let cell = Cell::of(attributes);
    if attributes.bits_allocated == 8 {
        let shades: Vec<u8> = (0..=u8::MAX).map(|byte| shade(cell.value(u64::from(byte)))).collect();
        return picture.bytes.iter().map(|byte| looked_up(&shades, usize::from(*byte))).collect();
    }
    // Negative cells come first in the table.
    let sign = if attributes.signed { 1 << 15 } else { 0 };
    let places = || picture.bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word) ^ sign);
    let (low, high) = places().fold((u16::MAX, 0), |(low, high), place| (low.min(place), high.max(place)));
    let shades: Vec<u8> = (low..=high).map(|place| shade(cell.value(u64::from(place ^ sign)))).collect();
    places().map(|place| looked_up(&shades, usize::from(place - low))).collect()
}

// === helpers ===

fn looked_up(shades: &[u8], place: usize) -> u8 {
    shades.get(place).copied().unwrap_or(0)
}

/// The window over everything that the picture has.
fn whole_range(picture: &Picture, presentation: &Presentation) -> Window {
    let mut range: Option<(i64, i64)> = None;
    picture.for_each_sample(|value| {
        if presentation.padding != Some(value) {
            let (low, high) = range.unwrap_or((value, value));
            range = Some((low.min(value), high.max(value)));
        }
    });
    let (low, high) = range.unwrap_or((0, 0));
    let (low, high) = (measured(low, presentation), measured(high, presentation));
    let width = (high - low).abs();
    Window {
        center: f64::midpoint(low, high),
        width: if width > 0.0 { width } else { 1.0 },
        function: WindowFunction::LinearExact,
    }
}

#[allow(clippy::cast_precision_loss)] // beyond 2^53 nobody sees the difference
pub(super) fn measured(value: i64, presentation: &Presentation) -> f64 {
    match &presentation.modality {
        Modality::Rescale { slope, intercept } => value as f64 * slope + intercept,
        Modality::Table(table) => f64::from(table.entry(value)),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 255
fn shade(value: i64, presentation: &Presentation, voi: &Voi) -> u8 {
    let measured = measured(value, presentation);
    let place = match voi {
        Voi::Window(window) => window.place(measured),
        Voi::Table(table) => f64::from(table.entry(measured.round() as i64)) / table.highest(),
    };
    let place = if presentation.is_inverse { 1.0 - place } else { place };
    (place * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ImageAttributes, Photometric};
    use crate::testing::grey;
    use yingdun_dicom::data_set::DataSet;
    use yingdun_dicom::{Vr, tags};

    fn rendered(attributes: ImageAttributes, set: &DataSet, values: &[i16]) -> Vec<u8> {
        let attributes =
            ImageAttributes { rows: 1, columns: u32::try_from(values.len()).unwrap(), ..attributes };
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let presentation = Presentation::of(set, 1, &attributes).unwrap();
        render(&Picture { attributes, bytes }, &presentation, None)
    }

    fn signed() -> ImageAttributes {
        ImageAttributes { signed: true, ..grey(16, 16) }
    }

    #[test]
    fn a_window_is_over_rescaled_values() {
        let mut set = DataSet::new();
        set.put_text(tags::RESCALE_SLOPE, Vr::DS, "2");
        set.put_text(tags::RESCALE_INTERCEPT, Vr::DS, "-1000");
        set.put_text(tags::WINDOW_CENTER, Vr::DS, "0\\40");
        set.put_text(tags::WINDOW_WIDTH, Vr::DS, "101\\400");
        assert_eq!(rendered(signed(), &set, &[0, 475, 500, 525, 600]), [0, 1, 129, 255, 255]);
    }

    #[test]
    fn without_a_window_the_range_of_the_picture_is_shown_but_for_its_padding() {
        let mut set = DataSet::new();
        set.put(tags::PIXEL_PADDING_VALUE, Vr::SS, yingdun_dicom::data_set::Value::Bytes(vec![0, 128]));
        assert_eq!(rendered(signed(), &set, &[-32_768, -100, 0, 100]), [0, 0, 128, 255]);
        assert_eq!(rendered(signed(), &DataSet::new(), &[7, 7]), [128, 128]);
    }

    #[test]
    fn the_lowest_value_is_white_where_the_data_set_says_so() {
        let white = ImageAttributes { photometric: Photometric::Monochrome1, ..signed() };
        assert_eq!(rendered(white, &DataSet::new(), &[0, 10]), [255, 0]);
        let mut set = DataSet::new();
        set.put_text(tags::PRESENTATION_LUT_SHAPE, Vr::CS, "INVERSE");
        assert_eq!(rendered(signed(), &set, &[0, 10]), [255, 0]);
    }

    #[test]
    fn the_window_of_a_frame_comes_before_that_of_the_image() {
        let window = |center: &str| {
            let mut item = DataSet::new();
            item.put_text(tags::WINDOW_CENTER, Vr::DS, center);
            item.put_text(tags::WINDOW_WIDTH, Vr::DS, "1");
            item
        };
        let group = |center: &str| {
            let mut group = DataSet::new();
            group.put_items(tags::FRAME_VOI_LUT_SEQUENCE, vec![window(center)]);
            group
        };
        let mut set = window("100");
        assert_eq!(rendered(signed(), &set, &[5, 50]), [0, 0]);
        set.put_items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![group("20")]);
        assert_eq!(rendered(signed(), &set, &[5, 50]), [0, 255]);
        set.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![group("1")]);
        assert_eq!(rendered(signed(), &set, &[5, 50]), [255, 255]);
    }

    #[test]
    fn unused_bits_of_a_cell_and_cells_of_either_sign_are_shaded_as_their_samples() {
        let twelve = ImageAttributes { signed: true, ..grey(16, 12) };
        let mut set = DataSet::new();
        set.put_text(tags::WINDOW_CENTER, Vr::DS, "0");
        set.put_text(tags::WINDOW_WIDTH, Vr::DS, "200");
        set.put_text(tags::VOI_LUT_FUNCTION, Vr::CS, "LINEAR_EXACT");
        // The same two samples, -50 and 50, whatever the bits above them are.
        assert_eq!(rendered(twelve, &set, &[0x0fce, 0x1032, -50, 50]), [64, 191, 64, 191]);
        let unsigned = ImageAttributes { signed: false, ..grey(16, 16) };
        set.put_text(tags::WINDOW_CENTER, Vr::DS, "32768");
        assert_eq!(rendered(unsigned, &set, &[32_767, -32_768, 0, -1]), [126, 128, 0, 255]);
    }

    #[test]
    fn a_table_of_values_is_looked_up() {
        let mut item = DataSet::new();
        let descriptor = [3_u16, 10, 8].iter().flat_map(|word| word.to_le_bytes()).collect();
        item.put_bytes(tags::LUT_DESCRIPTOR, Vr::US, descriptor);
        item.put_bytes(tags::LUT_DATA, Vr::OW, vec![0, 0, 51, 0, 255, 0]);
        let mut set = DataSet::new();
        set.put_items(tags::VOI_LUT_SEQUENCE, vec![item]);
        assert_eq!(rendered(signed(), &set, &[0, 11, 12, 99]), [0, 51, 255, 255]);
    }
}
