//! `http`: requests to listed hosts.

use bottega_manifest::{HttpRequest, HttpResponse};
use bottega_policy::egress::WebUrl;

use super::{Refused, refused};
use crate::bindings::guest::http::{Host, Request, Response};
use crate::inside::Inside;

impl Host for Inside {
    async fn fetch(&mut self, request: Request) -> wasmtime::Result<Result<Response, Refused>> {
        let Request { method, url, headers, body } = request;
        let parts = headers.iter().map(|(name, value)| name.len().saturating_add(value.len()));
        let bytes = parts.fold(method.len() + url.len() + body.len(), usize::saturating_add);
        self.called(bytes)?;
        let url: WebUrl = match url.parse() {
            Ok(url) => url,
            Err(error) => return Ok(Err(Refused::Malformed(format!("{error}")))),
        };
        let granted = &self.terms.manifest.capabilities.http;
        if !granted.iter().any(|pattern| pattern.0.grants(url.target())) {
            let why = format!("{} was not granted", url.target());
            return Ok(Err(Refused::Denied(why)));
        }
        let request = HttpRequest { method, url, headers, body };
        let answer = self.waited(self.provision.host.fetch(request)).await?;
        Ok(answer.map(shown).map_err(refused))
    }
}

fn shown(response: HttpResponse) -> Response {
    let HttpResponse { status, headers, body } = response;
    Response { status, headers, body }
}
