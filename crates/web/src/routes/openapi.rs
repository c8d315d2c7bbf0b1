//! From the table to an OpenAPI 3.1 document. Nothing in it is written twice: a route that is in the table is
//! described, one that is described is in the table.

use super::{BodyRule, Needs, Parameter, Place, Route, RouteId, Schema};
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
            "description": "DICOMweb, OAuth 2 and administration. DICOMweb is also mounted under /wado and \
                            /dcm4chee-arc/aets/{AET}/rs. 影像存取、授权与管理接口；DICOMweb 亦可经 /wado 与 \
                            /dcm4chee-arc/aets/{AET}/rs 访问。",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "tags": [
            {"name": "DicomWeb"}, {"name": "WadoUri"}, {"name": "OAuth"}, {"name": "Api"}, {"name": "Operations"}, {"name": "Page"},
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
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
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "title_zh", "status"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "title_zh": {"type": "string"},
                        "status": {"type": "integer"},
                        "expected": {"type": "string"},
                        "came": {"type": "string"},
                        "do": {"type": "string"},
                        "available": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
        },
    })
}

fn operation(id: RouteId, route: &Route) -> Value {
    let parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "in": match parameter.place { Place::Path => "path", Place::Query | Place::Body => "query" },
                "required": parameter.required,
                "description": parameter.meaning,
                "schema": schema(parameter.schema),
            })
        })
        .collect();
    let mut operation = json!({
        "operationId": id.name(),
        "tags": [format!("{:?}", route.family)],
        "summary": route.summary_zh,
        "description": route.summary_en,
        "parameters": parameters,
        "responses": responses(route),
        "security": security(route.needs),
    });
    if let (Some(body), Some(operation)) = (request_body(route.body), operation.as_object_mut()) {
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, meaning) in route.answers {
        let content: Map<String, Value> = if *status < 300 && *status != 204 {
            route.produces.iter().map(|media_type| ((*media_type).to_owned(), json!({}))).collect()
        } else if *status < 400 {
            Map::new()
        } else {
            problem_content()
        };
        let mut response = json!({"description": meaning});
        if let (false, Some(response)) = (content.is_empty(), response.as_object_mut()) {
            response.insert("content".into(), Value::Object(content));
        }
        responses.insert(status.to_string(), response);
    }
    let mut refusals =
        vec![(400, "The request is malformed"), (503, "A part of the archive does not answer")];
    if route.needs != Needs::Nothing {
        refusals.push((401, "A valid login is needed"));
        refusals.push((403, "The role may not do this"));
    }
    if route.body != BodyRule::None {
        refusals.push((413, "The body is too large"));
        refusals.push((415, "This type of body is not taken"));
    }
    for (status, meaning) in refusals {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({"description": meaning, "content": problem_content()}));
    }
    Value::Object(responses)
}

fn problem_content() -> Map<String, Value> {
    let mut content = Map::new();
    content.insert(
        "application/problem+json".into(),
        json!({"schema": {"$ref": "#/components/schemas/Problem"}}),
    );
    content
}

fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::Token(_) | Needs::OwnToken | Needs::OwnTokenInPart => {
            json!([{"token": []}, {"token": [], "certificate": []}, {"dpop": []}])
        }
        Needs::Cookie(_) | Needs::OwnCookieInPart => json!([{"page": []}]),
        Needs::Node => json!([{"node": []}]),
        Needs::Scrape => json!([{"token": []}, {"dpop": []}, {"metricsToken": []}]),
    }
}

fn request_body(rule: BodyRule) -> Option<Value> {
    let schema = match rule {
        BodyRule::None => return None,
        BodyRule::Form(fields) | BodyRule::Json(fields) => object_schema(fields),
        BodyRule::DataSet { .. } | BodyRule::Dicom => json!({}),
    };
    let levels = match rule {
        BodyRule::DataSet { .. } => limits::WORKITEM_DEPTH_MAX,
        BodyRule::None | BodyRule::Form(_) | BodyRule::Json(_) | BodyRule::Dicom => limits::JSON_DEPTH_MAX,
    };
    let content: Map<String, Value> = rule
        .media_types()
        .iter()
        .map(|media_type| ((*media_type).to_owned(), json!({"schema": schema.clone()})))
        .collect();
    Some(json!({
        "required": rule != (BodyRule::DataSet { required: false }),
        "description": format!("At most {} bytes; JSON at most {levels} levels.", rule.bytes_max()),
        "content": content,
    }))
}

fn object_schema(fields: &[Parameter]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut schema = schema(field.schema);
            if let Some(schema) = schema.as_object_mut() {
                schema.insert("description".into(), field.meaning.into());
            }
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn schema(kind: Schema) -> Value {
    match kind {
        Schema::Text => json!({"type": "string"}),
        Schema::Uid => json!({"type": "string", "pattern": "^[0-9.]{1,64}$"}),
        Schema::Number => json!({"type": "integer", "minimum": 0}),
        Schema::Flag => json!({"type": "boolean"}),
        Schema::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Schema::Object => json!({"type": "object"}),
    }
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
            assert!(responses.keys().any(|status| status.starts_with(['2', '3', '4'])), "{operation}");
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
}
