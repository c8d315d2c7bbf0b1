//! What a value has to be: one enumeration from which both come, the words of the API description ([`Schema::described`])
//! and the check of a request ([`Schema::check_text`], [`Schema::check_json`]). What is described is checked, and nothing
//! else is.

use super::words::Parameter;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Characters of a text of which nothing else is said: the longest that any handler keeps, and far more than people type.
pub(crate) const TEXT_CHARACTERS_MAX: usize = 4096;

/// Texts in a list of which nothing else is said.
pub(crate) const LIST_MAX: usize = 128;

/// The largest whole number of which nothing else is said: what databases keep.
pub(crate) const NUMBER_MAX: u64 = i64::MAX as u64;

/// The form of a text: a regular expression in the words that Rust, ECMA-262 and Python have in common, anchored at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The expression.
    pub pattern: &'static str,
    /// The most characters.
    pub characters_max: usize,
    /// What people call it, as in `a UID`.
    pub name: &'static str,
    /// One that fits.
    pub example: &'static str,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Free text.
    Text,
    /// A DICOM UID.
    Uid,
    /// A whole number.
    Number,
    /// A whole number from the first to the second.
    Within(u64, u64),
    /// True or false.
    Flag,
    /// Several texts.
    Texts,
    /// Several of a kind, at most so many.
    List(&'static Schema, usize),
    /// The same, and one at least.
    Several(&'static Schema, usize),
    /// It, or null, which says the same as nothing.
    OrNull(&'static Schema),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text of a form.
    Shaped(&'static Shape),
    /// A JSON object of these members and no others.
    Record(&'static [Parameter]),
    /// A JSON object whose members have names of their own, each with a text of at most so many characters.
    Names(usize),
    /// The same, with exactly one of some members.
    RecordOf(&'static [Parameter], &'static [&'static str]),
    /// True, and nothing else.
    Yes,
    /// One of these records.
    Either(&'static [&'static [Parameter]]),
    /// A JSON object.
    Object,
    /// A data set in the DICOM JSON model (PS3.18 §F.2).
    DataSet,
}

/// What is wrong with a value, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A JSON pointer (RFC 6901) from the value that was checked; empty where it is that value.
    pub(crate) at: String,
    /// What was expected there.
    pub(crate) expected: String,
    /// What came, without quoting it: it may be personal.
    pub(crate) came: &'static str,
}

impl Fault {
    fn new(expected: impl Into<String>, came: &'static str) -> Self {
        Self { at: String::new(), expected: expected.into(), came }
    }

    /// The same, seen from the value in which it stands.
    fn within(mut self, name: &str) -> Self {
        self.at = format!("/{}{}", name.replace('~', "~0").replace('/', "~1"), self.at);
        self
    }
}

impl Schema {
    /// What the API description says.
    pub(crate) fn described(&self) -> Value {
        match self {
            Self::Text => json!({"type": "string", "maxLength": TEXT_CHARACTERS_MAX}),
            Self::Uid => Self::Shaped(&super::shapes::UID).described(),
            Self::Number => Self::Within(0, NUMBER_MAX).described(),
            Self::Within(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Texts => Self::List(&Self::Text, LIST_MAX).described(),
            Self::List(of, max) => json!({"type": "array", "items": of.described(), "maxItems": max}),
            Self::Several(of, max) => {
                json!({"type": "array", "items": of.described(), "minItems": 1, "maxItems": max})
            }
            Self::OrNull(of) => json!({"anyOf": [of.described(), {"type": "null"}]}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
            Self::Shaped(shape) => {
                json!({"type": "string", "pattern": shape.pattern, "maxLength": shape.characters_max, "examples": [shape.example]})
            }
            Self::Record(members) => record(members),
            Self::Names(max) => json!({
                "type": "object",
                "maxProperties": LIST_MAX,
                "additionalProperties": {"type": "string", "maxLength": max},
            }),
            Self::Yes => json!({"const": true}),
            Self::RecordOf(members, names) => {
                json!({"anyOf": names.iter().map(|name| record_with(members, names, name)).collect::<Vec<_>>()})
            }
            Self::Either(records) => {
                json!({"anyOf": records.iter().map(|members| record(members)).collect::<Vec<_>>()})
            }
            Self::Object => json!({"type": "object"}),
            Self::DataSet => json!({"$ref": "#/components/schemas/DataSet"}),
        }
    }

    /// Checks a text of a path, a query or a form.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), Fault> {
        match self {
            Self::Flag if matches!(text, "true" | "false") => Ok(()),
            Self::Flag => Err(Fault::new("true or false", "another word")),
            Self::Number => Self::Within(0, NUMBER_MAX).check_text(text),
            Self::Within(min, max) => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse::<u64>().ok().filter(|_| digits);
                number.map_or(Err(Fault::new(bounds(*min, *max), "no whole number")), |number| {
                    self.check_number(number, *min, *max)
                })
            }
            Self::Text => long_enough(text, TEXT_CHARACTERS_MAX),
            Self::Uid => Self::Shaped(&super::shapes::UID).check_text(text),
            Self::Word(words) if words.contains(&text) => Ok(()),
            Self::Word(words) => Err(Fault::new(words.join(", "), "another word")),
            Self::Shaped(shape) if fits(shape, text) => Ok(()),
            Self::Shaped(shape) => Err(Fault::new(shape.name, "another text")),
            // Each of several comes by itself in a query or a form.
            Self::Texts => Self::Text.check_text(text),
            Self::List(of, _) | Self::Several(of, _) | Self::OrNull(of) => of.check_text(text),
            // No such thing stands in a text; the table has none there, see the tests of it.
            Self::Record(_)
            | Self::RecordOf(..)
            | Self::Yes
            | Self::Either(_)
            | Self::Names(_)
            | Self::Object
            | Self::DataSet => Err(Fault::new("a JSON body", "a text")),
        }
    }

    /// Checks a value of a JSON body.
    pub(crate) fn check_json(&self, value: &Value) -> Result<(), Fault> {
        let other = |expected: &str| Err(Fault::new(expected, kind(value)));
        match (self, value) {
            (Self::Flag, Value::Bool(_)) | (Self::Object, Value::Object(_)) => Ok(()),
            (Self::Flag, _) => other("true or false"),
            (Self::Object, _) => other("an object"),
            (Self::Number, _) => Self::Within(0, NUMBER_MAX).check_json(value),
            (Self::Within(min, max), _) => match value.as_u64() {
                Some(number) => self.check_number(number, *min, *max),
                None => other(&bounds(*min, *max)),
            },
            (Self::Text | Self::Uid | Self::Word(_) | Self::Shaped(_), Value::String(text)) => {
                self.check_text(text)
            }
            (Self::Text | Self::Uid | Self::Word(_) | Self::Shaped(_), _) => other("a text"),
            (Self::Texts, _) => Self::List(&Self::Text, LIST_MAX).check_json(value),
            (Self::List(of, max), Value::Array(values)) => {
                if values.len() > *max {
                    return Err(Fault::new(format!("at most {max} of them"), "more"));
                }
                let check = |(at, value): (usize, &Value)| {
                    of.check_json(value).map_err(|fault| fault.within(&at.to_string()))
                };
                values.iter().enumerate().try_for_each(check)
            }
            (Self::List(..), _) => other("an array"),
            (Self::Several(..), Value::Array(values)) if values.is_empty() => {
                Err(Fault::new("one of them at least", "none"))
            }
            (Self::Several(of, max), _) => Self::List(of, *max).check_json(value),
            (Self::OrNull(_), Value::Null) => Ok(()),
            (Self::OrNull(of), _) => of.check_json(value),
            (Self::Record(members), Value::Object(object)) => check_record(members, object),
            (Self::Yes, Value::Bool(true)) => Ok(()),
            (Self::Yes, _) => other("true"),
            (Self::RecordOf(members, names), Value::Object(object)) => {
                check_record(members, object)?;
                match names.iter().filter(|name| object.contains_key(**name)).count() {
                    1 => Ok(()),
                    0 => Err(Fault::new(format!("one of {}", names.join(", ")), "none of them")),
                    _ => Err(Fault::new(format!("one of {}", names.join(", ")), "several of them")),
                }
            }
            (Self::Either(records), Value::Object(object)) => check_either(records, object),
            (Self::Names(max), Value::Object(object)) => check_names(*max, object),
            (Self::DataSet, Value::Object(object)) => check_data_set(object),
            (Self::Record(_) | Self::RecordOf(..) | Self::Either(_) | Self::Names(_) | Self::DataSet, _) => {
                other("an object")
            }
        }
    }

    /// How often a query or a form may have it.
    pub(crate) const fn times_max(&self) -> usize {
        match self {
            Self::Texts => LIST_MAX,
            Self::List(_, max) | Self::Several(_, max) => *max,
            _ => 1,
        }
    }

    fn check_number(&self, number: u64, min: u64, max: u64) -> Result<(), Fault> {
        if (min..=max).contains(&number) {
            Ok(())
        } else {
            Err(Fault::new(bounds(min, max), "a number out of bounds"))
        }
    }
}

/// A JSON object of these members and no others, as the description says it.
pub(crate) fn record(members: &[Parameter]) -> Value {
    let properties: Map<String, Value> = members
        .iter()
        .map(|member| {
            let mut schema = member.schema.described();
            if let Some(schema) = schema.as_object_mut() {
                schema.insert("description".into(), member.meaning.into());
            }
            (member.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> =
        members.iter().filter(|member| member.required).map(|member| member.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// The record that has this one of some members, and none of the others.
fn record_with(members: &[Parameter], names: &[&str], name: &str) -> Value {
    let members: Vec<Parameter> = members
        .iter()
        .filter(|member| member.name == name || !names.contains(&member.name))
        .map(|member| Parameter { required: member.required || member.name == name, ..*member })
        .collect();
    record(&members)
}

/// Checks the members of a JSON object.
pub(crate) fn check_record(members: &[Parameter], object: &Map<String, Value>) -> Result<(), Fault> {
    for (name, value) in object {
        let Some(member) = members.iter().find(|member| member.name == name) else {
            let known: Vec<&str> = members.iter().map(|member| member.name).collect();
            return Err(Fault::new(format!("only {}", known.join(", ")), "another member").within(name));
        };
        member.schema.check_json(value).map_err(|fault| fault.within(name))?;
    }
    let missing = members.iter().find(|member| member.required && !object.contains_key(member.name));
    missing.map_or(Ok(()), |member| Err(Fault::new(member.meaning, "nothing").within(member.name)))
}

// === helpers ===

/// Checks an object that is one of several records. Where it is none, the fault is that of the record that it is most like.
fn check_either(records: &[&[Parameter]], object: &Map<String, Value>) -> Result<(), Fault> {
    if records.iter().any(|members| check_record(members, object).is_ok()) {
        return Ok(());
    }
    if let Some(fault) = word_of_none(records, object) {
        return Err(fault);
    }
    let likeness = |members: &&&[Parameter]| {
        let known = members.iter().filter_map(|member| Some((member, object.get(member.name)?)));
        let fitting = known.clone().filter(|(member, value)| member.schema.check_json(value).is_ok());
        (fitting.count(), known.count(), std::cmp::Reverse(members.len()))
    };
    records.iter().max_by_key(likeness).map_or(Ok(()), |members| check_record(members, object))
}

/// A member that says which record is meant, and says none of them.
fn word_of_none(records: &[&[Parameter]], object: &Map<String, Value>) -> Option<Fault> {
    object.iter().find_map(|(name, value)| {
        let mut all: Vec<&str> = Vec::new();
        for members in records {
            match members.iter().find(|member| member.name == name)?.schema {
                Schema::Word(words) => all.extend(words),
                _ => return None,
            }
        }
        all.sort_unstable();
        all.dedup();
        let is_one = value.as_str().is_some_and(|word| all.contains(&word));
        (!is_one).then(|| Fault::new(all.join(", "), "another word").within(name))
    })
}

fn check_names(max: usize, object: &Map<String, Value>) -> Result<(), Fault> {
    if object.len() > LIST_MAX {
        return Err(Fault::new(format!("at most {LIST_MAX} members"), "more"));
    }
    for (name, value) in object {
        let checked = match value {
            Value::String(text) => long_enough(text, max),
            other => Err(Fault::new("a text", kind(other))),
        };
        checked.map_err(|fault| fault.within(name))?;
    }
    Ok(())
}

/// The outermost attributes by their tags; what stands in them is judged by who reads data sets.
fn check_data_set(object: &Map<String, Value>) -> Result<(), Fault> {
    for (name, value) in object {
        if !fits(&super::shapes::TAG, name) {
            return Err(Fault::new("tags of eight hexadecimal digits", "another name").within(name));
        }
        if !value.is_object() {
            return Err(Fault::new("an object with vr and Value", kind(value)).within(name));
        }
    }
    Ok(())
}

fn long_enough(text: &str, max: usize) -> Result<(), Fault> {
    if text.chars().count() <= max {
        Ok(())
    } else {
        Err(Fault::new(format!("at most {max} characters"), "a longer text"))
    }
}

fn bounds(min: u64, max: u64) -> String {
    format!("a whole number from {min} to {max}")
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "another number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Every expression of the table, compiled once.
static COMPILED: LazyLock<BTreeMap<&'static str, Regex>> = LazyLock::new(|| {
    let compiled =
        super::shapes::ALL.iter().filter_map(|shape| Some((shape.pattern, Regex::new(shape.pattern).ok()?)));
    compiled.collect()
});

/// Whether a text has a form. A form that is not in the list fits nothing; a test looks for one.
fn fits(shape: &Shape, text: &str) -> bool {
    text.chars().count() <= shape.characters_max
        && COMPILED.get(shape.pattern).is_some_and(|expression| expression.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::shapes;
    use crate::routes::words::Place;

    const MEMBERS: &[Parameter] = &[
        Parameter {
            name: "name",
            place: Place::Body,
            schema: Schema::Text,
            required: true,
            meaning: "A name",
        },
        Parameter {
            name: "days",
            place: Place::Body,
            schema: Schema::List(&Schema::Within(1, 31), 2),
            required: false,
            meaning: "Days",
        },
    ];

    #[test]
    fn every_form_compiles_is_anchored_and_fits_its_example() {
        for shape in shapes::ALL {
            assert!(Regex::new(shape.pattern).is_ok(), "{}", shape.name);
            assert!(shape.pattern.starts_with('^') && shape.pattern.ends_with('$'), "{}", shape.name);
            assert!(fits(shape, shape.example), "{}: {}", shape.name, shape.example);
            assert!(!fits(shape, "\u{0}"), "{}", shape.name);
        }
    }

    #[test]
    fn a_fault_says_where_and_what_was_expected_and_quotes_nothing() {
        let fault = |value: Value| Schema::Record(MEMBERS).check_json(&value).unwrap_err();
        assert_eq!(
            fault(json!({})),
            Fault { at: "/name".into(), expected: "A name".into(), came: "nothing" }
        );
        assert_eq!(fault(json!({"name": 7})).at, "/name");
        assert_eq!(fault(json!({"name": "x", "a/b~": 1})).at, "/a~1b~0");
        let deep = fault(json!({"name": "x", "days": [31, 32]}));
        assert_eq!((deep.at.as_str(), deep.expected.as_str()), ("/days/1", "a whole number from 1 to 31"));
        assert_eq!(fault(json!({"name": "x", "days": [1, 2, 3]})).at, "/days");
        assert_eq!(fault(json!(["name"])).came, "an array");
        assert_eq!(Schema::Record(MEMBERS).check_json(&json!({"name": "x", "days": [1]})), Ok(()));
    }

    #[test]
    fn what_is_none_of_several_records_is_told_what_the_likeliest_misses() {
        const fn member(name: &'static str, schema: Schema) -> Parameter {
            Parameter { name, place: Place::Body, schema, required: true, meaning: "A part" }
        }
        const RECORDS: &[&[Parameter]] = &[
            &[member("kind", Schema::Word(&["one"])), member("text", Schema::Text)],
            &[
                member("kind", Schema::Word(&["two", "three"])),
                member("text", Schema::Text),
                member("end", Schema::Number),
            ],
        ];
        let checked = |value: Value| Schema::Either(RECORDS).check_json(&value);
        assert_eq!(checked(json!({"kind": "one", "text": "x"})), Ok(()));
        let missing = checked(json!({"kind": "three", "text": "x"})).unwrap_err();
        assert_eq!((missing.at.as_str(), missing.came), ("/end", "nothing"));
        let unknown = checked(json!({"kind": "four", "text": "x"})).unwrap_err();
        assert_eq!((unknown.at.as_str(), unknown.expected.as_str()), ("/kind", "one, three, two"));
        assert_eq!(checked(json!({"text": "x"})).unwrap_err().at, "/kind");
        assert_eq!(checked(json!({"kind": "one", "text": 1})).unwrap_err().at, "/text");
    }

    #[test]
    fn several_are_one_at_least_and_null_stands_where_nothing_may() {
        let several = Schema::Several(&Schema::Uid, 2);
        assert_eq!(several.check_json(&json!(["1.2"])), Ok(()));
        assert_eq!(several.check_json(&json!([])).unwrap_err().came, "none");
        assert_eq!(several.check_json(&json!(["1", "2", "3"])).unwrap_err().came, "more");
        let or_null = Schema::OrNull(&Schema::Uid);
        assert_eq!((or_null.check_json(&json!(null)), or_null.check_json(&json!("1.2"))), (Ok(()), Ok(())));
        assert!(or_null.check_json(&json!("x")).is_err() && Schema::Uid.check_json(&json!(null)).is_err());
    }

    #[test]
    fn numbers_of_a_query_are_digits_within_bounds() {
        let days = Schema::Within(1, 31);
        for text in ["", "0", "32", "+1", "-1", "1.0", " 1", "1e1", "99999999999999999999999"] {
            assert!(days.check_text(text).is_err(), "{text}");
        }
        assert_eq!((days.check_text("1"), days.check_text("31")), (Ok(()), Ok(())));
        assert!(Schema::Flag.check_text("True").is_err() && Schema::Flag.check_text("true").is_ok());
    }
}
