//! JSON of requests: measured before it is built, and refused where one object has a name twice. Two programs that read such an
//! object need not see the same one (RFC 8259 §4).

use super::problem::{Kind, Problem};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads a JSON text of at most so many levels.
pub(crate) fn read(bytes: &[u8], depth_max: usize) -> Result<Value, Problem> {
    if depth(bytes) > depth_max {
        return Err(Problem::new(Kind::BadRequest)
            .expected(format!("JSON with at most {depth_max} levels"))
            .came("deeper JSON"));
    }
    // The parser's own words quote values of the body, which may be personal: only the place is told.
    serde_json::from_slice::<Once>(bytes).map(|once| once.0).map_err(|error| {
        Problem::bad_request(
            "JSON in which no object has a name twice",
            format!("something else at line {}, column {}", error.line(), error.column()),
        )
        .remedy("compare with /api/openapi.json")
    })
}

/// A number without a fraction is a whole one, also where it is written `3.0` (JSON Schema §4.2.3), as some languages do.
#[expect(clippy::cast_possible_truncation, reason = "every whole number up to 2^53 is one")]
fn whole(value: f64) -> Option<i64> {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= WHOLE_MAX).then_some(value as i64)
}

/// The deepest nesting of brackets outside strings.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

// === helpers ===

/// A value in which every name occurs once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build).map(Self)
    }
}

struct Build;

impl<'de> DeserializeSeed<'de> for Build {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = whole(value).map(Number::from).or_else(|| Number::from_f64(value));
        number.map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element_seed(Self)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use serde_json::json;

    #[test]
    fn a_json_bomb_is_refused_before_it_is_built() {
        let bomb = "[".repeat(limits::JSON_BYTES_MAX);
        assert_eq!(read(bomb.as_bytes(), limits::JSON_DEPTH_MAX).unwrap_err().kind(), Kind::BadRequest);
        assert_eq!(depth(br#"{"a":"[[[[","b":[1]}"#), 2);
    }

    #[test]
    fn a_name_that_comes_twice_is_refused_at_every_depth() {
        for twice in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(read(twice.as_bytes(), 12).is_err(), "{twice}");
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let value = json!({"a": [1, -2, 1.5, null, true, "x\n"], "b": {"c": {}}});
        assert_eq!(read(value.to_string().as_bytes(), 12).unwrap(), value);
        assert_eq!(read(b"[3.0, -0.0, 4e2, 1.5]", 12).unwrap(), json!([3, 0, 400, 1.5]));
        assert_eq!(read(b"1e300", 12).unwrap(), json!(1e300));
        for wrong in ["", "{", "{}{}", "NaN", "1e999", "\u{feff}{}"] {
            assert!(read(wrong.as_bytes(), 12).is_err(), "{wrong}");
        }
    }
}
