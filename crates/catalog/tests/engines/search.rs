//! Searching: what is found is what the oracle finds, in every combination, on every page.

use crate::on_both_engines;
use crate::oracle;
use crate::records::{Stored, apply, institution, patient, record, series, study, token, uid};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use yingdun_catalog::catalogue::departments::{self, Department};
use yingdun_catalog::catalogue::instances::{self, InstanceFilter};
use yingdun_catalog::catalogue::series::{self as series_search, SeriesFilter};
use yingdun_catalog::catalogue::{
    Date, Either, Page, StudyFilter, TimeOfDay, Visibility, care, patients, studies,
};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, AeTitle, DepartmentId, PatientRef, StudyRef, StudyUnit, Timestamp};

on_both_engines!(Catalogue:
    a_search_finds_what_a_plain_scan_finds,
    common_and_rare_words_together_find_what_a_plain_scan_finds,
    pages_behind_a_cursor_and_pages_by_offset_cover_everything_once,
    series_and_instances_are_found_under_the_same_conditions_as_their_studies,
    series_conditions_hold_together,
    instance_conditions_hold_together,
    a_search_with_too_many_alternatives_is_refused,
);

/// A small deterministic generator (splitmix64), so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn some<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..1 + self.roll(most)).map(|_| make(self)).collect()
    }

    fn date(&mut self) -> Option<Date> {
        let (month, day) = (1 + self.roll(2), 1 + self.roll(10));
        Date::new(2024, u32::try_from(month).unwrap(), u32::try_from(day).unwrap())
    }

    fn time(&mut self) -> Option<TimeOfDay> {
        TimeOfDay::new(self.roll(24), 0, 0, 0)
    }

    fn range<T: PartialOrd + Copy>(
        &mut self,
        mut make: impl FnMut(&mut Self) -> Option<T>,
    ) -> RangeInclusive<T> {
        let (a, b) = (make(self).unwrap(), make(self).unwrap());
        if a <= b { a..=b } else { b..=a }
    }
}

const MODALITIES: [&str; 4] = ["CT", "MR", "US", "SR"];
const STUDIES: u64 = 120;
const PATIENTS: u64 = 30;

fn records(dice: &mut Dice) -> Vec<Stored> {
    let mut records = Vec::new();
    for s in 0..STUDIES {
        let p = dice.roll(PATIENTS);
        let mut first = record(p, s, s * 10, s * 100);
        first.study_facts.terms.date = if dice.one_in(8) { None } else { dice.date() };
        first.study_facts.terms.time = if dice.one_in(8) { None } else { dice.time() };
        first.study_facts.terms.tokens =
            vec![token(&format!("id{p}")), token(&format!("name{}", p % 5)), token("everyone")];
        first = first.received_at(i64::try_from(dice.roll(1000)).unwrap());
        if dice.one_in(10) {
            first = first.in_institution(institution("xiehe"));
        }
        for r in 0..1 + dice.roll(3) {
            let mut other = first.clone();
            other.series = series(s * 10 + r);
            other.series_facts.uid = uid(2, s * 10 + r);
            other.series_facts.number = i32::try_from(s * 10 + r).ok();
            other.series_facts.modality = MODALITIES[usize::try_from(dice.roll(4)).unwrap()].to_owned();
            other.instance = record(p, s, s * 10 + r, s * 100 + r).instance;
            other.instance.institution = other.study_facts.institution.clone();
            records.push(other);
        }
    }
    records
}

fn relations(dice: &mut Dice) -> Vec<care::CareRelation> {
    (0..40_i64)
        .map(|n| {
            let from = i64::try_from(dice.roll(100)).unwrap();
            care::CareRelation {
                institution: institution(if dice.one_in(6) { "xiehe" } else { "renmin" }),
                actor: actor(dice.roll(3)),
                patient: patient(dice.roll(PATIENTS)),
                valid_from: Timestamp::from_ms(from * 100 + n),
                valid_until: Timestamp::from_ms(from * 100 + n + i64::try_from(dice.roll(5000)).unwrap()),
                given_by: actor(9),
            }
        })
        .collect()
}

fn actor(number: u64) -> ActorId {
    ActorId::new(&format!("doctor-{number}")).unwrap()
}

fn filter(dice: &mut Dice) -> StudyFilter {
    let moment = |dice: &mut Dice, most| Timestamp::from_ms(i64::try_from(dice.roll(most)).unwrap());
    let visibility = match dice.roll(10) {
        8 | 9 => of_units(dice),
        0 => Visibility::Nothing,
        5 | 6 => granted(dice),
        1 | 2 => Visibility::CareRelation { actor: actor(dice.roll(3)), at: moment(dice, 12_000) },
        3 | 4 => Visibility::ReceivedSince(moment(dice, 1000)),
        _ => Visibility::Institution,
    };
    let mut filter = StudyFilter::all(institution("renmin"), visibility);
    if dice.one_in(6) {
        filter.studies = dice.some(20, |dice| study(dice.roll(STUDIES)));
    }
    if dice.one_in(5) {
        filter.patients = dice.some(6, |dice| patient(dice.roll(PATIENTS)));
    }
    for _ in 0..dice.roll(3) {
        filter.tokens.push(match dice.roll(4) {
            0 => vec![token("everyone")],
            1 => dice.some(3, |dice| token(&format!("name{}", dice.roll(6)))),
            // More alternatives than are walked one by one.
            2 => dice.some(20, |dice| token(&format!("id{}", dice.roll(PATIENTS)))),
            _ => vec![token(&format!("id{}", dice.roll(PATIENTS))), token(&format!("name{}", dice.roll(5)))],
        });
    }
    if dice.one_in(3) {
        let some = |dice: &mut Dice| {
            dice.some(2, |dice| MODALITIES[usize::try_from(dice.roll(4)).unwrap()].to_owned())
        };
        filter.modalities = (0..=dice.roll(2)).map(|_| some(dice)).collect();
    }
    for _ in 0..dice.roll(3) {
        filter.either.push(Either {
            tokens: dice.some(3, |dice| token(&format!("name{}", dice.roll(6)))),
            modalities: dice.some(2, |dice| MODALITIES[usize::try_from(dice.roll(4)).unwrap()].to_owned()),
        });
    }
    if dice.one_in(3) {
        filter.date = Some(dice.range(Dice::date));
    }
    if dice.one_in(5) {
        filter.time = Some(dice.range(Dice::time));
    }
    if let Some(dates) = filter.date.clone().filter(|_| dice.one_in(2)) {
        let times = dice.range(Dice::time);
        filter.moments = Some((*dates.start(), *times.end())..=(*dates.end(), *times.start()));
    }
    filter
}

async fn fill(database: &Database, records: &[Stored], relations: &[care::CareRelation]) {
    note_units(database, records).await;
    for batch in records.chunks(70) {
        apply(database, batch, None).await.unwrap();
    }
    database.execute(relations.iter().map(care::give).collect()).await.unwrap();
}

async fn found(database: &Database, filter: &StudyFilter) -> Vec<StudyRef> {
    let rows = studies::search(database, filter, Page::first(10_000)).await.unwrap();
    rows.iter().map(|row| row.reference).collect()
}

async fn a_search_finds_what_a_plain_scan_finds(database: Database) {
    let mut dice = Dice(20_240_131);
    let (records, mut relations) = (records(&mut dice), relations(&mut dice));
    // Given again from the same moment replaces; the oracle knows no such rule.
    relations
        .sort_by_key(|relation| (relation.institution.clone(), relation.actor.clone(), relation.valid_from));
    relations
        .dedup_by_key(|relation| (relation.institution.clone(), relation.actor.clone(), relation.valid_from));
    fill(&database, &records, &relations).await;
    let mut hits = 0;
    for round in 0..400 {
        let filter = filter(&mut dice);
        let expected = oracle::search(&records, &relations, &filter);
        assert_eq!(found(&database, &filter).await, expected, "round {round}: {filter:?}");
        hits += usize::from(!expected.is_empty());
        assert_eq!(patients_found(&database, &filter).await, newest(&records, &expected), "{filter:?}");
        let rows = patients::count(&database, &filter, Page::first(10_000)).await.unwrap();
        let counted: Vec<StudyRef> = rows.iter().map(|row| row.reference).collect();
        assert_eq!(counted, expected, "round {round}: {filter:?}");
    }
    assert!(hits > 100, "only {hits} of 400 searches found anything: the test looks into the void");
}

/// Patients, by pages of few, each with the study that stands for them.
async fn patients_found(database: &Database, filter: &StudyFilter) -> Vec<(PatientRef, StudyRef)> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Page { offset: 0, limit: 4, after };
        let rows = patients::search(database, filter, page).await.unwrap();
        let Some(last) = rows.last() else { return found };
        after = Some(last.cursor());
        found.extend(rows.iter().map(|row| (row.patient, row.reference)));
    }
}

/// Of studies in the order of answers, the first of each patient.
fn newest(records: &[Stored], studies: &[StudyRef]) -> Vec<(PatientRef, StudyRef)> {
    let mut seen = std::collections::BTreeSet::new();
    let patient_of = |study: &StudyRef| {
        records.iter().find(|record| record.study == *study).map(|record| record.study_facts.patient).unwrap()
    };
    let with_patient = studies.iter().map(|study| (patient_of(study), *study));
    with_patient.filter(|(patient, _)| seen.insert(*patient)).collect()
}

async fn common_and_rare_words_together_find_what_a_plain_scan_finds(database: Database) {
    // Enough studies that a common word counts as common, so that every way to drive a search is taken.
    let records: Vec<Stored> = (0..1500_u64)
        .map(|s| {
            let mut record = record(s % 50, s, s, s);
            record.study_facts.terms.date = Date::new(2024, 1 + u32::try_from(s % 12).unwrap(), 1);
            record.study_facts.terms.tokens = vec![token("everyone"), token(&format!("rare{}", s / 5))];
            record.series_facts.modality = if s % 300 == 0 { "PT" } else { "CT" }.to_owned();
            record
        })
        .collect();
    let relations: Vec<care::CareRelation> = (0..3)
        .map(|p| care::CareRelation {
            institution: institution("renmin"),
            actor: actor(1),
            patient: patient(p),
            valid_from: Timestamp::from_ms(0),
            valid_until: Timestamp::from_ms(10),
            given_by: actor(9),
        })
        .collect();
    fill(&database, &records, &relations).await;
    let care = Visibility::CareRelation { actor: actor(1), at: Timestamp::from_ms(5) };
    let everyone = vec![token("everyone")];
    let rare = vec![token("rare7"), token("rare20")];
    let units: Vec<String> = ["performing:d1", "performing:d2", "performing:d3"].map(str::to_owned).into();
    let department = Visibility::OfUnits { units: units.clone(), since: None };
    let today = Visibility::OfUnits { units, since: Some(Timestamp::from_ms(30)) };
    let received = Visibility::ReceivedSince(Timestamp::from_ms(30));
    let beside = Visibility::Granted {
        beside: Box::new(department.clone()),
        patients: vec![patient(3)],
        studies: vec![study(4), study(8)],
    };
    for visibility in [Visibility::Institution, care, received, department, today, beside] {
        for tokens in [vec![everyone.clone()], vec![rare.clone()], vec![everyone.clone(), rare.clone()]] {
            for modalities in
                [vec![], vec![vec!["CT".to_owned()]], vec![vec!["CT".to_owned()], vec!["PT".to_owned()]]]
            {
                let mut filter = StudyFilter::all(institution("renmin"), visibility.clone());
                filter.tokens = tokens.clone();
                filter.modalities = modalities;
                let expected = oracle::search(&records, &relations, &filter);
                assert_eq!(found(&database, &filter).await, expected, "{filter:?}");
            }
        }
    }
}

async fn pages_behind_a_cursor_and_pages_by_offset_cover_everything_once(database: Database) {
    let mut dice = Dice(7);
    let (records, relations) = (records(&mut dice), relations(&mut dice));
    fill(&database, &records, &relations).await;
    let mut filters: Vec<StudyFilter> = (0..20).map(|_| filter(&mut dice)).collect();
    filters.push(StudyFilter::all(institution("renmin"), Visibility::Institution));
    for filter in filters {
        let whole = found(&database, &filter).await;

        let mut by_cursor = Vec::new();
        let mut after = None;
        loop {
            let page = Page { offset: 0, limit: 7, after };
            let rows = studies::search(&database, &filter, page).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(last.cursor());
            by_cursor.extend(rows.iter().map(|row| row.reference));
        }
        assert_eq!(by_cursor, whole, "{filter:?}");

        let mut by_offset = Vec::new();
        loop {
            let page = Page { offset: u32::try_from(by_offset.len()).unwrap(), limit: 11, after: None };
            let rows = studies::search(&database, &filter, page).await.unwrap();
            if rows.is_empty() {
                break;
            }
            by_offset.extend(rows.iter().map(|row| row.reference));
        }
        assert_eq!(by_offset, whole, "{filter:?}");
    }
}

async fn series_and_instances_are_found_under_the_same_conditions_as_their_studies(database: Database) {
    let mut dice = Dice(99);
    let (records, relations) = (records(&mut dice), relations(&mut dice));
    fill(&database, &records, &relations).await;
    for _ in 0..60 {
        let filter = filter(&mut dice);
        let studies = found(&database, &filter).await;
        let of_these: Vec<&Stored> =
            records.iter().filter(|record| studies.contains(&record.study)).collect();

        let place = |study: &StudyRef| studies.iter().position(|other| other == study);

        let of = SeriesFilter::of(filter.clone());
        let mut expected: Vec<_> =
            of_these.iter().map(|r| (place(&r.study), r.series_facts.number, r.series)).collect();
        expected.sort();
        for limit in [10_000, 7] {
            let (mut came, mut after) = (Vec::new(), None);
            loop {
                let page = Page { offset: 0, limit, after };
                let rows = series_search::search(&database, &of, page).await.unwrap();
                let Some(last) = rows.last() else { break };
                after = Some(last.cursor());
                came.extend(rows.iter().map(|row| (place(&row.study), row.number, row.reference)));
            }
            assert_eq!(came, expected, "series of {filter:?} by {limit}");
        }

        let of = InstanceFilter::of(filter.clone());
        let mut expected: Vec<_> = of_these
            .iter()
            .map(|r| {
                let (series, instance) = (&r.series_facts, &r.instance);
                (place(&r.study), series.number, r.series, instance.number, instance.reference)
            })
            .collect();
        expected.sort();
        for limit in [10_000, 7] {
            let (mut came, mut after) = (Vec::new(), None);
            loop {
                let page = Page { offset: 0, limit, after };
                let rows = instances::search(&database, &of, page).await.unwrap();
                let Some(last) = rows.last() else { break };
                after = Some(last.cursor());
                came.extend(rows.iter().map(|row| {
                    (place(&row.study), row.series_number, row.series, row.number, row.reference)
                }));
            }
            assert_eq!(came, expected, "instances of {filter:?} by {limit}");
            let page = Page { offset: 2, limit: 3, after: None };
            let rows = instances::search(&database, &of, page).await.unwrap();
            let some: Vec<_> = expected.iter().skip(2).take(3).map(|(.., reference)| *reference).collect();
            assert_eq!(rows.iter().map(|row| row.reference).collect::<Vec<_>>(), some, "{filter:?}");
        }
    }
}

fn all() -> StudyFilter {
    StudyFilter::all(institution("renmin"), Visibility::Institution)
}

async fn series_conditions_hold_together(database: Database) {
    let mut batch: Vec<Stored> = (0..6).map(|r| record(1, r / 3, r, r)).collect();
    batch[1].series_facts.modality = "MR".to_owned();
    batch[2].series_facts.performed_date = Date::parse("20200101");
    batch[2].series_facts.performed_time = TimeOfDay::parse("08");
    batch[3].series_facts.number = None;
    apply(&database, &batch, None).await.unwrap();
    let found = async |filter: SeriesFilter| {
        let rows = series_search::search(&database, &filter, Page::first(10)).await.unwrap();
        let mut references: Vec<_> = rows.iter().map(|row| row.reference).collect();
        references.sort();
        references
    };
    let sorted = |numbers: &[u64]| {
        let mut references: Vec<_> = numbers.iter().map(|n| series(*n)).collect();
        references.sort();
        references
    };
    let of = || SeriesFilter::of(all());
    assert_eq!(found(of()).await, sorted(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(found(SeriesFilter { modalities: vec!["MR".to_owned()], ..of() }).await, sorted(&[1]));
    assert_eq!(
        found(SeriesFilter { uids: vec![uid(2, 4), uid(2, 5), uid(2, 77)], ..of() }).await,
        sorted(&[4, 5])
    );
    assert_eq!(found(SeriesFilter { series: vec![series(3), series(0)], ..of() }).await, sorted(&[0, 3]));
    assert_eq!(found(SeriesFilter { number: Some(4), ..of() }).await, sorted(&[4]));
    assert_eq!(found(SeriesFilter { number: Some(3), ..of() }).await, []);
    let old = Date::parse("20190101").unwrap()..=Date::parse("20201231").unwrap();
    assert_eq!(found(SeriesFilter { performed_date: Some(old), ..of() }).await, sorted(&[2]));
    let morning = TimeOfDay::parse("07").unwrap()..=TimeOfDay::parse("09").unwrap();
    assert_eq!(found(SeriesFilter { performed_time: Some(morning), ..of() }).await, sorted(&[2]));
    let moment = |date: &str, time: &str| (Date::parse(date).unwrap(), TimeOfDay::parse(time).unwrap());
    let between = |first: (Date, TimeOfDay), last: (Date, TimeOfDay)| SeriesFilter {
        performed_date: Some(first.0..=last.0),
        performed_moments: Some(first..=last),
        ..of()
    };
    let found_between = found(between(moment("20191231", "09"), moment("20200101", "0800"))).await;
    assert_eq!(found_between, sorted(&[2]));
    assert_eq!(found(between(moment("20191231", "07"), moment("20200101", "0759"))).await, []);
    let of_first = SeriesFilter::of(StudyFilter { studies: vec![study(0)], ..all() });
    assert_eq!(found(SeriesFilter { series: vec![series(0), series(4)], ..of_first }).await, sorted(&[0]));

    let mut paged = Vec::new();
    let mut after = None;
    while let Some(row) =
        series_search::search(&database, &of(), Page { offset: 0, limit: 1, after }).await.unwrap().pop()
    {
        after = Some(row.cursor());
        paged.push(row);
    }
    assert_eq!(paged, series_search::search(&database, &of(), Page::first(10)).await.unwrap());
}

async fn instance_conditions_hold_together(database: Database) {
    let mut batch: Vec<Stored> = (0..8).map(|i| record(1, i / 4, i / 2, i)).collect();
    batch[5].instance.sop_class = uid(9, 9);
    batch[6].series_facts.modality = "MR".to_owned();
    batch[7].series_facts.modality = "MR".to_owned();
    let reference = |n: usize| batch[n].instance.reference;
    let expected = |numbers: &[usize]| {
        let mut references: Vec<_> = numbers.iter().map(|n| reference(*n)).collect();
        references.sort();
        references
    };
    apply(&database, &batch, None).await.unwrap();
    let found = async |filter: InstanceFilter| {
        let rows = instances::search(&database, &filter, Page::first(10)).await.unwrap();
        let mut references: Vec<_> = rows.iter().map(|row| row.reference).collect();
        references.sort();
        references
    };
    let of = || InstanceFilter::of(all());
    assert_eq!(found(of()).await, expected(&[0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(found(InstanceFilter { series: vec![series(1)], ..of() }).await, expected(&[2, 3]));
    assert_eq!(found(InstanceFilter { series_uids: vec![uid(2, 1)], ..of() }).await, expected(&[2, 3]));
    assert_eq!(found(InstanceFilter { sop_classes: vec![uid(9, 9)], ..of() }).await, expected(&[5]));
    assert_eq!(found(InstanceFilter { modalities: vec!["MR".to_owned()], ..of() }).await, expected(&[6, 7]));
    assert_eq!(found(InstanceFilter { number: Some(3), ..of() }).await, expected(&[3]));
    let two = vec![reference(0), reference(7)];
    assert_eq!(found(InstanceFilter { instances: two.clone(), ..of() }).await, expected(&[0, 7]));
    let of_second = InstanceFilter::of(StudyFilter { studies: vec![study(1)], ..all() });
    assert_eq!(found(InstanceFilter { instances: two, ..of_second }).await, expected(&[7]));

    let mut paged = Vec::new();
    let mut after = None;
    while let Some(row) =
        instances::search(&database, &of(), Page { offset: 0, limit: 1, after }).await.unwrap().pop()
    {
        after = Some(row.cursor());
        paged.push(row);
    }
    assert_eq!(paged, instances::search(&database, &of(), Page::first(10)).await.unwrap());
}

async fn a_search_with_too_many_alternatives_is_refused(database: Database) {
    let mut filter = all();
    filter.tokens = vec![(0..1001).map(|n| token(&format!("id{n}"))).collect()];
    let refused = studies::search(&database, &filter, Page::first(1)).await;
    assert!(matches!(refused, Err(CatalogError::Misuse(_))), "{refused:?}");
    filter.tokens = vec![vec![token("a")]; 33];
    let refused = studies::search(&database, &filter, Page::first(1)).await;
    assert!(matches!(refused, Err(CatalogError::Misuse(_))), "{refused:?}");
    filter.tokens = vec![vec![]];
    assert_eq!(studies::search(&database, &filter, Page::first(1)).await, Ok(vec![]));
}

/// Some patients and studies, beside one of the plain shapes.
fn granted(dice: &mut Dice) -> Visibility {
    let moment = |dice: &mut Dice, most| Timestamp::from_ms(i64::try_from(dice.roll(most)).unwrap());
    let beside = match dice.roll(5) {
        4 => of_units(dice),
        0 => Visibility::Nothing,
        1 => Visibility::CareRelation { actor: actor(dice.roll(3)), at: moment(dice, 12_000) },
        2 => Visibility::ReceivedSince(moment(dice, 1000)),
        _ => Visibility::Institution,
    };
    let patients =
        if dice.one_in(3) { Vec::new() } else { dice.some(3, |dice| patient(dice.roll(PATIENTS))) };
    let studies = if dice.one_in(3) { Vec::new() } else { dice.some(9, |dice| study(dice.roll(STUDIES))) };
    Visibility::Granted { beside: Box::new(beside), patients, studies }
}

/// Some units, perhaps of today only.
fn of_units(dice: &mut Dice) -> Visibility {
    let units = dice.some(3, |dice| format!("performing:d{}", dice.roll(5)));
    let since = dice.one_in(2).then(|| Timestamp::from_ms(i64::try_from(dice.roll(1000)).unwrap()));
    Visibility::OfUnits { units, since }
}

/// Studies come from devices of departments: what a study is of is noted before its first row.
async fn note_units(database: &Database, records: &[Stored]) {
    for here in records.iter().map(|record| &record.instance.institution).collect::<BTreeSet<_>>() {
        let mut changes = Vec::new();
        for number in 1..4 {
            let id = DepartmentId::new(&format!("d{number}")).unwrap();
            let title = AeTitle::new(&format!("D{number}")).unwrap();
            changes.push(departments::enter(here, &Department { id: id.clone(), name: "name".to_owned() }));
            changes.extend(departments::set_sender(here, &StudyUnit::Device(title), &BTreeSet::from([id])));
        }
        database.execute(changes).await.unwrap();
    }
    for record in records {
        let Some(unit) = oracle::unit_of(record.study) else { continue };
        let title = AeTitle::new(&unit.replace("performing:d", "D")).unwrap();
        let note =
            departments::note_sender(&record.instance.institution, record.study, &StudyUnit::Device(title));
        database.execute(vec![note]).await.unwrap();
    }
}
