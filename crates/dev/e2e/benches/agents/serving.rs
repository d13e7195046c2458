//! The real binary as a server: what it costs while nothing happens, and what REST and gRPC add to a question.
//!
//! 64 connections ask the agent management system at a pace that leaves the machine time, and as fast as they can. Whoever
//! asks shares the machine with the server. What sockets, framing and the asking itself take shows a server that does nothing
//! else, asked by the same code in the same run.

use std::future::Future;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::row::{Goal, Row, share};
use crate::{Failure, bare_server, binary};

const CONNECTIONS: usize = 64;
/// Questions of one measurement, of all connections together.
const QUESTIONS: usize = 12_800;
/// Questions a second, where there is a pace.
const PACE: usize = 1_600;
/// How long the idle server is left alone before it is looked at, and looked at.
const SETTLING: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(10);
const CONTENT: &str = r#"{"action":"get-description"}"#;

/// A server that ends with its value.
struct Server {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(home: &Path) -> Result<Self, Failure> {
        let mut server =
            Self::launch(home, &["serve", "--listen", "127.0.0.1:0", "--json"], binary::bottega())?;
        let token = std::fs::read_to_string(home.join("bottega/data/server-token"))?;
        token.trim().clone_into(&mut server.token);
        Ok(server)
    }

    /// One that answers at once.
    fn bare(home: &Path) -> Result<Self, Failure> {
        Self::launch(home, &[bare_server::WORD], &std::env::current_exe()?)
    }

    fn launch(home: &Path, words: &[&str], program: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(program)
            .args(words)
            .current_dir(home)
            .env_clear()
            .env("PATH", binary::search_path())
            .env("HOME", home)
            .env("BOTTEGA_HOME", home.join("bottega"))
            // It is measured how many it takes.
            .env("BOTTEGA_SERVER_REQUESTS_PER_SECOND", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no output of the server")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)?;
        let told: serde_json::Value = serde_json::from_str(&line)?;
        let url = told["serving"]["url"].as_str().ok_or("the server did not say where it is")?;
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Self { child, address, token: String::new() })
    }

    /// Seconds of processor time until now.
    fn worked(&self) -> Result<f64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit_once(") ").ok_or("an odd /proc/PID/stat")?.1;
        let words: Vec<&str> = after.split(' ').collect();
        let ticks = words[11].parse::<f64>()? + words[12].parse::<f64>()?;
        // `USER_HZ`, which is 100 on every architecture that Bottega is built for.
        Ok(ticks / 100.0)
    }

    /// MiB that it holds.
    fn holds(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kilobytes.parse::<f64>()? / 1024.0)
    }
}

/// Microseconds of each question: every connection asks its share, at a pace or without one.
async fn timed<A, F>(asks: Vec<A>, paced: bool) -> Result<Vec<f64>, Failure>
where
    A: FnMut() -> F + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let own = QUESTIONS / asks.len();
    let between = Duration::from_secs_f64(asks.len() as f64 / PACE as f64);
    let count = asks.len() as u32;
    let asking = asks.into_iter().zip(0_u32..).map(|(mut ask, number)| {
        tokio::spawn(async move {
            let mut times = Vec::with_capacity(own);
            // Not all at the same moment.
            let mut next = tokio::time::Instant::now() + between * number / count;
            for _ in 0..own {
                if paced {
                    tokio::time::sleep_until(next).await;
                    next += between;
                }
                let began = Instant::now();
                ask().await?;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
            Ok::<_, Failure>(times)
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut times = Vec::with_capacity(QUESTIONS);
    for one in asking {
        times.extend(one.await??);
    }
    Ok(times)
}

type Line = Arc<tokio::sync::Mutex<BufReader<TcpStream>>>;

/// One question over HTTP/1.1, on a connection that stays.
async fn over_rest(line: Line, request: Arc<String>) -> Result<(), Failure> {
    let mut line = line.lock().await;
    line.get_mut().write_all(request.as_bytes()).await?;
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        head.push(line.read_u8().await?);
    }
    let head = String::from_utf8(head)?.to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(format!("the server answered {head}").into());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.ok_or("an answer without a length")?.trim().parse()?];
    line.read_exact(&mut body).await?;
    answered(&body)
}

/// One question over gRPC (`bottega.v1.MessageService/AskAgent`).
async fn over_grpc(
    mut line: SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
) -> Result<(), Failure> {
    std::future::poll_fn(|context| line.poll_ready(context)).await?;
    let (response, mut stream) = line.send_request(request, false)?;
    stream.send_data(body, true)?;
    let mut answer = response.await?.into_body();
    let mut whole = Vec::new();
    while let Some(part) = answer.data().await {
        let part = part?;
        answer.flow_control().release_capacity(part.len())?;
        whole.extend_from_slice(&part);
    }
    let trailers = answer.trailers().await?.ok_or("an answer without a status")?;
    if trailers.get("grpc-status").is_none_or(|status| status != "0") {
        return Err(format!("the server answered {trailers:?}").into());
    }
    answered(&whole)
}

fn answered(body: &[u8]) -> Result<(), Failure> {
    let told = b"ap-services";
    if body.windows(told.len()).any(|bytes| bytes == told) {
        return Ok(());
    }
    Err(format!("no answer: {}", String::from_utf8_lossy(body)).into())
}

/// A field of a Protobuf message that is shorter than 128 bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, bytes.len() as u8];
    field.extend_from_slice(bytes);
    field
}

/// `AskAgentRequest` in its frame.
fn frame() -> Bytes {
    let message = [field(1, b"request"), field(3, &field(1, b"ams")), field(5, CONTENT.as_bytes())];
    let request = field(1, &message.concat());
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(request.len() as u32);
    frame.put_slice(&request);
    frame.freeze()
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let home = tempfile::tempdir()?;
    let server = Server::start(home.path())?;
    tokio::time::sleep(SETTLING).await;
    let (before, began) = (server.worked()?, Instant::now());
    tokio::time::sleep(IDLE).await;
    let share_of_one = (server.worked()? - before) / began.elapsed().as_secs_f64() * 100.0;
    let mut rows = vec![
        Row::new("idle server, of one processor", "%", share_of_one).goal(Goal::AtMost(1.0)),
        Row::new("idle server, resident", "MiB", server.holds()?).goal(Goal::AtMost(60.0)),
    ];
    let bare = Server::bare(home.path())?;
    for paced in [true, false] {
        let (ours, peers) = (rest(&server, paced).await?, rest(&bare, paced).await?);
        rows.extend(told("REST", paced, ours, peers));
        let (ours, peers) = (grpc(&server, paced).await?, grpc(&bare, paced).await?);
        rows.extend(told("gRPC", paced, ours, peers));
    }
    rows.push(Row::new("server after these questions, resident", "MiB", server.holds()?));
    Ok(rows)
}

/// Microseconds of all questions, and how long they took together.
type Timed = (Vec<f64>, Duration);

/// Times of one way in, as rows.
fn told(way: &str, paced: bool, (mut times, took): Timed, peer: Timed) -> Vec<Row> {
    let (mut peers, peer_took) = peer;
    let metric = format!("question over {way}, {CONNECTIONS} connections");
    let mut at = |what: &str, part: f64| {
        let row = Row::new(format!("{metric}, {what}"), "µs", share(&mut times, part));
        row.beside(bare_server::NAME, share(&mut peers, part))
    };
    if paced {
        let pace = format!("{PACE} a second");
        return vec![
            at(&format!("{pace}, p50"), 0.5),
            at(&format!("{pace}, p99"), 0.99).goal(Goal::MoreByAtMost(1e3)),
        ];
    }
    let p99 = at("as fast as they can, p99", 0.99);
    let rate = |took: Duration| QUESTIONS as f64 / took.as_secs_f64();
    let fast = Row::new(format!("{metric}, as fast as they can"), "1/s", rate(took));
    vec![fast.beside(bare_server::NAME, rate(peer_took)), p99]
}

async fn rest(server: &Server, paced: bool) -> Result<Timed, Failure> {
    let body = serde_json::json!({
        "message": { "performative": "request", "receiver": ["ams"], "content": CONTENT },
    })
    .to_string();
    let request = Arc::new(format!(
        "POST /v1/messages/ask HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        server.address,
        server.token,
        body.len()
    ));
    let mut asks = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let line: Line = Arc::new(tokio::sync::Mutex::new(BufReader::new(stream)));
        let request = Arc::clone(&request);
        asks.push(move || over_rest(Arc::clone(&line), Arc::clone(&request)));
    }
    let began = Instant::now();
    Ok((timed(asks, paced).await?, began.elapsed()))
}

async fn grpc(server: &Server, paced: bool) -> Result<Timed, Failure> {
    let uri = format!("http://{}/bottega.v1.MessageService/AskAgent", server.address);
    let request = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", server.token))
        .body(())?;
    let body = frame();
    let mut asks = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let (line, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(async move {
            // Its failure is the next question's.
            let _ = connection.await;
        });
        let (request, body) = (request.clone(), body.clone());
        asks.push(move || over_grpc(line.clone(), request.clone(), body.clone()));
    }
    let began = Instant::now();
    Ok((timed(asks, paced).await?, began.elapsed()))
}
