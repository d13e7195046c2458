//! The services of gRPC: every call, and every refusal.

use std::time::Duration;

use bottega_api::{ApiError, CODES};
use bottega_server::Limits;
use prost_types::Struct;
use serde_json::json;
use tonic::codegen::Service as _;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt as _;

use crate::peer::wire::acl_message::Content;
use crate::peer::wire::agent_service_client::AgentServiceClient;
use crate::peer::wire::*;
use crate::peer::{Peer, called, channel, error, line, told};
use crate::world::{Ask, Site, TOKEN};

fn named() -> String {
    "echo".to_owned()
}

fn settings() -> Option<Struct> {
    let kind = prost_types::value::Kind::NumberValue(3.0);
    let value = prost_types::Value { kind: Some(kind) };
    Some(Struct { fields: [("most".to_owned(), value)].into() })
}

fn message(content: &str) -> Option<AclMessage> {
    Some(AclMessage {
        performative: "request".into(),
        receivers: vec![AgentId { name: named(), ..AgentId::default() }],
        content: Some(Content::Text(content.into())),
        ..AclMessage::default()
    })
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

#[test]
fn a_list_comes_in_pages() {
    called(Limits::default(), async |site, mut peer| {
        let page = async |peer: &mut Peer, page_size: i32, token: &str| {
            let name = "echo".to_owned();
            let request = ListMailRequest { name, page_size, page_token: token.to_owned() };
            peer.messages.list_mail(request).await.map(tonic::Response::into_inner)
        };
        let first = page(&mut peer, 1, "").await.unwrap();
        assert_eq!((first.mail.len(), first.mail[0].id.as_str()), (1, "m1"));
        let second = page(&mut peer, 1, &first.next_page_token).await.unwrap();
        assert_eq!((second.mail[0].id.as_str(), second.next_page_token.as_str()), ("m2", ""));
        for size in [0, 2, i32::MAX] {
            let all = page(&mut peer, size, "").await.unwrap();
            assert_eq!((all.mail.len(), all.next_page_token.as_str()), (2, ""));
        }
        site.agents.happens("agent.stopped");
        let (mut kinds, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                ListAgentEventsRequest { name: named(), page_size: 1, page_token, limit: 0 };
            let came = peer.agents.list_agent_events(request).await.unwrap().into_inner();
            kinds.extend(came.events.into_iter().map(|event| event.kind));
            page_token = came.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(kinds, ["agent.started", "agent.stopped"]);
        let page_token = "z".to_owned();
        let behind = ListSubscriptionsRequest { page_token, ..Default::default() };
        let behind = peer.groups.list_subscriptions(behind).await.unwrap().into_inner();
        assert_eq!((behind.subscriptions.len(), behind.next_page_token.as_str()), (0, ""));
        let refused = page(&mut peer, -1, "").await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        let request = ListAgentsRequest { page_size: 1, ..Default::default() };
        let agents = peer.agents.list_agents(request).await.unwrap().into_inner();
        assert_eq!((agents.agents.len(), agents.next_page_token.as_str()), (1, "echo@local"));
        let (id, page_token) = ("cnv_1".to_owned(), "1".to_owned());
        let request = GetConversationRequest { id, page_token, ..Default::default() };
        let behind = peer.messages.get_conversation(request).await.unwrap().into_inner();
        assert_eq!((behind.said.len(), behind.next_page_token.as_str()), (0, ""));
    });
}

#[test]
fn an_answer_is_followed_and_a_trace_is_shown() {
    called(Limits::default(), async |_, mut peer| {
        let messages = &mut peer.messages;
        let ask = FollowAskRequest { message: message("Ada"), timeout: seconds(5) };
        let mut steps = messages.follow_ask(ask).await.unwrap().into_inner();
        let mut followed = Vec::new();
        while let Some(step) = steps.message().await.unwrap() {
            followed.push(step.step.unwrap());
        }
        insta::assert_debug_snapshot!("an_answer_that_is_followed", followed);
        let trace = GetTraceRequest { id: "0af7651916cd43dd8448eb211c80319c".into() };
        let trace = messages.get_trace(trace).await.unwrap().into_inner();
        insta::assert_debug_snapshot!("a_trace", trace);
    });
}

#[test]
fn a_batch_tells_of_each_message_over_grpc_too() {
    called(Limits::default(), async |_, mut peer| {
        let messages = &mut peer.messages;
        let one = SendMessageRequest { message: message("Ada"), ..Default::default() };
        let none = SendMessageRequest::default();
        let bad = messages.send_batch(SendBatchRequest { messages: vec![one.clone(), none] }).await;
        assert_eq!(bad.unwrap_err().code(), tonic::Code::InvalidArgument);
        let batch = SendBatchRequest { messages: vec![one.clone(), one] };
        let mut steps = messages.send_batch(batch).await.unwrap().into_inner();
        for done in 1..=2 {
            let step = steps.message().await.unwrap().unwrap();
            let receipt = SendMessageResponse { id: Some("m3".into()), already_stored: false };
            let outcome = Some(send_batch_response::Outcome::Receipt(receipt));
            assert_eq!(step, SendBatchResponse { index: done - 1, done, of: 2, outcome });
        }
        assert_eq!(steps.message().await.unwrap(), None);
    });
}

#[test]
fn every_call_arrives_and_comes_back() {
    called(Limits::default(), async |site, mut peer| {
        site.agents.gate.notify_one();
        let agents = &mut peer.agents;
        let listed =
            agents.list_agents(ListAgentsRequest::default()).await.unwrap().into_inner().agents;
        insta::assert_debug_snapshot!("an_agent", listed[1]);
        let echo = listed[0].clone();
        let deploy = DeployAgentRequest {
            manifest: "m".into(),
            module: vec![0, 1, 2],
            name: "x".into(),
            config: settings(),
        };
        assert_eq!(agents.deploy_agent(deploy).await.unwrap().into_inner(), echo);
        let odd = GetAgentRequest { name: "od\"d\\name@local".into() };
        assert_eq!(agents.get_agent(odd).await.unwrap().into_inner(), listed[1]);
        let of = ListAgentEventsRequest { name: named(), limit: 9, ..Default::default() };
        let events = agents.list_agent_events(of).await.unwrap().into_inner().events;
        insta::assert_debug_snapshot!("an_event", events);
        agents
            .list_agent_events(ListAgentEventsRequest {
                name: named(),
                limit: 0,
                ..Default::default()
            })
            .await
            .unwrap();
        let name = named;
        let begun = agents.start_agent(StartAgentRequest { name: name() }).await;
        assert_eq!(begun.unwrap().into_inner(), echo);
        let stopped = agents.stop_agent(StopAgentRequest { name: name() }).await;
        assert_eq!(stopped.unwrap().into_inner(), echo);
        let again = agents.restart_agent(RestartAgentRequest { name: name() }).await;
        assert_eq!(again.unwrap().into_inner(), echo);
        let other =
            UpgradeAgentRequest { name: name(), manifest: "m".into(), ..Default::default() };
        assert_eq!(agents.upgrade_agent(other).await.unwrap().into_inner(), echo);
        let back = agents.roll_back_agent(RollBackAgentRequest { name: name() }).await;
        assert_eq!(back.unwrap().into_inner(), echo);
        agents.remove_agent(RemoveAgentRequest { name: name() }).await.unwrap();

        let messages = &mut peer.messages;
        let send = SendMessageRequest {
            message: message("Ada"),
            delivery: DeliveryClass::Durable.into(),
            idempotency_key: "k".into(),
        };
        let sent = messages.send_message(send).await.unwrap().into_inner();
        assert_eq!(sent, SendMessageResponse { id: Some("m3".into()), already_stored: false });
        let ask = AskAgentRequest { message: message("Ada"), timeout: seconds(5) };
        let answer = messages.ask_agent(ask).await.unwrap().into_inner().message.unwrap();
        assert_eq!(answer.content, Some(Content::Text("Hello".into())));
        let mail = messages
            .list_mail(ListMailRequest { name: name(), ..Default::default() })
            .await
            .unwrap();
        insta::assert_debug_snapshot!("mail", mail.into_inner().mail[1]);
        let again = ResendMailRequest { name: name(), id: "a/b ?#%".into() };
        messages.resend_mail(again).await.unwrap();
        messages.acknowledge(AcknowledgeRequest { name: name(), number: 7 }).await.unwrap();
        let said = GetConversationRequest { id: "cnv_1".into(), ..Default::default() };
        let said = messages.get_conversation(said).await.unwrap().into_inner().said;
        assert_eq!((said[0].id.as_str(), said.len()), ("m1", 1));

        let tenders = &mut peer.tenders;
        let order = OpenTenderRequest {
            task: "greet Ada".into(),
            skill: "greeting".into(),
            budget_usd: Some(0.5),
            within: seconds(60),
            rounds: Some(2),
            reserve: Some(1),
            among: vec![named()],
            ..OpenTenderRequest::default()
        };
        let opened = tenders.open_tender(order).await.unwrap().into_inner();
        insta::assert_debug_snapshot!("a_tender", opened);
        let latest = tenders
            .list_tenders(ListTendersRequest { limit: 9, ..Default::default() })
            .await
            .unwrap();
        assert_eq!(latest.into_inner().tenders, std::slice::from_ref(&opened));
        let id = || "tnd_1".to_owned();
        let one = tenders.get_tender(GetTenderRequest { id: id() }).await.unwrap();
        assert_eq!(one.into_inner(), opened);
        let events = tenders.list_tender_events(ListTenderEventsRequest { id: id() }).await;
        assert_eq!(events.unwrap().into_inner().events[0].kind, "tender.decided");
        let closed = tenders.close_tender(CloseTenderRequest { id: id() }).await.unwrap();
        assert_eq!(closed.into_inner(), opened);
        let cancelled = tenders.cancel_tender(CancelTenderRequest { id: id() }).await.unwrap();
        assert_eq!(cancelled.into_inner(), opened);
        let known = tenders.list_reputation(ListReputationRequest {}).await.unwrap().into_inner();
        assert_eq!((known.reputation[0].done, known.reputation[0].success), (3, 0.75));
        let tree = peer.tree.get_tree(GetTreeRequest {}).await.unwrap().into_inner();
        insta::assert_debug_snapshot!("the_tree", tree);
        insta::assert_snapshot!("calls", site.agents.calls().join("\n"));
    });
}

/// Any JSON that is a text.
fn text(text: &str) -> Option<prost_types::Value> {
    let kind = prost_types::value::Kind::StringValue(text.into());
    Some(prost_types::Value { kind: Some(kind) })
}

#[test]
fn what_is_said_to_many_arrives_and_comes_back() {
    called(Limits::default(), async |site, mut peer| {
        let groups = &mut peer.groups;
        let hello = PublishRequest {
            topic: "orders.new".into(),
            content: text("one hinge"),
            delivery: DeliveryClass::Durable.into(),
            idempotency_key: "k".into(),
        };
        let told = groups.publish(hello).await.unwrap().into_inner();
        insta::assert_debug_snapshot!("who_was_told", told);
        let (agent, pattern, group) = (named(), "orders.>".to_owned(), "packers".to_owned());
        let wish = SubscribeRequest { agent: agent.clone(), pattern: pattern.clone(), group };
        let subscribed = groups.subscribe(wish).await.unwrap().into_inner();
        assert_eq!(subscribed.pattern, pattern);
        let end = UnsubscribeRequest { agent, pattern, group: String::new() };
        groups.unsubscribe(end).await.unwrap();
        for agent in ["", "a b&c"] {
            let list = ListSubscriptionsRequest { agent: agent.into(), ..Default::default() };
            let listed = groups.list_subscriptions(list).await.unwrap().into_inner();
            assert_eq!(listed.subscriptions, std::slice::from_ref(&subscribed));
        }
        let name = || "work.hinge".to_owned();
        let entry = groups.get_entry(GetEntryRequest { name: name() }).await.unwrap().into_inner();
        insta::assert_debug_snapshot!("an_entry", entry);
        for limit in [9, 0] {
            let list = ListEntriesRequest { prefix: "work".into(), limit };
            let listed = groups.list_entries(list).await.unwrap().into_inner();
            assert_eq!(listed.entries, std::slice::from_ref(&entry));
        }
        let write = WriteEntryRequest {
            name: name(),
            value: text("forge"),
            within: seconds(60),
            expected_version: Some(0),
            by: named(),
            idempotency_key: "k".into(),
        };
        assert_eq!(groups.write_entry(write).await.unwrap().into_inner(), entry);
        let take =
            TakeEntryRequest { name: name(), expected_version: Some(3), ..Default::default() };
        assert_eq!(groups.take_entry(take).await.unwrap().into_inner(), entry);
        insta::assert_snapshot!("calls_to_many", site.agents.calls().join("\n"));
        let most = ListEntriesRequest { prefix: String::new(), limit: 1_001 };
        let (code, own, _) = told_of(groups.list_entries(most).await);
        assert_eq!((code, own.as_str()), (Code::InvalidArgument, "BTG0001"));
    });
}

/// What a call that is refused tells.
#[track_caller]
fn told_of<V: std::fmt::Debug>(refused: Result<V, Status>) -> (Code, String, String) {
    told(&refused.unwrap_err())
}

#[test]
fn every_error_comes_back_as_it_was() {
    called(Limits::default(), async |site, mut peer| {
        for code in CODES {
            let refusal = ApiError::new(*code, "what happened").step("a step of its own");
            site.agents.refuse(refusal.clone());
            let status = peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap_err();
            assert_eq!(error(&status), refusal);
            told(&status);
            site.agents.refuse(refusal.clone());
            // A stream that can't begin is refused as any other call.
            let follow = FollowAgentEventsRequest { name: named(), after: 0 };
            let status = peer.agents.follow_agent_events(follow).await.unwrap_err();
            assert_eq!(error(&status), refusal);
        }
        let nobody = peer.agents.get_agent(GetAgentRequest { name: "nobody".into() }).await;
        let (code, own, _) = told(&nobody.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::NotFound, "BTG0019"));
    });
}

/// One call that is refused before the agents hear of it.
#[track_caller]
fn check(
    limits: Limits,
    call: impl AsyncFnOnce(&Site) -> Status,
    code: Code,
    own: &str,
    part: &str,
) {
    called(limits, async |site, _| {
        let status = call(site).await;
        let (is, told, message) = told(&status);
        assert_eq!((is, told.as_str()), (code, own), "{status:?}");
        assert!(message.contains(part), "{message}");
        assert!(site.agents.calls().is_empty());
        assert!(status.metadata().get("x-request-id").is_some(), "{status:?}");
    });
}

async fn list_as(site: &Site, authorization: Option<&str>) -> Result<(), Status> {
    let mut agents = AgentServiceClient::new(line(site, authorization));
    agents.list_agents(ListAgentsRequest::default()).await.map(drop)
}

#[test]
fn who_has_no_token_stays_outside() {
    let usual = Limits::default;
    let outside = |authorization: Option<&'static str>| {
        async move |site: &Site| list_as(site, authorization).await.unwrap_err()
    };
    check(usual(), outside(None), Code::Unauthenticated, "BTG0028", "has no token");
    check(usual(), outside(Some("Bearer x")), Code::Unauthenticated, "BTG0028", "is wrong");
    check(usual(), outside(Some(TOKEN)), Code::Unauthenticated, "BTG0028", "has no token");
    let password = "Basic eDowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";
    check(usual(), outside(Some(password)), Code::Unauthenticated, "BTG0028", "has no token");
    // Streams, and what is not there, tell no more.
    let follow = async |site: &Site| {
        let mut agents = AgentServiceClient::new(line(site, None));
        let follow = FollowAgentEventsRequest { name: named(), after: 0 };
        agents.follow_agent_events(follow).await.unwrap_err()
    };
    check(usual(), follow, Code::Unauthenticated, "BTG0028", "has no token");
    let nowhere = async |site: &Site| raw(site, "/bottega.v1.AgentService/Nothing", &[]).await;
    check(usual(), nowhere, Code::Unauthenticated, "BTG0028", "has no token");
    called(usual(), async |site, _| {
        list_as(site, Some(&format!("bearer {TOKEN}"))).await.unwrap();
    });
}

#[test]
fn who_guesses_is_slowed_down_and_locks_out_nobody() {
    called(Limits { wrong_tokens: 1, ..Limits::default() }, async |site, mut peer| {
        let guess = async || list_as(site, Some("Bearer guess")).await.unwrap_err();
        assert_eq!(guess().await.code(), Code::Unauthenticated);
        let slowed = guess().await;
        assert_eq!(told(&slowed).0, Code::ResourceExhausted);
        let wait = slowed.get_error_details().retry_info().unwrap().retry_delay.unwrap();
        assert!((1..=60).contains(&wait.as_secs()), "{wait:?}");
        // The same bucket is REST's.
        let rest = Ask::new("GET /v1/agents").with("Authorization", "Bearer guess").at(site).await;
        assert_eq!(rest.status, 429);
        peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap();
    });
}

/// A call of any path with any headers.
async fn raw(site: &Site, path: &str, headers: &[(&str, &str)]) -> Status {
    let response = request(site, "POST", path, headers).await;
    Status::from_header_map(response.headers()).unwrap()
}

/// Any request over HTTP/2.
async fn request(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> tonic::codegen::http::Response<tonic::body::Body> {
    use tonic::codegen::http;
    let mut request = http::Request::builder().method(method).uri(path);
    if method == "POST" {
        request = request.header("content-type", "application/grpc").header("te", "trailers");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut channel = channel(site);
    std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
    channel.call(request.body(tonic::body::Body::empty()).unwrap()).await.unwrap()
}

#[test]
fn pages_of_others_are_refused() {
    let usual = Limits::default;
    for header in [("host", "attacker.example"), ("origin", "http://attacker.example")] {
        let call = async move |site: &Site| {
            raw(site, "/bottega.v1.AgentService/ListAgents", &[header]).await
        };
        check(usual(), call, Code::PermissionDenied, "BTG0008", "attacker.example");
        let health =
            async move |site: &Site| raw(site, "/grpc.health.v1.Health/Check", &[header]).await;
        check(usual(), health, Code::PermissionDenied, "BTG0008", "attacker.example");
    }
    // The name in `:authority` counts like the one in `Host`.
    let rebound = async |site: &Site| {
        let origin = "http://attacker.example:7437".parse().unwrap();
        let address = format!("http://{}", site.address);
        let channel = tonic::transport::Endpoint::from_shared(address).unwrap().origin(origin);
        let mut agents = AgentServiceClient::new(channel.connect_lazy());
        agents.list_agents(ListAgentsRequest::default()).await.unwrap_err()
    };
    check(usual(), rebound, Code::PermissionDenied, "BTG0008", "attacker.example:7437");
}

#[test]
fn what_is_nowhere_is_not_implemented() {
    let bearer = format!("Bearer {TOKEN}");
    for path in ["/bottega.v1.AgentService/Nothing", "/nowhere.Service/Nothing", "/v1/agents"] {
        let bearer = bearer.clone();
        let call = async move |site: &Site| raw(site, path, &[("authorization", &bearer)]).await;
        check(Limits::default(), call, Code::Unimplemented, "BTG0001", path);
    }
}

#[test]
fn rest_and_calls_share_an_address() {
    called(Limits::default(), async |site, mut peer| {
        // REST over HTTP/2, which names the server in `:authority` alone.
        let bearer = format!("Bearer {TOKEN}");
        let came = request(site, "GET", "/v1/agents", &[("authorization", &bearer)]).await;
        assert_eq!(came.status(), 200);
        assert_eq!(came.headers()["content-type"], "application/json");
        assert_eq!(Ask::new("GET /v1/agents").at(site).await.status, 200);
        peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap();
        // A call over HTTP/1.1 has no trailers to tell its status in, so it is told beforehand.
        let old = Ask::new("POST /bottega.v1.AgentService/ListAgents")
            .with("Content-Type", "application/grpc")
            .at(site)
            .await;
        assert_eq!((old.status, old.header("grpc-status")), (200, Some("3")), "{old:?}");
        // Other forms of gRPC are not spoken.
        let web = Ask::new("POST /bottega.v1.AgentService/ListAgents")
            .with("Content-Type", "application/grpc-web+proto")
            .at(site)
            .await;
        assert_eq!(web.problem().0, 404);
    });
}

#[test]
fn requests_have_names() {
    called(Limits::default(), async |_, mut peer| {
        let mut request = tonic::Request::new(ListAgentsRequest::default());
        request.metadata_mut().insert("x-request-id", "build-17".parse().unwrap());
        let came = peer.agents.list_agents(request).await.unwrap();
        assert_eq!(came.metadata().get("x-request-id").unwrap(), "build-17");
        let came = peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap();
        let name = came.metadata().get("x-request-id").unwrap().to_str().unwrap();
        assert!(name.starts_with("req_"), "{name}");
    });
}

#[test]
fn a_question_is_held_to_its_form() {
    called(Limits { body: 2_000, ..Limits::default() }, async |site, mut peer| {
        let malformed = |status: Status, part: &str| {
            let (code, own, message) = told(&status);
            assert_eq!((code, own.as_str()), (Code::InvalidArgument, "BTG0021"), "{message}");
            assert!(message.contains(part), "{message}");
        };
        let send = SendMessageRequest { message: message("x"), ..SendMessageRequest::default() };
        let none = SendMessageRequest { message: None, ..send.clone() };
        malformed(peer.messages.send_message(none).await.unwrap_err(), "no `message`");
        let odd = SendMessageRequest { delivery: 9, ..send.clone() };
        malformed(peer.messages.send_message(odd).await.unwrap_err(), "no way 9");
        let keyed = SendMessageRequest { idempotency_key: "k".repeat(257), ..send.clone() };
        malformed(peer.messages.send_message(keyed).await.unwrap_err(), "256 bytes at most");
        let ask = |timeout| AskAgentRequest { message: message("x"), timeout };
        malformed(peer.messages.ask_agent(ask(seconds(-1))).await.unwrap_err(), "`timeout`");
        malformed(peer.messages.ask_agent(ask(seconds(301))).await.unwrap_err(), "300 s at most");
        let rounds = OpenTenderRequest { rounds: Some(300), ..OpenTenderRequest::default() };
        malformed(peer.tenders.open_tender(rounds).await.unwrap_err(), "`rounds`");
        let events = ListAgentEventsRequest { name: named(), limit: 10_001, ..Default::default() };
        let (code, own, _) = told(&peer.agents.list_agent_events(events).await.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::InvalidArgument, "BTG0001"));
        let tenders = ListTendersRequest { limit: 1_001, ..Default::default() };
        let (code, own, _) = told(&peer.tenders.list_tenders(tenders).await.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::InvalidArgument, "BTG0001"));
        let large = SendMessageRequest { message: message(&"x".repeat(2_000)), ..send };
        let (code, own, text) = told(&peer.messages.send_message(large).await.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::ResourceExhausted, "BTG0007"), "{text}");
        assert!(site.agents.calls().is_empty());
        // A module may be larger than everything else.
        let module = DeployAgentRequest { module: vec![0; 9_000], ..Default::default() };
        peer.agents.deploy_agent(module).await.unwrap();
    });
}

#[test]
fn a_panic_ends_its_call_alone() {
    called(Limits::default(), async |_, mut peer| {
        let panicked = peer.agents.get_agent(GetAgentRequest { name: "panic".into() }).await;
        let (code, own, message) = told(&panicked.unwrap_err());
        assert_eq!((code, own.as_str()), (Code::Internal, "BTG0016"));
        assert!(!message.contains("told to"), "what went wrong inside stays inside: {message}");
        peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap();
    });
}

#[test]
fn what_takes_too_long_is_given_up() {
    let limits = Limits { long: Duration::from_millis(1), ..Limits::default() };
    called(limits, async |_, mut peer| {
        let late = peer.agents.restart_agent(RestartAgentRequest { name: named() }).await;
        assert_eq!(told(&late.unwrap_err()).0, Code::DeadlineExceeded);
    });
}

#[test]
fn more_than_there_is_room_for_comes_again_later() {
    called(Limits { at_once: 1, ..Limits::default() }, async |site, peer| {
        let (mut one, mut other) = (peer.agents.clone(), peer.agents);
        let first = one.restart_agent(RestartAgentRequest { name: named() });
        let second = async {
            site.agents.begun.notified().await;
            let refused = other.list_agents(ListAgentsRequest::default()).await.unwrap_err();
            // The room is REST's too, and health needs none.
            let rest = Ask::new("GET /v1/agents").at(site).await;
            let health = check_health(site, "").await.unwrap();
            site.agents.gate.notify_one();
            (refused, rest, health)
        };
        let (first, (second, rest, health)) = futures::future::join(first, second).await;
        first.unwrap();
        assert_eq!((told(&second).0, rest.status), (Code::Unavailable, 503));
        assert!(second.get_error_details().retry_info().is_some());
        assert_eq!(health, ServingStatus::Serving);
    });
}

async fn check_health(site: &Site, service: &str) -> Result<ServingStatus, Status> {
    let mut health = HealthClient::new(channel(site));
    let answer = health.check(HealthCheckRequest { service: service.into() }).await?.into_inner();
    Ok(answer.status())
}

#[test]
fn health_needs_no_token() {
    called(Limits::default(), async |site, _| {
        for service in ["", "bottega.v1.AgentService", "grpc.health.v1.Health"] {
            assert_eq!(check_health(site, service).await.unwrap(), ServingStatus::Serving);
        }
        let large = check_health(site, &"x".repeat(70_000)).await.unwrap_err();
        assert_eq!(told(&large).0, Code::ResourceExhausted);
        let nobody = check_health(site, "bottega.v1.Nothing").await.unwrap_err();
        assert_eq!(nobody.code(), Code::NotFound);
        site.agents.refuse(ApiError::new(bottega_api::codes::DAMAGED, "as it was told to"));
        assert_eq!(check_health(site, "").await.unwrap(), ServingStatus::NotServing);
        assert_eq!(check_health(site, "").await.unwrap(), ServingStatus::Serving);
    });
}

#[test]
fn health_is_told_when_it_changes() {
    called(Limits::default(), async |site, _| {
        let mut health = HealthClient::new(channel(site));
        let watch = HealthCheckRequest { service: "bottega.v1.TenderService".into() };
        let mut changes = health.watch(watch).await.unwrap().into_inner();
        let mut next = async || {
            let change: HealthCheckResponse = changes.message().await.unwrap().unwrap();
            change.status()
        };
        assert_eq!(next().await, ServingStatus::Serving);
        site.agents.refuse(ApiError::new(bottega_api::codes::DAMAGED, "as it was told to"));
        assert_eq!(next().await, ServingStatus::NotServing);
        assert_eq!(next().await, ServingStatus::Serving);
        let unknown = HealthCheckRequest { service: "nothing".into() };
        let mut unknown = health.watch(unknown).await.unwrap().into_inner();
        let told = unknown.message().await.unwrap().unwrap();
        assert_eq!(told.status(), ServingStatus::ServiceUnknown);
        drop(site.stop.lock().unwrap().take());
        assert_eq!(next().await, ServingStatus::NotServing);
        assert_eq!(changes.message().await.unwrap_err().code(), Code::Unavailable);
    });
}

#[test]
fn strangers_watch_only_so_many() {
    called(Limits { watches_at_once: 1, ..Limits::default() }, async |site, _| {
        let mut health = HealthClient::new(channel(site));
        let watch = || HealthCheckRequest { service: String::new() };
        let mut first = health.watch(watch()).await.unwrap().into_inner();
        first.message().await.unwrap().unwrap();
        let second = health.watch(watch()).await.unwrap_err();
        assert_eq!(told(&second).0, Code::Unavailable);
        assert_eq!(check_health(site, "").await.unwrap(), ServingStatus::Serving);
    });
}

#[test]
fn reflection_tells_of_every_service() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
    use tonic_reflection::pb::v1alpha;

    called(Limits::default(), async |site, peer| {
        let ask = |question| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        };
        let questions = vec![
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol("bottega.v1.TenderService".into())),
            ask(MessageRequest::FileByFilename("google/protobuf/struct.proto".into())),
        ];
        let mut reflection = ServerReflectionClient::new(peer.line.clone());
        let asked = futures::stream::iter(questions.clone());
        let mut answers = reflection.server_reflection_info(asked).await.unwrap().into_inner();
        let mut next = async || {
            let answer: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
            answer.message_response.unwrap()
        };
        let MessageResponse::ListServicesResponse(services) = next().await else {
            panic!("no services")
        };
        let names: Vec<String> = services.service.into_iter().map(|it| it.name).collect();
        insta::assert_debug_snapshot!("services", names);
        for _ in &questions[1..] {
            let MessageResponse::FileDescriptorResponse(file) = next().await else {
                panic!("no file")
            };
            assert!(!file.file_descriptor_proto[0].is_empty());
        }
        // The older form, which some clients know alone.
        let mut older =
            v1alpha::server_reflection_client::ServerReflectionClient::new(peer.line.clone());
        let list = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
        let list =
            v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
        let asked = futures::stream::iter([list]);
        let mut answers = older.server_reflection_info(asked).await.unwrap().into_inner();
        assert!(answers.message().await.unwrap().is_some());
        // Who has no token learns nothing.
        let mut stranger = ServerReflectionClient::new(channel(site));
        let asked = futures::stream::iter(questions);
        let refused = stranger.server_reflection_info(asked).await.unwrap_err();
        assert_eq!(told(&refused).0, Code::Unauthenticated);
    });
}

#[test]
fn calls_are_counted() {
    called(Limits::default(), async |site, mut peer| {
        peer.agents.list_agents(ListAgentsRequest::default()).await.unwrap();
        peer.agents.get_agent(GetAgentRequest { name: "nobody".into() }).await.unwrap_err();
        raw(site, "/nowhere", &[("authorization", "Bearer x")]).await;
        let metrics = crate::world::get(site, "/metrics").await.body;
        let rows: Vec<&str> = metrics.lines().filter(|row| row.contains("grpc_calls")).collect();
        insta::assert_snapshot!("counted", rows.join("\n"));
    });
}

#[test]
fn a_message_keeps_all_its_parts() {
    called(Limits::default(), async |site, mut peer| {
        let said = AclMessage {
            sender: Some(AgentId { name: "desk@far".into(), ..AgentId::default() }),
            content: Some(Content::Data(vec![0, 255])),
            conversation_id: "cnv_9".into(),
            ..message("").unwrap()
        };
        let send = SendMessageRequest { message: Some(said), ..SendMessageRequest::default() };
        peer.messages.send_message(send).await.unwrap();
        let expected = json!({
            "performative": "request", "sender": "desk@far", "receiver": ["echo"],
            "content": {"base64": "AP8="}, "conversation-id": "cnv_9",
        });
        assert_eq!(site.agents.calls(), [format!("send {expected} None None")]);
    });
}
