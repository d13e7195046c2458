//! Each test has a collector of its own, over real HTTP.

use bottega_testkit::{FakeCollector, Reception, SeenMetric};
use bottega_types::{Seeded, SpanId, TraceContext};

use super::*;
use crate::step::{StepKind, Value};

/// More than any test needs; nothing here is awaited for its length.
const PATIENCE: Duration = Duration::from_secs(60);

fn options(fake: &FakeCollector) -> Collector {
    Collector {
        traces: Some(format!("{}/v1/traces", fake.url())),
        metrics: Some(format!("{}/v1/metrics", fake.url())),
        headers: vec![("authorization".to_owned(), Secret::new("Bearer s3cret".to_owned()))],
        timeout: PATIENCE,
        interval: PATIENCE,
        gathering: Duration::ZERO,
        rest: Duration::from_millis(1),
        resource: vec![("service.name".to_owned(), "bottega".to_owned())],
    }
}

fn begun(options: Collector) -> (Outbox, tokio::task::JoinHandle<()>) {
    let (outbox, work) = Outbox::new(options).unwrap();
    #[expect(clippy::disallowed_methods, reason = "this room is below the one that owns tasks")]
    let task = tokio::spawn(work);
    (outbox, task)
}

fn span(name: &str, kind: StepKind, attributes: Vec<(&'static str, Value)>) -> Span {
    Span {
        context: TraceContext::fresh(&Seeded::new(1)),
        parent: None,
        kind,
        name: name.to_owned(),
        ended: SystemTime::UNIX_EPOCH,
        took: Duration::from_millis(20),
        attributes,
        failed: None,
    }
}

fn chat() -> Span {
    let attributes = vec![
        ("gen_ai.operation.name", Value::from("chat")),
        ("gen_ai.request.model", Value::from("large")),
        ("gen_ai.usage.input_tokens", Value::from(120)),
        ("gen_ai.usage.output_tokens", Value::from(30)),
        ("bottega.cost_nanos", Value::from(5)),
    ];
    span("chat large", StepKind::Client, attributes)
}

#[tokio::test]
async fn a_step_arrives_as_a_span_with_its_names() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let (outbox, _task) = begun(options(&fake));
    let parent = SpanId::new(&Seeded::new(7));
    let context = TraceContext::fresh(&Seeded::new(3)).with_state("a=1").of_request("req_1");
    let failed = Some("timeout".to_owned());
    outbox.tell(Span { context: context.clone(), parent: Some(parent), failed, ..chat() });
    outbox.flush().await;
    let spans = fake.spans();
    let [seen] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!(seen.trace, context.trace.to_string());
    assert_eq!(seen.span, context.span.to_string());
    assert_eq!(seen.parent, Some(parent.to_string()));
    assert_eq!((seen.name.as_str(), seen.kind.as_str()), ("chat large", "CLIENT"));
    assert_eq!((seen.state.as_str(), seen.failed), ("a=1", true));
    let told = |name: &str| seen.attributes.get(name).map(String::as_str);
    assert_eq!(told("gen_ai.usage.input_tokens"), Some("120"));
    assert_eq!(told("error.type"), Some("timeout"));
    assert_eq!(told("bottega.request"), Some("req_1"));
    assert!(seen.begun < seen.ended, "{seen:#?}");
    assert_eq!(fake.resource("service.name").as_deref(), Some("bottega"));
    assert_eq!(fake.header("authorization").as_deref(), Some("Bearer s3cret"));
    assert!(!format!("{:?}", options(&fake)).contains("s3cret"));
}

#[tokio::test]
async fn what_nobody_records_is_measured_and_not_sent() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let (outbox, _task) = begun(options(&fake));
    let context = TraceContext { sampled: false, ..TraceContext::fresh(&Seeded::new(3)) };
    outbox.tell(Span { context, ..chat() });
    outbox.flush().await;
    assert_eq!(fake.spans(), []);
    assert!(fake.metric("gen_ai.client.operation.duration").is_some());
}

fn of(metric: &SeenMetric, label: &str, word: &str) -> (u64, f64) {
    let labelled = |point: &&(std::collections::BTreeMap<String, String>, u64, f64)| {
        point.0.get(label).map(String::as_str) == Some(word)
    };
    let point = metric.points.iter().find(labelled);
    let (_, count, sum) = point.unwrap_or_else(|| panic!("no {label}={word} in {metric:#?}"));
    (*count, *sum)
}

#[tokio::test]
async fn metrics_arrive_by_the_names_of_the_conventions() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let (outbox, _task) = begun(options(&fake));
    outbox.tell(chat());
    outbox.tell(chat());
    let by = Some(("gen_ai.agent.name", "ann@here".to_owned()));
    outbox.observed(vec![Figure { name: "bottega.agent.restarts", by, value: 4 }]);
    outbox.flush().await;
    let tokens = fake.metric("gen_ai.client.token.usage").unwrap();
    assert_eq!(tokens.unit, "{token}");
    assert_eq!(of(&tokens, "gen_ai.token.type", "input"), (2, 240.0));
    assert_eq!(of(&tokens, "gen_ai.token.type", "output"), (2, 60.0));
    let took = fake.metric("gen_ai.client.operation.duration").unwrap();
    assert_eq!(of(&took, "gen_ai.request.model", "large").0, 2);
    let cost = fake.metric("bottega.model.cost").unwrap();
    assert_eq!(of(&cost, "gen_ai.request.model", "large").1, 10.0);
    let restarts = fake.metric("bottega.agent.restarts").unwrap();
    assert_eq!(of(&restarts, "gen_ai.agent.name", "ann@here").1, 4.0);
}

#[tokio::test]
async fn of_two_signals_one_may_be_sent_alone() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let (outbox, _task) = begun(Collector { metrics: None, ..options(&fake) });
    outbox.tell(chat());
    outbox.flush().await;
    assert!(!outbox.measures());
    assert_eq!((fake.spans().len(), fake.metric("bottega.model.cost").is_some()), (1, false));
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let (outbox, _task) = begun(Collector { traces: None, ..options(&fake) });
    outbox.tell(chat());
    outbox.flush().await;
    assert_eq!((fake.spans().len(), fake.metric("bottega.model.cost").is_some()), (0, true));
}

/// Traces alone, one step, and a collector that answers so: how many attempts there are, and what is lost.
#[track_caller]
fn check(receptions: &'static [Reception], attempts: usize, lost: u64) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let last = receptions.len() - 1;
        let fake = FakeCollector::start(move |number| receptions[number.min(last)].clone());
        let fake = fake.unwrap();
        let (outbox, _task) = begun(Collector { metrics: None, ..options(&fake) });
        outbox.tell(chat());
        outbox.flush().await;
        assert_eq!((fake.requests(), outbox.dropped()), (attempts, lost), "{place}");
    }
}

#[tokio::test]
async fn what_may_be_tried_again_is_and_what_is_refused_is_not() {
    check(&[Reception::Takes], 1, 0).await;
    check(&[Reception::Status(503, None), Reception::Takes], 2, 0).await;
    check(
        &[Reception::Status(429, Some("0")), Reception::Status(502, None), Reception::Takes],
        3,
        0,
    )
    .await;
    check(&[Reception::Status(504, None)], 5, 1).await;
    check(&[Reception::Status(400, None)], 1, 1).await;
    check(&[Reception::Status(401, None)], 1, 1).await;
    check(&[Reception::Status(500, None)], 1, 1).await;
    check(&[Reception::Status(307, None)], 1, 1).await;
    check(&[Reception::Rejects(1)], 1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_collector_holds_up_nobody_and_what_does_not_fit_is_counted() {
    let fake = FakeCollector::start(|_| Reception::Silent).unwrap();
    let (outbox, _task) = begun(Collector { metrics: None, ..options(&fake) });
    outbox.tell(chat());
    // The first is on its way when the others come, and waits for an answer.
    assert!(fake.wait_for(PATIENCE, |seen| seen.requests == 1));
    for _ in 0..QUEUE + 5 {
        outbox.tell(chat());
    }
    assert_eq!(outbox.dropped(), 5);
    // The end does not wait for it either.
    outbox.close(Duration::ZERO).await;
}

#[tokio::test]
async fn at_the_end_nobody_waits_for_a_collector_that_asks_to_be_left_alone() {
    let fake = FakeCollector::start(|_| Reception::Status(503, Some("50"))).unwrap();
    let (outbox, _task) = begun(options(&fake));
    outbox.tell(chat());
    outbox.close(Duration::from_secs(600)).await;
    assert_eq!(outbox.dropped(), 1);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    let away = options(&fake);
    drop(fake);
    let (outbox, _task) = begun(away);
    outbox.tell(chat());
    outbox.flush().await;
    assert_eq!(outbox.dropped(), 1);
    assert!(outbox.0.warned.load(Ordering::Relaxed));
}

#[test]
fn the_collector_says_when_to_come_again() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    assert_eq!(asked("7", now), Some(Duration::from_secs(7)));
    assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
    assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT", now), None);
    assert_eq!(asked("soon", now), None);
    let second = Duration::from_secs(1);
    assert_eq!(rest(second, 1, Some(second * 7)), second * 7);
    assert_eq!(rest(second, 1, Some(second * 3_600)), LONGEST_REST);
    for (attempt, most) in [(1, 1), (2, 2), (3, 4), (30, 60)] {
        let rest = rest(second, attempt, None);
        assert!(rest <= second * most && rest >= second * most / 2, "{attempt}: {rest:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_sent_is_said_with_its_name_and_no_secret() {
    let fake = FakeCollector::start(|_| Reception::Takes).unwrap();
    for wrong in ["collector:4317", "ftp://c/v1", "", "http://"] {
        let traces = Some(wrong.to_owned());
        let error = Outbox::new(Collector { traces, ..options(&fake) }).err().unwrap();
        assert!(error.to_string().contains(&format!("`{wrong}`")), "{error}");
    }
    for (name, value) in [("a b", "v"), ("ok", "two\nlines")] {
        let headers = vec![(name.to_owned(), Secret::new(value.to_owned()))];
        let error = Outbox::new(Collector { headers, ..options(&fake) }).err().unwrap();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        assert!(!error.to_string().contains(value) || value == "v", "{error}");
    }
}
