//! From the table to the capabilities that PS3.18 §8.9 asks for: a WADL document of the DICOMweb routes.

use super::{Family, Parameter, Place, Route, RouteId, Schema};
use std::collections::BTreeMap;

/// The media type of the document.
pub(crate) const WADL: &str = "application/vnd.sun.wadl+xml";

/// The document.
pub(crate) fn document(origin: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str("<application xmlns=\"http://wadl.dev.java.net/2009/02\" ");
    out.push_str("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n");
    for family in [Family::DicomWeb, Family::WadoUri] {
        let prefix = family.prefixes().first().copied().unwrap_or_default();
        out.push_str(&format!("<resources base=\"{}\">\n", escaped(&format!("{origin}{prefix}"))));
        let mut paths: BTreeMap<&str, Vec<(RouteId, Route)>> = BTreeMap::new();
        for id in RouteId::ALL.iter().copied() {
            let route = id.describe();
            if route.family == family {
                paths.entry(route.path).or_default().push((id, route));
            }
        }
        for (path, routes) in paths {
            resource(&mut out, path, &routes);
        }
        out.push_str("</resources>\n");
    }
    out.push_str("</application>\n");
    out
}

fn resource(out: &mut String, path: &str, routes: &[(RouteId, Route)]) {
    let path = path.trim_start_matches('/').replace("{*", "{");
    out.push_str(&format!("<resource path=\"{}\">\n", escaped(&path)));
    let of_path = routes.first().map_or(&[][..], |(_, route)| route.parameters);
    for parameter in of_path.iter().filter(|parameter| parameter.place == Place::Path) {
        out.push_str(&param(parameter, "template"));
    }
    for (id, route) in routes {
        out.push_str(&format!(
            "<method name=\"{}\" id=\"{}\">\n<request>\n",
            route.method.as_str(),
            id.name()
        ));
        for parameter in route.parameters.iter().filter(|parameter| parameter.place == Place::Query) {
            out.push_str(&param(parameter, "query"));
        }
        representations(out, route.body.media_types());
        out.push_str("</request>\n");
        for (status, meaning) in route.answers {
            out.push_str(&format!("<response status=\"{status}\">\n<doc>{}</doc>\n", escaped(meaning)));
            if (200..300).contains(status) {
                representations(out, route.produces);
            }
            out.push_str("</response>\n");
        }
        out.push_str("</method>\n");
    }
    out.push_str("</resource>\n");
}

fn representations(out: &mut String, media_types: &[&str]) {
    for media_type in media_types {
        out.push_str(&format!("<representation mediaType=\"{}\"/>\n", escaped(media_type)));
    }
}

fn param(parameter: &Parameter, style: &str) -> String {
    let Parameter { name, required, meaning, schema, .. } = parameter;
    let kind = match schema {
        Schema::Number | Schema::Within(..) => "xs:nonNegativeInteger",
        Schema::Flag => "xs:boolean",
        _ => "xs:string",
    };
    format!(
        "<param name=\"{name}\" style=\"{style}\" type=\"{kind}\" required=\"{required}\"><doc>{}</doc></param>\n",
        escaped(meaning)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dicomweb_route_and_no_other_is_in_the_document() {
        let document = document("https://archive.example");
        for id in RouteId::ALL {
            let is_dicomweb = matches!(id.describe().family, Family::DicomWeb | Family::WadoUri);
            assert_eq!(document.contains(&format!("id=\"{}\"", id.name())), is_dicomweb, "{id:?}");
        }
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("<a href=\"b&c\">"), "&lt;a href=&quot;b&amp;c&quot;&gt;");
        assert!(document("https://a.example/?x=1&y").contains("?x=1&amp;y/dicom-web"));
    }
}
