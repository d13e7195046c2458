//! Pages to read, made from the description: one file each, without scripts and without anything from elsewhere.

use std::fmt::Write as _;

use bottega_api::{CODES, Code};
use serde_json::Value;

use crate::fault::STATUSES;

const STYLE: &str = include_str!("page.css");

/// The page about the whole API.
pub(crate) fn of(document: &Value) -> String {
    let mut page = Page::begin("Bottega API");
    let info = &document["info"];
    page.element("h1", "", &format!("Bottega API {}", text(&info["version"])));
    page.paragraph(text(&info["summary"]));
    page.paragraph(text(&info["description"]));
    page.index(document);
    for tag in items(&document["tags"]) {
        let name = text(&tag["name"]);
        page.element("h2", name, name);
        page.paragraph(text(&tag["description"]));
        for (path, verb, operation) in operations(document) {
            if operation["tags"][0] == tag["name"] {
                page.operation(path, verb, operation);
            }
        }
    }
    page.element("h2", "types", "Types");
    for (name, schema) in fields(&document["components"]["schemas"]) {
        page.described_type(name, schema);
    }
    page.errors();
    page.end()
}

/// The page about one error.
pub(crate) fn of_error(code: &Code) -> String {
    let mut page = Page::begin(code.name);
    page.element("h1", "", &format!("{}: {}", code.name, code.title));
    page.paragraph(&format!("What to do: {}.", code.next_step));
    let status = STATUSES.iter().find(|(own, _)| own.name == code.name);
    let status = status.map(|(_, status)| status.as_u16()).unwrap_or_default();
    page.paragraph(&format!(
        "A command that ends with it has the exit code {}; a request is answered with the status {status}, unless \
         its answer says another.",
        code.exit
    ));
    page.raw("<p><a href=\"/docs#errors\">All errors</a></p>");
    page.end()
}

/// Every operation, with its path and method.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    fields(&document["paths"]).flat_map(|(path, verbs)| {
        fields(verbs).map(move |(verb, operation)| (path, verb, operation))
    })
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

struct Page(String);

impl Page {
    fn begin(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n<main>\n"
        ))
    }

    fn end(mut self) -> String {
        self.raw("</main>\n</html>");
        self.0
    }

    /// Markup of this file's own.
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
        self.0.push('\n');
    }

    /// An element with foreign text in it.
    fn element(&mut self, tag: &str, id: &str, text: &str) {
        let id = if id.is_empty() { String::new() } else { format!(" id=\"{}\"", escaped(id)) };
        let text = escaped(text);
        self.raw(&format!("<{tag}{id}>{text}</{tag}>"));
    }

    fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            let told = prose(text);
            self.raw(&format!("<p>{told}</p>"));
        }
    }

    fn index(&mut self, document: &Value) {
        self.raw("<nav>");
        for tag in items(&document["tags"]) {
            let name = escaped(text(&tag["name"]));
            self.raw(&format!("<section>\n<h3><a href=\"#{name}\">{name}</a></h3>"));
            for (path, verb, operation) in operations(document) {
                if operation["tags"][0] != tag["name"] {
                    continue;
                }
                let (path, id) = (escaped(path), escaped(text(&operation["operationId"])));
                self.raw(&format!(
                    "<a href=\"#{id}\"><b class=\"{verb}\">{}</b><code>{path}</code></a>",
                    verb.to_uppercase()
                ));
            }
            self.raw("</section>");
        }
        self.raw("</nav>\n<p>Further down: <a href=\"#types\">types</a>, <a href=\"#errors\">errors</a>. For programs: <a href=\"/openapi.json\">OpenAPI</a>.</p>");
    }

    fn operation(&mut self, path: &str, verb: &str, operation: &Value) {
        let (id, path) = (escaped(text(&operation["operationId"])), escaped(path));
        let summary = prose(text(&operation["summary"]));
        let verb_word = verb.to_uppercase();
        self.raw(&format!(
            "<details id=\"{id}\" open>\n<summary><b class=\"{verb}\">{verb_word}</b><code>{path}</code> \
             <span>{summary}</span></summary>"
        ));
        match operation["security"].as_array().map(Vec::len) {
            None => {}
            Some(0) => self.paragraph("Needs no token."),
            Some(_) => self.paragraph(
                "A browser is asked for the token: any name, and the token as password.",
            ),
        }
        let parameters: Vec<&Value> = items(&operation["parameters"]).collect();
        if !parameters.is_empty() {
            self.table(
                &["parameter", "in", "what"],
                parameters.iter().map(|it| {
                    let name = format!("<code>{}</code>", escaped(text(&it["name"])));
                    [name, escaped(text(&it["in"])), prose(text(&it["description"]))]
                }),
            );
        }
        let content = &operation["requestBody"]["content"]["application/json"];
        if !content.is_null() {
            let kind = type_of(&content["schema"]);
            self.raw(&format!("<h4>Takes {kind}</h4>"));
            let example = serde_json::to_string_pretty(&content["example"]).unwrap_or_default();
            self.element("pre", "", &example);
        }
        self.raw("<h4>Answers</h4>");
        let (refusals, answers): (Vec<_>, Vec<_>) =
            fields(&operation["responses"]).partition(|(_, it)| it["$ref"].is_string());
        self.table(
            &["status", "type", "what"],
            answers.into_iter().map(|(status, it)| {
                let about = prose(text(&it["description"]));
                [escaped(status), answer_type(&it["content"]), about]
            }),
        );
        if !refusals.is_empty() {
            let statuses: Vec<String> = refusals.iter().map(|(it, _)| escaped(it)).collect();
            let (statuses, problem) = (statuses.join(", "), link("Problem"));
            self.raw(&format!(
                "<p><small>Refusals: {statuses}, each with a {problem}.</small></p>"
            ));
        }
        self.raw("</details>");
    }

    fn described_type(&mut self, name: &str, schema: &Value) {
        let name = escaped(name);
        self.raw(&format!(
            "<details id=\"type-{name}\" open>\n<summary><code>{name}</code></summary>"
        ));
        self.paragraph(text(&schema["description"]));
        let required: Vec<&str> = items(&schema["required"]).map(text).collect();
        let rows: Vec<[String; 3]> = fields(&schema["properties"])
            .map(|(field, it)| {
                let must = if required.contains(&field) { "" } else { " <i>may be absent</i>" };
                let name = format!("<code>{}</code>{must}", escaped(field));
                [name, type_of(it), prose(text(&it["description"]))]
            })
            .collect();
        if !rows.is_empty() {
            self.table(&["field", "type", "what"], rows);
        }
        let words: Vec<[String; 2]> = items(&schema["oneOf"])
            .map(|it| {
                let word = it["const"].as_str().or(it["enum"][0].as_str()).unwrap_or_default();
                [format!("<code>{}</code>", escaped(word)), prose(text(&it["description"]))]
            })
            .collect();
        if !words.is_empty() {
            self.table(&["word", "what"], words);
        }
        self.raw("</details>");
    }

    fn errors(&mut self) {
        self.element("h2", "errors", "Errors");
        self.paragraph("A refusal says one of these codes. Its status is the one of this table, unless the request itself was refused.");
        self.table(
            &["code", "status", "meaning"],
            CODES.iter().map(|code| {
                let status = STATUSES.iter().find(|(own, _)| own.name == code.name);
                let status = status.map(|(_, status)| status.as_u16().to_string());
                let name = format!("<a href=\"/docs/errors/{0}\"><code>{0}</code></a>", code.name);
                [name, status.unwrap_or_default(), prose(code.title)]
            }),
        );
    }

    /// Cells are markup.
    fn table<const N: usize>(
        &mut self,
        head: &[&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        let head: String = head.iter().map(|cell| format!("<th>{cell}</th>")).collect();
        self.raw(&format!("<div><table>\n<tr>{head}</tr>"));
        for row in rows {
            let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            self.raw(&format!("<tr>{cells}</tr>"));
        }
        self.raw("</table></div>");
    }
}

/// The type of an answer's body, as markup.
fn answer_type(content: &Value) -> String {
    match fields(content).next() {
        None => "nothing".to_owned(),
        Some((media, it)) if it["schema"].is_null() => escaped(media),
        Some((_, it)) => type_of(&it["schema"]),
    }
}

/// A type, as markup.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return link(name.rsplit('/').next().unwrap_or_default());
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) => escaped(kind),
        Value::Array(kinds) => {
            kinds.iter().map(|kind| escaped(text(kind))).collect::<Vec<_>>().join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any JSON".to_owned(),
    }
}

fn link(name: &str) -> String {
    let name = escaped(name);
    format!("<a href=\"#type-{name}\"><code>{name}</code></a>")
}

/// Foreign text as markup, with what stands in backquotes as code.
fn prose(text: &str) -> String {
    let mut markup = String::new();
    for (index, piece) in text.split('`').enumerate() {
        let piece = escaped(piece);
        // Writing to a `String` can't fail.
        let _ = if index % 2 == 1 {
            write!(markup, "<code>{piece}</code>")
        } else {
            write!(markup, "{piece}")
        };
    }
    markup
}

/// Foreign text that can stand in an element or in quotes.
fn escaped(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\'' => markup.push_str("&#39;"),
            other => markup.push(other),
        }
    }
    markup
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_of_the_document_is_markup() {
        let evil = "</td><script>alert(`1`)</script>\"'&";
        let page = of(&json!({
            "info": { "version": evil, "summary": evil, "description": evil },
            "tags": [{ "name": evil, "description": evil }],
            "paths": { evil: { "get": {
                "operationId": evil, "tags": [evil], "summary": evil,
                "parameters": [{ "name": evil, "in": evil, "description": evil }],
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": format!("#/x/{evil}") }, "example": { evil: evil },
                } } },
                "responses": { evil: { "description": evil, "content": { evil: {} } } },
            } } },
            "components": { "schemas": { evil: {
                "description": evil,
                "properties": { evil: { "type": [evil, "null"], "description": evil } },
                "oneOf": [{ "const": evil, "description": evil }],
            } } },
        }));
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        // Everything in quotes ends where this file ends it.
        for value in page.split(" id=\"").skip(1).chain(page.split("href=\"").skip(1)) {
            let value = value.split('"').next().unwrap();
            assert!(!value.contains(['<', '>', '\'']), "{value}");
        }
    }
}
