//! What a data set says about how its picture is shown, for one frame.

use super::lookup::Lookup;
use crate::error::PixelError;
use crate::image::{ImageAttributes, Photometric};
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Tag, tags};

/// The tables of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Presentation {
    pub(crate) modality: Modality,
    pub(crate) voi: Option<Voi>,
    /// Whether the lowest value is white.
    pub(crate) is_inverse: bool,
    /// A value that stands for no picture: left out of the range when there is no window.
    pub(crate) padding: Option<i64>,
    /// Red, green, blue.
    pub(crate) palette: Option<[Lookup; 3]>,
}

/// From stored values to what they measure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(Lookup),
}

/// From what is measured to what is seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Voi {
    Window(Window),
    Table(Lookup),
}

/// A window over measured values (PS3.3 §C.11.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Window Center.
    pub center: f64,
    /// Window Width.
    pub width: f64,
    /// VOI LUT Function.
    pub function: WindowFunction,
}

/// How a window maps values (PS3.3 §C.11.2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowFunction {
    /// LINEAR: the window holds whole numbers.
    #[default]
    Linear,
    /// LINEAR_EXACT: the window is an interval.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

impl WindowFunction {
    /// Reads the defined term, in upper case as in data sets or lower case as in addresses (PS3.18 §8.3.5.1.4).
    #[must_use]
    pub fn from_term(term: &str) -> Option<Self> {
        Some(match term {
            "LINEAR" | "linear" => Self::Linear,
            "LINEAR_EXACT" | "linear-exact" => Self::LinearExact,
            "SIGMOID" | "sigmoid" => Self::Sigmoid,
            _ => return None,
        })
    }
}

impl Window {
    /// A window; `None` when the width is not one that the function allows, or a number is none.
    #[must_use]
    pub fn new(center: f64, width: f64, function: WindowFunction) -> Option<Self> {
        let narrowest = if function == WindowFunction::Linear { width >= 1.0 } else { width > 0.0 };
        (center.is_finite() && width.is_finite() && narrowest).then_some(Self { center, width, function })
    }

    /// Where a value lies in the window, from 0 to 1.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let Self { center, width, function } = *self;
        match function {
            WindowFunction::Linear => {
                let (center, width) = (center - 0.5, width - 1.0);
                if value <= center - width / 2.0 {
                    0.0
                } else if value > center + width / 2.0 {
                    1.0
                } else {
                    (value - center) / width + 0.5
                }
            }
            WindowFunction::LinearExact => ((value - center) / width + 0.5).clamp(0.0, 1.0),
            WindowFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        }
    }
}

impl Presentation {
    /// Reads the tables for a frame (from 1) of a data set: those of its functional groups, of all frames, of the image.
    ///
    /// # Errors
    /// [`PixelError::Attribute`] for palette colour without a palette.
    pub fn of(set: &DataSet, frame: u32, attributes: &ImageAttributes) -> Result<Self, PixelError> {
        let groups = Groups::of(set, frame);
        let palette = match attributes.photometric {
            Photometric::PaletteColor => Some([
                Lookup::of_palette(
                    set,
                    tags::RED_PALETTE_DESCRIPTOR,
                    tags::RED_PALETTE_DATA,
                    tags::SEGMENTED_RED_PALETTE_DATA,
                )?,
                Lookup::of_palette(
                    set,
                    tags::GREEN_PALETTE_DESCRIPTOR,
                    tags::GREEN_PALETTE_DATA,
                    tags::SEGMENTED_GREEN_PALETTE_DATA,
                )?,
                Lookup::of_palette(
                    set,
                    tags::BLUE_PALETTE_DESCRIPTOR,
                    tags::BLUE_PALETTE_DATA,
                    tags::SEGMENTED_BLUE_PALETTE_DATA,
                )?,
            ]),
            _ => None,
        };
        let shape = text(set, tags::PRESENTATION_LUT_SHAPE);
        Ok(Self {
            modality: modality(
                groups.item(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE).unwrap_or(set),
                attributes,
            ),
            voi: voi(groups.item(tags::FRAME_VOI_LUT_SEQUENCE).unwrap_or(set), attributes),
            is_inverse: attributes.photometric == Photometric::Monochrome1
                || shape.as_deref() == Some("INVERSE"),
            padding: set.int(tags::PIXEL_PADDING_VALUE),
            palette,
        })
    }
}

// === helpers ===

/// The functional groups of a frame (PS3.3 §C.7.6.16).
struct Groups<'s> {
    of_frame: Option<&'s DataSet>,
    shared: Option<&'s DataSet>,
}

impl<'s> Groups<'s> {
    fn of(set: &'s DataSet, frame: u32) -> Self {
        let place = usize::try_from(frame.saturating_sub(1)).unwrap_or(usize::MAX);
        Self {
            of_frame: set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).get(place),
            shared: set.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first(),
        }
    }

    /// The item of a functional group.
    fn item(&self, group: Tag) -> Option<&'s DataSet> {
        let item = |set: Option<&'s DataSet>| set.and_then(|set| set.items(group).first());
        item(self.of_frame).or_else(|| item(self.shared))
    }
}

fn modality(set: &DataSet, attributes: &ImageAttributes) -> Modality {
    let table = set.items(tags::MODALITY_LUT_SEQUENCE).first();
    let table =
        table.and_then(|item| Lookup::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, attributes.signed));
    table.map_or_else(
        || Modality::Rescale {
            slope: number(set, tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: number(set, tags::RESCALE_INTERCEPT).unwrap_or(0.0),
        },
        Modality::Table,
    )
}

/// The first window, else the first table: a window is what a person chose last.
fn voi(set: &DataSet, attributes: &ImageAttributes) -> Option<Voi> {
    let function = text(set, tags::VOI_LUT_FUNCTION).and_then(|term| WindowFunction::from_term(&term));
    let center = number(set, tags::WINDOW_CENTER);
    let width = number(set, tags::WINDOW_WIDTH);
    if let (Some(center), Some(width)) = (center, width)
        && let Some(window) = Window::new(center, width, function.unwrap_or_default())
    {
        return Some(Voi::Window(window));
    }
    let item = set.items(tags::VOI_LUT_SEQUENCE).first()?;
    Lookup::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, attributes.signed).map(Voi::Table)
}

fn text(set: &DataSet, tag: Tag) -> Option<String> {
    set.first_text(tag, &CharacterSets::default())
}

fn number(set: &DataSet, tag: Tag) -> Option<f64> {
    text(set, tag)?.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_whole_numbers_maps_as_the_standard_says() {
        let window = Window::new(128.0, 256.0, WindowFunction::Linear).unwrap();
        assert_eq!(window.place(0.0), 0.0);
        assert_eq!(window.place(255.0), 1.0);
        assert!((window.place(127.5) - 0.5).abs() < 1e-9);
        let one = Window::new(10.0, 1.0, WindowFunction::Linear).unwrap();
        assert_eq!((one.place(9.5), one.place(9.6)), (0.0, 1.0));
    }

    #[test]
    fn exact_and_sigmoid_windows_are_half_at_their_center() {
        for function in [WindowFunction::LinearExact, WindowFunction::Sigmoid] {
            let window = Window::new(40.0, 400.0, function).unwrap();
            assert!((window.place(40.0) - 0.5).abs() < 1e-9);
        }
        assert!(Window::new(40.0, 0.5, WindowFunction::LinearExact).is_some());
        assert!(Window::new(40.0, 0.5, WindowFunction::Linear).is_none());
        assert!(Window::new(f64::NAN, 4.0, WindowFunction::Linear).is_none());
    }
}
