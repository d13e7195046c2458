//! A server that is only told of, and a screen that is read back.

use bottega_api::{ActorState, ActorView, AgentStanding, AgentView, DeliveryClass, TreeView};
use bottega_tui::{Ink, Look, View, visible};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// When the server began.
pub(crate) const BEGUN: u64 = 1_763_648_000_000;

pub(crate) fn supervisor(id: u32, name: &str) -> ActorView {
    ActorView {
        id: format!("act_{id}"),
        parent: None,
        name: Some(name.into()),
        kind: "supervisor".into(),
        agent: None,
        state: ActorState::Running,
        waiting: 0,
        capacity: 64,
        under_way: None,
        handled: 1,
        restarts: 0,
        begun_ms: Some(BEGUN),
        trouble: None,
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
    }
}

pub(crate) fn agent(id: u32, parent: u32, name: &str, handled: u64) -> ActorView {
    ActorView {
        parent: Some(format!("act_{parent}")),
        kind: "agent".into(),
        agent: Some("wasm greeter 0.1.0".into()),
        capacity: 256,
        under_way: Some(0),
        handled,
        ..supervisor(id, name)
    }
}

/// A look at these, so many milliseconds after the server began.
pub(crate) fn look(after_ms: u64, actors: Vec<ActorView>) -> Look {
    let tree = TreeView {
        version: "0.1.0".into(),
        at_ms: BEGUN + after_ms,
        begun_ms: BEGUN,
        memory_bytes: Some(98_357_248),
        actors,
        absent: Vec::new(),
    };
    Look { place: "http://127.0.0.1:7437".into(), tree }
}

/// A server at work: three agents under supervisors, one of which keeps two; one agent was given up.
pub(crate) fn at_work(after_ms: u64, handled: u64) -> Look {
    let clerk = ActorView {
        state: ActorState::Resting,
        waiting: 200,
        under_way: Some(12),
        restarts: 3,
        trouble: Some("trap: \u{1b}[31mout of fuel\nat 0x17".into()),
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
        ..agent(4, 3, "clerk@local", 17)
    };
    let full = ActorView { waiting: 256, ..agent(5, 3, "scribe@local", 90) };
    let mut look = look(
        after_ms,
        vec![
            supervisor(1, "keeper of greeter@local"),
            agent(2, 1, "greeter@local", handled),
            supervisor(3, "keeper of the office"),
            clerk,
            full,
        ],
    );
    look.tree.absent = vec![AgentView {
        name: "diviner@local".into(),
        kind: "wasm diviner 2.0.0".into(),
        delivery: DeliveryClass::Durable,
        state: AgentStanding::Failed,
        waiting: 0,
        capacity: 256,
        under_way: 1,
        handled: 0,
        restarts: 0,
        trouble: None,
        memory_bytes: Some(1_179_648),
        cost_usd: Some(0.25),
    }];
    look
}

/// The view of a server at work, seen twice within half a second.
pub(crate) fn view() -> View {
    let mut view = View::new(at_work(302_000, 1_000));
    view.saw(Ok(at_work(302_500, 1_602)));
    view
}

/// What `view` draws.
pub(crate) fn drawn(view: &mut View, width: u16, height: u16, ink: Ink) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame, ink)).unwrap();
    terminal.backend().buffer().clone()
}

/// The text of it, line by line.
pub(crate) fn text(view: &mut View, width: u16, height: u16) -> String {
    lines(&drawn(view, width, height, Ink::Plain))
}

pub(crate) fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let (mut line, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide letter stands in two places.
            x += u16::try_from(visible::width(symbol)).unwrap().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
