//! Attribute tags (DICOM PS3.5 §7.1): group and element number. Knows nothing of values.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The tag of a data element: group number, element number. Ordered as data sets are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(
    /// Group number.
    pub u16,
    /// Element number within the group.
    pub u16,
);

/// The text is not eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag is written as 8 hexadecimal digits")]
pub struct TagError;

impl Tag {
    /// Group number.
    #[must_use]
    pub const fn group(self) -> u16 {
        self.0
    }

    /// Element number within the group.
    #[must_use]
    pub const fn element(self) -> u16 {
        self.1
    }

    /// Whether the group number is odd: a private attribute (PS3.5 §7.8).
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.0 % 2 == 1
    }

    /// Whether this is a private creator, `(gggg,0010)` to `(gggg,00FF)` with odd group.
    #[must_use]
    pub const fn is_private_creator(self) -> bool {
        self.is_private() && self.1 >= 0x10 && self.1 <= 0xff
    }

    /// Whether this is a group length element, `(gggg,0000)`.
    #[must_use]
    pub const fn is_group_length(self) -> bool {
        self.1 == 0
    }

    /// Reads the form of the DICOM JSON model and of DICOMweb queries: eight hexadecimal digits.
    ///
    /// # Errors
    /// [`TagError`] for every other text.
    pub fn from_hex(text: &str) -> Result<Self, TagError> {
        if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(TagError);
        }
        let number = u32::from_str_radix(text, 16).map_err(|_| TagError)?;
        let [a, b, c, d] = number.to_be_bytes();
        Ok(Self(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// The form of the DICOM JSON model (PS3.18 §F.2.2): eight upper-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:04X}{:04X}", self.0, self.1)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_hex(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.to_hex()
    }
}

/// Declares the attributes that this system itself names, so that no number is written twice.
macro_rules! tags {
    ($($name:ident = $group:literal, $element:literal, $doc:literal;)+) => {
        /// The attributes that Yingdun itself reads or writes, by the keywords of PS3.6.
        pub mod tags {
            use super::Tag;
            $(#[doc = $doc] pub const $name: Tag = Tag($group, $element);)+
        }
    };
}

tags! {
    COMMAND_GROUP_LENGTH = 0x0000, 0x0000, "Command Group Length";
    AFFECTED_SOP_CLASS_UID = 0x0000, 0x0002, "Affected SOP Class UID";
    REQUESTED_SOP_CLASS_UID = 0x0000, 0x0003, "Requested SOP Class UID";
    COMMAND_FIELD = 0x0000, 0x0100, "Command Field";
    MESSAGE_ID = 0x0000, 0x0110, "Message ID";
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0000, 0x0120, "Message ID Being Responded To";
    MOVE_DESTINATION = 0x0000, 0x0600, "Move Destination";
    PRIORITY = 0x0000, 0x0700, "Priority";
    COMMAND_DATA_SET_TYPE = 0x0000, 0x0800, "Command Data Set Type";
    STATUS = 0x0000, 0x0900, "Status";
    OFFENDING_ELEMENT = 0x0000, 0x0901, "Offending Element";
    ERROR_COMMENT = 0x0000, 0x0902, "Error Comment";
    AFFECTED_SOP_INSTANCE_UID = 0x0000, 0x1000, "Affected SOP Instance UID";
    REQUESTED_SOP_INSTANCE_UID = 0x0000, 0x1001, "Requested SOP Instance UID";
    FILE_META_GROUP_LENGTH = 0x0002, 0x0000, "File Meta Information Group Length";
    FILE_META_VERSION = 0x0002, 0x0001, "File Meta Information Version";
    MEDIA_STORAGE_SOP_CLASS_UID = 0x0002, 0x0002, "Media Storage SOP Class UID";
    MEDIA_STORAGE_SOP_INSTANCE_UID = 0x0002, 0x0003, "Media Storage SOP Instance UID";
    TRANSFER_SYNTAX_UID = 0x0002, 0x0010, "Transfer Syntax UID";
    IMPLEMENTATION_CLASS_UID = 0x0002, 0x0012, "Implementation Class UID";
    IMPLEMENTATION_VERSION_NAME = 0x0002, 0x0013, "Implementation Version Name";
    SOURCE_APPLICATION_ENTITY_TITLE = 0x0002, 0x0016, "Source Application Entity Title";
    FILE_SET_ID = 0x0004, 0x1130, "File-set ID";
    OFFSET_OF_THE_FIRST_RECORD = 0x0004, 0x1200, "Offset of the First Directory Record of the Root Directory Entity";
    OFFSET_OF_THE_LAST_RECORD = 0x0004, 0x1202, "Offset of the Last Directory Record of the Root Directory Entity";
    FILE_SET_CONSISTENCY_FLAG = 0x0004, 0x1212, "File-set Consistency Flag";
    DIRECTORY_RECORD_SEQUENCE = 0x0004, 0x1220, "Directory Record Sequence";
    OFFSET_OF_THE_NEXT_RECORD = 0x0004, 0x1400, "Offset of the Next Directory Record";
    RECORD_IN_USE_FLAG = 0x0004, 0x1410, "Record In-use Flag";
    OFFSET_OF_LOWER_LEVEL = 0x0004, 0x1420, "Offset of Referenced Lower-Level Directory Entity";
    DIRECTORY_RECORD_TYPE = 0x0004, 0x1430, "Directory Record Type";
    REFERENCED_FILE_ID = 0x0004, 0x1500, "Referenced File ID";
    REFERENCED_SOP_CLASS_UID_IN_FILE = 0x0004, 0x1510, "Referenced SOP Class UID in File";
    REFERENCED_SOP_INSTANCE_UID_IN_FILE = 0x0004, 0x1511, "Referenced SOP Instance UID in File";
    REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE = 0x0004, 0x1512, "Referenced Transfer Syntax UID in File";
    SPECIFIC_CHARACTER_SET = 0x0008, 0x0005, "Specific Character Set";
    IMAGE_TYPE = 0x0008, 0x0008, "Image Type";
    INSTANCE_CREATION_DATE = 0x0008, 0x0012, "Instance Creation Date";
    INSTANCE_CREATION_TIME = 0x0008, 0x0013, "Instance Creation Time";
    SOP_CLASS_UID = 0x0008, 0x0016, "SOP Class UID";
    SOP_INSTANCE_UID = 0x0008, 0x0018, "SOP Instance UID";
    STUDY_DATE = 0x0008, 0x0020, "Study Date";
    SERIES_DATE = 0x0008, 0x0021, "Series Date";
    ACQUISITION_DATE = 0x0008, 0x0022, "Acquisition Date";
    CONTENT_DATE = 0x0008, 0x0023, "Content Date";
    STUDY_TIME = 0x0008, 0x0030, "Study Time";
    SERIES_TIME = 0x0008, 0x0031, "Series Time";
    ACQUISITION_TIME = 0x0008, 0x0032, "Acquisition Time";
    CONTENT_TIME = 0x0008, 0x0033, "Content Time";
    ACCESSION_NUMBER = 0x0008, 0x0050, "Accession Number";
    ISSUER_OF_ACCESSION_NUMBER_SEQUENCE = 0x0008, 0x0051, "Issuer of Accession Number Sequence";
    QUERY_RETRIEVE_LEVEL = 0x0008, 0x0052, "Query/Retrieve Level";
    RETRIEVE_AE_TITLE = 0x0008, 0x0054, "Retrieve AE Title";
    INSTANCE_AVAILABILITY = 0x0008, 0x0056, "Instance Availability";
    FAILED_SOP_INSTANCE_UID_LIST = 0x0008, 0x0058, "Failed SOP Instance UID List";
    AVAILABLE_TRANSFER_SYNTAX_UID = 0x0008, 0x3002, "Available Transfer Syntax UID";
    MODALITY = 0x0008, 0x0060, "Modality";
    MODALITIES_IN_STUDY = 0x0008, 0x0061, "Modalities in Study";
    SOP_CLASSES_IN_STUDY = 0x0008, 0x0062, "SOP Classes in Study";
    MANUFACTURER = 0x0008, 0x0070, "Manufacturer";
    INSTITUTION_NAME = 0x0008, 0x0080, "Institution Name";
    REFERRING_PHYSICIAN_NAME = 0x0008, 0x0090, "Referring Physician's Name";
    TIMEZONE_OFFSET_FROM_UTC = 0x0008, 0x0201, "Timezone Offset From UTC";
    STATION_NAME = 0x0008, 0x1010, "Station Name";
    STUDY_DESCRIPTION = 0x0008, 0x1030, "Study Description";
    PROCEDURE_CODE_SEQUENCE = 0x0008, 0x1032, "Procedure Code Sequence";
    SERIES_DESCRIPTION = 0x0008, 0x103e, "Series Description";
    INSTITUTIONAL_DEPARTMENT_NAME = 0x0008, 0x1040, "Institutional Department Name";
    PHYSICIANS_OF_RECORD = 0x0008, 0x1048, "Physician(s) of Record";
    PERFORMING_PHYSICIAN_NAME = 0x0008, 0x1050, "Performing Physician's Name";
    NAME_OF_PHYSICIANS_READING_STUDY = 0x0008, 0x1060, "Name of Physician(s) Reading Study";
    OPERATORS_NAME = 0x0008, 0x1070, "Operators' Name";
    ADMITTING_DIAGNOSES_DESCRIPTION = 0x0008, 0x1080, "Admitting Diagnoses Description";
    MANUFACTURER_MODEL_NAME = 0x0008, 0x1090, "Manufacturer's Model Name";
    REFERENCED_SOP_CLASS_UID = 0x0008, 0x1150, "Referenced SOP Class UID";
    REFERENCED_SOP_INSTANCE_UID = 0x0008, 0x1155, "Referenced SOP Instance UID";
    RETRIEVE_URL = 0x0008, 0x1190, "Retrieve URL";
    TRANSACTION_UID = 0x0008, 0x1195, "Transaction UID";
    FAILURE_REASON = 0x0008, 0x1197, "Failure Reason";
    FAILED_SOP_SEQUENCE = 0x0008, 0x1198, "Failed SOP Sequence";
    REFERENCED_SOP_SEQUENCE = 0x0008, 0x1199, "Referenced SOP Sequence";
    PATIENT_NAME = 0x0010, 0x0010, "Patient's Name";
    PATIENT_ID = 0x0010, 0x0020, "Patient ID";
    ISSUER_OF_PATIENT_ID = 0x0010, 0x0021, "Issuer of Patient ID";
    ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE = 0x0010, 0x0024, "Issuer of Patient ID Qualifiers Sequence";
    PATIENT_BIRTH_DATE = 0x0010, 0x0030, "Patient's Birth Date";
    PATIENT_BIRTH_TIME = 0x0010, 0x0032, "Patient's Birth Time";
    PATIENT_SEX = 0x0010, 0x0040, "Patient's Sex";
    OTHER_PATIENT_IDS = 0x0010, 0x1000, "Other Patient IDs";
    OTHER_PATIENT_NAMES = 0x0010, 0x1001, "Other Patient Names";
    PATIENT_AGE = 0x0010, 0x1010, "Patient's Age";
    PATIENT_SIZE = 0x0010, 0x1020, "Patient's Size";
    PATIENT_WEIGHT = 0x0010, 0x1030, "Patient's Weight";
    ETHNIC_GROUP = 0x0010, 0x2160, "Ethnic Group";
    OCCUPATION = 0x0010, 0x2180, "Occupation";
    ADDITIONAL_PATIENT_HISTORY = 0x0010, 0x21b0, "Additional Patient History";
    PATIENT_COMMENTS = 0x0010, 0x4000, "Patient Comments";
    BODY_PART_EXAMINED = 0x0018, 0x0015, "Body Part Examined";
    SLICE_THICKNESS = 0x0018, 0x0050, "Slice Thickness";
    KVP = 0x0018, 0x0060, "KVP";
    DEVICE_SERIAL_NUMBER = 0x0018, 0x1000, "Device Serial Number";
    PROTOCOL_NAME = 0x0018, 0x1030, "Protocol Name";
    LATERALITY = 0x0020, 0x0060, "Laterality";
    STUDY_INSTANCE_UID = 0x0020, 0x000d, "Study Instance UID";
    SERIES_INSTANCE_UID = 0x0020, 0x000e, "Series Instance UID";
    STUDY_ID = 0x0020, 0x0010, "Study ID";
    SERIES_NUMBER = 0x0020, 0x0011, "Series Number";
    INSTANCE_NUMBER = 0x0020, 0x0013, "Instance Number";
    IMAGE_POSITION_PATIENT = 0x0020, 0x0032, "Image Position (Patient)";
    IMAGE_ORIENTATION_PATIENT = 0x0020, 0x0037, "Image Orientation (Patient)";
    FRAME_OF_REFERENCE_UID = 0x0020, 0x0052, "Frame of Reference UID";
    SLICE_LOCATION = 0x0020, 0x1041, "Slice Location";
    NUMBER_OF_PATIENT_RELATED_STUDIES = 0x0020, 0x1200, "Number of Patient Related Studies";
    NUMBER_OF_PATIENT_RELATED_SERIES = 0x0020, 0x1202, "Number of Patient Related Series";
    NUMBER_OF_PATIENT_RELATED_INSTANCES = 0x0020, 0x1204, "Number of Patient Related Instances";
    NUMBER_OF_STUDY_RELATED_SERIES = 0x0020, 0x1206, "Number of Study Related Series";
    NUMBER_OF_STUDY_RELATED_INSTANCES = 0x0020, 0x1208, "Number of Study Related Instances";
    NUMBER_OF_SERIES_RELATED_INSTANCES = 0x0020, 0x1209, "Number of Series Related Instances";
    SAMPLES_PER_PIXEL = 0x0028, 0x0002, "Samples per Pixel";
    PHOTOMETRIC_INTERPRETATION = 0x0028, 0x0004, "Photometric Interpretation";
    PLANAR_CONFIGURATION = 0x0028, 0x0006, "Planar Configuration";
    NUMBER_OF_FRAMES = 0x0028, 0x0008, "Number of Frames";
    ROWS = 0x0028, 0x0010, "Rows";
    COLUMNS = 0x0028, 0x0011, "Columns";
    PIXEL_SPACING = 0x0028, 0x0030, "Pixel Spacing";
    BITS_ALLOCATED = 0x0028, 0x0100, "Bits Allocated";
    BITS_STORED = 0x0028, 0x0101, "Bits Stored";
    HIGH_BIT = 0x0028, 0x0102, "High Bit";
    PIXEL_REPRESENTATION = 0x0028, 0x0103, "Pixel Representation";
    PIXEL_PADDING_VALUE = 0x0028, 0x0120, "Pixel Padding Value";
    WINDOW_CENTER = 0x0028, 0x1050, "Window Center";
    WINDOW_WIDTH = 0x0028, 0x1051, "Window Width";
    RESCALE_INTERCEPT = 0x0028, 0x1052, "Rescale Intercept";
    RESCALE_SLOPE = 0x0028, 0x1053, "Rescale Slope";
    RESCALE_TYPE = 0x0028, 0x1054, "Rescale Type";
    VOI_LUT_FUNCTION = 0x0028, 0x1056, "VOI LUT Function";
    RED_PALETTE_DESCRIPTOR = 0x0028, 0x1101, "Red Palette Color Lookup Table Descriptor";
    GREEN_PALETTE_DESCRIPTOR = 0x0028, 0x1102, "Green Palette Color Lookup Table Descriptor";
    BLUE_PALETTE_DESCRIPTOR = 0x0028, 0x1103, "Blue Palette Color Lookup Table Descriptor";
    RED_PALETTE_DATA = 0x0028, 0x1201, "Red Palette Color Lookup Table Data";
    GREEN_PALETTE_DATA = 0x0028, 0x1202, "Green Palette Color Lookup Table Data";
    BLUE_PALETTE_DATA = 0x0028, 0x1203, "Blue Palette Color Lookup Table Data";
    SEGMENTED_RED_PALETTE_DATA = 0x0028, 0x1221, "Segmented Red Palette Color Lookup Table Data";
    SEGMENTED_GREEN_PALETTE_DATA = 0x0028, 0x1222, "Segmented Green Palette Color Lookup Table Data";
    SEGMENTED_BLUE_PALETTE_DATA = 0x0028, 0x1223, "Segmented Blue Palette Color Lookup Table Data";
    LOSSY_IMAGE_COMPRESSION = 0x0028, 0x2110, "Lossy Image Compression";
    LOSSY_IMAGE_COMPRESSION_RATIO = 0x0028, 0x2112, "Lossy Image Compression Ratio";
    LOSSY_IMAGE_COMPRESSION_METHOD = 0x0028, 0x2114, "Lossy Image Compression Method";
    MODALITY_LUT_SEQUENCE = 0x0028, 0x3000, "Modality LUT Sequence";
    LUT_DESCRIPTOR = 0x0028, 0x3002, "LUT Descriptor";
    LUT_DATA = 0x0028, 0x3006, "LUT Data";
    VOI_LUT_SEQUENCE = 0x0028, 0x3010, "VOI LUT Sequence";
    FRAME_VOI_LUT_SEQUENCE = 0x0028, 0x9132, "Frame VOI LUT Sequence";
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x0028, 0x9145, "Pixel Value Transformation Sequence";
    PERFORMED_PROCEDURE_STEP_START_DATE = 0x0040, 0x0244, "Performed Procedure Step Start Date";
    PERFORMED_PROCEDURE_STEP_START_TIME = 0x0040, 0x0245, "Performed Procedure Step Start Time";
    PERFORMED_STATION_AE_TITLE = 0x0040, 0x0241, "Performed Station AE Title";
    PERFORMED_STATION_NAME = 0x0040, 0x0242, "Performed Station Name";
    PERFORMED_LOCATION = 0x0040, 0x0243, "Performed Location";
    PERFORMED_PROCEDURE_STEP_END_DATE = 0x0040, 0x0250, "Performed Procedure Step End Date";
    PERFORMED_PROCEDURE_STEP_END_TIME = 0x0040, 0x0251, "Performed Procedure Step End Time";
    PERFORMED_PROCEDURE_STEP_STATUS = 0x0040, 0x0252, "Performed Procedure Step Status";
    PERFORMED_PROCEDURE_STEP_ID = 0x0040, 0x0253, "Performed Procedure Step ID";
    PERFORMED_PROCEDURE_STEP_DESCRIPTION = 0x0040, 0x0254, "Performed Procedure Step Description";
    LOCAL_NAMESPACE_ENTITY_ID = 0x0040, 0x0031, "Local Namespace Entity ID";
    UNIVERSAL_ENTITY_ID = 0x0040, 0x0032, "Universal Entity ID";
    SCHEDULED_STATION_AE_TITLE = 0x0040, 0x0001, "Scheduled Station AE Title";
    SCHEDULED_PROCEDURE_STEP_START_DATE = 0x0040, 0x0002, "Scheduled Procedure Step Start Date";
    SCHEDULED_PROCEDURE_STEP_START_TIME = 0x0040, 0x0003, "Scheduled Procedure Step Start Time";
    SCHEDULED_PROCEDURE_STEP_DESCRIPTION = 0x0040, 0x0007, "Scheduled Procedure Step Description";
    SCHEDULED_PROTOCOL_CODE_SEQUENCE = 0x0040, 0x0008, "Scheduled Protocol Code Sequence";
    SCHEDULED_PROCEDURE_STEP_ID = 0x0040, 0x0009, "Scheduled Procedure Step ID";
    SCHEDULED_PROCEDURE_STEP_STATUS = 0x0040, 0x0020, "Scheduled Procedure Step Status";
    SCHEDULED_PROCEDURE_STEP_SEQUENCE = 0x0040, 0x0100, "Scheduled Procedure Step Sequence";
    REQUESTED_PROCEDURE_DESCRIPTION = 0x0032, 0x1060, "Requested Procedure Description";
    SCHEDULED_STEP_ATTRIBUTES_SEQUENCE = 0x0040, 0x0270, "Scheduled Step Attributes Sequence";
    PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE = 0x0040, 0x0281, "Performed Procedure Step Discontinuation Reason Code Sequence";
    PERFORMED_SERIES_SEQUENCE = 0x0040, 0x0340, "Performed Series Sequence";
    REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE = 0x0040, 0x0220, "Referenced Non-Image Composite SOP Instance Sequence";
    REQUEST_ATTRIBUTES_SEQUENCE = 0x0040, 0x0275, "Request Attributes Sequence";
    REQUESTED_PROCEDURE_ID = 0x0040, 0x1001, "Requested Procedure ID";
    RELATIONSHIP_TYPE = 0x0040, 0xa010, "Relationship Type";
    VALUE_TYPE = 0x0040, 0xa040, "Value Type";
    CONCEPT_NAME_CODE_SEQUENCE = 0x0040, 0xa043, "Concept Name Code Sequence";
    CONTINUITY_OF_CONTENT = 0x0040, 0xa050, "Continuity Of Content";
    TEXT_VALUE = 0x0040, 0xa160, "Text Value";
    COMPLETION_FLAG = 0x0040, 0xa491, "Completion Flag";
    VERIFICATION_FLAG = 0x0040, 0xa493, "Verification Flag";
    CONTENT_SEQUENCE = 0x0040, 0xa730, "Content Sequence";
    CODE_VALUE = 0x0008, 0x0100, "Code Value";
    CODING_SCHEME_DESIGNATOR = 0x0008, 0x0102, "Coding Scheme Designator";
    CODE_MEANING = 0x0008, 0x0104, "Code Meaning";
    PRESENTATION_LUT_SHAPE = 0x2050, 0x0020, "Presentation LUT Shape";
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200, 0x9229, "Shared Functional Groups Sequence";
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200, 0x9230, "Per-Frame Functional Groups Sequence";
    EXTENDED_OFFSET_TABLE = 0x7fe0, 0x0001, "Extended Offset Table";
    EXTENDED_OFFSET_TABLE_LENGTHS = 0x7fe0, 0x0002, "Extended Offset Table Lengths";
    FLOAT_PIXEL_DATA = 0x7fe0, 0x0008, "Float Pixel Data";
    DOUBLE_FLOAT_PIXEL_DATA = 0x7fe0, 0x0009, "Double Float Pixel Data";
    PIXEL_DATA = 0x7fe0, 0x0010, "Pixel Data";
    DATA_SET_TRAILING_PADDING = 0xfffc, 0xfffc, "Data Set Trailing Padding";
    ITEM = 0xfffe, 0xe000, "Item";
    ITEM_DELIMITATION = 0xfffe, 0xe00d, "Item Delimitation Item";
    SEQUENCE_DELIMITATION = 0xfffe, 0xe0dd, "Sequence Delimitation Item";
    REFERENCED_IMAGE_SEQUENCE = 0x0008, 0x1140, "Referenced Image Sequence";
    REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE = 0x0008, 0x1111, "Referenced Performed Procedure Step Sequence";
    REFERENCED_SERIES_SEQUENCE = 0x0008, 0x1115, "Referenced Series Sequence";
    CONTENT_LABEL = 0x0070, 0x0080, "Content Label";
    CONTENT_DESCRIPTION = 0x0070, 0x0081, "Content Description";
    PRESENTATION_CREATION_DATE = 0x0070, 0x0082, "Presentation Creation Date";
    PRESENTATION_CREATION_TIME = 0x0070, 0x0083, "Presentation Creation Time";
    CONTENT_CREATOR_NAME = 0x0070, 0x0084, "Content Creator's Name";
    HL7_INSTANCE_IDENTIFIER = 0x0040, 0xe001, "HL7 Instance Identifier";
    DOCUMENT_TITLE = 0x0042, 0x0010, "Document Title";
    MIME_TYPE_OF_ENCAPSULATED_DOCUMENT = 0x0042, 0x0012, "MIME Type of Encapsulated Document";
    DATA_POINT_ROWS = 0x0028, 0x9001, "Data Point Rows";
    DATA_POINT_COLUMNS = 0x0028, 0x9002, "Data Point Columns";
    DOSE_SUMMATION_TYPE = 0x3004, 0x000a, "Dose Summation Type";
    STRUCTURE_SET_LABEL = 0x3006, 0x0002, "Structure Set Label";
    STRUCTURE_SET_DATE = 0x3006, 0x0008, "Structure Set Date";
    STRUCTURE_SET_TIME = 0x3006, 0x0009, "Structure Set Time";
    RT_PLAN_LABEL = 0x300a, 0x0002, "RT Plan Label";
    RT_PLAN_DATE = 0x300a, 0x0006, "RT Plan Date";
    RT_PLAN_TIME = 0x300a, 0x0007, "RT Plan Time";
    TREATMENT_DATE = 0x3008, 0x0250, "Treatment Date";
    TREATMENT_TIME = 0x3008, 0x0251, "Treatment Time";
    SCHEDULED_PROCEDURE_STEP_START_DATE_TIME = 0x0040, 0x4005, "Scheduled Procedure Step Start DateTime";
    HUMAN_PERFORMER_CODE_SEQUENCE = 0x0040, 0x4009, "Human Performer Code Sequence";
    SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME = 0x0040, 0x4010, "Scheduled Procedure Step Modification DateTime";
    EXPECTED_COMPLETION_DATE_TIME = 0x0040, 0x4011, "Expected Completion DateTime";
    SCHEDULED_WORKITEM_CODE_SEQUENCE = 0x0040, 0x4018, "Scheduled Workitem Code Sequence";
    PERFORMED_WORKITEM_CODE_SEQUENCE = 0x0040, 0x4019, "Performed Workitem Code Sequence";
    INPUT_INFORMATION_SEQUENCE = 0x0040, 0x4021, "Input Information Sequence";
    SCHEDULED_STATION_NAME_CODE_SEQUENCE = 0x0040, 0x4025, "Scheduled Station Name Code Sequence";
    SCHEDULED_STATION_CLASS_CODE_SEQUENCE = 0x0040, 0x4026, "Scheduled Station Class Code Sequence";
    SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE = 0x0040, 0x4027, "Scheduled Station Geographic Location Code Sequence";
    PERFORMED_STATION_NAME_CODE_SEQUENCE = 0x0040, 0x4028, "Performed Station Name Code Sequence";
    OUTPUT_INFORMATION_SEQUENCE = 0x0040, 0x4033, "Output Information Sequence";
    SCHEDULED_HUMAN_PERFORMERS_SEQUENCE = 0x0040, 0x4034, "Scheduled Human Performers Sequence";
    ACTUAL_HUMAN_PERFORMERS_SEQUENCE = 0x0040, 0x4035, "Actual Human Performers Sequence";
    HUMAN_PERFORMER_ORGANIZATION = 0x0040, 0x4036, "Human Performer's Organization";
    HUMAN_PERFORMER_NAME = 0x0040, 0x4037, "Human Performer's Name";
    INPUT_READINESS_STATE = 0x0040, 0x4041, "Input Readiness State";
    PERFORMED_PROCEDURE_STEP_START_DATE_TIME = 0x0040, 0x4050, "Performed Procedure Step Start DateTime";
    PERFORMED_PROCEDURE_STEP_END_DATE_TIME = 0x0040, 0x4051, "Performed Procedure Step End DateTime";
    PROCEDURE_STEP_CANCELLATION_DATE_TIME = 0x0040, 0x4052, "Procedure Step Cancellation DateTime";
    REFERENCED_REQUEST_SEQUENCE = 0x0040, 0xa370, "Referenced Request Sequence";
    PROCEDURE_STEP_STATE = 0x0074, 0x1000, "Procedure Step State";
    PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE = 0x0074, 0x1002, "Procedure Step Progress Information Sequence";
    CONTACT_URI = 0x0074, 0x100a, "Contact URI";
    CONTACT_DISPLAY_NAME = 0x0074, 0x100c, "Contact Display Name";
    PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE = 0x0074, 0x100e, "Procedure Step Discontinuation Reason Code Sequence";
    SCHEDULED_PROCEDURE_STEP_PRIORITY = 0x0074, 0x1200, "Scheduled Procedure Step Priority";
    WORKLIST_LABEL = 0x0074, 0x1202, "Worklist Label";
    PROCEDURE_STEP_LABEL = 0x0074, 0x1204, "Procedure Step Label";
    SCHEDULED_PROCESSING_PARAMETERS_SEQUENCE = 0x0074, 0x1210, "Scheduled Processing Parameters Sequence";
    UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE = 0x0074, 0x1216, "Unified Procedure Step Performed Procedure Sequence";
    REQUESTING_AE = 0x0074, 0x1236, "Requesting AE";
    REASON_FOR_CANCELLATION = 0x0074, 0x1238, "Reason For Cancellation";
    ADMISSION_ID = 0x0038, 0x0010, "Admission ID";
    ADMITTING_DIAGNOSES_CODE_SEQUENCE = 0x0008, 0x1084, "Admitting Diagnoses Code Sequence";
    EVENT_TYPE_ID = 0x0000, 0x1002, "Event Type ID";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_back_from_its_eight_digits_only() {
        assert_eq!(Tag::from_hex("7FE00010"), Ok(tags::PIXEL_DATA));
        assert_eq!(Tag::from_hex("7fe00010").unwrap().to_hex(), "7FE00010");
        for wrong in ["", "7FE0001", "7FE0,0010", "+7FE0001", "７FE00010", "7FE000100"] {
            assert_eq!(Tag::from_hex(wrong), Err(TagError), "{wrong}");
        }
    }

    #[test]
    fn private_tags_are_those_of_odd_groups() {
        assert!(Tag(0x0009, 0x0010).is_private_creator());
        assert!(!Tag(0x0009, 0x1001).is_private_creator());
        assert!(!tags::PATIENT_NAME.is_private());
    }
}
