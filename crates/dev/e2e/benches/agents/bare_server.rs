//! A server that gives every question the same answer at once, over HTTP/1.1 and gRPC: what sockets, framing, the runtime and
//! whoever asks take by themselves. A process of its own, as the real one is.

use std::io::Write as _;
use std::net::Ipv4Addr;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Response};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;

/// The word that makes this program such a server.
pub(crate) const WORD: &str = "bare-server";
/// What people read about it.
pub(crate) const NAME: &str = "a server that answers at once";

/// As long as the real answer, and with the word that it is known by.
const ANSWER: &str = concat!(
    r#"{"message":{"performative":"inform","sender":"ams@local","receiver":["asker-1@local"],"content":"{\"name\":\"local\",\"ap-services\":[]}"#,
    r#"","in-reply-to":"00000000000000000000000000"}}"#
);

/// Serves until it is killed, and says where.
pub(crate) async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut out = std::io::stdout();
    writeln!(out, r#"{{"serving":{{"url":"http://{}/"}}}}"#, listener.local_addr()?)?;
    out.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut first = [0; 3];
            // The preface of HTTP/2 (RFC 9113, section 3.4), or a request line.
            let told = match stream.peek(&mut first).await {
                Ok(_) if &first == b"PRI" => over_grpc(stream).await,
                Ok(_) => over_rest(stream).await,
                Err(error) => Err(error.into()),
            };
            // Whoever asks notices by itself that nothing comes.
            drop(told);
        });
    }
}

async fn over_rest(stream: TcpStream) -> Result<(), Failure> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let mut stream = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

async fn over_grpc(stream: TcpStream) -> Result<(), Failure> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(part) = body.data().await {
                body.flow_control().release_capacity(part?.len())?;
            }
            let head = Response::builder().header("content-type", "application/grpc").body(())?;
            let mut stream = respond.send_response(head, false)?;
            let mut frame = BytesMut::new();
            frame.put_u8(0);
            frame.put_u32(ANSWER.len() as u32);
            frame.put_slice(ANSWER.as_bytes());
            stream.send_data(Bytes::from(frame), false)?;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse()?);
            stream.send_trailers(trailers)?;
            Ok::<_, Failure>(())
        });
    }
    Ok(())
}
