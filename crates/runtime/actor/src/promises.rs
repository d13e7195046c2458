//! What actors can rely on, and which test holds it. Nothing is in here but this page.
//!
//! Order, room, priority, kills and watches hold however threads meet: `cell/models.rs` has a model of each, which `loom` runs
//! through all of it.
//!
//! **Order**
//! * Messages of one sender to one actor are dealt with in the order in which they were accepted; between senders there is no
//!   order: `messages_are_dealt_with_in_the_order_of_their_sender`.
//! * A full mailbox returns the message. The message in hand takes no room. Those who wait for room have it in the order of
//!   their coming, and lose it when they stop waiting:
//!   `a_full_mailbox_returns_the_message_and_the_sender_may_wait`, `room_is_counted_in_messages_that_nobody_began`.
//!   A plain `tell` may come before those who wait.
//!
//! **Priority**
//! * A kill goes before signals, signals before an order to pause, that before messages, messages before the end of a mailbox
//!   that is drained: `a_kill_goes_before_all_messages`, `signals_go_before_messages`,
//!   `a_graceful_stop_deals_with_what_was_accepted_and_takes_no_more`.
//! * None of them interrupts a method, but a kill at its next await point: `a_stop_that_takes_too_long_becomes_a_kill`. Code
//!   that never gives way holds its thread; what it holds up is left behind, and it gets no further message; those that it
//!   lets go of are the next one's: `an_incarnation_that_was_left_behind_gets_no_more_messages_and_loses_none`,
//!   `what_one_that_was_left_behind_gives_back_wakes_who_waits_for_it`.
//!
//! **Asking**
//! * Every question has a deadline, for room and answer together: `a_question_has_a_deadline`,
//!   `the_deadline_covers_waiting_for_room`. A crash is told at once: `a_crash_before_the_answer_is_told`.
//!
//! **Stop and kill**
//! * A stop closes the mailbox, deals with what was accepted and calls `stop`. A kill does none of that. Both let the state
//!   go: `a_graceful_stop_deals_with_what_was_accepted_and_takes_no_more`, `a_kill_goes_before_all_messages`.
//! * Children start in order, each when the one before is up, and end in reverse:
//!   `children_start_in_order_and_end_in_reverse`. Each has a deadline: `a_child_that_does_not_stop_in_time_is_killed`,
//!   `an_init_that_takes_too_long_is_killed`.
//!
//! **Panics**
//! * A panic while an actor is made, in `init`, `handle`, `signal` and `stop`, when its state is dropped and when its messages
//!   are, ends that actor alone: `a_panic_anywhere_ends_that_actor_alone`,
//!   `a_panic_in_drop_after_a_panic_is_contained_as_well`, `messages_that_panic_when_dropped_are_contained`. Two at a time in
//!   one handler (a panic that drops a local value whose drop panics) end the process: so Rust has it.
//!
//! **Restarts**
//! * A restart keeps the identity, every [`Ref`](crate::Ref), the name, the mailbox and the counts; it does not keep the state,
//!   monitors, links and spawned children: `the_rest_of_the_mailbox_survives_a_crash`,
//!   `mailboxes_survive_a_restart_on_account_of_a_sibling`, `an_actors_own_children_end_with_it`.
//! * The message in hand is lost and reported so, or delivered again as often as the actor declares:
//!   `a_message_that_is_kept_is_delivered_again_and_given_up_in_the_end`.
//! * A supervisor that gives up ends as crashed; its own supervisor begins it anew with the mailboxes of the children that it
//!   was described with: `a_supervisor_that_restarts_too_often_gives_up_and_its_own_takes_over`.
//! * Any tree under any faults does what a small model does that does one thing after the other:
//!   `any_tree_under_any_faults_does_what_the_model_does`.
//!
//! **Watching**
//! * A monitor or link is told once, of the incarnation that it was made with; at once, when that is over:
//!   `a_monitor_is_told_of_the_end`, `who_watches_the_dead_is_told_at_once`,
//!   `a_link_passes_a_crash_on_unless_it_is_trapped`.
//! * Who is over one message for too long is told to the observer, and killed where that is wanted:
//!   `a_child_that_is_stuck_is_reported_or_killed`. What it had in hand is delivered again as after a crash:
//!   `what_a_killed_child_had_in_hand_comes_again`.
