//! The web of a call: what it said, and where redirects lead.

use bottega_policy::egress::WebUrl;
use bottega_tool::{WebAnswer, WebError};

use super::*;

/// Pages by address: a text, or `-> ADDRESS` for a redirect. Remembers who was asked for.
#[derive(Default)]
struct Pages {
    pages: Vec<(&'static str, &'static str)>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Web for Pages {
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        self.asked.lock().unwrap().push(url.to_string());
        let page = self.pages.iter().find(|(address, _)| *address == url.as_str());
        let (_, page) = page.unwrap_or_else(|| panic!("{url} was asked for"));
        let redirect = page.strip_prefix("-> ").map(str::to_owned);
        Ok(WebAnswer {
            url: url.clone(),
            status: if redirect.is_some() { 302 } else { 200 },
            content_type: None,
            body: if redirect.is_some() { Vec::new() } else { page.as_bytes().to_vec() },
            redirect,
            announced: None,
            cut: false,
        })
    }
}

const PAGES: [(&str, &str); 12] = [
    ("http://example.org/", "-> https://example.org/"),
    ("https://example.org/", "the page"),
    ("https://example.org/www", "-> https://www.example.org/"),
    ("https://www.example.org/", "the other page"),
    ("https://example.org/plain", "-> http://example.org/"),
    ("https://example.org/port", "-> //example.org:8443/"),
    ("https://example.org/inside", "-> http://127.0.0.1/"),
    ("https://example.org/odd", "-> http://0x7f.1/"),
    ("https://example.org/file", "-> file:///etc/passwd"),
    ("https://example.org/login", "-> https://me:word@example.org/"),
    ("https://example.org/round", "-> round"),
    ("https://example.org/evil", "-> https://evil.org/?what=was-read"),
];

struct Case {
    mode: AccessMode,
    rules: Rules,
    answers: Vec<Approval>,
}

impl Case {
    fn new(mode: AccessMode) -> Self {
        let list = |texts: &[&str]| texts.iter().map(|text| Rule((*text).into())).collect();
        let rules = Rules {
            deny: list(&["net:evil.org"]),
            allow: list(&["net:example.org"]),
            ..Rules::default()
        };
        Self { mode, rules, answers: Vec::new() }
    }

    /// Gets `address`, having said `host`. What the model reads without its marks, and the hosts it is from.
    async fn get(self, host: &str, address: &str) -> (ToolReport, String, Vec<String>) {
        let pages = Arc::new(Pages { pages: PAGES.to_vec(), ..Pages::default() });
        let setup = Setup {
            mode: self.mode,
            rules: self.rules,
            answers: self.answers,
            web: pages.clone(),
            ..Setup::default()
        };
        let world = setup.world();
        let report = world.call("get", json!({ "path": host, "text": address })).await;
        let inner = report.text.lines().filter(|line| !line.contains("untrusted"));
        let text = inner.collect::<Vec<_>>().join("\n");
        let asked = pages.asked.lock().unwrap().clone();
        assert_eq!(world.scope.carries(), report.origins);
        (report, text, asked)
    }

    /// What comes of `https://example.org/PATH` where `example.org` was said and allowed.
    async fn check(self, path: &str, outcome: ToolOutcome, expected: &str, asked: usize) {
        let (report, text, asked_for) =
            self.get("example.org", &format!("https://example.org/{path}")).await;
        assert_eq!((report.outcome, &*text), (outcome, expected), "{path}");
        assert_eq!(asked_for.len(), asked, "{path}: {asked_for:?}");
    }
}

fn hosts(report: &ToolReport) -> Vec<String> {
    report.origins.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_redirect_to_the_same_host_is_followed() {
    let case = Case::new(AccessMode::Auto);
    let (report, text, asked) = case.get("example.org", "http://example.org/").await;
    assert_eq!((report.outcome, &*text), (ToolOutcome::Succeeded, "the page"));
    assert_eq!(asked, ["http://example.org/", "https://example.org/"]);
    assert_eq!(hosts(&report), ["example.org"]);
}

#[tokio::test]
async fn each_redirect_is_judged_anew() {
    let (done, failed) = (ToolOutcome::Succeeded, ToolOutcome::Failed);
    let auto = || Case::new(AccessMode::Auto);
    auto()
        .check(
            "www",
            failed,
            "https://example.org/www redirects to https://www.example.org/, and www.example.org was not allowed with this \
             call (to connect to www.example.org reaches the network); call the tool with that address to ask for it",
            1,
        )
        .await;
    let mut wider = auto();
    wider.rules.allow.push(Rule("net:*.example.org".into()));
    wider.check("www", done, "the other page", 2).await;
    Case::new(AccessMode::Full).check("www", done, "the other page", 2).await;
    for mode in [AccessMode::Auto, AccessMode::Full] {
        Case::new(mode)
            .check(
                "evil",
                failed,
                "https://example.org/evil redirects to https://evil.org/?what=was-read, and evil.org is not allowed: the \
                 settings forbid to connect to evil.org (deny rule `net:evil.org`)",
                1,
            )
            .await;
    }
    for (path, words) in [
        (
            "port",
            "and example.org was not allowed with this call (to connect to example.org:8443 reaches the network)",
        ),
        ("inside", "and 127.0.0.1 was not allowed with this call"),
        (
            "odd",
            "redirects to nothing that can be fetched: `0x7f.1` is an odd spelling of an address",
        ),
        ("file", "redirects to nothing that can be fetched: only addresses that begin with http"),
        ("login", "redirects to nothing that can be fetched: an address with a login"),
        ("plain", "redirects to http://example.org/, which is not encrypted; call the tool"),
    ] {
        let (report, text, asked) =
            auto().get("example.org", &format!("https://example.org/{path}")).await;
        assert_eq!((report.outcome, asked.len()), (failed, 1), "{path}: {text}");
        assert!(text.contains(words), "{path}: {text}");
    }
    auto()
        .check("round", failed, "more than 5 redirects, the last to https://example.org/round", 6)
        .await;
}

#[tokio::test]
async fn whoever_answered_is_an_origin_unless_somebody_vouches_for_them() {
    let get = |rules: Rules| {
        let case = Case { rules, ..Case::new(AccessMode::Full) };
        async { hosts(&case.get("example.org", "https://example.org/www").await.0) }
    };
    assert_eq!(get(Rules::default()).await, ["example.org", "www.example.org"]);
    let trust = vec![Rule("net:example.org".into())];
    assert_eq!(get(Rules { trust, ..Rules::default() }).await, ["www.example.org"]);
}

#[tokio::test]
async fn a_yes_for_this_once_opens_this_host_alone() {
    let rules = Rules::default();
    let once = |answers| Case { rules: rules.clone(), answers, ..Case::new(AccessMode::Ask) };
    once(vec![Approval::Once]).check("", ToolOutcome::Succeeded, "the page", 1).await;
    let (report, _, asked) =
        once(vec![Approval::Once]).get("example.org", "https://example.org/www").await;
    assert_eq!((report.outcome, asked.len()), (ToolOutcome::Failed, 1));
    let (report, _, asked) = once(vec![]).get("example.org", "https://example.org/").await;
    assert_eq!((report.outcome, asked.len()), (ToolOutcome::Denied, 0));
    let read_only = Case::new(AccessMode::ReadOnly);
    let (report, _, asked) = read_only.get("example.org", "https://example.org/").await;
    assert_eq!((report.outcome, asked.len()), (ToolOutcome::Denied, 0));
}

#[tokio::test]
async fn a_call_reaches_no_host_that_it_did_not_name() {
    let case = Case::new(AccessMode::Auto);
    let (report, text, asked) = case.get("example.org", "https://www.example.org/").await;
    assert_eq!((report.outcome, asked.len()), (ToolOutcome::Failed, 0));
    assert_eq!(text, "www.example.org:443 was not asked for, so nobody has allowed it");
    let case = Case::new(AccessMode::Full);
    let (report, text, asked) = case.get("", "https://www.example.org/").await;
    assert_eq!((report.outcome, asked.len()), (ToolOutcome::Failed, 0), "{text}");
}
