//! Steps in the forms of OpenTelemetry.

use std::str::FromStr as _;

use opentelemetry::trace::{
    SpanContext, SpanId as WireSpanId, SpanKind, Status, TraceFlags, TraceId as WireTraceId,
    TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value as WireValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use prost::Message as _;

use crate::span::Span;
use crate::step::{StepKind, Value};

/// Characters of an attribute's text at most: names are shorter, and some are chosen by strangers.
const LONGEST: usize = 256;

/// Whose telemetry it is, among that of all libraries in a process.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("bottega").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// The body of a request that tells a collector of these steps.
pub(crate) fn traces(spans: Vec<Span>, resource: &Resource) -> Vec<u8> {
    let scope = scope();
    let spans = spans.into_iter().map(|span| data(span, &scope)).collect();
    let resource = ResourceAttributesWithSchema::from(resource);
    let resource_spans = group_spans_by_resource_and_scope(spans, &resource);
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn data(span: Span, scope: &InstrumentationScope) -> SpanData {
    let Span { context, parent, kind, name, ended, took, attributes, failed } = span;
    // What others passed on may be no list that can be read; then it is left out, as the recommendation has it.
    let state = context.state.as_deref().map(TraceState::from_str);
    let span_context = SpanContext::new(
        WireTraceId::from_bytes(context.trace.bits().to_be_bytes()),
        WireSpanId::from_bytes(context.span.bits().to_be_bytes()),
        if context.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() },
        false,
        state.and_then(Result::ok).unwrap_or_default(),
    );
    let parent = parent.map(|parent| WireSpanId::from_bytes(parent.bits().to_be_bytes()));
    let mut attributes: Vec<KeyValue> =
        attributes.into_iter().map(|(name, value)| pair(name, value)).collect();
    if let Some(request) = &context.request {
        attributes.push(pair("bottega.request", Value::from(&**request)));
    }
    let status = match failed {
        None => Status::Unset,
        Some(kind) => {
            attributes.push(pair("error.type", Value::Text(kind)));
            Status::error("")
        }
    };
    SpanData {
        span_context,
        // Whoever asks a server is elsewhere.
        parent_span_is_remote: parent.is_some() && kind == StepKind::Server,
        parent_span_id: parent.unwrap_or(WireSpanId::INVALID),
        span_kind: match kind {
            StepKind::Server => SpanKind::Server,
            StepKind::Client => SpanKind::Client,
            StepKind::Consumer => SpanKind::Consumer,
            StepKind::Internal => SpanKind::Internal,
        },
        name: name.into(),
        start_time: ended.checked_sub(took).unwrap_or(ended),
        end_time: ended,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status,
        instrumentation_scope: scope.clone(),
    }
}

/// An attribute.
pub(crate) fn pair(name: &'static str, value: Value) -> KeyValue {
    let value: WireValue = match value {
        Value::Text(mut text) => {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
            }
            text.into()
        }
        Value::Count(count) => i64::try_from(count).unwrap_or(i64::MAX).into(),
        Value::Amount(amount) => amount.into(),
    };
    KeyValue::new(name, value)
}
