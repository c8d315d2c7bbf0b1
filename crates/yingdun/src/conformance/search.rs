//! What searches match and return, from the table of the archive.

use super::page::Page;
use yingdun_archive::{AttributePath, Level, search_attributes};
use yingdun_dicom::{Tag, dictionary};

/// One table for C-FIND and QIDO-RS: they are one search.
pub(super) fn write(page: &mut Page) {
    page.heading(2, "Searches: C-FIND and QIDO-RS");
    page.block(
        "One search stands behind both (PS3.4 §C.2.2.2, PS3.18 §8.3.4): single value, list of UIDs, wildcard, range and \
         universal matching; names without regard to case, width and component group, and by their parts and pinyin when \
         fuzzy matching is asked for. Where it is agreed or asked for: combined date and time (QIDO-RS: always), time zones, \
         empty value matching, multiple value matching. A key that is not in this table restricts nothing, and the answer says so (status \
         `FF01`, `Warning: 299`).",
    );
    page.block(
        "A search sees everything that its node has acknowledged before. Where several nodes serve one archive, what another one acknowledged \
         may be seen some milliseconds later: who searches for what it has just sent asks the node that took it.",
    );
    page.table(
        ["level", "attribute", "tag"],
        search_attributes().map(|(level, path)| {
            let name = |tag| dictionary::keyword_of(tag).unwrap_or_default().to_owned();
            [word(level).to_owned(), joined(path, name), joined(path, |tag| tag.to_string())]
        }),
    );
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Patient => "patient",
        Level::Study => "study",
        Level::Series => "series",
        Level::Instance => "instance",
    }
}

/// The sequence, if there is one, and the attribute.
fn joined(path: AttributePath, word: impl Fn(Tag) -> String) -> String {
    path.sequence.into_iter().chain([path.tag]).map(word).collect::<Vec<_>>().join(" › ")
}
