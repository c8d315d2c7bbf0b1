//! The pinyin of Chinese names: every reading that somebody who looks for the name would type.
//!
//! The readings of characters are those of the Unihan database; family names are read as family names, which is often
//! another reading of the character.

use pinyin::{ToPinyin, ToPinyinMulti};

/// From here on a character of a script is a syllable or a word: Hangul, kana, ideographs.
const SYLLABLES: char = '\u{1100}';

/// Characters of a name that are read: the longest have four, with titles a few more.
const CHARACTERS_MAX: usize = 8;

/// Readings of one character in a given name that are taken, the commonest first.
const READINGS_PER_CHARACTER_MAX: usize = 2;

/// Readings of a whole name that are taken.
const READINGS_MAX: usize = 8;

/// Family names of two characters, with their reading.
const COMPOUND: [(&str, &str); 32] = [
    ("欧阳", "ou yang"),
    ("司马", "si ma"),
    ("上官", "shang guan"),
    ("诸葛", "zhu ge"),
    ("东方", "dong fang"),
    ("皇甫", "huang fu"),
    ("尉迟", "yu chi"),
    ("公孙", "gong sun"),
    ("慕容", "mu rong"),
    ("令狐", "ling hu"),
    ("司徒", "si tu"),
    ("夏侯", "xia hou"),
    ("宇文", "yu wen"),
    ("长孙", "zhang sun"),
    ("端木", "duan mu"),
    ("南宫", "nan gong"),
    ("西门", "xi men"),
    ("东郭", "dong guo"),
    ("百里", "bai li"),
    ("呼延", "hu yan"),
    ("万俟", "mo qi"),
    ("澹台", "tan tai"),
    ("单于", "chan yu"),
    ("赫连", "he lian"),
    ("钟离", "zhong li"),
    ("申屠", "shen tu"),
    ("太史", "tai shi"),
    ("闻人", "wen ren"),
    ("轩辕", "xuan yuan"),
    ("独孤", "du gu"),
    ("拓跋", "tuo ba"),
    ("纳兰", "na lan"),
];

/// Family names of one character that are read otherwise than the character alone.
const FAMILY: [(char, &str); 40] = [
    ('单', "shan"),
    ('曾', "zeng"),
    ('解', "xie"),
    ('仇', "qiu"),
    ('朴', "piao"),
    ('区', "ou"),
    ('查', "zha"),
    ('盖', "ge"),
    ('乐', "yue"),
    ('任', "ren"),
    ('华', "hua"),
    ('缪', "miao"),
    ('燕', "yan"),
    ('覃', "qin"),
    ('翟', "zhai"),
    ('宁', "ning"),
    ('召', "shao"),
    ('员', "yun"),
    ('种', "chong"),
    ('冼', "xian"),
    ('洗', "xian"),
    ('繁', "po"),
    ('折', "she"),
    ('黑', "he"),
    ('秘', "bi"),
    ('那', "na"),
    ('牟', "mou"),
    ('佴', "nai"),
    ('祭', "zhai"),
    ('隗', "wei"),
    ('郗', "xi"),
    ('尹', "yin"),
    ('沈', "shen"),
    ('石', "shi"),
    ('车', "che"),
    ('葛', "ge"),
    ('瞿', "qu"),
    ('谌', "chen"),
    ('臧', "zang"),
    ('逄', "pang"),
];

/// The letter that stands for a part of a name which begins with this character: itself in an alphabet, of a Chinese character
/// the first of its reading, `*` for any other, which would tell a whole syllable.
#[must_use]
pub fn initial(first: char) -> char {
    let read = first.to_pinyin().and_then(|reading| reading.plain().chars().next());
    let letter = read.or_else(|| Some(first).filter(|letter| letter.is_alphabetic() && *letter < SYLLABLES));
    letter.map_or('*', |letter| letter.to_uppercase().next().unwrap_or('*'))
}

/// The parts of a group whose folded words are in Chinese characters; nothing for other scripts.
pub(super) fn parts(words: &[&str]) -> Vec<String> {
    let together: String = words.concat().chars().take(CHARACTERS_MAX).collect();
    if together.chars().count() < 2 || !together.chars().all(|c| c.to_pinyin().is_some()) {
        return words.iter().filter(|word| word.chars().all(is_read)).flat_map(|word| single(word)).collect();
    }
    let family = match words {
        [_] | [] => compound(&together).map_or(1, |_| 2),
        [family, ..] => family.chars().count(),
    };
    let mut parts = Vec::new();
    let given: String = together.chars().skip(family).collect();
    for reading in readings(&together, family) {
        parts.push(reading.concat());
        parts.push(initials(&reading));
        if let Some(given) = reading.get(family..).filter(|given| !given.is_empty()) {
            parts.push(given.concat());
            parts.push(initials(given));
        }
        parts.extend(reading);
    }
    parts.push(together);
    parts.push(given);
    parts
}

fn is_read(character: char) -> bool {
    character.to_pinyin().is_some()
}

/// A word of one character, or one beside words of another script.
fn single(word: &str) -> Vec<String> {
    let family = word.chars().count();
    readings(word, family).into_iter().map(|reading| reading.concat()).collect()
}

/// The ways to read a name of which so many characters are the family name, syllable by syllable.
fn readings(name: &str, family: usize) -> Vec<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![Vec::new()];
    let (mut rest, mut position) = (name.chars().take(CHARACTERS_MAX).collect::<String>(), 0);
    if let Some(reading) = compound(name).filter(|_| family >= 2) {
        ways = vec![reading.split(' ').map(str::to_owned).collect()];
        rest = rest.chars().skip(2).collect();
        position = 2;
    }
    for character in rest.chars() {
        let of_character = syllables(character, position == 0);
        let longer = ways.iter().flat_map(|way| {
            of_character.iter().map(|syllable| {
                let mut way = way.clone();
                way.push(syllable.clone());
                way
            })
        });
        ways = longer.take(READINGS_MAX).collect();
        position += 1;
    }
    ways
}

fn compound(name: &str) -> Option<&'static str> {
    COMPOUND.iter().find(|(family, _)| name.starts_with(family)).map(|(_, reading)| *reading)
}

/// The readings of a character; at the front of a name those of a family name first.
fn syllables(character: char, is_family: bool) -> Vec<String> {
    let mut syllables: Vec<String> = Vec::new();
    let mut add = |syllable: &str| {
        for written in spellings(syllable) {
            if !syllables.contains(&written) {
                syllables.push(written);
            }
        }
    };
    let common = character.to_pinyin().map(|reading| reading.plain());
    if is_family {
        FAMILY.iter().filter(|(family, _)| *family == character).for_each(|(_, reading)| add(reading));
        common.into_iter().for_each(&mut add);
    } else {
        common.into_iter().for_each(&mut add);
        let others = character.to_pinyin_multi().into_iter().flatten();
        others.take(READINGS_PER_CHARACTER_MAX).for_each(|reading| add(reading.plain()));
    }
    syllables
}

/// `ü` is typed as `u`, as `v`, and in passports as `yu`.
fn spellings(syllable: &str) -> Vec<String> {
    if syllable.contains('ü') {
        ["u", "v", "yu"].iter().map(|letter| syllable.replace('ü', letter)).collect()
    } else {
        vec![syllable.to_owned()]
    }
}

fn initials(syllables: &[String]) -> String {
    syllables.iter().filter_map(|syllable| syllable.chars().next()).collect()
}
