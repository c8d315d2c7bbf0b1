//! From the table to an OpenAPI 3.1 document. Nothing in it is written twice: a route that is in the table is described, one
//! that is described is in the table, and what is said of a request is what the gate checks ([`super::validate`]).

use super::answers;
use super::schema::{LIST_MAX, Schema, record};
use super::{BodyRule, Family, Needs, Parameter, Place, Route, RouteId};
use crate::limits;
use serde_json::{Map, Value, json};

/// The document.
pub(crate) fn document(origin: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for id in RouteId::ALL.iter().copied() {
        let route = id.describe();
        let prefix = route.family.prefixes().first().copied().unwrap_or_default();
        let path = format!("{prefix}{}", route.path).replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.method.as_str().to_ascii_lowercase(), operation(id, &route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "影盾 Yingdun",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "DICOMweb, OAuth 2, FHIR and administration. DICOMweb is also mounted under /wado and \
                            /dcm4chee-arc/aets/{AET}/rs. Requests are held against this document. 影像存取、授权与管理接口；\
                            DICOMweb 亦可经 /wado 与 /dcm4chee-arc/aets/{AET}/rs 访问；请求按本说明逐项校验。",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "tags": TAGS.iter().map(|family| json!({"name": format!("{family:?}")})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {"securitySchemes": security_schemes(origin), "schemas": schemas()},
    })
}

const TAGS: [Family; 7] = [
    Family::DicomWeb,
    Family::WadoUri,
    Family::OAuth,
    Family::Api,
    Family::Fhir,
    Family::Operations,
    Family::Page,
];

fn security_schemes(origin: &str) -> Value {
    json!({
        "token": {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {"tokenUrl": format!("{origin}/oauth2/token"), "scopes": {}},
                "authorizationCode": {
                    "authorizationUrl": format!("{origin}/oauth2/authorize"),
                    "tokenUrl": format!("{origin}/oauth2/token"),
                    "scopes": {},
                },
            },
        },
        "metricsToken": {"type": "http", "scheme": "bearer"},
        "dpop": {
            "type": "http",
            "scheme": "DPoP",
            "description": "A token that is bound to a key, with a proof of the key in the header DPoP (RFC 9449)",
        },
        "certificate": {
            "type": "mutualTLS",
            "description": "The certificate to which a token is bound (RFC 8705), beside the token",
        },
        "node": {"type": "mutualTLS"},
        "page": {"type": "apiKey", "in": "cookie", "name": crate::identity::SESSION_COOKIE},
    })
}

fn schemas() -> Value {
    json!({
        "Problem": {
            "type": "object",
            "description": "A refusal (RFC 9457): what was expected, what came, and what to do",
            "required": ["type", "title", "title_zh", "status"],
            "properties": {
                "type": {"type": "string", "pattern": "^urn:yingdun:problem:"},
                "title": {"type": "string"},
                "title_zh": {"type": "string"},
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "pointer": {
                    "type": "string",
                    "description": "Where in the request: {name} of the path, ?name of the query, #name of a form, #/name of a JSON body",
                },
                "expected": {"type": "string"},
                "came": {"type": "string"},
                "do": {"type": "string"},
                "available": {"type": "array", "items": {"type": "string"}},
            },
        },
        "OAuthError": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
        },
        "DataSet": {
            "type": "object",
            "description": "A data set in the DICOM JSON model (PS3.18 §F.2)",
            "propertyNames": {"pattern": super::shapes::TAG.pattern, "maxLength": super::shapes::TAG.characters_max},
            "additionalProperties": {"type": "object"},
        },
    })
}

fn operation(id: RouteId, route: &Route) -> Value {
    let parameters: Vec<Value> =
        route.parameters.iter().filter(|parameter| parameter.place != Place::Body).map(parameter).collect();
    let mut operation = json!({
        "operationId": id.name(),
        "tags": [format!("{:?}", route.family)],
        "summary": route.summary_zh,
        "description": description(route),
        "parameters": parameters,
        "responses": responses(id, route),
        "security": security(route.needs),
    });
    if let (Some(body), Some(operation)) = (request_body(route.body), operation.as_object_mut()) {
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn description(route: &Route) -> String {
    let words = route.summary_en;
    match route.family {
        _ if route.is_closed() => format!("{words}. Query parameters that are not named here are refused."),
        Family::DicomWeb if route.needs == Needs::Token(yingdun_model::Action::Search) => format!(
            "{words}. Every other query parameter is an attribute to match, by its keyword or tag, in items behind the name of \
             their sequence and a dot (PS3.18 §8.3.4.1)."
        ),
        _ => words.to_owned(),
    }
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": match parameter.place { Place::Path => "path", Place::Query | Place::Body => "query" },
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": parameter.schema.described(),
    })
}

/// What every route may answer beside its own answers.
fn refusals(route: &Route) -> Vec<(u16, &'static str)> {
    let mut refusals = vec![
        (400, "The request does not keep to this description; `pointer` says where"),
        (403, "Not from this network, or not in this role"),
        (414, "Path and query are too long"),
        (429, "Too many requests; `Retry-After` says when to come back"),
        (431, "The header fields are too large"),
        (503, "A part of the archive does not answer, or nobody has a turn to spare"),
    ];
    if route.needs != Needs::Nothing {
        refusals.push((401, "A valid login is needed"));
    }
    if route.parameters.iter().any(|parameter| parameter.place == Place::Path) || route.family == Family::Api
    {
        refusals.push((404, "No such thing, or not for you"));
    }
    if route.body != BodyRule::None {
        refusals.push((408, "The body did not come in time"));
        refusals.push((413, "The body is too large"));
        refusals.push((415, "This type of body is not taken"));
    }
    if matches!(route.family, Family::Api | Family::Fhir) {
        refusals.push((422, "Each part is well formed, and together they make no sense"));
    }
    if matches!(route.family, Family::DicomWeb | Family::WadoUri) {
        refusals.push((406, "Nothing that is accepted can be served"));
    }
    refusals
}

fn responses(id: RouteId, route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, meaning) in route.answers {
        let content = match *status {
            204 | 100..=199 | 300..=399 => Map::new(),
            200..=299 => served(id, route),
            // These say in the DICOM JSON model what became of each instance.
            409 if route.body == BodyRule::Dicom => served(id, route),
            _ => problem_content(route),
        };
        let mut response = json!({"description": meaning});
        if let Some(response) = response.as_object_mut() {
            if !content.is_empty() {
                response.insert("content".into(), Value::Object(content));
            }
            if let Some(headers) = headers(*status) {
                response.insert("headers".into(), headers);
            }
        }
        responses.insert(status.to_string(), response);
    }
    for (status, meaning) in refusals(route) {
        responses.entry(status.to_string()).or_insert_with(|| {
            let mut response = json!({"description": meaning, "content": problem_content(route)});
            if let (Some(response), Some(headers)) = (response.as_object_mut(), headers(status)) {
                response.insert("headers".into(), headers);
            }
            response
        });
    }
    Value::Object(responses)
}

/// What comes with a success.
fn served(id: RouteId, route: &Route) -> Map<String, Value> {
    let schema = answers::schema(id);
    let content = |media_type: &&str| {
        let is_json = media_type.ends_with("json");
        let schema = schema.clone().filter(|_| is_json);
        let described = schema.map_or_else(|| json!({}), |schema| json!({"schema": schema}));
        ((*media_type).to_owned(), described)
    };
    route.produces.iter().map(content).collect()
}

fn problem_content(route: &Route) -> Map<String, Value> {
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    let mut content = Map::from_iter([("application/problem+json".to_owned(), problem)]);
    match route.family {
        Family::OAuth => {
            let error = json!({"schema": {"$ref": "#/components/schemas/OAuthError"}});
            content.insert("application/json".into(), error);
        }
        Family::Operations => {
            content.insert("application/json".into(), json!({}));
        }
        _ => {}
    }
    // Who came with a browser is told on a page.
    if route.produces.iter().any(|media_type| media_type.starts_with("text/html")) {
        content.insert("text/html; charset=utf-8".into(), json!({}));
    }
    content
}

fn headers(status: u16) -> Option<Value> {
    match status {
        401 => Some(json!({"WWW-Authenticate": {
            "description": "How to log in (RFC 6750 §3)", "schema": {"type": "string"},
        }})),
        429 | 503 => Some(json!({"Retry-After": {
            "description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0},
        }})),
        _ => None,
    }
}

fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::Token(_) | Needs::OwnToken | Needs::OwnTokenInPart => {
            json!([{"token": []}, {"token": [], "certificate": []}, {"dpop": []}, {"page": []}])
        }
        // Without the cookie the page says how to sign in.
        Needs::Cookie(_) | Needs::OwnCookieInPart => json!([{"page": []}, {}]),
        Needs::Node => json!([{"node": []}]),
        Needs::Scrape => json!([{"token": []}, {"dpop": []}, {"metricsToken": []}]),
    }
}

fn request_body(rule: BodyRule) -> Option<Value> {
    let schema = match rule {
        BodyRule::None => return None,
        BodyRule::Form(fields) => form(fields),
        BodyRule::Json(fields) => Schema::Record(fields).described(),
        BodyRule::JsonOf(schema) => schema.described(),
        BodyRule::DataSet { .. } => {
            let one = json!({"$ref": "#/components/schemas/DataSet"});
            json!({"anyOf": [one.clone(), {"type": "array", "items": one, "minItems": 1, "maxItems": 1}]})
        }
        BodyRule::Dicom | BodyRule::Picture => json!({}),
    };
    let levels = match rule {
        BodyRule::DataSet { .. } => limits::WORKITEM_DEPTH_MAX,
        BodyRule::None
        | BodyRule::Form(_)
        | BodyRule::Json(_)
        | BodyRule::JsonOf(_)
        | BodyRule::Dicom
        | BodyRule::Picture => limits::JSON_DEPTH_MAX,
    };
    let content: Map<String, Value> = rule
        .media_types()
        .iter()
        .map(|media_type| ((*media_type).to_owned(), json!({"schema": schema.clone()})))
        .collect();
    Some(json!({
        "required": rule != (BodyRule::DataSet { required: false }),
        "description": format!("At most {} bytes; JSON at most {levels} levels, lists at most {LIST_MAX} unless they say otherwise.", rule.bytes_max()),
        "content": content,
    }))
}

/// A form may have more fields than these.
fn form(fields: &[Parameter]) -> Value {
    let mut form = record(fields);
    if let Some(form) = form.as_object_mut() {
        form.remove("additionalProperties");
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_once_with_answers_and_security() {
        let document = document("https://archive.example");
        let operations: Vec<&Value> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .collect();
        let names: BTreeSet<&str> =
            operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(operations.len(), RouteId::ALL.len());
        assert_eq!(names.len(), RouteId::ALL.len());
        for operation in operations {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with(['1', '2', '3', '4'])), "{operation}");
            assert!(responses.contains_key("400") && responses.contains_key("429"), "{operation}");
            assert!(operation["security"].is_array());
        }
    }

    #[test]
    fn every_parameter_in_a_path_is_a_parameter_of_its_operation() {
        let document = document("https://archive.example");
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                    let known = operation["parameters"].as_array().unwrap().iter();
                    assert!(known.filter(|p| p["in"] == "path").any(|p| p["name"] == name), "{path}");
                }
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_tag_is_declared() {
        let document = document("https://archive.example");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        let tags: BTreeSet<String> = TAGS.iter().map(|family| format!("{family:?}")).collect();
        for id in RouteId::ALL {
            assert!(tags.contains(&format!("{:?}", id.describe().family)), "{id:?}");
        }
    }
}
