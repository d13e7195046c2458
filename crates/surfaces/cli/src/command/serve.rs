//! `bottega serve`: hosts agents, and lets programs work with them.

use std::sync::{Mutex, PoisonError};

use bottega_api::codes;
use bottega_client::{ServeRequest, Serving};
use clap::Args;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::json;

use super::Desk;
use crate::invocation::Override;
use crate::report::{Failure, Form};
use crate::terminal::Interrupt;
use crate::visible;

/// Host agents, and serve them over HTTP
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega serve                           at 127.0.0.1:7437
  bottega serve --listen 127.0.0.1:0      at any free port
  bottega serve --listen 0.0.0.0:7437 --tls-cert home.pem --tls-key home.key
  bottega agent deploy ./greeter          from another terminal

It tells where it listens, and which file holds the token that lets programs in.
`/docs` there describes the API. The first Ctrl-C (or SIGTERM) lets what is under
way end, the second leaves at once.

What other machines reach is encrypted, so that needs a certificate and its key.
Both are read again when their files change. One for a network at home:

  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
    -days 365 -keyout home.key -out home.pem -subj /CN=home.local \\
    -addext basicConstraints=critical,CA:FALSE \\
    -addext subjectAltName=DNS:home.local,IP:192.168.0.7

Its clients name it by `--ca-cert home.pem`, or in the setting `server.ca_cert`.")]
pub(crate) struct Arguments {
    /// Address and port; one that other machines reach needs TLS
    #[arg(
        long,
        visible_alias = "bind",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:7437"
    )]
    listen: String,
    /// The server's certificate (PEM), and after it those that lead to one that clients know
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// A name or address by which clients address the server; those of the certificate when absent
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

impl Arguments {
    /// The settings that these flags set.
    pub(crate) fn overrides(&self) -> Vec<Override> {
        let hosts = (!self.hosts.is_empty()).then(|| self.hosts.join(","));
        let rows = [
            ("--tls-cert", "server.tls_cert", self.tls_cert.clone()),
            ("--tls-key", "server.tls_key", self.tls_key.clone()),
            ("--host", "server.hosts", hosts),
        ];
        rows.into_iter()
            .filter_map(|(flag, path, value)| {
                Some(Override { flag, path: path.to_owned(), value: value? })
            })
            .collect()
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let form = desk.form();
    let entrance = desk.entrance;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let interrupts = &mut desk.terminal.interrupts;
    // Where it serves is what a script waits for, so it gets that as a result.
    let told_at = match form {
        Form::Json => &mut desk.terminal.out,
        Form::People => &mut desk.terminal.err,
    };
    let told_at = Mutex::new(told_at);
    let tell = |text: &str| {
        // When nobody reads any more there is nobody to tell, and the work goes on.
        let mut told_at = told_at.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = told_at.write_all(text.as_bytes()).and_then(|()| told_at.flush());
    };
    let ready = |serving: Serving| tell(&told(&serving, form));
    let stopped = Box::pin(async {
        // Dropped or told, it is to stop.
        let _ = stopped.await;
    });
    let serving = entrance.serve(ServeRequest { listen: arguments.listen }, &ready, stopped);
    let interrupted = async {
        asked(interrupts).await;
        if form == Form::People {
            tell("stopping; once more leaves at once\n");
        }
        drop(stop);
        asked(interrupts).await;
    };
    tokio::select! {
        biased;
        ended = serving => ended.map(|()| 0).map_err(Failure::from),
        () = interrupted => Err(Failure::Silent(codes::INTERRUPTED.exit)),
    }
}

/// Waits until this process is asked to stop. A stream that has ended asks for nothing.
async fn asked(interrupts: &mut BoxStream<'static, Interrupt>) {
    if interrupts.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

fn told(serving: &Serving, form: Form) -> String {
    let Serving { url, token_file } = serving;
    match form {
        Form::Json => {
            format!("{}\n", json!({ "serving": { "url": url, "token_file": token_file } }))
        }
        Form::People => {
            let token_file = visible::first_line(token_file);
            format!("serving at {url}\n  token: {token_file}\n  API:   {url}/docs\n")
        }
    }
}
