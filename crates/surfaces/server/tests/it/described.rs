//! The description is whole and right, and the pages made from it are safe to open.

use bottega_api::CODES;
use bottega_server::Limits;
use serde_json::Value;

use crate::streamed::Open;
use crate::world::{Ask, Site, get, served};

fn document() -> Value {
    served(Limits::default(), async |site| get(site, "/openapi.json").await.json())
}

/// Every operation: path, method, what it says.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, verbs)| {
        verbs.as_object().unwrap().iter().map(move |(verb, it)| (path.as_str(), verb.as_str(), it))
    });
    each.collect()
}

/// Every reference in it.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_description_has_the_form_of_openapi() {
    let mut document = document();
    let form: Value = serde_json::from_str(include_str!("openapi-3.1.schema.json")).unwrap();
    jsonschema::meta::validate(&form).unwrap();
    let validator = jsonschema::validator_for(&form).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    // The form itself refuses what it should.
    document["paths"]["/v1/agents"]["get"]["responses"] = serde_json::json!({});
    assert!(!validator.is_valid(&document));
}

#[test]
fn every_type_of_it_is_a_schema_and_every_reference_leads_somewhere() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for name in schemas.keys() {
        let place = format!("#/components/schemas/{name}");
        assert!(found.contains(&place), "{name} is used nowhere");
    }
    let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join(" "));
}

#[test]
fn what_is_described_is_served() {
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let place = path.replace("{name}", "echo").replace("{id}", "m");
        let place = place.replace("{code}", "BTG0001").replace("{number}", "7");
        let status = served(Limits::default(), async |site: &Site| {
            site.agents.gate.notify_one();
            let content = &operation["responses"]["200"]["content"];
            if verb == "get" && !content["text/event-stream"].is_null() {
                // It has no end by itself; how it begins is enough.
                let head = Open::at(site, &place).await.until("\r\n\r\n").await;
                return head.split(' ').nth(1).unwrap().parse().unwrap();
            }
            let ask = Ask::new(&format!("{} {place}", verb.to_uppercase()));
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let ask = if body.is_null() { ask } else { ask.json(&body.to_string()) };
            ask.at(site).await.status
        });
        // Each is answered with the success that it is described with.
        let described = operation["responses"].get(status.to_string());
        assert!((200..300).contains(&status) && described.is_some(), "{verb} {path}: {status}");
        // Parts of the path are told, in their order.
        let parts = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        let told = operation["parameters"].as_array().into_iter().flatten();
        let told = told.filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap());
        assert!(parts.eq(told), "{path}");
    }
}

#[test]
fn the_description_stays_as_it_is() {
    let mut document = document();
    document["info"]["version"] = "VERSION".into();
    insta::assert_json_snapshot!(document);
}

#[test]
fn the_page_is_whole_and_needs_nothing_from_elsewhere() {
    served(Limits::default(), async |site| {
        let came = get(site, "/docs").await;
        assert_eq!(came.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = came.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'")
        );
        let page = came.body;
        let document = get(site, "/openapi.json").await.json();
        for (path, _, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<details id=\"{id}\"")), "{id}");
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"type-{name}\"")), "{name}");
        }
        for code in CODES {
            assert!(page.contains(code.name), "{}", code.name);
        }
        for foreign in ["<script", "<link", "<img", "src=", "url(", "://", "@import", "style="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("width=device-width") && page.contains("prefers-color-scheme: dark"));
        // Every place that it links to is there.
        for link in page.split("href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert!(page.contains(&format!(" id=\"{id}\"")), "#{id}");
        }
        for (opened, closed) in
            [("<details", "</details>"), ("<table", "</table>"), ("<div", "</div>")]
        {
            assert_eq!(page.matches(opened).count(), page.matches(closed).count(), "{opened}");
        }
    });
}

#[test]
fn every_error_has_a_page_where_its_type_leads() {
    served(Limits::default(), async |site| {
        for code in CODES {
            let came = get(site, &format!("/docs/errors/{}", code.name)).await;
            assert_eq!(came.status, 200);
            let title = format!("<h1>{}: {}</h1>", code.name, code.title.replace('\'', "&#39;"));
            assert!(came.body.contains(&title), "{}", came.body);
        }
    });
}
