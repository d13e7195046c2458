//! Messages that the real server brings to an agent's webhook: signed, until they are taken, also by the next server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;

use crate::home::Home;
use crate::served::{serve, wait_until};

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One request to the agent.
#[derive(Debug)]
struct Hooked {
    id: String,
    body: Value,
    traceparent: Option<String>,
}

/// Takes one message in, looks at its signature, and answers with this status.
fn receive(listener: &TcpListener, status: &str) -> Hooked {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    assert_eq!(head[0], "POST /clerk HTTP/1.1");
    let field = |name: &str| {
        let found = head.iter().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        found.unwrap_or_default()
    };
    let mut body = vec![0; field("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    let id = field("webhook-id");
    mac.update(format!("{id}.{}.", field("webhook-timestamp")).as_bytes());
    mac.update(&body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(field("webhook-signature"), format!("v1,{signature}"));
    let traceparent = Some(field("traceparent")).filter(|value| !value.is_empty());
    Hooked { id, body: serde_json::from_slice(&body).unwrap(), traceparent }
}

#[test]
fn an_agent_outside_is_told_at_its_webhook_until_it_says_yes() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let manifest = format!(
        "name = \"clerk\"\nversion = \"1.0.0\"\nworld = \"outside\"\ndelivery = \"durable\"\n\
         [webhook]\nurl = \"http://{at}/clerk\"\nsecret = \"secret:clerk\"\n"
    );
    home.write("clerk/bottega.toml", manifest);
    let (server, _) = serve(&home);
    let refused = home.bottega(&["agent", "deploy", "clerk"]).finish().with_code(2);
    assert!(refused.stderr.contains("server.webhook_hosts"), "{}", refused.stderr);
    server.kill();

    home.settings(&format!("[server]\nwebhook_hosts = [\"{at}\"]\n"));
    let (server, _) = serve(&home);
    let refused = home.bottega(&["agent", "deploy", "clerk"]).finish().with_code(2);
    assert!(refused.stderr.contains("bottega secret set clerk"), "{}", refused.stderr);
    let set = home.bottega(&["secret", "set", "clerk"]);
    set.typed(&format!("whsec_{KEY}\n")).finish().done();
    home.bottega(&["agent", "deploy", "clerk"]).finish().done();
    home.bottega(&["message", "send", "clerk", "file this"]).finish().done();
    let first = receive(&listener, "500 Internal Server Error");
    assert_eq!(first.body["type"], "message");
    assert_eq!(first.body["data"]["message"]["content"], "file this");
    assert!(first.id.starts_with("msg_") && first.traceparent.is_some(), "{first:?}");
    let told = || home.bottega(&["agent", "logs", "clerk"]).finish().done().stdout;
    wait_until(|| told().contains("answered 500"));
    server.kill();

    let (server, _) = serve(&home);
    let second = receive(&listener, "204 No Content");
    assert_eq!(second.id, first.id);
    home.bottega(&["message", "send", "clerk", "and this"]).finish().done();
    let third = receive(&listener, "200 OK");
    assert_eq!(third.body["data"]["message"]["content"], "and this");
    assert_ne!(third.id, first.id);
    assert!(!told().contains(KEY), "{}", told());
    drop(server);
    home.audit();
}
