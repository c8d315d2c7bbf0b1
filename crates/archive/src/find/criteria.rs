//! What a search asks: keys of a query, split into what the index answers and what is matched after unsealing.

use super::attributes::{self, Attribute, text_of};
use super::candidate::Candidate;
use super::when::{PERFORMED, Pair, Ranges, STUDY, When};
use super::words::{Days, Word};
use crate::error::FindError;
use crate::masked::Mask;
use crate::pseudonym::{InstitutionKeys, Searchable};
use crate::request::{FindRequest, Level};
use crate::rows::REQUESTS;
use yingdun_catalog::catalogue::instances::InstanceFilter;
use yingdun_catalog::catalogue::series::SeriesFilter;
use yingdun_catalog::catalogue::{Date, StudyFilter, Visibility};
use yingdun_dicom::dictionary;
use yingdun_dicom::person_name::{NameQuery, fold};
use yingdun_dicom::query::{MatchValue, Matching};
use yingdun_dicom::{AttributePath, Tag, UtcOffset, Vr, tags};
use yingdun_model::Uid;

/// The parsed keys of a search.
#[derive(Debug, Default)]
pub(super) struct Criteria {
    studies: Vec<Uid>,
    series: Vec<Uid>,
    instances: Vec<Uid>,
    sop_classes: Vec<Uid>,
    /// For each list: modalities of which a study has to have one.
    modalities: Vec<Vec<String>>,
    series_modalities: Vec<String>,
    /// Patterns, one of whose modalities each row must fit.
    modality_patterns: Vec<MatchValue>,
    whens: Vec<When>,
    series_number: Option<i32>,
    instance_number: Option<i32>,
    /// Found by token, and compared again when a token alone does not say enough.
    tokens: Vec<(Searchable, MatchValue)>,
    /// Beginnings of parts of the patient's name.
    words: Vec<String>,
    /// Words that may be several things.
    typed: Vec<Word>,
    /// The days of which a study has to be, where they are not asked by a key.
    days: Option<Days>,
    residual: Vec<Residual>,
    /// Keys that restrict nothing.
    unmatched: Vec<AttributePath>,
    /// A key that no value can match, such as a UID that is none.
    impossible: bool,
    matching: Matching,
    /// The zone of what does not say its own.
    home: UtcOffset,
}

/// What is compared with the texts of a row.
#[derive(Debug)]
struct Residual {
    attribute: &'static Attribute,
    vr: Vr,
    wanted: Wanted,
}

impl Residual {
    /// What the row says of the attribute; empty when it says nothing.
    fn text<'c>(&self, candidate: &'c Candidate) -> &'c str {
        let index = candidate.index_of(self.attribute.level);
        index.map_or("", |index| text_of(index, self.attribute.path))
    }

    fn matches(&self, text: &str) -> bool {
        match &self.wanted {
            Wanted::Value(value) => value.matches(self.vr, Some(text).filter(|text| !text.is_empty())),
            Wanted::NameParts(query) => !text.is_empty() && query.matches(text),
        }
    }
}

#[derive(Debug)]
enum Wanted {
    Value(MatchValue),
    NameParts(NameQuery),
}

impl Criteria {
    /// Reads the keys of a request. What does not say in which zone it is, is of the zone `home`.
    /// What the asker is not to learn is no key: which rows match would tell it.
    pub(super) fn parse(
        request: &FindRequest,
        home: UtcOffset,
        mask: Option<&Mask>,
    ) -> Result<Self, FindError> {
        let mut criteria = Self { matching: request.matching, home, ..Self::default() };
        criteria.studies.extend(request.study.clone());
        criteria.series.extend(request.series.clone());
        for (path, text) in &request.keys {
            refuse_masked(mask, *path, text)?;
            criteria.add(request.level, *path, text)?;
        }
        Ok(criteria)
    }

    /// What was typed, and filters beside it. Days that have nothing in common find nothing.
    pub(super) fn of_typed(typed: Vec<Word>, modalities: Vec<String>, days: Option<Days>) -> Self {
        Self {
            typed,
            modalities: if modalities.is_empty() { Vec::new() } else { vec![modalities] },
            impossible: days.is_some_and(|days| days.range().is_none()),
            days,
            ..Self::default()
        }
    }

    fn add(&mut self, level: Level, path: AttributePath, text: &str) -> Result<(), FindError> {
        let vr = dictionary::vr_of(path.tag).unwrap_or(Vr::LO);
        let value = MatchValue::parse_as(vr, text, self.matching)
            .map_err(|error| FindError::BadKey(format!("the key {path} cannot be matched: {error}")))?;
        if value == MatchValue::Universal {
            return Ok(());
        }
        let tag = path.tag;
        match tag {
            _ if path.sequence.is_some() => self.add_in_sequence(level, path, vr, value),
            _ if self.matching.fuzzy && vr == Vr::PN && value != MatchValue::Empty => {
                self.add_name_parts(level, path, NameQuery::parse(text))
            }
            tags::PATIENT_BIRTH_DATE => self.add_birth_date(level, path, value),
            tags::STUDY_INSTANCE_UID => self.impossible |= !uids(&value, &mut self.studies),
            tags::SERIES_INSTANCE_UID if level >= Level::Series => {
                self.impossible |= !uids(&value, &mut self.series);
            }
            tags::SOP_INSTANCE_UID if level == Level::Instance => {
                self.impossible |= !uids(&value, &mut self.instances);
            }
            tags::SOP_CLASS_UID if level == Level::Instance => {
                self.impossible |= !uids(&value, &mut self.sop_classes);
            }
            tags::MODALITIES_IN_STUDY | tags::MODALITY => self.add_modality(level, tag, value),
            tags::SERIES_NUMBER if level >= Level::Series => self.series_number = Some(number(tag, &value)?),
            tags::INSTANCE_NUMBER if level == Level::Instance => {
                self.instance_number = Some(number(tag, &value)?)
            }
            tags::PATIENT_ID => self.add_token(Searchable::PatientId, level, path, vr, value),
            tags::PATIENT_NAME => self.add_token(Searchable::PatientName, level, path, vr, value),
            tags::ACCESSION_NUMBER => self.add_token(Searchable::AccessionNumber, level, path, vr, value),
            tags::STUDY_ID => self.add_token(Searchable::StudyId, level, path, vr, value),
            tags::REFERRING_PHYSICIAN_NAME => {
                self.add_token(Searchable::ReferringPhysician, level, path, vr, value)
            }
            _ => match Pair::of(level, tag) {
                Some(pair) if value != MatchValue::Empty => self.ask_when(pair, tag, &value)?,
                Some(_) | None => self.compare(level, path, vr, Wanted::Value(value)),
            },
        }
        Ok(())
    }

    /// Adds the key of a date or of the time beside it.
    fn ask_when(&mut self, pair: &'static Pair, tag: Tag, value: &MatchValue) -> Result<(), FindError> {
        if let Some(when) = self.whens.iter_mut().find(|when| when.pair == pair) {
            return when.ask(tag, value);
        }
        let mut when = When::of(pair);
        when.ask(tag, value)?;
        self.whens.push(when);
        Ok(())
    }

    /// Tokens are made without letter case and width, of names group by group; what that does not tell is compared.
    fn add_token(&mut self, what: Searchable, level: Level, path: AttributePath, vr: Vr, value: MatchValue) {
        let groups = value.groups().filter(|_| vr == Vr::PN);
        if vr != Vr::PN || groups.is_some() || needs_second_look(what, &value) {
            self.compare(level, path, vr, Wanted::Value(value.clone()));
        }
        match (groups, value) {
            (Some(groups), _) => self.tokens.extend(groups.map(|group| (what, group))),
            (None, MatchValue::All(texts)) => {
                self.tokens.extend(texts.into_iter().map(|text| (what, MatchValue::Single(text))));
            }
            (None, value) => self.tokens.push((what, value)),
        }
    }

    /// Modalities are found by their codes; a pattern is compared, and in a study only with those of the study itself.
    fn add_modality(&mut self, level: Level, tag: Tag, value: MatchValue) {
        let of_study = tag == tags::MODALITIES_IN_STUDY || level <= Level::Study;
        match value {
            MatchValue::Wildcard(_) | MatchValue::Empty if of_study && level > Level::Study => {
                self.unmatched.push(tag.into());
            }
            MatchValue::Wildcard(_) | MatchValue::Empty => self.modality_patterns.push(value),
            MatchValue::Single(text) if of_study => self.modalities.push(vec![text]),
            MatchValue::Single(text) => self.series_modalities.push(text),
            MatchValue::List(texts) if of_study => self.modalities.push(texts),
            MatchValue::List(texts) => self.series_modalities.extend(texts),
            MatchValue::All(texts) if of_study => {
                self.modalities.extend(texts.into_iter().map(|text| vec![text]));
            }
            // A series has one.
            MatchValue::All(_) => self.impossible = true,
            MatchValue::Universal | MatchValue::Range { .. } => {}
        }
    }

    /// Requests are found by token, and the series that answer them by a second look.
    fn add_in_sequence(&mut self, level: Level, path: AttributePath, vr: Vr, value: MatchValue) {
        let request = REQUESTS.iter().find(|(_, request)| *request == path);
        let is_found = match (request, &value) {
            (Some((what, _)), MatchValue::Single(_) | MatchValue::List(_)) => {
                self.tokens.push((*what, value.clone()));
                true
            }
            (Some(_) | None, _) => false,
        };
        if level >= Level::Series || !is_found {
            self.compare(level, path, vr, Wanted::Value(value));
        }
    }

    /// Each word narrows by the beginning of a part of the name; what a token does not say is compared.
    fn add_name_parts(&mut self, level: Level, path: AttributePath, query: NameQuery) {
        let mut is_found = path.tag == tags::PATIENT_NAME;
        if is_found {
            for word in query.words() {
                let begins = beginning(word);
                let length = word.chars().count();
                is_found &= begins == word && Searchable::PatientNamePart.is_indexed_prefix(length);
                if !begins.is_empty() {
                    self.words.push(begins.to_owned());
                }
            }
        }
        if !is_found {
            self.compare(level, path, Vr::PN, Wanted::NameParts(query));
        }
    }

    /// One day is found by token; a range is compared.
    fn add_birth_date(&mut self, level: Level, path: AttributePath, value: MatchValue) {
        match &value {
            MatchValue::Range { from: Some(from), until: Some(until) }
                if from == until && Date::parse(from).is_some() =>
            {
                self.tokens.push((Searchable::PatientBirthDate, MatchValue::Single(from.clone())));
            }
            _ => self.compare(level, path, Vr::DA, Wanted::Value(value)),
        }
    }

    /// Compares after unsealing, where the index has the attribute.
    fn compare(&mut self, level: Level, path: AttributePath, vr: Vr, wanted: Wanted) {
        match attributes::matched_by_text(level, path) {
            Some(attribute) => self.residual.push(Residual { attribute, vr, wanted }),
            None => self.unmatched.push(path),
        }
    }

    /// Keys that restrict nothing.
    pub(super) fn unmatched(&self) -> &[AttributePath] {
        &self.unmatched
    }

    /// The same, for an answer.
    pub(super) fn take_unmatched(&mut self) -> Vec<AttributePath> {
        std::mem::take(&mut self.unmatched)
    }

    /// Whether this attribute is compared after unsealing.
    pub(super) fn compares(&self, attribute: &Attribute) -> bool {
        let is_date =
            |when: &When| attribute.level == when.pair.level && attribute.path == when.pair.date.into();
        self.residual.iter().any(|residual| std::ptr::eq(residual.attribute, attribute))
            || self.second_looks().any(is_date)
    }

    /// Whether rows must be unsealed to know if they match.
    pub(super) fn has_residual(&self) -> bool {
        !self.residual.is_empty()
            || !self.modality_patterns.is_empty()
            || self.second_looks().next().is_some()
            || self.typed.iter().any(Word::needs_second_look)
    }

    /// Dates and times of which the catalogue does not tell all.
    fn second_looks(&self) -> impl Iterator<Item = &When> {
        self.whens.iter().filter(|when| when.needs_second_look(self.matching))
    }

    /// The second look, at an unsealed row.
    pub(super) fn matches(&self, candidate: &Candidate) -> bool {
        let modalities = candidate.row.modalities();
        let fits = |pattern: &MatchValue| pattern.matches(Vr::CS, Some(&modalities));
        self.modality_patterns.iter().all(fits)
            && self.typed.iter().all(|word| !word.needs_second_look() || word.matches(candidate))
            && self.second_looks().all(|when| when.matches(candidate, self.matching, self.home))
            && self.residual.iter().all(|residual| match residual.attribute.path.sequence {
                None => residual.matches(residual.text(candidate)),
                Some(sequence) => self.an_item_matches(candidate, sequence),
            })
    }

    /// Whether one item of the sequence fits all that is asked of it (PS3.4 §C.2.2.2.6).
    fn an_item_matches(&self, candidate: &Candidate, sequence: Tag) -> bool {
        let asked: Vec<(&Residual, Vec<&str>)> = self
            .residual
            .iter()
            .filter(|residual| residual.attribute.path.sequence == Some(sequence))
            .map(|residual| (residual, residual.text(candidate).split('\\').collect()))
            .collect();
        let items = asked.iter().map(|(_, values)| values.len()).max().unwrap_or_default();
        (0..items).any(|item| {
            asked
                .iter()
                .all(|(residual, values)| residual.matches(values.get(item).copied().unwrap_or_default()))
        })
    }

    /// The conditions on studies.
    pub(super) fn study_filter(&self, keys: &InstitutionKeys, visibility: Visibility) -> StudyFilter {
        let visibility = if self.impossible { Visibility::Nothing } else { visibility };
        let mut filter = StudyFilter::all(keys.institution.clone(), visibility);
        filter.studies = self.studies.iter().map(|uid| keys.pseudonyms.study(uid)).collect();
        filter.tokens = self
            .tokens
            .iter()
            .filter_map(|(what, value)| keys.pseudonyms.alternatives(*what, value))
            .collect();
        let part = |word: &String| vec![keys.pseudonyms.prefix(Searchable::PatientNamePart, word)];
        filter.tokens.extend(self.words.iter().map(part));
        filter.modalities.clone_from(&self.modalities);
        Ranges { dates: filter.date, times: filter.time, moments: filter.moments } =
            self.ranges_of_rows(&STUDY);
        filter.either = self.typed.iter().map(|word| word.either(&keys.pseudonyms)).collect();
        filter.date = filter.date.or_else(|| self.days?.range());
        filter
    }

    /// The conditions on series.
    pub(super) fn series_filter(&self, studies: StudyFilter) -> SeriesFilter {
        let mut filter = SeriesFilter::of(studies);
        filter.uids.clone_from(&self.series);
        filter.modalities.clone_from(&self.series_modalities);
        filter.number = self.series_number;
        Ranges {
            dates: filter.performed_date,
            times: filter.performed_time,
            moments: filter.performed_moments,
        } = self.ranges_of_rows(&PERFORMED);
        filter
    }

    fn ranges_of_rows(&self, pair: &Pair) -> Ranges {
        let when = self.whens.iter().find(|when| when.pair == pair);
        when.map(|when| when.ranges_of_rows(self.matching)).unwrap_or_default()
    }

    /// The conditions on instances.
    pub(super) fn instance_filter(&self, keys: &InstitutionKeys, studies: StudyFilter) -> InstanceFilter {
        let mut filter = InstanceFilter::of(studies);
        filter.series_uids.clone_from(&self.series);
        filter.modalities.clone_from(&self.series_modalities);
        filter.instances = self.instances.iter().map(|uid| keys.pseudonyms.instance(uid)).collect();
        filter.sop_classes.clone_from(&self.sop_classes);
        filter.number = self.instance_number;
        filter
    }
}

/// Refuses a key of an attribute that is masked for the asker. One that asks for the attribute only, and for no value of it, is
/// none.
pub(crate) fn refuse_masked(mask: Option<&Mask>, path: AttributePath, text: &str) -> Result<(), FindError> {
    let is_masked = mask.is_some_and(|mask| mask.hides(path));
    if !is_masked || matches!(text.trim(), "" | "*") {
        return Ok(());
    }
    Err(FindError::BadKey(format!(
        "masked-role: the key {path} is masked for this role and cannot be matched"
    )))
}

/// What stands before the first wildcard.
fn beginning(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// Whether a token says less than the pattern asks: anything but a short beginning and one final `*`.
fn needs_second_look(what: Searchable, value: &MatchValue) -> bool {
    match value {
        MatchValue::Wildcard(pattern) => {
            let beginning = beginning(pattern);
            let rest = pattern.get(beginning.len()..).unwrap_or_default();
            rest != "*"
                || beginning.is_empty()
                || beginning.ends_with(['^', ' '])
                || !what.is_indexed_prefix(fold(beginning).chars().count())
        }
        MatchValue::Single(_) | MatchValue::List(_) | MatchValue::All(_) | MatchValue::Universal => false,
        MatchValue::Range { .. } | MatchValue::Empty => true,
    }
}

/// Adds UIDs; false when none of them is a UID, so that nothing can match.
fn uids(value: &MatchValue, into: &mut Vec<Uid>) -> bool {
    let texts: &[String] = match value {
        MatchValue::Single(text) => std::slice::from_ref(text),
        MatchValue::List(texts) => texts,
        MatchValue::Wildcard(_)
        | MatchValue::Universal
        | MatchValue::Empty
        | MatchValue::All(_)
        | MatchValue::Range { .. } => return false,
    };
    let legal: Vec<Uid> = texts.iter().filter_map(|text| Uid::new(text).ok()).collect();
    // Two keys on one UID attribute (an address and a parameter) must both hold.
    if into.is_empty() {
        into.extend(legal);
    } else {
        into.retain(|uid| legal.contains(uid));
    }
    !into.is_empty()
}

fn number(tag: Tag, value: &MatchValue) -> Result<i32, FindError> {
    match value {
        MatchValue::Single(text) => text.parse().ok(),
        MatchValue::List(_)
        | MatchValue::All(_)
        | MatchValue::Wildcard(_)
        | MatchValue::Universal
        | MatchValue::Empty
        | MatchValue::Range { .. } => None,
    }
    .ok_or_else(|| FindError::BadKey(format!("the key {} takes one whole number", AttributePath::from(tag))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Include;

    fn parse(level: Level, keys: &[(Tag, &str)]) -> Result<Criteria, FindError> {
        parse_as(Matching::default(), level, keys)
    }

    fn parse_as(matching: Matching, level: Level, keys: &[(Tag, &str)]) -> Result<Criteria, FindError> {
        let request = FindRequest {
            level,
            study: None,
            series: None,
            keys: keys.iter().map(|(tag, text)| ((*tag).into(), (*text).to_owned())).collect(),
            matching,
            include: Include::Default,
            offset: 0,
            limit: 1,
        };
        Criteria::parse(&request, UtcOffset::default(), None)
    }

    #[test]
    fn a_short_beginning_needs_no_second_look_and_everything_else_does() {
        for (pattern, second) in [
            ("WANG*", false),
            ("王*", false),
            ("WANG^XI*", true),
            ("*ANG", true),
            ("W?NG*", true),
            ("WANG^*", true),
        ] {
            let criteria = parse(Level::Study, &[(tags::PATIENT_NAME, pattern)]).unwrap();
            assert_eq!(criteria.has_residual(), second, "{pattern}");
        }
        assert!(parse(Level::Study, &[(tags::PATIENT_ID, "12345678901234567*")]).unwrap().has_residual());
        assert!(
            parse(Level::Study, &[(tags::PATIENT_ID, "4711")]).unwrap().has_residual(),
            "its case is compared"
        );
        assert!(!parse(Level::Study, &[(tags::PATIENT_NAME, "WANG^XIAO")]).unwrap().has_residual());
    }

    #[test]
    fn parts_of_a_name_are_looked_up_and_compared_only_where_tokens_say_too_little() {
        let fuzzy = Matching { fuzzy: true, ..Matching::default() };
        for (query, words, second) in [
            ("zhang san", 2, false),
            ("zs", 1, false),
            ("zhangsa", 1, true),
            ("zh?ng s", 2, true),
            ("*ang", 1, false),
        ] {
            let criteria = parse_as(fuzzy, Level::Study, &[(tags::PATIENT_NAME, query)]).unwrap();
            assert_eq!((criteria.words.len(), criteria.has_residual()), (words, second), "{query}");
        }
        let criteria = parse_as(fuzzy, Level::Study, &[(tags::REFERRING_PHYSICIAN_NAME, "li")]).unwrap();
        assert!(criteria.words.is_empty() && criteria.has_residual());
    }

    #[test]
    fn a_name_with_groups_is_found_by_the_tokens_of_its_groups() {
        let criteria = parse(Level::Study, &[(tags::PATIENT_NAME, "Wang^Wei=王^伟=")]).unwrap();
        let single = |text: &str| (Searchable::PatientName, MatchValue::Single(text.to_owned()));
        assert_eq!(criteria.tokens[..2], [single("Wang^Wei"), single("王^伟")]);
        assert!(criteria.has_residual());
    }

    #[test]
    fn a_modality_may_be_a_pattern() {
        for (level, tag) in [(Level::Study, tags::MODALITIES_IN_STUDY), (Level::Series, tags::MODALITY)] {
            let mut criteria = parse(level, &[(tag, "C*")]).unwrap();
            assert!(criteria.has_residual() && criteria.take_unmatched().is_empty());
        }
        let mut below = parse(Level::Series, &[(tags::MODALITIES_IN_STUDY, "C*")]).unwrap();
        assert_eq!(below.take_unmatched(), [tags::MODALITIES_IN_STUDY.into()]);
    }

    #[test]
    fn modalities_that_all_have_to_be_there_are_conditions_of_their_own() {
        let keys = [(tags::MODALITIES_IN_STUDY, "CT\\PT")];
        assert_eq!(parse(Level::Study, &keys).unwrap().modalities, [["CT", "PT"]]);
        let all = Matching { multiple: true, ..Matching::default() };
        assert_eq!(parse_as(all, Level::Study, &keys).unwrap().modalities, [["CT"], ["PT"]]);
        let of_series = parse_as(all, Level::Series, &[(tags::MODALITY, "CT\\PT")]).unwrap();
        assert!(of_series.impossible, "a series has one modality");
    }

    #[test]
    fn what_has_no_value_is_compared_and_a_number_is_not_asked_for_so() {
        let agreed = Matching { empty: true, fuzzy: true, ..Matching::default() };
        for tag in [tags::PATIENT_ID, tags::PATIENT_NAME, tags::STUDY_DATE, tags::MODALITIES_IN_STUDY] {
            let criteria = parse_as(agreed, Level::Study, &[(tag, "\"\"")]).unwrap();
            assert!(criteria.has_residual() && criteria.unmatched().is_empty(), "{tag}");
        }
        let keys = [(tags::SERIES_NUMBER, "\"\"")];
        assert!(matches!(parse_as(agreed, Level::Series, &keys), Err(FindError::BadKey(_))));
    }

    #[test]
    fn a_date_is_left_to_the_catalogue_unless_another_zone_asks() {
        let keys = [(tags::STUDY_DATE, "20260101-20260102")];
        assert!(!parse(Level::Series, &keys).unwrap().has_residual());
        let zone = Matching { zone: UtcOffset::parse("+0000"), ..Matching::default() };
        assert!(parse_as(zone, Level::Series, &keys).unwrap().has_residual());
        assert!(parse(Level::Series, &[(tags::SERIES_DATE, "20260101-")]).unwrap().has_residual());
    }

    #[test]
    fn a_uid_that_is_none_matches_nothing_and_is_no_error() {
        assert!(parse(Level::Study, &[(tags::STUDY_INSTANCE_UID, "../../etc")]).unwrap().impossible);
    }

    #[test]
    fn a_key_that_the_index_does_not_know_restricts_nothing_and_is_told() {
        let sequence = AttributePath::within(tags::KVP, tags::SERIES_INSTANCE_UID);
        for (level, path) in [
            (Level::Study, tags::KVP.into()),
            (Level::Study, tags::BODY_PART_EXAMINED.into()),
            (Level::Patient, tags::SERIES_NUMBER.into()),
            (Level::Instance, sequence),
        ] {
            let mut criteria = Criteria::default();
            criteria.add(level, path, "1").unwrap();
            assert!(!criteria.has_residual());
            assert_eq!(criteria.take_unmatched(), [path]);
            criteria.add(level, path, "").unwrap();
            assert_eq!(criteria.take_unmatched(), [], "without a value nothing is asked");
        }
        assert!(parse(Level::Series, &[(tags::BODY_PART_EXAMINED, "KNEE")]).unwrap().has_residual());
    }
}
