//! A server that other machines may reach: over TLS, to who believes in its certificate, and not at all without one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use serde_json::Value;

use crate::home::Home;

/// A certificate for `localhost` that vouches for itself, and its key, in the workspace.
fn papers(home: &Home, name: &str) -> [PathBuf; 2] {
    papers_for(home, name, "localhost")
}

fn papers_for(home: &Home, name: &str, host: &str) -> [PathBuf; 2] {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    home.write(&format!("{name}.pem"), params.self_signed(&key).unwrap().pem());
    home.write(&format!("{name}.key"), key.serialize_pem());
    let [pem, key] = ["pem", "key"].map(|end| home.workspace().join(format!("{name}.{end}")));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    [pem, key]
}

#[test]
fn a_server_beyond_this_machine_is_encrypted() {
    let home = Home::new();
    let open = home.bottega(&["serve", "--listen", "0.0.0.0:0"]).finish().with_code(2);
    assert!(open.stderr.contains("BTG0001") && open.stderr.contains("--tls-cert"), "{open:?}");

    let [pem, key] = papers(&home, "own");
    let [other, _] = papers(&home, "other");
    let words = ["serve", "--bind", "0.0.0.0:0", "--json", "--tls-cert", "own.pem"];
    let half = home.bottega(&words).finish().with_code(2);
    assert!(half.stderr.contains("server.tls_key"), "{}", half.stderr);
    let whole = [&words[..], &["--tls-key", "own.key"]].concat();
    let foreign = home.bottega(&whole).env("BOTTEGA_SERVER_TLS_KEY", "x");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o604)).unwrap();
    let exposed = foreign.finish().with_code(2);
    assert!(exposed.stderr.contains("open to everybody"), "{}", exposed.stderr);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let mut server = home.bottega(&whole).start();
    let line: Value = serde_json::from_str(&server.line().unwrap()).unwrap();
    let url = line["serving"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let pem = pem.to_str().unwrap();
    // The server of this machine is found and believed in; another certificate that is named is not its own.
    home.bottega(&["agent", "list"]).finish().done();
    home.bottega(&["agent", "list", "--ca-cert", pem]).finish().done();
    home.bottega(&["agent", "list", "--server", url])
        .env("BOTTEGA_SERVER_CA_CERT", pem)
        .finish()
        .done();
    let token = fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let stranger = Home::new();
    for (home, believed) in [(&stranger, &[][..]), (&home, &["--ca-cert", other.to_str().unwrap()])]
    {
        let list = [&["agent", "list", "--server", url][..], believed].concat();
        let refused = home.bottega(&list).env("BOTTEGA_SERVER_TOKEN", token.trim());
        let refused = refused.finish().with_code(1);
        assert!(refused.stderr.contains("BTG0023"), "{}", refused.stderr);
        assert!(refused.stderr.contains("is not who it should be"), "{}", refused.stderr);
    }
    server.signal(Signal::TERM);
    server.finish().done();
    home.audit();
}

#[test]
fn its_own_machine_reaches_a_server_whose_name_leads_elsewhere() {
    let home = Home::new();
    papers_for(&home, "own", "hall.invalid");
    let words = ["serve", "--listen", "127.0.0.1:0", "--json", "--tls-cert", "own.pem"];
    let mut server = home.bottega(&[&words[..], &["--tls-key", "own.key"]].concat()).start();
    let line: Value = serde_json::from_str(&server.line().unwrap()).unwrap();
    let url = line["serving"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://hall.invalid:"), "{url}");
    home.bottega(&["agent", "list"]).finish().done();
    home.bottega(&["agent", "list", "--server", url]).finish().done();
    server.signal(Signal::TERM);
    server.finish().done();
}
