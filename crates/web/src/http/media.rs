//! Media types (RFC 9110 §8.3) and `Accept` (§12.5.1): parsed strictly in form, generously in spelling.
//!
//! DICOMweb puts much into these two headers (PS3.18 §8.7), and real clients spell it in every way: quoted or
//! bare `type="application/dicom"`, blanks around `=`, upper case. The parser takes all of these and is bounded.

use crate::limits;

/// A media type or media range with its parameters. Type, subtype and parameter names are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
}

/// Why a header value is not a media type or a list of media ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MediaError {
    /// Not of the form type/subtype; name=value.
    #[error("a media type has the form type/subtype; name=value")]
    Malformed,
    /// Too long.
    #[error("a media type header has at most {} bytes", limits::MEDIA_VALUE_BYTES_MAX)]
    TooLong,
    /// Too many ranges.
    #[error("an Accept header has at most {} media ranges", limits::ACCEPT_RANGES_MAX)]
    TooMany,
}

impl Media {
    /// Parses one media type, as in `Content-Type`.
    pub(crate) fn parse(text: &str) -> Result<Self, MediaError> {
        if text.len() > limits::MEDIA_VALUE_BYTES_MAX {
            return Err(MediaError::TooLong);
        }
        let mut cursor = Cursor(text);
        let media = cursor.media()?;
        if cursor.0.is_empty() { Ok(media) } else { Err(MediaError::Malformed) }
    }

    /// `type/subtype` without parameters.
    pub(crate) fn essence(&self) -> String {
        format!("{}/{}", self.kind, self.subtype)
    }

    /// The value of a parameter; names are compared without case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this type is exactly `essence`.
    pub(crate) fn is(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(kind, subtype)| self.kind == kind && self.subtype == subtype)
    }

    /// Whether this media range covers `essence`: `*/*`, `image/*` or the very type.
    pub(crate) fn covers(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(kind, subtype)| {
            (self.kind == "*" || self.kind == kind) && (self.subtype == "*" || self.subtype == subtype)
        })
    }

    /// Whether this is `*/*`.
    pub(crate) fn is_anything(&self) -> bool {
        self.kind == "*" && self.subtype == "*"
    }

    /// How precise a range is: the precise one decides (RFC 9110 §12.5.1).
    fn precision(&self) -> usize {
        usize::from(self.kind != "*") + usize::from(self.subtype != "*")
    }
}

/// What a client accepts: media ranges with a quality above zero, the preferred first, and those that it
/// excludes with `q=0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accept {
    ranges: Vec<Media>,
    excluded: Vec<Media>,
}

impl Accept {
    /// Parses all values of the header (or of the query parameter `accept`) together. No value at all means
    /// that anything is accepted (RFC 9110 §12.5.1).
    pub(crate) fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, MediaError> {
        let mut rated: Vec<(u16, Media)> = Vec::new();
        let mut bytes = 0;
        for value in values {
            bytes += value.len();
            if bytes > limits::MEDIA_VALUE_BYTES_MAX {
                return Err(MediaError::TooLong);
            }
            let mut cursor = Cursor(value);
            cursor.blanks();
            while !cursor.0.is_empty() {
                if !cursor.take(',') {
                    let mut media = cursor.media()?;
                    let quality = quality_of(&mut media)?;
                    rated.push((quality, media));
                    if rated.len() > limits::ACCEPT_RANGES_MAX {
                        return Err(MediaError::TooMany);
                    }
                    if !cursor.0.is_empty() && !cursor.take(',') {
                        return Err(MediaError::Malformed);
                    }
                }
                cursor.blanks();
            }
        }
        rated.sort_by(|(qa, a), (qb, b)| qb.cmp(qa).then(b.precision().cmp(&a.precision())));
        let excluded =
            rated.iter().filter(|(quality, _)| *quality == 0).map(|(_, media)| media.clone()).collect();
        let ranges = rated.into_iter().filter(|(quality, _)| *quality > 0).map(|(_, media)| media).collect();
        Ok(Self { ranges, excluded })
    }

    /// The ranges that are wanted, the preferred first; `*/*` when the client did not say.
    pub(crate) fn ranges(&self) -> Vec<Media> {
        if self.ranges.is_empty() && self.excluded.is_empty() {
            return vec![Media { kind: "*".into(), subtype: "*".into(), parameters: Vec::new() }];
        }
        self.ranges.clone()
    }

    /// Whether `q=0` takes exactly this type out of a wider range.
    pub(crate) fn excludes(&self, essence: &str) -> bool {
        self.excluded.iter().any(|media| media.is(essence))
    }

    /// Whether one of `offered` can be served; the first offered that the most preferred range covers.
    pub(crate) fn choose<'a>(&self, offered: &[&'a str]) -> Option<&'a str> {
        self.ranges().iter().find_map(|range| {
            offered.iter().copied().find(|essence| range.covers(essence) && !self.excludes(essence))
        })
    }
}

/// Removes the weight from the parameters: 0 to 1000 thousandths.
fn quality_of(media: &mut Media) -> Result<u16, MediaError> {
    let Some(at) = media.parameters.iter().position(|(name, _)| name == "q") else {
        return Ok(1000);
    };
    let (_, text) = media.parameters.remove(at);
    let quality: f32 = text.parse().map_err(|_| MediaError::Malformed)?;
    if !(0.0..=1.0).contains(&quality) {
        return Err(MediaError::Malformed);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok((quality * 1000.0).round() as u16)
}

// === the text that is still to be read ===

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, wanted: char) -> bool {
        self.blanks();
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A token (RFC 9110 §5.6.2); may be longer than the grammar says by `/` and `:` in bare parameter values,
    /// because clients write `type=application/dicom` without quotes.
    fn token(&mut self, also: &[char]) -> Result<String, MediaError> {
        self.blanks();
        let legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) || also.contains(&c);
        let end = self.0.find(|c| !legal(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        if token.is_empty() {
            return Err(MediaError::Malformed);
        }
        self.0 = rest;
        Ok(token.to_owned())
    }

    fn value(&mut self) -> Result<String, MediaError> {
        if !self.take('"') {
            return self.token(&['/', ':', '=', '(', ')', '?', '@']);
        }
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.0 = self.0.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => value.push(characters.next().ok_or(MediaError::Malformed)?.1),
                c if c.is_control() => return Err(MediaError::Malformed),
                c => value.push(c),
            }
        }
        Err(MediaError::Malformed)
    }

    /// One media type or range with parameters; stops before `,` or at the end.
    fn media(&mut self) -> Result<Media, MediaError> {
        let kind = self.token(&[])?.to_ascii_lowercase();
        if !self.take('/') {
            return Err(MediaError::Malformed);
        }
        let subtype = self.token(&[])?.to_ascii_lowercase();
        let mut parameters = Vec::new();
        while self.take(';') {
            self.blanks();
            if self.0.is_empty() || self.0.starts_with([',', ';']) {
                continue;
            }
            let name = self.token(&[])?.to_ascii_lowercase();
            if !self.take('=') {
                return Err(MediaError::Malformed);
            }
            parameters.push((name, self.value()?));
        }
        self.blanks();
        Ok(Media { kind, subtype, parameters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accept(text: &str) -> Accept {
        Accept::parse([text]).unwrap()
    }

    #[test]
    fn quoted_and_bare_parameters_mean_the_same() {
        for text in [
            "multipart/related; type=\"application/dicom\"; boundary=\"a b:c\"",
            "Multipart/Related ;Type=application/dicom;BOUNDARY=\"a b:c\";",
        ] {
            let media = Media::parse(text).unwrap();
            assert!(media.is("multipart/related"), "{text}");
            assert_eq!(media.parameter("type"), Some("application/dicom"));
            assert_eq!(media.parameter("boundary"), Some("a b:c"));
        }
    }

    #[test]
    fn an_escaped_quote_is_part_of_the_value() {
        assert_eq!(Media::parse(r#"a/b; c="d\"e""#).unwrap().parameter("c"), Some("d\"e"));
    }

    #[test]
    fn malformed_types_are_refused() {
        for text in ["", "a", "a/", "/b", "a/b; c", "a/b; c=\"d", "a/b c/d", "a/b; c=\"d\u{1}\"", "a/b,c/d"] {
            assert_eq!(Media::parse(text), Err(MediaError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn the_most_preferred_range_wins_and_q_zero_excludes() {
        let accept = accept("text/html;q=0.5, application/json;q=0.9, */*;q=0.1, text/plain;q=0");
        assert_eq!(accept.choose(&["text/html", "application/json"]), Some("application/json"));
        assert_eq!(accept.choose(&["text/plain"]), None);
        assert_eq!(accept.choose(&["image/png"]), Some("image/png"));
    }

    #[test]
    fn no_accept_header_accepts_anything() {
        assert_eq!(Accept::parse([]).unwrap().choose(&["image/png"]), Some("image/png"));
        assert!(Accept::parse(["", " , "]).unwrap().ranges()[0].is_anything());
    }

    #[test]
    fn a_huge_accept_header_is_refused() {
        assert_eq!(Accept::parse(["a/b,".repeat(33).as_str()]), Err(MediaError::TooMany));
        assert_eq!(Accept::parse(["a".repeat(5000).as_str()]), Err(MediaError::TooLong));
    }

    #[test]
    fn a_weight_outside_zero_to_one_is_malformed() {
        for text in ["a/b;q=2", "a/b;q=-1", "a/b;q=x", "a/b;q=NaN"] {
            assert_eq!(Accept::parse([text]), Err(MediaError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_a_crash(text in "\\PC{0,200}") {
            let _ = Media::parse(&text);
            let _ = Accept::parse([text.as_str()]);
        }

        #[test]
        fn a_parameter_reads_back_from_its_quoted_form(value in "[ -~]{0,60}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let media = Media::parse(&format!("multipart/related; boundary=\"{escaped}\"")).unwrap();
            prop_assert_eq!(media.parameter("boundary"), Some(value.as_str()));
        }
    }
}
