//! A server that says what a test tells it, byte for byte.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bottega_llm::{Answer, Assembler, ChatModel, ChatRequest, Message, ModelError, StreamEvent};
use bottega_providers::{Options, Protocol, build};
use bottega_types::Secret;
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Looked for wherever a key must not be.
pub(crate) const CANARY: &str = "sk-canary-0123456789";

/// Long enough for any machine; only a hanging test ever waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    listener: TcpListener,
}

/// A call as it arrived.
pub(crate) struct Call {
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
    pub(crate) socket: TcpStream,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// The next call.
    pub(crate) async fn call(&self) -> Call {
        tokio::time::timeout(PATIENCE, self.read_call()).await.expect("a call arrives")
    }

    async fn read_call(&self) -> Call {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "half a request");
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while bytes.len() < end + length {
            assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "half a body");
        }
        let body = serde_json::from_slice(&bytes[end..]).unwrap_or_default();
        Call { head, body, socket }
    }

    /// Whether somebody waited to be let in. Asks the kernel, so that no event can be missed.
    pub(crate) fn had_visitor(self) -> bool {
        self.listener.into_std().unwrap().accept().is_ok()
    }
}

impl Call {
    /// Sends bytes and leaves the connection open.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
        self.socket.flush().await.unwrap();
    }

    /// Sends a whole answer and closes.
    pub(crate) async fn answer(mut self, status: &str, headers: &str, body: impl AsRef<[u8]>) {
        let length = body.as_ref().len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
        );
        self.send(head).await;
        self.send(body).await;
        self.socket.shutdown().await.unwrap();
    }

    /// Waits until the other side is gone.
    pub(crate) async fn closed(mut self) {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, self.socket.read_to_end(&mut rest)).await;
        // A reset is a close too.
        drop(end.expect("the connection is closed"));
    }
}

/// The beginning of a stream that goes on.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One chunk of a chunked body.
pub(crate) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

pub(crate) fn fixture(protocol: Protocol, name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(protocol.name()).join(name)).unwrap()
}

pub(crate) fn options(protocol: Protocol, base_url: String) -> Options {
    let key = Some(Secret::new(CANARY.to_owned()));
    Options { key, idle_timeout: PATIENCE, ..Options::new(protocol, base_url) }
}

pub(crate) fn model(protocol: Protocol, server: &Server) -> Arc<dyn ChatModel> {
    build(&options(protocol, server.base())).unwrap()
}

pub(crate) fn question() -> Arc<ChatRequest> {
    Arc::new(ChatRequest::new("some-model", vec![Arc::new(Message::user("Hello?"))]))
}

/// Every event of an answer.
pub(crate) async fn events(model: &dyn ChatModel) -> Vec<Result<StreamEvent, ModelError>> {
    match model.stream(question()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
}

/// The whole answer.
pub(crate) async fn ask(model: &dyn ChatModel) -> Result<Answer, ModelError> {
    let mut assembler = Assembler::default();
    for event in events(model).await {
        assembler.push(event?)?;
    }
    assembler.finish()
}
