//! The view as it is watched: keys, looks and time, by a script.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use bottega_tui::{How, Ink, Left, Look, Source, watch};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::{Stream, StreamExt as _};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::world::{at_work, lines};

/// What a look meets.
#[derive(Clone)]
enum Met {
    Seen(Look),
    Gone,
    Silence,
}

/// Looks by a script, the last of which comes again and again; and when each began.
struct Script {
    met: Mutex<VecDeque<Met>>,
    begun: tokio::time::Instant,
    looked: Arc<Mutex<Vec<u64>>>,
}

#[async_trait]
impl Source for Script {
    async fn look(&self) -> Result<Look, ApiError> {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap();
        self.looked.lock().unwrap().push(at);
        let met = {
            let mut met = self.met.lock().unwrap();
            if met.len() > 1 { met.pop_front().unwrap() } else { met[0].clone() }
        };
        match met {
            Met::Seen(look) => Ok(look),
            Met::Gone => Err(ApiError::new(codes::NO_SERVER, "nobody answers")),
            Met::Silence => std::future::pending().await,
        }
    }
}

/// What is left of a view: how it ended, when looks began in milliseconds, and the last screen.
struct Came {
    left: Left,
    looked: Vec<u64>,
    screen: String,
}

fn key(code: KeyCode) -> io::Result<Event> {
    Ok(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// Watches while the person does what `does` says: so many milliseconds after the step before, one event.
fn watched(met: &[Met], does: Vec<(u64, io::Result<Event>)>, stop_ms: u64) -> Came {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let looked = Arc::default();
        let begun = tokio::time::Instant::now();
        let met = Mutex::new(met.iter().cloned().collect());
        let source = Script { met, begun, looked: Arc::clone(&looked) };
        let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
        let how = How { interval: Duration::from_secs(1), ink: Ink::Plain };
        let stop = tokio::time::sleep(Duration::from_millis(stop_ms));
        let events = Box::pin(scripted(does));
        let first = at_work(1_000, 0);
        let left = watch(&mut terminal, first, &source, how, events, stop).await.unwrap();
        let looked = looked.lock().unwrap().clone();
        Came { left, looked, screen: lines(terminal.backend().buffer()) }
    })
}

fn scripted(does: Vec<(u64, io::Result<Event>)>) -> impl Stream<Item = io::Result<Event>> {
    futures::stream::iter(does)
        .then(|(pause, event)| async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            event
        })
        .chain(futures::stream::pending())
}

#[test]
fn it_looks_again_and_again_until_a_key_ends_it() {
    let met = [Met::Seen(at_work(2_000, 500)), Met::Seen(at_work(3_000, 1_204))];
    let came = watched(&met, vec![(2_500, key(KeyCode::Char('q')))], 60_000);
    assert_eq!((came.left, came.looked.as_slice()), (Left::ByKey, [1_000, 2_000].as_slice()));
    assert!(came.screen.contains("704 msg/s"), "{}", came.screen);
}

#[test]
fn keys_move_and_sort() {
    let does = vec![
        (10, key(KeyCode::Char('s'))),
        (10, key(KeyCode::Down)),
        (10, Ok(Event::Resize(80, 12))),
        (10, key(KeyCode::Char('?'))),
        (10, key(KeyCode::Esc)),
    ];
    let came = watched(&[Met::Silence], does, 60_000);
    assert_eq!((came.left, came.looked.len()), (Left::ByKey, 0));
    assert!(came.screen.contains("sort: msg/s"), "{}", came.screen);
    assert!(came.screen.contains("greeter@local · wasm greeter"), "{}", came.screen);
}

#[test]
fn a_server_that_is_gone_is_tried_less_and_less_often_until_it_is_back() {
    let met = [Met::Gone, Met::Gone, Met::Gone, Met::Seen(at_work(9_000, 1_204))];
    let came = watched(&met, Vec::new(), 8_500);
    assert_eq!(came.left, Left::Stopped);
    assert_eq!(came.looked, [1_000, 2_000, 4_000, 7_000, 8_000]);
    assert!(!came.screen.contains("nobody answers"), "{}", came.screen);

    let gone = watched(&[Met::Gone], Vec::new(), 60_000);
    assert!(gone.screen.contains("nobody answers; trying again (14 times)"), "{}", gone.screen);
}

#[test]
fn a_silent_server_is_given_up_and_keys_work_meanwhile() {
    let came = watched(&[Met::Silence], Vec::new(), 12_500);
    assert!(came.screen.contains("the server is silent for 10 s"), "{}", came.screen);
    let left = watched(&[Met::Silence], vec![(5_000, key(KeyCode::Char('q')))], 60_000);
    assert_eq!((left.left, left.looked.len()), (Left::ByKey, 1));
}

#[test]
fn a_terminal_that_has_gone_ends_it() {
    let gone = io::Error::other("gone");
    let came = watched(&[Met::Silence], vec![(10, Err(gone))], 60_000);
    assert_eq!(came.left, Left::Gone);
}
