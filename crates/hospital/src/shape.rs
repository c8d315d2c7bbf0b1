//! How a hospital is: sizes, rosters, words, and how much of what happens is written down. Two of them, made differently on purpose.

use clap::ValueEnum;
use yingdun_monitor::record::FactKind;

/// Which hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Hospital {
    /// 800 people, 20,000 patients, two shifts, one site and a branch, most facts by person.
    #[value(name = "A")]
    A,
    /// 520 people, 12,000 patients, three shifts, three sites, words of its own, facts by department, fewer and later.
    #[value(name = "B")]
    B,
}

impl Hospital {
    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
        }
    }

    pub(crate) fn shape(self) -> &'static Shape {
        match self {
            Self::A => &A,
            Self::B => &B,
        }
    }
}

/// What somebody's work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Physician,
    Nurse,
    Resident,
    Radiologist,
    Technician,
    Chief,
    Researcher,
    Quality,
    Clerk,
    Administrator,
    Locum,
    Vendor,
    Service,
}

impl Work {
    pub(crate) const ALL: [Self; 13] = [
        Self::Physician,
        Self::Nurse,
        Self::Resident,
        Self::Radiologist,
        Self::Technician,
        Self::Chief,
        Self::Researcher,
        Self::Quality,
        Self::Clerk,
        Self::Administrator,
        Self::Locum,
        Self::Vendor,
        Self::Service,
    ];

    /// Those who treat.
    pub(crate) const TREATING: [Self; 4] = [Self::Physician, Self::Resident, Self::Chief, Self::Locum];
}

/// Sizes and habits of a hospital.
pub(crate) struct Shape {
    /// How many of each kind of work, in the order of [`Work::ALL`].
    pub(crate) staff: [usize; 13],
    /// The word for each kind of work.
    pub(crate) roles: [&'static str; 13],
    pub(crate) patients: usize,
    pub(crate) neighbourhoods: usize,
    pub(crate) prominent: usize,
    pub(crate) decoys: usize,
    /// Departments that treat; the first is the emergency room, the second intensive care, the third chest and flu, the fourth oncology.
    pub(crate) wards: &'static [&'static str],
    /// Departments of those who do not: radiology, research, quality, records, information technology, outside.
    pub(crate) offices: [&'static str; 6],
    pub(crate) places: &'static [&'static str],
    /// The place of those who come over the network from outside.
    pub(crate) remote: &'static str,
    /// First and last hour of each shift, on the wall; the last may be of the next day. The last shift is the night.
    pub(crate) shifts: &'static [(i64, i64)],
    /// Share of those who treat or nurse who have the night, an evening.
    pub(crate) nights: f64,
    /// Share who work on a weekend day and on a holiday.
    pub(crate) weekend: f64,
    pub(crate) holiday: f64,
    /// On a working day.
    pub(crate) admissions: f64,
    pub(crate) appointments: f64,
    pub(crate) emergencies: f64,
    /// Views of one contact, on average.
    pub(crate) views: f64,
    /// Share of contacts that begin with a search.
    pub(crate) searched: f64,
    /// Share of households and neighbourhoods that are on record.
    pub(crate) household_known: f64,
    pub(crate) neighbourhood_known: f64,
    /// Share of facts that name a person, where either would do.
    pub(crate) by_person: f64,
    /// Share of facts that are never written down, that come late, and how late at most, in hours.
    pub(crate) missing: f64,
    pub(crate) late: f64,
    pub(crate) late_hours: i64,
    /// Contacts a day for which there is no reason on record, for each thousand ordinary ones.
    pub(crate) without_reason: f64,
}

impl Shape {
    /// Share of facts of a kind that are never written down.
    pub(crate) fn missing(&self, fact: FactKind) -> f64 {
        let times = match fact {
            FactKind::Shift | FactKind::Encounter | FactKind::BreakGlass | FactKind::Grant => 0.5,
            FactKind::Consult => 2.5,
            FactKind::CareRelation | FactKind::Board | FactKind::Teaching => 2.0,
            FactKind::Order
            | FactKind::Appointment
            | FactKind::WorklistStep
            | FactKind::ReportAssignment
            | FactKind::OnCall
            | FactKind::QualityAudit
            | FactKind::Research
            | FactKind::Maintenance => 1.0,
        };
        self.missing * times
    }
}

const A: Shape = Shape {
    staff: [244, 210, 80, 58, 62, 20, 26, 6, 46, 14, 14, 12, 8],
    roles: [
        "clinician",
        "nurse",
        "resident",
        "radiologist",
        "technician",
        "chief",
        "researcher",
        "quality-officer",
        "clerk",
        "system-administrator",
        "clinician",
        "vendor",
        "service",
    ],
    patients: 20_000,
    neighbourhoods: 160,
    prominent: 14,
    decoys: 24,
    wards: &[
        "emergency",
        "intensive-care",
        "pulmonology",
        "oncology",
        "cardiology",
        "gastroenterology",
        "neurology",
        "nephrology",
        "endocrinology",
        "general-surgery",
        "orthopaedics",
        "neurosurgery",
        "urology",
        "thoracic-surgery",
        "gynaecology",
        "paediatrics",
        "ent",
        "rehabilitation",
    ],
    offices: ["radiology", "research", "quality", "records", "information-technology", "outside"],
    places: &["main", "branch"],
    remote: "vpn",
    shifts: &[(8, 18), (17, 32)],
    nights: 0.09,
    weekend: 0.24,
    holiday: 0.18,
    admissions: 130.0,
    appointments: 1_560.0,
    emergencies: 220.0,
    views: 2.2,
    searched: 0.34,
    household_known: 0.75,
    neighbourhood_known: 0.85,
    by_person: 0.75,
    missing: 0.012,
    late: 0.06,
    late_hours: 40,
    without_reason: 9.0,
};

const B: Shape = Shape {
    staff: [138, 160, 64, 34, 36, 15, 14, 4, 26, 9, 10, 6, 4],
    roles: [
        "主治医师",
        "护士",
        "规培医师",
        "影像医师",
        "技师",
        "科主任",
        "研究人员",
        "质控员",
        "病案员",
        "系统管理员",
        "外聘医师",
        "厂商工程师",
        "接口服务",
    ],
    patients: 12_000,
    neighbourhoods: 70,
    prominent: 8,
    decoys: 12,
    wards: &[
        "急诊科",
        "重症医学科",
        "呼吸内科",
        "肿瘤科",
        "心血管内科",
        "消化内科",
        "神经内科",
        "普外科",
        "骨科",
        "泌尿外科",
        "妇产科",
        "儿科",
    ],
    offices: ["放射科", "科研处", "质控科", "病案室", "信息科", "院外"],
    places: &["东院", "西院", "门诊楼"],
    remote: "远程接入",
    shifts: &[(7, 15), (15, 23), (23, 31)],
    nights: 0.12,
    weekend: 0.34,
    holiday: 0.28,
    admissions: 78.0,
    appointments: 860.0,
    emergencies: 150.0,
    views: 1.6,
    searched: 0.5,
    household_known: 0.45,
    neighbourhood_known: 0.6,
    by_person: 0.4,
    missing: 0.02,
    late: 0.12,
    late_hours: 64,
    without_reason: 10.0,
};
