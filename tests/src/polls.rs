//! A future that is given up after so many polls: by the clock, a machine that is quick enough is through with the whole
//! of a short piece of work before the first tick of the timer.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Polls a future so often; then it ends, with none.
#[derive(Debug)]
pub struct Polled<F> {
    left: usize,
    inner: Pin<Box<F>>,
}

impl<F: Future> Polled<F> {
    /// At most so many polls, at least one.
    pub fn new(polls: usize, inner: F) -> Self {
        Self { left: polls, inner: Box::pin(inner) }
    }
}

impl<F: Future> Future for Polled<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.left = self.left.saturating_sub(1);
        match self.inner.as_mut().poll(context) {
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            polled => polled.map(Some),
        }
    }
}
