//! What a tool is.

pub use crate::agent_world::bottega::guest::types::Description;

/// A tool. Each call meets a fresh instance, so it has no state.
pub trait Tool: 'static {
    /// What it is, as a model should read it. Must ask the host for nothing.
    fn describe() -> Description;

    /// Does it, with arguments in JSON that follow the schema. `Err` is what the model reads instead of an answer.
    fn call(arguments: &str) -> Result<String, String>;
}

/// Puts a [`Tool`] behind the world `tool`. Once in a crate of type `cdylib`.
#[macro_export]
macro_rules! tool {
    ($tool:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;

            impl $crate::tool_world::exports::bottega::guest::callable::Guest for Component {
                fn describe() -> $crate::Description {
                    <$tool as $crate::Tool>::describe()
                }

                fn call(arguments: String) -> Result<String, String> {
                    <$tool as $crate::Tool>::call(&arguments)
                }
            }

    $crate::tool_world::export!(Component with_types_in $crate::tool_world);
        };
    };
}
