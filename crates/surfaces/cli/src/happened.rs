//! What happened, a line each, as people read it.

use bottega_api::AgentEventView;
use bottega_types::Timestamp;

use crate::terminal::Terminal;
use crate::visible;

/// Events in their order.
pub(crate) fn lines(events: &[AgentEventView], terminal: &Terminal) -> String {
    let paint = terminal.out_paint();
    let mut text = String::new();
    for event in events {
        let at = Timestamp::from_millis(event.at_ms).to_string();
        let kind = visible::first_line(&event.kind);
        let data = visible::first_line(&event.data.to_string());
        text.push_str(format!("{} {kind} {data}", paint.dim(&at)).trim_end());
        text.push('\n');
    }
    text
}
