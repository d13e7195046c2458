//! Health (`grpc.health.v1`): whether the server can work, by the same look as `/health/ready`.

use std::pin::pin;
use std::sync::Arc;

use bottega_actor::sleep;
use futures::{StreamExt as _, stream};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{Answer, Answers, Service, method};
use crate::follow::stopping;
use crate::readiness::not_ready;
use crate::server::Desk;

/// The empty name is the whole server's.
fn is_known(service: &str) -> bool {
    service.is_empty() || method::is_service(service)
}

async fn serving(desk: &Desk) -> ServingStatus {
    if not_ready(desk).await.is_empty() {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

fn told(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Health for Service {
    type WatchStream = Answers<HealthCheckResponse>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Answer<HealthCheckResponse> {
        let name = request.into_inner().service;
        if !is_known(&name) {
            // As the protocol says.
            return Err(Status::not_found(format!("there is no service `{name}`")));
        }
        Ok(Response::new(told(serving(&self.0).await)))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Answer<Self::WatchStream> {
        let known = is_known(&request.into_inner().service);
        let last: Option<ServingStatus> = None;
        let state = Some((self.clone(), last));
        let changes = stream::unfold(state, move |state| async move {
            let (service, last) = state?;
            let desk = Arc::clone(&service.0);
            loop {
                let now = if known { serving(&desk).await } else { ServingStatus::ServiceUnknown };
                if Some(now) != last {
                    return Some((Ok(told(now)), Some((service, Some(now)))));
                }
                if desk.is_stopping() {
                    return Some((Err(service.refused(stopping())), None));
                }
                let look = pin!(sleep(desk.limits.look));
                let stopped = pin!(desk.stopped());
                futures::future::select(stopped, look).await;
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}
