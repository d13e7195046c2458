//! Named tasks with an owner.

use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use tokio::task::{AbortHandle, JoinError, JoinHandle, JoinSet};

/// Every kind of background work of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// The loop of one session. Ends with its session; its failure is told to whoever waits for it.
    Session,
    /// One question to a model. Cancelling closes the connection.
    ModelCall,
    /// One tool call. Cancelling kills what it started.
    ToolCall,
    /// Looking over a workspace. Cancelling leaves nothing behind.
    Survey,
    /// Waiting for a moment.
    Alarm,
    /// Storing what others have done, for all of them at once. Ends when nobody can tell it anything any more.
    Clerk,
    /// Telling a collector what was done. Cancelling loses what was not told yet.
    Courier,
    /// Reading a person's input.
    Input,
    /// One connection of a client. Cancelling closes it.
    Connection,
    /// One incarnation of an actor. It ends by its own orders and tells whoever owns it.
    Actor,
    /// The loop of one supervisor. It ends after its children.
    Supervisor,
}

/// How a task ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// With its result.
    Done(T),
    /// With a panic; its message.
    Panicked(String),
    /// It was cancelled.
    Cancelled,
}

impl<T> Ended<T> {
    fn of(result: Result<T, JoinError>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(error) if error.is_cancelled() => Self::Cancelled,
            Err(error) => Self::Panicked(panic_text(error.into_panic().as_ref())),
        }
    }
}

/// Drives a future, and contains its panic: `Err` has the words of it. What the future held is dropped by then.
pub async fn contained<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        // A future that panicked is not polled again, so nobody sees what it left half done.
        match contain(|| future.as_mut().poll(context)) {
            Ok(poll) => poll.map(Ok),
            Err(words) => Poll::Ready(Err(words)),
        }
    })
    .await
}

/// Runs `work`, and contains its panic: `Err` has the words of it.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What `work` touched is not used again by whoever sees the error, or is whole after each step.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let words = panic_text(&*payload);
        // A payload may panic as well when it is dropped. The one of that panic is leaked: the chain has to end.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        words
    })
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// A task that runs by itself. Dropping this cancels it.
#[derive(Debug)]
pub struct Running<T> {
    task: JoinHandle<T>,
    kind: TaskKind,
}

impl<T> Running<T> {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> TaskKind {
        self.kind
    }

    /// Waits for its end. Dropping the future cancels the task.
    pub async fn ended(mut self) -> Ended<T> {
        Ended::of((&mut self.task).await)
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a task that runs by itself, on the runtime that the caller runs on.
#[must_use = "dropping the handle cancels the task"]
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts tasks")]
pub fn spawn<T: Send + 'static>(
    kind: TaskKind,
    future: impl Future<Output = T> + Send + 'static,
) -> Running<T> {
    Running { task: tokio::spawn(future), kind }
}

/// Starts a task that nobody holds: it ends by itself, or by what it is told, and tells its own end.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts tasks")]
pub(crate) fn detach(_kind: TaskKind, future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}

/// Starts a task that nobody waits for. Where there is no runtime any more, nothing is started.
pub fn send_off(kind: TaskKind, future: impl Future<Output = ()> + Send + 'static) {
    if tokio::runtime::Handle::try_current().is_ok() {
        detach(kind, future);
    }
}

/// Runs a future to its end, whether whoever waits for it stays or not. `None` when it panicked.
pub async fn to_its_end<T: Send + 'static>(
    kind: TaskKind,
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (told, end) = tokio::sync::oneshot::channel();
    detach(kind, async move {
        // Whoever waited may have gone.
        let _ = told.send(future.await);
    });
    end.await.ok()
}

/// Tasks by name, owned together: at most one of a name at a time, all cancelled on drop.
#[derive(Debug)]
pub struct Tasks<K, T> {
    set: JoinSet<T>,
    names: HashMap<tokio::task::Id, K>,
    handles: HashMap<K, AbortHandle>,
}

impl<K, T> Default for Tasks<K, T> {
    fn default() -> Self {
        Self { set: JoinSet::new(), names: HashMap::new(), handles: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, T: Send + 'static> Tasks<K, T> {
    /// Starts a task, unless one of that name is under way. Says whether it started.
    pub fn start(
        &mut self,
        name: K,
        _kind: TaskKind,
        future: impl Future<Output = T> + Send + 'static,
    ) -> bool {
        if self.handles.contains_key(&name) {
            return false;
        }
        let handle = self.set.spawn(future);
        self.names.insert(handle.id(), name.clone());
        self.handles.insert(name, handle);
        true
    }

    /// Cancels the task of that name, if there is one. Its end is not told any more.
    pub fn cancel(&mut self, name: &K) {
        if let Some(handle) = self.handles.remove(name) {
            self.names.remove(&handle.id());
            handle.abort();
        }
    }

    /// The names of the tasks under way.
    pub fn names(&self) -> impl Iterator<Item = &K> {
        self.handles.keys()
    }

    /// Waits for the next task to end. Waits for ever when there is none, so that it can stand in a
    /// `select`. Dropping the future loses nothing.
    pub async fn next(&mut self) -> (K, Ended<T>) {
        loop {
            match self.set.join_next_with_id().await {
                Some(result) => {
                    let (id, result) = match result {
                        Ok((id, value)) => (id, Ok(value)),
                        Err(error) => (error.id(), Err(error)),
                    };
                    if let Some(name) = self.names.remove(&id) {
                        self.handles.remove(&name);
                        return (name, Ended::of(result));
                    }
                }
                None => std::future::pending::<()>().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_and_spares_the_others() {
        let mut tasks = Tasks::default();
        assert!(tasks.start("bad", TaskKind::ToolCall, async { panic!("ouch") }));
        assert_eq!(tasks.next().await, ("bad", Ended::Panicked("ouch".to_owned())));
        assert!(tasks.start("good", TaskKind::ToolCall, async { 7 }));
        assert_eq!(tasks.next().await, ("good", Ended::Done(7)));
    }

    #[tokio::test]
    async fn a_name_runs_once_at_a_time_and_cancelling_drops_it() {
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let mut tasks = Tasks::default();
        let work = async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        };
        assert!(tasks.start(1, TaskKind::ModelCall, work));
        assert!(!tasks.start(1, TaskKind::ModelCall, async {}));
        tasks.cancel(&1);
        // The task's own end of the channel is dropped with it.
        assert_eq!(gone.recv().await, None);
        assert_eq!(tasks.names().count(), 0);
        assert!(tasks.start(1, TaskKind::ModelCall, async {}));
        assert_eq!(tasks.next().await, (1, Ended::Done(())));
    }

    #[tokio::test]
    async fn a_contained_panic_drops_what_was_held() {
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let broken = async move {
            let _alive = alive;
            tokio::task::yield_now().await;
            panic!("ouch");
        };
        assert_eq!(contained(broken).await, Err::<(), _>("ouch".to_owned()));
        assert_eq!(gone.recv().await, None);
        assert_eq!(contained(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn a_running_task_ends_with_its_handle() {
        let (alive, mut gone) = tokio::sync::mpsc::channel::<()>(1);
        let running = spawn(TaskKind::Session, async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        drop(running);
        assert_eq!(gone.recv().await, None);
    }
}
