//! Step one: a call as the model asked for it.

use std::panic::AssertUnwindSafe;

use bottega_llm::ToolCall;
use bottega_policy::Need;
use bottega_tool::{Prepared as Doing, ToolContext};
use futures::FutureExt;

use crate::ToolHost;
use crate::arguments;
use crate::ran::panic_text;
use crate::schema::Declared;
use crate::stopped::Stopped;

/// A call as the model asked for it: perhaps of no tool, perhaps with arguments that are none.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    request: &'r ToolCall,
}

/// A call whose tool is known, whose arguments were read, and whose needs are known from them.
pub(crate) struct Prepared {
    pub(crate) tool: String,
    pub(crate) summary: String,
    pub(crate) needs: Vec<Need>,
    pub(crate) doing: Box<dyn Doing>,
}

impl<'r> Asked<'r> {
    pub(crate) fn new(request: &'r ToolCall) -> Self {
        Self { request }
    }

    /// Finds the tool, reads the arguments, asks the tool what it needs.
    pub(crate) async fn prepare(
        self,
        host: &ToolHost,
        context: &ToolContext,
    ) -> Result<Prepared, Stopped> {
        let name = self.request.name.as_str();
        let Some(declared) = host.declared.iter().find(|declared| declared.tool.name() == name)
        else {
            return Err(Stopped::before_judgement(
                format!("call {name}"),
                unknown(name, &host.declared),
            ));
        };
        let stop = |text: String| Stopped::before_judgement(format!("call {name}"), text);
        let arguments = arguments::read(&self.request.arguments, declared).map_err(stop)?;
        let arguments = arguments.to_string();
        let preparing = AssertUnwindSafe(async {
            let doing = declared.tool.prepare(&arguments, context).await?;
            Ok::<_, bottega_tool::ToolError>((doing.summary(), doing.needs(), doing))
        });
        match preparing.catch_unwind().await {
            Ok(Ok((summary, needs, doing))) => {
                Ok(Prepared { tool: declared.tool.name().to_owned(), summary, needs, doing })
            }
            Ok(Err(error)) => Err(stop(error.to_string())),
            Err(panic) => Err(stop(panic_text(name, &*panic))),
        }
    }
}

/// Names the tools that are near, and all there are.
fn unknown(name: &str, declared: &[Declared]) -> String {
    let names: Vec<&str> = declared.iter().map(|declared| declared.tool.name()).collect();
    let wanted = name.to_ascii_lowercase().replace('-', "_");
    let near: Vec<&str> = names
        .iter()
        .copied()
        .filter(|known| strsim::jaro_winkler(known, &wanted) > 0.82 || wanted.ends_with(known))
        .collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(" Did you mean {}?", near.join(" or "))
    };
    let shown: String = name.chars().take(80).collect();
    format!("There is no tool `{shown}`.{hint} The tools are: {}.", names.join(", "))
}
