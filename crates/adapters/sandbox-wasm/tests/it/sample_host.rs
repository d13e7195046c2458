//! A host that remembers what it was asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bottega_manifest::{Answer, Host, HttpRequest, HttpResponse, Level, Question, Refusal};
use bottega_sandbox_wasm::Provision;
use bottega_types::Tokens;

/// What the host was asked, one line each.
#[derive(Clone, Default)]
pub(crate) struct SampleHost(Arc<Mutex<Vec<String>>>);

impl SampleHost {
    pub(crate) fn provision(&self) -> Provision {
        Provision::new(Arc::new(self.clone()))
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

#[async_trait]
impl Host for SampleHost {
    async fn send(&self, message: String) -> Result<(), Refusal> {
        self.note(format!("send {message}"));
        match message.as_str() {
            "forever" => std::future::pending().await,
            // The engine's ticks are real time, so this is too: longer than one of them.
            "slow" => {
                tokio::time::sleep(std::time::Duration::from_millis(15)).await;
                Ok(())
            }
            "nobody" => Err(Refusal::Denied("nobody of that name".to_owned())),
            _ => Ok(()),
        }
    }

    async fn search(&self, query: String) -> Result<Vec<String>, Refusal> {
        self.note(format!("search {query}"));
        Ok(vec!["smith".to_owned(), "jones".to_owned()])
    }

    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        self.note(format!("get {key}"));
        Ok(Some(b"value".to_vec()))
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        let value = value.map(|value| String::from_utf8_lossy(&value).into_owned());
        self.note(format!("set {key} {value:?}"));
        Ok(())
    }

    fn log(&self, level: Level, text: &str) {
        self.note(format!("log {level:?} {text}"));
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        self.note(format!("fetch {} {}", request.method, request.url.as_str()));
        Ok(HttpResponse { status: 204, headers: vec![], body: vec![] })
    }

    async fn ask(&self, question: Question) -> Result<Answer, Refusal> {
        self.note(format!("ask {} within {}", question.prompt, question.within));
        Ok(Answer { text: "yes".to_owned(), tokens: Tokens::new(90) })
    }

    async fn call(&self, tool: String, arguments: String) -> Result<String, Refusal> {
        self.note(format!("call {tool} {arguments}"));
        Ok("found".to_owned())
    }
}
