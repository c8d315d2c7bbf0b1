//! Fuzzy matching of person names (PS3.4 §C.2.2.2.1.1): a name is found by the beginnings of its parts, in any order,
//! in any component group, without case, width and diacritics; a Chinese name also by its pinyin.

use super::{fold, pinyin};
use crate::query::wildcard;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Parts of one name at most: three groups of several words and readings. A text that goes on and on is cut.
const PARTS_MAX: usize = 64;

/// Words of one query at most: no name has more.
const WORDS_MAX: usize = 16;

/// What a fuzzy search asks of a name: words, each of which begins a part of the name.
#[derive(Clone, PartialEq, Eq)]
pub struct NameQuery {
    words: Vec<String>,
}

impl NameQuery {
    /// Reads a decoded query value. A `*` at either end of a word says nothing more than the word; inside a word `*`
    /// and `?` are wildcards. Words beyond the bound are not looked at.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = plain(text);
        let words = words(&text).map(|word| word.trim_matches('*')).filter(|word| !word.is_empty());
        Self { words: words.take(WORDS_MAX).map(str::to_owned).collect() }
    }

    /// The words, folded.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether a decoded name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let parts = parts(name);
        self.words.iter().all(|word| {
            if word.contains(['*', '?']) {
                let pattern = format!("{word}*");
                parts.iter().any(|part| wildcard(&pattern, part))
            } else {
                parts.range(word.clone()..).next().is_some_and(|part| part.starts_with(word.as_str()))
            }
        })
    }
}

impl std::fmt::Debug for NameQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameQuery({} words)", self.words.len())
    }
}

/// The parts by which a decoded name is found, with any number of values and component groups: its words, all words of a
/// group written together, their initials, and the same of the pinyin of a group in Chinese characters.
#[must_use]
pub fn parts(name: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for group in name.split(['=', '\\']) {
        let folded = plain(group);
        let words: Vec<&str> = words(&folded).collect();
        if words.len() > 1 {
            parts.insert(words.concat());
            parts.insert(words.iter().filter_map(|word| word.chars().next()).collect());
        }
        parts.extend(pinyin::parts(&words));
        parts.extend(words.into_iter().map(str::to_owned));
        if parts.len() > PARTS_MAX {
            break;
        }
    }
    parts.into_iter().filter(|part| !part.is_empty()).take(PARTS_MAX).collect()
}

/// Folded, and without diacritics: `Müller` as `muller`, `Łódź` as `lodz`. Marks of other scripts stay.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in fold(text).nfd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).nfc() {
        match character {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'ı' => plain.push('i'),
            other => plain.push(other),
        }
    }
    plain
}

/// What stands between separators.
fn words(folded: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| matches!(c, ' ' | '=' | ',' | '-' | '\'' | '’' | '.' | '·' | '\\');
    folded.split(separates).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(name: &str, query: &str) -> bool {
        NameQuery::parse(query).matches(name)
    }

    #[test]
    fn words_begin_parts_of_a_name_in_any_order_and_group() {
        let name = "Müller-Lüdenscheidt^Hans=王^小东=ヤマダ";
        for query in [
            "hans mü",
            "lüden*",
            "LUDEN",
            "muller",
            "王",
            "小东 王",
            "王小",
            "ﾔﾏ hans",
            "MÜLLER^HANS",
            "h?ns",
        ] {
            assert!(found(name, query), "{query}");
        }
        for query in ["ans", "*ans* fritz", "müller fritz", "东", "l?s"] {
            assert!(!found(name, query), "{query}");
        }
        for (name, query) in
            [("Łódź^Þór", "lodz thor"), ("O'Brien^Søren", "brien soren"), ("ヤマダ^タロウ", "ﾔﾏﾀﾞ ﾀﾛ")]
        {
            assert!(found(name, query), "{query}");
        }
    }

    #[test]
    fn a_chinese_name_is_found_by_its_pinyin_in_full_and_by_initials() {
        for name in ["张^三", "张三", "Zhang^San=张^三", "Zhang^San"] {
            for query in ["zhang san", "zhangsan", "san zhang", "zhang s", "zs", "ZHANGS", "zhang*"] {
                assert!(found(name, query), "{query} in {name}");
            }
            for query in ["zhangsi", "zx", "hang"] {
                assert!(!found(name, query), "{query} in {name}");
            }
        }
        for query in ["ou yang xiu", "ouyangxiu", "ouyang", "oyx", "欧阳", "xiu"] {
            assert!(found("欧阳修", query), "{query}");
            assert!(found("欧阳^修", query), "{query}");
        }
        assert!(found("王^小东", "wang xd") && found("王^小东", "wxd") && found("王^小东", "xiao dong wang"));
    }

    #[test]
    fn family_names_are_read_as_family_names() {
        for (name, queries) in [
            ("单^田芳", ["shan", "stf"]),
            ("曾^国藩", ["zeng guofan", "zgf"]),
            ("解^晓东", ["xie", "xiexiaodong"]),
            ("仇^和", ["qiu", "qiuhe"]),
            ("朴^志成", ["piao", "piaozhicheng"]),
            ("查^良镛", ["zha", "zhaliangyong"]),
            ("万俟^咏", ["moqi", "mqy"]),
            ("尉迟^恭", ["yuchi", "yuchigong"]),
            ("吕^布", ["lv", "lu bu"]),
        ] {
            for query in queries {
                assert!(found(name, query), "{query} in {name}");
            }
        }
        // Who does not know it types the common reading.
        assert!(found("单^田芳", "dan tianfang"));
    }

    #[test]
    fn a_text_that_is_no_name_has_few_parts() {
        let endless = "乐 ".repeat(10_000);
        assert!(parts(&endless).len() <= PARTS_MAX);
        assert!(parts(&"行".repeat(10_000)).len() <= PARTS_MAX);
        assert!(NameQuery::parse(&"a ".repeat(10_000)).words().count() <= WORDS_MAX);
    }

    proptest! {
        #[test]
        fn a_name_is_found_by_each_of_its_words(words in prop::collection::vec("[A-Za-zÄ-ü王小东张三]{1,6}", 1..5)) {
            let name = words.join("^");
            for word in &words {
                prop_assert!(found(&name, word), "{} in {}", word, name);
            }
        }

        #[test]
        fn any_text_has_parts(text in "\\PC{0,40}") {
            prop_assert!(parts(&text).len() <= PARTS_MAX);
        }
    }
}
