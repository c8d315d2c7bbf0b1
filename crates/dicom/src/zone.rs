//! The zone of dates and times (PS3.3 §C.12.1.1.8).

/// Timezone Offset From UTC (0008,0201): how far the clocks of a place are ahead of UTC, which is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset {
    minutes: i32,
}

/// The farthest zone to the west, in minutes (PS3.5 §6.2, VR DT).
const MINUTES_MIN: i32 = -12 * 60;
/// The farthest zone to the east, in minutes (PS3.5 §6.2, VR DT).
const MINUTES_MAX: i32 = 14 * 60;

impl UtcOffset {
    /// So many minutes east of UTC; none where no place has such clocks.
    #[must_use]
    pub fn from_minutes(minutes: i32) -> Option<Self> {
        (MINUTES_MIN..=MINUTES_MAX).contains(&minutes).then_some(Self { minutes })
    }

    /// Reads `+HHMM` or `-HHMM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (east, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i32 = digits.parse().ok()?;
        let (hours, minutes) = (number / 100, number % 100);
        Self::from_minutes(east * (hours * 60 + minutes)).filter(|_| minutes < 60)
    }

    /// Minutes east of UTC.
    #[must_use]
    pub const fn minutes(self) -> i32 {
        self.minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_a_sign_hours_and_minutes_of_a_place_on_earth() {
        for (text, minutes) in [
            ("+0800", Some(480)),
            ("-0330", Some(-210)),
            ("+0000", Some(0)),
            ("+1400", Some(840)),
            ("-1200", Some(-720)),
        ] {
            assert_eq!(UtcOffset::parse(text).map(UtcOffset::minutes), minutes, "{text}");
        }
        for wrong in ["", "0800", "+800", "+08:00", "+0860", "+1401", "-1201", "Z", "+08000", "＋0800"] {
            assert_eq!(UtcOffset::parse(wrong), None, "{wrong}");
        }
    }
}
