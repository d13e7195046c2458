//! The client over HTTP, against the server.

use bottega_api::{
    ApiError, AskRequest, AskStepView, CODES, DeliveryClass, DeployRequest, PublishRequest,
    SendRequest, SubscribeRequest, TakeRequest, TenderRequest, WriteRequest, codes,
};
use bottega_client::{Agents as _, Groups as _, Remote, Tenders as _};
use bottega_server::Limits;
use bottega_types::Secret;
use futures::StreamExt as _;
use serde_json::json;

use crate::world::{agents, entry, mail, published, remote, served, subscription, tender, tree};

fn request() -> DeployRequest {
    let config = json!({"greeting": "Hi"});
    DeployRequest { manifest: "m".into(), module: "AGFz".into(), name: Some("x".into()), config }
}

#[test]
fn every_call_arrives_and_comes_back() {
    served(Limits::default(), async |site| {
        let remote = remote(site);
        let echo = agents().remove(0);
        site.agents.gate.notify_one();
        assert_eq!(remote.list().await.unwrap(), agents());
        assert_eq!(remote.tree().await.unwrap(), tree());
        assert_eq!(remote.place(), format!("http://{}", site.address));
        assert_eq!(remote.deploy(request()).await.unwrap(), echo);
        assert_eq!(remote.show("od\"d\\name@local").await.unwrap(), agents()[1]);
        assert_eq!(remote.events("echo", 9).await.unwrap()[0].kind, "agent.started");
        assert!(remote.events_after("echo", 1, 9).await.unwrap().is_empty());
        assert_eq!(remote.start("echo").await.unwrap(), echo);
        assert_eq!(remote.stop("echo").await.unwrap(), echo);
        assert_eq!(remote.restart("echo").await.unwrap(), echo);
        assert_eq!(remote.upgrade("echo", request()).await.unwrap(), echo);
        assert_eq!(remote.roll_back("echo").await.unwrap(), echo);
        remote.remove("echo").await.unwrap();
        let send = SendRequest {
            message: json!({"performative": "inform"}),
            delivery: Some(DeliveryClass::Durable),
            idempotency_key: Some("k".into()),
        };
        assert_eq!(remote.send(send).await.unwrap().id.as_deref(), Some("m3"));
        let ask = AskRequest { message: json!({}), timeout_ms: Some(5) };
        assert_eq!(remote.ask(ask).await.unwrap().message.unwrap()["content"], "Hello");
        let ask = AskRequest { message: json!({}), timeout_ms: Some(5) };
        let steps: Vec<_> = remote.ask_following(ask).await.unwrap().collect().await;
        let steps: Vec<AskStepView> = steps.into_iter().map(Result::unwrap).collect();
        assert_eq!((steps.len(), &steps[2]), (4, &AskStepView::Missed { count: 2 }));
        assert!(
            matches!(&steps[3], AskStepView::Answer { message: Some(it) } if it["content"] == "Hello")
        );
        assert_eq!(remote.trace("a b").await.unwrap().steps[1].depth, 1);
        assert_eq!(remote.mail("echo").await.unwrap(), mail());
        remote.resend("echo", "a/b ?#%").await.unwrap();
        assert_eq!(remote.inbox("echo", 30).await.unwrap().waiting.unwrap().number, 7);
        remote.acknowledge("echo", 7).await.unwrap();
        let order = TenderRequest {
            task: "greet Ada".into(),
            skill: "greeting".into(),
            budget_usd: Some(0.5),
            ..TenderRequest::default()
        };
        assert_eq!(remote.open_tender(order).await.unwrap(), tender());
        assert_eq!(remote.tenders(9, Some("tnd_2")).await.unwrap(), [tender()]);
        assert_eq!(remote.tender("tnd_1").await.unwrap(), tender());
        assert_eq!(remote.tender_events("tnd_1").await.unwrap()[0].kind, "tender.decided");
        assert_eq!(remote.close_tender("tnd_1").await.unwrap(), tender());
        assert_eq!(remote.cancel_tender("tnd_1").await.unwrap(), tender());
        assert_eq!(remote.reputation().await.unwrap()[0].done, 3);
        assert_eq!(remote.conversation("cnv_1").await.unwrap()[0].id, "m1");
        let told_of = SubscribeRequest {
            agent: "echo".into(),
            pattern: "orders.>".into(),
            group: Some("packers".into()),
        };
        assert_eq!(remote.subscribe(told_of.clone()).await.unwrap(), subscription());
        remote.unsubscribe(told_of).await.unwrap();
        assert_eq!(remote.subscriptions(None).await.unwrap(), [subscription()]);
        assert_eq!(remote.subscriptions(Some("a b&c")).await.unwrap(), [subscription()]);
        let hello = PublishRequest {
            content: json!({"a": 1}),
            delivery: Some(DeliveryClass::Durable),
            idempotency_key: Some("k".into()),
        };
        assert_eq!(remote.publish("orders.new", hello).await.unwrap(), published());
        assert_eq!(remote.entries("work", 9).await.unwrap(), [entry()]);
        assert_eq!(remote.entry("work.hinge").await.unwrap(), entry());
        let written = WriteRequest { value: json!([1]), ..WriteRequest::default() };
        assert_eq!(remote.write("work.hinge", written).await.unwrap(), entry());
        let taken = TakeRequest { expected_version: Some(3), ..TakeRequest::default() };
        assert_eq!(remote.take("work.hinge", taken).await.unwrap(), entry());
        insta::assert_snapshot!(site.agents.calls().join("\n"));
    });
}

#[test]
fn every_error_comes_back_as_it_was() {
    served(Limits::default(), async |site| {
        let remote = remote(site);
        for code in CODES {
            let error = ApiError::new(*code, "what happened").step("a step of its own");
            site.agents.refuse(error.clone());
            if *code == codes::BUSY {
                // It did not begin with it, so it is asked again.
                assert!(remote.list().await.is_ok());
                continue;
            }
            assert_eq!(remote.list().await.unwrap_err(), error);
            site.agents.refuse(error.clone());
            assert_eq!(remote.remove("echo").await.unwrap_err(), error);
        }
        let nobody = remote.show("nobody").await.unwrap_err();
        assert_eq!((nobody.code.as_str(), nobody.exit), (codes::NO_AGENT.name, 2));
    });
}

#[test]
fn a_wrong_token_is_told() {
    served(Limits::default(), async |site| {
        let address = format!("http://{}", site.address);
        let stranger = Remote::new(&address, Secret::new("x".repeat(32))).unwrap();
        let error = stranger.list().await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("BTG0028", "the token is wrong")
        );
    });
}

#[tokio::test]
async fn nobody_there_is_no_server() {
    // A port that was free a moment ago, and that nobody listens at.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let remote = Remote::new(&format!("http://127.0.0.1:{port}"), Secret::new("x".into())).unwrap();
    let error = remote.list().await.unwrap_err();
    assert_eq!(error.code, codes::NO_SERVER.name);
    assert_eq!(error.message, format!("nobody answers at http://127.0.0.1:{port}"));
    assert_eq!(error.next_step, codes::NO_SERVER.next_step);
}

#[test]
fn another_server_is_recognised() {
    served(Limits::default(), async |site| {
        // The path leads to something else than the API.
        let address = format!("http://{}/elsewhere", site.address);
        let elsewhere = Remote::new(&address, Secret::new(crate::world::TOKEN.into())).unwrap();
        assert_eq!(elsewhere.list().await.unwrap_err().code, codes::USAGE.name);
    });
}
