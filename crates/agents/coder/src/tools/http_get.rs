//! `http_get`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_policy::egress::{HostRule, WebUrl};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, WebAnswer, describe,
    parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::web_page::Page;

/// Fetches a public web page or file, HTML as text.
#[derive(Debug, Deserialize, JsonSchema)]
struct HttpGetInput {
    /// http or https address.
    url: String,
    /// Byte to begin at.
    from: Option<usize>,
}

/// Reads what is at an address in the web.
#[derive(Debug)]
pub(super) struct HttpGet;

#[async_trait]
impl Tool for HttpGet {
    fn name(&self) -> &'static str {
        "http_get"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<HttpGetInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let HttpGetInput { url, from } = parse_arguments(arguments)?;
        let url: WebUrl =
            url.parse().map_err(|why| ToolError::BadArguments { why: format!("url: {why}") })?;
        Ok(Box::new(Fetching { url, from: from.unwrap_or(0) }))
    }
}

struct Fetching {
    url: WebUrl,
    from: usize,
}

#[async_trait]
impl Prepared for Fetching {
    fn needs(&self) -> Vec<Need> {
        vec![Need::Network { host: HostRule::of(self.url.target()).to_string() }]
    }

    fn summary(&self) -> String {
        format!("get {}", self.url)
    }

    async fn details(&self, _: &ToolContext) -> String {
        format!("GET {}\nfrom {}", self.url, self.url.target())
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let answer = context.web.get(&self.url).await?;
        shown(&answer, self.from, context.output_limit)
    }
}

/// What a model reads of an answer.
fn shown(answer: &WebAnswer, from: usize, limit: usize) -> Result<ToolOutput, ToolError> {
    let WebAnswer { url, status, body, announced, cut, .. } = answer;
    let failed = *status >= 400;
    let head = match status {
        200 => url.to_string(),
        status => format!("{url}: status {status}"),
    };
    let size = match announced {
        Some(bytes) => format!("{bytes} bytes"),
        None if *cut => format!("more than {} bytes", body.len()),
        None => format!("{} bytes", body.len()),
    };
    let (text, kind, more) = match Page::read(answer) {
        Page::Text { text, kind, more } => (text, kind, more),
        Page::Binary { kind } => {
            let text = format!(
                "{head}: {kind} of {size} is no text, so it is not shown; fetch it to a file with shell and its hosts"
            );
            return Ok(ToolOutput { failed: true, ..ToolOutput::text(text) });
        }
    };
    if text.trim().is_empty() {
        return Ok(ToolOutput {
            failed,
            ..ToolOutput::text(format!("{head}: {kind}, no text in it"))
        });
    }
    let total = text.len();
    if from >= total {
        return Err(ToolError::Refused(format!(
            "{url} has {total} bytes of text; from {from} is behind its end"
        )));
    }
    let from = text.ceil_char_boundary(from);
    // Room for the head and the last lines.
    let to = end(&text, from, limit.saturating_sub(head.len() + 240).max(200));
    let part = match (from, to == total) {
        (0, true) => format!("{total} bytes"),
        _ => format!("bytes {from}-{to} of {total}"),
    };
    let mut shown = format!("{head}: {kind}, {part}\n{}", text[from..to].trim_end());
    if to < total {
        shown.push_str(&format!("\n[{} more bytes: http_get with from {to}]", total - to));
    } else if more {
        shown.push_str(&format!("\n[the page goes on, {size} in all; what follows is not read]"));
    }
    let whole = (from, to) != (0, total);
    Ok(ToolOutput { failed, full: whole.then_some(text), ..ToolOutput::text(shown) })
}

/// Where a part of at most `room` bytes ends: behind a line, unless that loses a quarter of it.
fn end(text: &str, from: usize, room: usize) -> usize {
    if text.len() - from <= room {
        return text.len();
    }
    let to = text.floor_char_boundary(from + room);
    match text[from..to].rfind('\n') {
        Some(newline) if newline + 1 >= room / 4 * 3 => from + newline + 1,
        Some(_) | None => to,
    }
}
