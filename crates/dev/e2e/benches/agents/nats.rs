//! The peer NATS: a server of its own process and the plain text protocol, without a client library between
//! (<https://docs.nats.io/reference/reference-protocols/nats-protocol>): the server is given its best.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::row::share;

/// How the server without a store is named in rows.
pub(crate) const CORE: &str = "NATS core";
/// What a row says of it where it is not installed.
pub(crate) const ABSENT: &str =
    "NATS: peer absent (nats-server 2.10 or newer on the PATH, or named by NATS_SERVER)";

/// When `JetStream` syncs what it stores.
#[derive(Clone, Copy)]
pub(crate) enum Sync {
    /// Before each acknowledgement.
    Always,
    /// Every two minutes.
    Default,
}

/// A server that ends with its value.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one on a port that is free; `None` when it is not installed, or too old to be told when to sync.
    fn start(folder: &Path, sync: Sync) -> Result<Option<Self>, Failure> {
        let sync = match sync {
            Sync::Always => "sync_interval: always",
            Sync::Default => "",
        };
        let settings = format!(
            "host: 127.0.0.1\nport: -1\nports_file_dir: {folder:?}\njetstream {{ store_dir: {folder:?}\n{sync} }}\n"
        );
        let file = folder.join("nats.conf");
        std::fs::write(&file, settings)?;
        let said = std::fs::File::create(folder.join("nats.log"))?;
        let started =
            Command::new(std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into()))
                .arg("-c")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(said)
                .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut server = Self { child, address: String::new() };
        let ports = folder.join(format!("nats-server_{}.ports", server.child.id()));
        let began = Instant::now();
        while server.address.is_empty() {
            if let Some(ended) = server.child.try_wait()? {
                let said = std::fs::read_to_string(folder.join("nats.log"))?;
                if said.contains("unknown field \"sync_interval\"") {
                    return Ok(None);
                }
                return Err(format!("nats-server ended, {ended}: {said}").into());
            }
            if began.elapsed() > Duration::from_secs(10) {
                return Err("nats-server did not start within ten seconds".into());
            }
            let text = std::fs::read(&ports).unwrap_or_default();
            let ports: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            if let Some(address) = ports["nats"][0].as_str() {
                address.trim_start_matches("nats://").clone_into(&mut server.address);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Some(server))
    }

    fn connect(&self) -> Result<Line, Failure> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut line =
            Line { reader: BufReader::new(stream.try_clone()?), writer: BufWriter::new(stream) };
        line.writer.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n")?;
        line.settle()?;
        Ok(line)
    }
}

/// One connection.
struct Line {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
}

impl Line {
    fn subscribe(&mut self, subject: &str) -> Result<(), Failure> {
        write!(self.writer, "SUB {subject} 1\r\n")?;
        self.settle()
    }

    /// Waits until the server has taken what was written. Nothing else may be under way.
    fn settle(&mut self) -> Result<(), Failure> {
        self.writer.write_all(b"PING\r\n")?;
        self.writer.flush()?;
        while self.line()? != "PONG" {}
        Ok(())
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err("nats-server closed the connection".into());
        }
        if line.starts_with("-ERR") {
            return Err(format!("nats-server: {line}").into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    fn publish(&mut self, subject: &str, reply: &str, body: &[u8]) -> Result<(), Failure> {
        write!(self.writer, "PUB {subject} {reply} {}\r\n", body.len())?;
        self.writer.write_all(body)?;
        Ok(self.writer.write_all(b"\r\n")?)
    }

    /// The next message: where an answer goes, and its body.
    fn next(&mut self) -> Result<(String, Vec<u8>), Failure> {
        loop {
            let line = self.line()?;
            if line == "PING" {
                self.writer.write_all(b"PONG\r\n")?;
                self.writer.flush()?;
            }
            let Some(head) = line.strip_prefix("MSG ") else { continue };
            let words: Vec<&str> = head.split(' ').collect();
            let size: usize = words.last().ok_or("a MSG without a size")?.parse()?;
            let mut body = vec![0; size + 2];
            self.reader.read_exact(&mut body)?;
            body.truncate(size);
            let reply = if words.len() == 4 { words[2].to_owned() } else { String::new() };
            return Ok((reply, body));
        }
    }
}

/// The message of the other rows, as it is stored and carried.
fn letter() -> Result<Vec<u8>, Failure> {
    Ok(bottega_acl::json::encode(&crate::message(&crate::name(0)?)?).into_bytes())
}

/// Messages per second from one publisher to one subscriber.
pub(crate) async fn publish_and_subscribe(count: usize) -> Result<Option<f64>, Failure> {
    let measure = move || -> Result<Option<f64>, Failure> {
        let folder = tempfile::tempdir()?;
        let Some(server) = Server::start(folder.path(), Sync::Default)? else { return Ok(None) };
        let (mut hearing, mut saying) = (server.connect()?, server.connect()?);
        hearing.subscribe("bench")?;
        let letter = letter()?;
        let began = Instant::now();
        let publisher = std::thread::spawn(move || -> Result<(), Failure> {
            for _ in 0..count {
                saying.publish("bench", "", &letter)?;
            }
            Ok(saying.writer.flush()?)
        });
        for _ in 0..count {
            hearing.next()?;
        }
        let rate = count as f64 / began.elapsed().as_secs_f64();
        publisher.join().map_err(|_| "the publisher panicked")??;
        Ok(Some(rate))
    };
    tokio::task::spawn_blocking(measure).await?
}

/// The median of microseconds from a request to its reply.
pub(crate) async fn request_and_reply(count: usize) -> Result<Option<f64>, Failure> {
    let measure = move || -> Result<Option<f64>, Failure> {
        let folder = tempfile::tempdir()?;
        let Some(server) = Server::start(folder.path(), Sync::Default)? else { return Ok(None) };
        let (mut asking, mut answering) = (server.connect()?, server.connect()?);
        answering.subscribe("bench")?;
        asking.subscribe("answers")?;
        let letter = letter()?;
        let answerer = std::thread::spawn(move || -> Result<(), Failure> {
            for _ in 0..count {
                let (reply, body) = answering.next()?;
                answering.publish(&reply, "", &body)?;
                answering.writer.flush()?;
            }
            Ok(())
        });
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            asking.publish("bench", "answers", &letter)?;
            asking.writer.flush()?;
            asking.next()?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
        answerer.join().map_err(|_| "the answerer panicked")??;
        Ok(Some(share(&mut times, 0.5)))
    };
    tokio::task::spawn_blocking(measure).await?
}

/// Acknowledged messages per second of a stream on disk, with so many under way at a time.
pub(crate) async fn stored(
    place: &Path,
    window: usize,
    sync: Sync,
    span: Duration,
) -> Result<Option<f64>, Failure> {
    let folder = tempfile::tempdir_in(place)?;
    let measure = move || -> Result<Option<f64>, Failure> {
        let Some(server) = Server::start(folder.path(), sync)? else { return Ok(None) };
        let mut line = server.connect()?;
        line.subscribe("answers")?;
        let stream = br#"{"name":"BENCH","subjects":["bench"],"storage":"file","retention":"limits","num_replicas":1}"#;
        line.publish("$JS.API.STREAM.CREATE.BENCH", "answers", stream)?;
        line.writer.flush()?;
        acknowledged(&line.next()?.1)?;
        let letter = letter()?;
        for _ in 0..window {
            line.publish("bench", "answers", &letter)?;
        }
        line.writer.flush()?;
        let (began, mut count) = (Instant::now(), 0_u64);
        while began.elapsed() < span {
            acknowledged(&line.next()?.1)?;
            count += 1;
            line.publish("bench", "answers", &letter)?;
            // What came together is answered together.
            if line.reader.buffer().is_empty() {
                line.writer.flush()?;
            }
        }
        Ok(Some(count as f64 / began.elapsed().as_secs_f64()))
    };
    tokio::task::spawn_blocking(measure).await?
}

fn acknowledged(answer: &[u8]) -> Result<(), Failure> {
    if answer.windows(7).any(|bytes| bytes == b"\"error\"") {
        return Err(format!("JetStream: {}", String::from_utf8_lossy(answer)).into());
    }
    Ok(())
}
