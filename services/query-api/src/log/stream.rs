//! A body that is filled by a thread. It holds a few chunks at most: a slow reader makes the thread wait.

use axum::body::Bytes;
use futures_core::Stream;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Chunks that wait for the reader at most.
const CHUNKS: usize = 2;

/// The chunks of a body, or what ended it early.
pub(super) struct Chunks(mpsc::Receiver<io::Result<Bytes>>);

/// Where the chunks go; closed when the client has gone.
pub(super) type ChunkSink = mpsc::Sender<io::Result<Bytes>>;

pub(super) fn chunks() -> (ChunkSink, Chunks) {
    let (sink, source) = mpsc::channel(if planted::bug!("unbounded-stream") { 1 << 20 } else { CHUNKS });
    (sink, Chunks(source))
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_makes_the_writer_wait() {
        let (sink, _body) = chunks();
        let taken = (0..1_000).take_while(|_| sink.try_send(Ok(Bytes::new())).is_ok()).count();
        assert_eq!(taken, CHUNKS);
    }
}
