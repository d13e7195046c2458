//! Tools that are there by word alone.

use async_trait::async_trait;
use bottega_api::{ApiError, ToolAnswer, ToolView, codes};
use bottega_client::Tools;
use serde_json::json;

use super::Fake;

fn view(name: &str, from: &str) -> ToolView {
    ToolView {
        name: name.to_owned(),
        about: "Counts words.\nUse it for long texts.".to_owned(),
        from: from.to_owned(),
        may: Vec::new(),
        hosts: Vec::new(),
        enabled: true,
        schema: json!({ "type": "object", "properties": { "text": { "type": "string" } } }),
    }
}

fn all() -> Vec<ToolView> {
    let may = vec!["log".to_owned(), "http".to_owned()];
    let hosts = vec!["api.example.org".to_owned()];
    vec![
        view("grep", ToolView::BUILT_IN),
        view("word_count", "word-count 0.1.0"),
        ToolView { may, hosts, enabled: false, ..view("weather", "weather 2.0.0") },
    ]
}

#[async_trait]
impl Tools for Fake {
    async fn list(&self) -> Result<(Vec<ToolView>, Vec<String>), ApiError> {
        Ok((all(), vec!["`/data/tools/old.tool` is damaged (no line); add the tool again".into()]))
    }

    async fn show(&self, name: &str) -> Result<ToolView, ApiError> {
        let found = all().into_iter().find(|tool| tool.name == name);
        found.ok_or_else(|| ApiError::new(codes::NO_TOOL, format!("no tool `{name}` was added")))
    }

    async fn add(&self, manifest: String, wasm: Vec<u8>) -> Result<ToolView, ApiError> {
        let name = manifest.lines().next().unwrap_or_default().to_owned();
        self.note(format!("add {name} {}", String::from_utf8_lossy(&wasm)));
        self.show(if name.contains("weather") { "weather" } else { "word_count" }).await
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        self.note(format!("remove {name}"));
        Ok(())
    }

    async fn call(&self, name: &str, arguments: String) -> Result<ToolAnswer, ApiError> {
        self.note(format!("call {name} {arguments}"));
        let succeeded = name != "weather";
        let text = if succeeded { "3 words\n\u{1b}[2J" } else { "no such town" };
        Ok(ToolAnswer { name: name.to_owned(), succeeded, text: text.to_owned(), elapsed_ms: 4 })
    }
}
