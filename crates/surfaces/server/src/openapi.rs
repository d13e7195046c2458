//! The description of the API (OpenAPI 3.1), made from the table of endpoints and the types themselves.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use bottega_api::Problem;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::endpoints::{self, Endpoint, Gives, Group, Parameter, Takes};
use crate::guard::Access;
use crate::request_name;

/// The whole document.
pub(crate) fn document() -> Value {
    let mut types = Types::new();
    let mut paths = Map::new();
    for endpoint in endpoints::all() {
        let operation = operation(endpoint, &mut types);
        let path = paths.entry(endpoint.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(path) = path {
            path.insert(endpoint.verb.as_str().to_owned(), operation);
        }
    }
    let problem = json!({
        "description": "What went wrong, why, and what can be done about it.",
        "headers": { request_name::HEADER: { "$ref": "#/components/headers/RequestName" } },
        "content": { Problem::MEDIA_TYPE: { "schema": types.given(|it| it.subschema_for::<Problem>()) } },
    });
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Bottega",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Agents that live on a server: their life, and what they say.",
            "description": "The token stands in the file that `bottega serve` names when it starts. Forms only grow: \
                            pass over fields that you don't know. gRPC is spoken at the same address, with streams \
                            that follow what happens; server reflection describes it.",
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server." }],
        "security": [{ "token": [] }],
        "tags": Group::ALL.map(|group| json!({ "name": group.name(), "description": group.about() })),
        "paths": paths,
        "components": {
            "schemas": types.schemas(),
            "responses": { "Problem": problem },
            "headers": {
                "RequestName": {
                    "description": "The request's name: the one that was sent, else a fresh one. The log tells of it under this name.",
                    "schema": { "type": "string" },
                },
            },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "The token of the server." },
                "password": { "type": "http", "scheme": "basic", "description": "Any name, and the token as password." },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, types: &mut Types) -> Value {
    let mut operation = Map::new();
    let mut put = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    put("operationId", endpoint.name.into());
    put("tags", json!([endpoint.group.name()]));
    put("summary", endpoint.summary.into());
    match endpoint.access {
        // What stands above all paths.
        Access::Token => {}
        Access::Open => drop(put("security", json!([]))),
        Access::Person => drop(put("security", json!([{ "token": [] }, { "password": [] }]))),
    }
    let parameters = parameters(endpoint, types);
    if !parameters.is_empty() {
        put("parameters", parameters.into());
    }
    if let Some(takes) = &endpoint.takes {
        put("requestBody", body(takes, types));
    }
    put("responses", responses(endpoint, types));
    Value::Object(operation)
}

fn parameters(endpoint: &Endpoint, types: &mut Types) -> Vec<Value> {
    let parts =
        endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = parts
        .map(|name| {
            let about = match name {
                "name" => "An agent: `echo@local`, or `echo` for one of the server's own.",
                "id" => "The name of a message, a tender or a conversation, as it was given.",
                "number" => "The number of a message, as the inbox gave it.",
                "topic" => "A topic: dotted words, as in `orders.eu.new`.",
                "entry" => "An entry of the blackboard: dotted words, as in `work.hinge`.",
                "code" => "An error code, as in `BTG0019`.",
                _ => "",
            };
            json!({
                "name": name, "in": "path", "required": true, "description": about,
                "schema": { "type": "string" },
            })
        })
        .collect();
    for Parameter { name, place, about, schema } in endpoint.parameters {
        let schema = types.taken(*schema);
        parameters.push(json!({
            "name": name, "in": place, "required": false, "description": about, "schema": schema,
        }));
    }
    parameters
}

fn body(takes: &Takes, types: &mut Types) -> Value {
    // The table's test reads every example.
    let example: Value = serde_json::from_str(takes.example).unwrap_or_default();
    json!({
        "required": true,
        "content": { "application/json": { "schema": types.taken(takes.schema), "example": example } },
    })
}

fn responses(endpoint: &Endpoint, types: &mut Types) -> Value {
    let mut responses = Map::new();
    responses.insert(status(endpoint.gives.status), given(&endpoint.gives, types));
    if let Some(otherwise) = &endpoint.otherwise {
        responses.insert(status(otherwise.status), given(otherwise, types));
    }
    for refusal in refusals(endpoint) {
        responses
            .entry(status(refusal))
            .or_insert_with(|| json!({ "$ref": "#/components/responses/Problem" }));
    }
    Value::Object(responses)
}

fn status(status: StatusCode) -> String {
    status.as_u16().to_string()
}

/// Every status that an endpoint may refuse with.
fn refusals(endpoint: &Endpoint) -> BTreeSet<StatusCode> {
    let mut refusals: BTreeSet<StatusCode> = endpoint.refuses.iter().copied().collect();
    refusals.insert(StatusCode::FORBIDDEN);
    refusals.insert(StatusCode::INTERNAL_SERVER_ERROR);
    match endpoint.access {
        Access::Open => {}
        Access::Token | Access::Person => refusals.extend([
            StatusCode::UNAUTHORIZED,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]),
    }
    if endpoint.takes.is_some() {
        refusals.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
    refusals
}

fn given(gives: &Gives, types: &mut Types) -> Value {
    let mut response = Map::new();
    response.insert("description".to_owned(), gives.about.into());
    let header = json!({ request_name::HEADER: { "$ref": "#/components/headers/RequestName" } });
    response.insert("headers".to_owned(), header);
    if !gives.media.is_empty() {
        let schema = gives.schema.map(|schema| types.given(schema));
        let described = schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema }));
        response.insert("content".to_owned(), json!({ gives.media: described }));
    }
    Value::Object(response)
}

/// The types: as they are read in requests, and as they are written in answers.
struct Types {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            taken: settings().into_generator(),
            given: settings().for_serialize().into_generator(),
        }
    }

    fn taken(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
        schema(&mut self.taken).to_value()
    }

    fn given(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
        schema(&mut self.given).to_value()
    }

    /// Every type by its name. A type that is read and written has one form in both.
    fn schemas(mut self) -> Map<String, Value> {
        let mut all = self.given.take_definitions(true);
        all.extend(self.taken.take_definitions(true));
        all.sort_keys();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_form_in_requests_and_answers() {
        let mut types = Types::new();
        for endpoint in endpoints::all() {
            operation(endpoint, &mut types);
        }
        let taken = types.taken.take_definitions(true);
        let given = types.given.take_definitions(true);
        assert!(!taken.is_empty() && !given.is_empty());
        for (name, form) in &taken {
            assert!(given.get(name).is_none_or(|other| other == form), "{name}");
        }
    }

    #[test]
    fn every_example_is_what_its_route_takes() {
        for endpoint in endpoints::all() {
            let Some(takes) = &endpoint.takes else { continue };
            let example: Value = serde_json::from_str(takes.example).unwrap();
            let mut generator = SchemaSettings::draft2020_12().into_generator();
            let mut schema = (takes.schema)(&mut generator).to_value();
            schema["$defs"] = generator.take_definitions(true).into();
            assert!(jsonschema::is_valid(&schema, &example), "{}", endpoint.name);
        }
    }
}
