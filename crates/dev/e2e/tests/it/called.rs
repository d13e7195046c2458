//! gRPC as the real server speaks it, by the frames of HTTP/2 (`PROTOCOL-HTTP2.md` of gRPC): asked, followed, refused.

use std::fs;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response};

use crate::home::Home;
use crate::served::{agent, serve};

/// A message without compression: its length before it.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame.into()
}

/// A field of Protobuf that is text: its number, the wire type 2, its length, itself.
fn text(number: u8, text: &str) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(text.len()).unwrap()];
    field.extend(text.as_bytes());
    field
}

async fn call(
    client: &mut SendRequest<Bytes>,
    method: &str,
    token: Option<&str>,
    message: &[u8],
) -> Response<RecvStream> {
    let request = Request::post(format!("http://localhost/bottega.v1.{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let (answer, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(framed(message), true).unwrap();
    answer.await.unwrap()
}

/// The status, which stands in the head where there is no message.
async fn status(answer: Response<RecvStream>) -> (Vec<u8>, String) {
    let (head, mut body) = answer.into_parts();
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend(piece);
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    let said = |headers: &HeaderMap| {
        headers.get("grpc-status").map(|value| value.to_str().unwrap().to_owned())
    };
    (bytes, said(&trailers).or_else(|| said(&head.headers)).unwrap())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn the_real_server_is_called_and_followed() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (server, url) = serve(&home);
    let token = fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let token = Some(token.trim());
    let stream =
        tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a client's connection is driven by a task")]
    let driven = tokio::spawn(connection);

    let (_, refused) = status(call(&mut client, "AgentService/ListAgents", None, &[]).await).await;
    assert_eq!(refused, "16", "whoever has no token is not let in");
    let (listed, ok) = status(call(&mut client, "AgentService/ListAgents", token, &[]).await).await;
    assert!(ok == "0" && holds(&listed, "df@local") && !holds(&listed, "counter@local"));
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    // An agent is followed from its beginning until it is taken away, which ends the stream as it should end.
    let name = text(1, "counter");
    let followed = call(&mut client, "AgentService/FollowAgentEvents", token, &name).await;
    home.bottega(&["agent", "rm", "counter"]).finish().done();
    let (events, ok) = status(followed).await;
    assert_eq!(ok, "0");
    for kind in ["agent.hosted", "agent.started", "agent.deployed", "agent.removed"] {
        assert!(holds(&events, kind), "{kind} was not told");
    }
    let (_, unknown) = status(call(&mut client, "AgentService/GetAgent", token, &name).await).await;
    assert_eq!(unknown, "5", "it is not found any more");
    drop(client);
    driven.await.unwrap().unwrap();
    drop(server);
}
