//! Who is reached, and who is not.

use crate::world::{INSIDE, PUBLIC, Serves, World};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// What a client is told, without the head of the answer.
fn words(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or(answer, |(_, words)| words.trim_end())
}

#[test]
fn a_tunnel_carries_whatever_is_said() {
    let came = World::new().connect(&[
        "CONNECT example.org:PORT HTTP/1.1\r\nHost: example.org:PORT\r\n\r\nhello end\n",
    ]);
    assert_eq!(came.heard, [format!("{ESTABLISHED}hello end\n")]);
    assert_eq!(came.public, ["hello end\n"]);
    assert_eq!((came.asked, came.refused), (vec!["example.org".to_owned()], vec![]));
}

#[test]
fn a_plain_request_reaches_the_host_of_its_address_alone() {
    let world = World { serves: Serves::Answers("HTTP/1.1 200 OK\r\n\r\nhi"), ..World::new() };
    let came = world.connect(&[
        "POST http://example.org:PORT/a HTTP/1.1\r\nHost: evil.net\r\nContent-Length: 3\r\n\r\nabcGET http://evil.net/ HTTP/1.1\r\nHost: evil.net\r\n\r\n",
    ]);
    assert_eq!(came.heard, ["HTTP/1.1 200 OK\r\n\r\nhi"]);
    assert_eq!(
        came.public,
        [
            "POST /a HTTP/1.1\r\nHost: example.org:PORT\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
        ],
    );
}

/// Asks for something that must be refused before anybody hears of it.
#[track_caller]
fn refused(world: &World, text: &str, why: &str) {
    let came = world.connect(&[text]);
    assert!(came.heard[0].starts_with("HTTP/1.1 4"), "{text}: {came:?}");
    assert_eq!(words(&came.heard[0]), format!("bottega: {why}"), "{text}");
    assert!(came.public.is_empty() && came.inside.is_empty(), "{text}: {came:?}");
}

#[test]
fn who_was_not_granted_is_not_even_looked_up() {
    let world = World::new();
    for host in ["other.org", "example.org.evil.net", "notexample.org"] {
        let text = format!("CONNECT {host}:PORT HTTP/1.1\r\n\r\n");
        let came = world.connect(&[&text]);
        assert_eq!(words(&came.heard[0]), format!("bottega: {host}:PORT was not granted"));
        assert_eq!(came.refused, [format!("refused: {host}:PORT was not granted")]);
        assert!(came.asked.is_empty() && came.public.is_empty() && came.inside.is_empty());
    }
    refused(&world, "CONNECT example.org:25 HTTP/1.1\r\n\r\n", "example.org:25 was not granted");
}

#[test]
fn a_granted_name_leads_to_no_private_address() {
    let why = "example.org:PORT leads to 127.0.0.1, which is this machine";
    for addresses in [vec![INSIDE], vec![PUBLIC, INSIDE], vec![INSIDE, PUBLIC]] {
        let world = World { answers: vec![addresses], ..World::new() };
        refused(&world, "CONNECT example.org:PORT HTTP/1.1\r\n\r\n", why);
        refused(&world, "GET http://example.org:PORT/ HTTP/1.1\r\n\r\n", why);
    }
    for (address, what) in [
        ("10.0.0.1", "a private network"),
        ("169.254.169.254", "a cloud's metadata service"),
        ("169.254.0.9", "a link-local address"),
        ("224.0.0.1", "a multicast address"),
        ("::1", "this machine"),
        ("::ffff:127.0.0.2", "an IPv4 address inside an IPv6 one"),
        ("64:ff9b::7f00:1", "an IPv4 address inside an IPv6 one"),
        ("fe80::1", "a link-local address"),
        ("fd00::1", "a private network"),
    ] {
        let world = World { answers: vec![vec![address.parse().unwrap()]], ..World::new() };
        let why = format!("example.org:PORT leads to {address}, which is {what}");
        refused(&world, "CONNECT example.org:PORT HTTP/1.1\r\n\r\n", &why);
    }
}

#[test]
fn a_name_that_is_bound_anew_leads_nowhere() {
    // Public when it is looked at, inside a moment later: what was looked at is what is connected to.
    let world = World { answers: vec![vec![PUBLIC], vec![INSIDE]], ..World::new() };
    let ask = "CONNECT example.org:PORT HTTP/1.1\r\n\r\nend\n";
    let came = world.connect(&[ask, ask]);
    assert_eq!(came.heard[0], format!("{ESTABLISHED}end\n"));
    assert!(came.heard[1].starts_with("HTTP/1.1 403 "), "{came:?}");
    assert_eq!((came.public.len(), came.inside.len(), came.asked.len()), (1, 0, 2));
}

#[test]
fn a_redirect_is_only_an_answer() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:PORT/latest/meta-data\r\n\r\n";
    let world = World { serves: Serves::Answers(moved), ..World::new() };
    let came = world.connect(&[
        "GET http://example.org:PORT/ HTTP/1.1\r\n\r\n",
        "GET http://127.0.0.1:PORT/latest/meta-data HTTP/1.1\r\n\r\n",
    ]);
    assert!(came.heard[0].starts_with("HTTP/1.1 302 "), "{came:?}");
    // Granted by its number even; it is this machine all the same.
    assert_eq!(
        words(&came.heard[1]),
        "bottega: 127.0.0.1:PORT leads to 127.0.0.1, which is this machine"
    );
    assert!(came.inside.is_empty());
}

#[test]
fn odd_spellings_of_an_address_are_refused() {
    let world = World { hosts: vec!["*"], ..World::new() };
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7F.1",
        "017700000001",
        "0177.0.0.01",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0",
        "127.0.0.0x1",
        "[::ffff:127.0.0.1%25lo]",
    ] {
        let why =
            format!("`{host}` is an odd spelling of an address; write it as four decimal numbers");
        refused(&world, &format!("CONNECT {host}:80 HTTP/1.1\r\n\r\n"), &why);
        refused(&world, &format!("GET http://{host}/ HTTP/1.1\r\n\r\n"), &why);
    }
    for (host, address) in
        [("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"), ("[::ffff:7f00:1]", "::ffff:127.0.0.1")]
    {
        let why = format!(
            "[{address}]:80 leads to {address}, which is an IPv4 address inside an IPv6 one"
        );
        refused(&world, &format!("CONNECT {host}:80 HTTP/1.1\r\n\r\n"), &why);
    }
    for host in [
        "localhost",
        "LOCALHOST",
        "metadata",
        "127。0。0。1",
        "１２７.0.0.1",
        "127.0.0.1%2f.example.org",
    ] {
        let came = world.connect(&[&format!("CONNECT {host}:80 HTTP/1.1\r\n\r\n")]);
        assert!(came.heard[0].contains("is no host name"), "{host}: {came:?}");
        assert!(came.asked.is_empty() && came.public.is_empty() && came.inside.is_empty());
    }
}

#[test]
fn what_is_no_request_is_answered_so() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET http://example.org:PORT/ HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
    ] {
        let came = World::new().connect(&[text]);
        assert!(came.heard[0].starts_with("HTTP/1.1 400 "), "{text}: {came:?}");
        assert!(came.asked.is_empty() && came.public.is_empty());
    }
}

#[test]
fn a_name_without_an_address_is_told() {
    let came = World { answers: vec![], ..World::new() }
        .connect(&["CONNECT www.example.org:443 HTTP/1.1\r\n\r\n"]);
    assert!(came.heard[0].starts_with("HTTP/1.1 502 "), "{came:?}");
    let world = World { answers: vec![vec![]], ..World::new() };
    refused(
        &world,
        "CONNECT a.example.org:443 HTTP/1.1\r\n\r\n",
        "a.example.org:443 has no address",
    );
}
