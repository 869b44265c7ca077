//! One thread on which every request of a connection runs. Whoever asks waits for its own answer
//! only, on whatever thread it is: a lock is renewed while another request is slow.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;

/// Runs requests until it is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let run = move || {
            runtime.block_on(stopped.notified());
            // A name that is still being looked up has nobody who waits for it.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("requests".to_owned()).spawn(run)?;
        Ok(Self { handle, stop, thread: Some(thread) })
    }

    /// Runs one task to its end; `None` if it was broken off by a fault of this program. Never to be
    /// called from a task: it would wait for itself.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Whoever asked waits below; a send cannot fail before that ends.
            let _asked = answer.send(task.await);
        });
        answered.recv().ok()
    }

    /// Begins a task, and does not wait for it. It is dropped unfinished if the thread ends before
    /// it does.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Whoever wants to know how it ended has the task say so.
        drop(self.handle.spawn(task));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.notify_one();
        let Some(thread) = self.thread.take() else { return };
        // The last user may have been a task, which cannot wait for its own thread to end.
        if thread.thread().id() != std::thread::current().id() {
            // It runs nothing that could have panicked, and there is nobody to tell.
            let _ended = thread.join();
        }
    }
}
