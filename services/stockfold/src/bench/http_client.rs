//! A keep-alive HTTP/1.1 connection that costs little: the client shares the machine with what it measures.

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use tokio::net::TcpStream;

/// One connection to the engine.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Driven by whoever waits for an answer: a task of its own would be woken twice for each.
    driver: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
    host: HeaderValue,
    bearer: HeaderValue,
}

impl Connection {
    /// Connects to `http://host:port`.
    pub async fn open(base_url: &str, token: &str) -> Result<Self> {
        let host = base_url.strip_prefix("http://").context("an http:// address")?.to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        let bearer = HeaderValue::try_from(format!("Bearer {token}"))?;
        Ok(Self { sender, driver: Box::pin(driver), host: HeaderValue::try_from(host)?, bearer })
    }

    /// Posts JSON and reads the whole answer.
    pub async fn post(&mut self, path: &str, body: String) -> Result<(StatusCode, Bytes)> {
        let request = Request::post(path)
            .header(header::HOST, self.host.clone())
            .header(header::AUTHORIZATION, self.bearer.clone())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(Bytes::from(body)))?;
        let sender = &mut self.sender;
        let asked = async {
            sender.ready().await?;
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        tokio::select! {
            biased;
            ended = &mut self.driver => bail!("the connection has ended: {ended:?}"),
            answer = asked => answer,
        }
    }

    /// Posts JSON; anything but a 2xx is an error that says what came.
    pub async fn post_ok(&mut self, path: &str, body: String) -> Result<()> {
        let (status, answer) = self.post(path, body).await?;
        if !status.is_success() {
            bail!("{path}: {status} {}", String::from_utf8_lossy(&answer));
        }
        Ok(())
    }
}
