//! What the schema says of types that live in other crates and know no schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format })
            }
        }
    };
}

text!(
    /// A [`bottega_llm::ModelRef`].
    ModelRef,
    "model-ref"
);
text!(
    /// A [`bottega_policy::Rule`].
    Rule,
    "rule"
);
