//! What a client still sends after its request was refused. A connection that is closed with bytes unread is reset, and
//! the reset may overtake the answer: the client would see a broken pipe in place of "the body is too large".

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// The most bytes that are read of a body that nobody wants.
const MAX_REST: usize = 8 << 20;
/// How long they may take.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The rest of a body, once its reader has let go of it.
pub(crate) struct Rest {
    body: Option<oneshot::Receiver<Body>>,
    is_chunked: bool,
}

/// Lends the body of a request to whoever serves it. A client that waits for `100 Continue` sends nothing unasked, and
/// is not asked.
pub(crate) fn lend(request: Request) -> (Request, Rest) {
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return (request, Rest { body: None, is_chunked });
    }
    let (back, body) = oneshot::channel();
    let request = request.map(|body| Body::new(Lent { body: Some(body), back: Some(back) }));
    (request, Rest { body: Some(body), is_chunked })
}

impl Rest {
    /// Reads what is left, within bounds, and drops it. Where the body is still being read (an import answers while
    /// it reads) nothing is done. Nothing more is served on a connection whose unwanted body was chunked: where it ends
    /// is what two readers may see differently (RFC 9112, 6.3).
    pub(crate) async fn drain(self, response: &mut Response) {
        let Some(mut body) = self.body.and_then(|mut body| body.try_recv().ok()) else { return };
        if self.is_chunked {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let all = async {
            let mut left = MAX_REST;
            while left > 0 {
                let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                let Some(Ok(frame)) = frame else { return };
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            }
        };
        // A client that is slower loses the answer, as it would have without this.
        let _ = timeout(MAX_TIME, all).await;
    }
}

/// A body that goes back to its lender when it is dropped before its end.
struct Lent {
    body: Option<Body>,
    back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.as_ref().map_or_else(http_body::SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        if let Some((body, back)) = unread.zip(self.back.take()) {
            // Nobody waits for it any more where the answer has begun.
            let _ = back.send(body);
        }
    }
}
