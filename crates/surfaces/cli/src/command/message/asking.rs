//! A question whose answer is followed: what agents that models play do about it, while they do it.

use std::collections::BTreeMap;

use bottega_api::{AnswerView, ApiError, AskRequest, AskStepView, codes};
use bottega_client::Agents;
use futures::StreamExt as _;
use serde_json::json;

use crate::command::Desk;
use crate::figures;
use crate::follow::narrator::{Look, Narrator};
use crate::report::{Failure, Form};
use crate::visible;

/// Asks, tells each step as it comes, and gives the answer, which a script has been told by then.
pub(super) async fn follow(
    agents: &dyn Agents,
    request: AskRequest,
    desk: &mut Desk<'_>,
) -> Result<AnswerView, Failure> {
    let mut steps = desk.wait(agents.ask_following(request)).await?;
    let terminal = &desk.terminal;
    let watched = terminal.stderr_is_terminal;
    let look = Look {
        paint: terminal.err_paint(),
        show: terminal.show,
        columns: watched.then(|| terminal.err_columns()),
        answer_streams: false,
    };
    let mut narrators: BTreeMap<String, Narrator> = BTreeMap::new();
    let mut last: Option<String> = None;
    loop {
        let next = async {
            let ended = || ApiError::new(codes::NO_SERVER, "the answer ended before it was whole");
            steps.next().await.unwrap_or_else(|| Err(ended()))
        };
        let step = desk.wait(next).await?;
        if let Form::Json = desk.form() {
            desk.terminal.say(&format!("{}\n", json!(step)))?;
        }
        match step {
            AskStepView::Answer { message } => return Ok(AnswerView { message }),
            AskStepView::Progress { agent, event } if desk.form() == Form::People => {
                let mut text = String::new();
                if last.as_ref() != Some(&agent) {
                    // What another one wrote and did not end stays whole.
                    let before = last.as_ref().and_then(|last| narrators.get_mut(last));
                    text.push_str(&before.map(Narrator::end_line).unwrap_or_default());
                    text.push_str(&format!("{}\n", look.paint.bold(&visible::first_line(&agent))));
                    last = Some(agent.clone());
                }
                let narrator = narrators.entry(agent).or_insert_with(|| Narrator::new(look));
                text.push_str(&narrator.tell(&event));
                desk.terminal.note(&text);
            }
            AskStepView::Missed { count } if desk.form() == Form::People => {
                let more = figures::counted(count, "step", "steps");
                desk.terminal.note(&format!("{more} more that could not be told\n"));
            }
            AskStepView::Progress { .. } | AskStepView::Missed { .. } => {}
        }
    }
}
