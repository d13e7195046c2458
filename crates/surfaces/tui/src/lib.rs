//! The terminal as a screen: the live view of a server, and the words that a terminal may be shown.
//!
//! What it is: [`watch`], which draws the tree of everything that lives on a server again and again until the person
//! leaves; and what every text on a terminal goes through, [`visible`] and [`figures`].
//! What it is not: it knows no command line and reaches no server. The caller hands it a [`Source`] to look through, the
//! keys that are pressed, and a [`Screen`] to draw on.
//!
//! One look: [`Source::look`] → [`View::saw`] → [`rows`](rows()) from this look and the one before → [`View::draw`]. One
//! key: [`act`] says what it means, [`View::apply`] does it.
//!
//! Invariants
//! * Everything but [`Screen`] and the waiting in [`watch`] is pure: a screen is what two looks and the keys make of it.
//! * Nothing is shown that was not told: a pace needs two looks at the same server, memory a system that tells it.
//! * No text of a server steers the terminal.
//! * However the view is left, by a key, a signal or a panic, the terminal is as it was.

mod act;
mod columns;
mod draw;
pub mod figures;
mod rows;
mod screen;
mod view;
pub mod visible;
mod watch;

pub use act::{Act, act};
pub use draw::Ink;
pub use rows::{Order, Row, rows};
pub use screen::Screen;
pub use view::{Look, View};
pub use watch::{How, Left, Source, keys, watch};
