//! Person names (DICOM PS3.5 §6.2.1): component groups, and the form in which texts are compared.

mod fuzzy;
mod pinyin;

pub use fuzzy::{NameQuery, parts};
pub use pinyin::initial;

/// A person name, split into its component groups.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PersonName {
    /// The group in letters, components separated by `^`.
    pub alphabetic: String,
    /// The group in ideographs.
    pub ideographic: String,
    /// The group that tells the pronunciation.
    pub phonetic: String,
}

impl PersonName {
    /// Splits one decoded value at `=`. Empty components at the end of a group mean nothing and are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut groups = text
            .split('=')
            .map(|group| crate::data_set::trim_padding(group).trim_end_matches(['^', ' ']).to_owned());
        let mut next = || groups.next().unwrap_or_default();
        Self { alphabetic: next(), ideographic: next(), phonetic: next() }
    }

    /// The groups that are not empty.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        [&self.alphabetic, &self.ideographic, &self.phonetic]
            .into_iter()
            .map(String::as_str)
            .filter(|group| !group.is_empty())
    }
}

impl std::fmt::Debug for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonName({} groups)", self.groups().count())
    }
}

/// The form in which two texts are compared and search tokens are made: letter case and character width do
/// not count, component separators are blanks, blanks at the ends and repeated blanks do not count.
/// Wildcards come through unchanged. `Ｗａｎｇ^XIAO  Dong^^` becomes `wang xiao dong`.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let mut wide = widen(character);
        // A half-width voice mark joins the katakana before it.
        if let Some(mark @ ('\u{ff9e}' | '\u{ff9f}')) = characters.peek().copied()
            && let Some(voiced) = voiced(wide, mark)
        {
            wide = voiced;
            characters.next();
        }
        if wide == '^' || wide == '\0' || wide.is_whitespace() {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else {
            folded.extend(wide.to_lowercase());
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

// === helpers ===

/// Full-width letters to ASCII, half-width katakana to ordinary katakana.
fn widen(character: char) -> char {
    const KATAKANA: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{ff61}'..='\u{ff9d}' => {
            let at = usize::try_from(u32::from(character) - 0xff61).unwrap_or(0);
            KATAKANA.chars().nth(at).unwrap_or(character)
        }
        other => other,
    }
}

/// The katakana with the voice mark, if there is one: in Unicode it follows the plain one.
fn voiced(plain: char, mark: char) -> Option<char> {
    let step = if mark == '\u{ff9e}' { 1 } else { 2 };
    let takes_voice = "カキクケコサシスセソタチツテトハヒフヘホ".contains(plain);
    let takes_half_voice = "ハヒフヘホ".contains(plain);
    match (plain, step) {
        ('ウ', 1) => Some('ヴ'),
        (_, 1) if takes_voice => char::from_u32(u32::from(plain) + 1),
        (_, 2) if takes_half_voice => char::from_u32(u32::from(plain) + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_has_up_to_three_groups() {
        let name = PersonName::parse("Wang^XiaoDong^^^=王^小东=");
        assert_eq!(name.alphabetic, "Wang^XiaoDong");
        assert_eq!(name.ideographic, "王^小东");
        assert_eq!(name.groups().count(), 2);
        assert_eq!(PersonName::parse(""), PersonName::default());
    }

    #[test]
    fn case_width_separators_and_blanks_do_not_count() {
        for same in ["wang xiao dong", "Ｗａｎｇ^XIAO  Dong^^", " WANG^Xiao^Dong\0", "wang\u{3000}xiao^dong"]
        {
            assert_eq!(fold(same), "wang xiao dong", "{same:?}");
        }
        assert_eq!(fold("ﾔﾏﾀﾞ^ﾀﾛｳ"), fold("ヤマダ^タロウ"));
        assert_eq!(fold("ﾊﾟｳﾞ"), "パヴ");
        assert_eq!(fold("王^小东"), "王 小东");
        assert_eq!(fold("WANG*^X?"), "wang* x?");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "[A-Za-zÄ-ü Ａ-Ｚ王小东ｱ-ﾝﾞﾟ^=*?]{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
