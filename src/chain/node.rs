//! Requests to a node: every one with a time limit, and every answer with a size limit.
//!
//! Invariants: nothing of this client asks a node in another way; a node that is silent, slow or endless is an error.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use starknet::providers::ProviderRequestData;
use starknet::providers::jsonrpc::{JsonRpcMethod, JsonRpcResponse, JsonRpcTransport};
use thiserror::Error;
use url::Url;

/// What is waited for, and how much is read.
#[derive(Debug, Clone, Copy)]
struct Limits {
    connect: Duration,
    /// For the whole of an answer.
    answer: Duration,
    /// The same where the node runs a transaction first, the verification of a proof perhaps.
    work: Duration,
    /// Bytes of an answer.
    bytes: usize,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(60),
    work: Duration::from_secs(300),
    bytes: 16 << 20,
};

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NodeError {
    #[error("no answer within {seconds} seconds")]
    Silent { seconds: u64 },
    #[error("the answer has more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("several requests at once are not sent")]
    Batch,
    #[error("{0}")]
    Http(String),
    #[error("the answer is no JSON-RPC: {0}")]
    Json(serde_json::Error),
}

/// A node, as the library's client asks it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    client: Client,
    url: Url,
    limits: Limits,
}

#[derive(Serialize)]
struct Request<M, P> {
    id: u64,
    jsonrpc: &'static str,
    method: M,
    params: P,
}

/// The error and what it came from: the library's own text leaves the reason out.
fn http(error: &reqwest::Error) -> NodeError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    NodeError::Http(text)
}

impl Node {
    pub(super) fn new(url: Url) -> Result<Node, NodeError> {
        Node::with(url, LIMITS)
    }

    fn with(url: Url, limits: Limits) -> Result<Node, NodeError> {
        let client = Client::builder().connect_timeout(limits.connect);
        Ok(Node {
            client: client.build().map_err(|error| http(&error))?,
            url,
            limits,
        })
    }

    /// Asks for something that the node only looks up.
    pub(super) async fn ask<R: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Result<JsonRpcResponse<R>, NodeError> {
        self.request(method, params, self.limits.answer).await
    }

    async fn request<R: DeserializeOwned>(
        &self,
        method: impl Serialize,
        params: impl Serialize,
        time: Duration,
    ) -> Result<JsonRpcResponse<R>, NodeError> {
        let request = Request {
            id: 1,
            jsonrpc: "2.0",
            method,
            params,
        };
        let body = serde_json::to_vec(&request).map_err(NodeError::Json)?;
        let answer = self.post(body, time).await?;
        serde_json::from_slice(&answer).map_err(NodeError::Json)
    }

    /// Sends a body and reads the whole answer within the time.
    async fn post(&self, body: Vec<u8>, time: Duration) -> Result<Vec<u8>, NodeError> {
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true if error.is_connect() => NodeError::Silent {
                seconds: self.limits.connect.as_secs(),
            },
            true => NodeError::Silent {
                seconds: time.as_secs(),
            },
            false => http(&error),
        };
        let request = self.client.post(self.url.clone()).body(body);
        let request = request.header("Content-Type", "application/json");
        let mut response = request.timeout(time).send().await.map_err(failed)?;
        let limit = self.limits.bytes;
        let mut bytes = vec![];
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if part.len() > limit - bytes.len() {
                return Err(NodeError::TooLarge { limit });
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}

#[async_trait]
impl JsonRpcTransport for Node {
    type Error = NodeError;

    async fn send_request<P, R>(
        &self,
        method: JsonRpcMethod,
        params: P,
    ) -> Result<JsonRpcResponse<R>, NodeError>
    where
        P: Serialize + Send + Sync,
        R: DeserializeOwned + Send,
    {
        let time = match method {
            JsonRpcMethod::AddInvokeTransaction
            | JsonRpcMethod::AddDeclareTransaction
            | JsonRpcMethod::AddDeployAccountTransaction
            | JsonRpcMethod::EstimateFee
            | JsonRpcMethod::SimulateTransactions => self.limits.work,
            _ => self.limits.answer,
        };
        self.request(method, params, time).await
    }

    /// This client asks one thing after the other.
    async fn send_requests<R>(
        &self,
        _: R,
    ) -> Result<Vec<JsonRpcResponse<serde_json::Value>>, NodeError>
    where
        R: AsRef<[ProviderRequestData]> + Send + Sync,
    {
        Err(NodeError::Batch)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// What asking a node gives that behaves so after the request, and how long it took.
    fn asked(behave: impl Fn(&mut TcpStream) + Send + 'static) -> (String, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            behave(&mut stream);
        });
        let limits = Limits {
            answer: Duration::from_secs(2),
            bytes: 1 << 20,
            ..LIMITS
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let start = Instant::now();
        let node = Node::with(url.parse().expect("a URL"), limits).expect("a client");
        let answer = runtime.block_on(node.ask::<String>("starknet_specVersion", [(); 0]));
        let said = match answer {
            Ok(JsonRpcResponse::Success { result, .. }) => result,
            Ok(JsonRpcResponse::Error { error, .. }) => error.message,
            Err(error) => error.to_string(),
        };
        (said, start.elapsed())
    }

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

    #[test]
    fn an_answer_is_read() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":"0.9.0"}"#;
        let answer = format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len());
        let (said, _) = asked(move |stream| {
            stream.write_all(answer.as_bytes()).expect("written");
        });
        assert_eq!(said, "0.9.0");
    }

    /// Neither a node that is silent nor one that sends a byte now and then is waited for.
    #[test]
    fn a_node_that_does_not_end_is_not_waited_for() {
        let silent = |_: &mut TcpStream| thread::sleep(Duration::from_secs(60));
        let slow = |stream: &mut TcpStream| {
            let _ = write!(stream, "{HEAD}Content-Length: 1000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        };
        for (said, time) in [asked(silent), asked(slow)] {
            assert_eq!(said, "no answer within 2 seconds");
            assert!(time < Duration::from_secs(20), "{time:?}");
        }
    }

    #[test]
    fn an_answer_without_an_end_is_not_read() {
        let (said, time) = asked(|stream| {
            let _ = write!(stream, "{HEAD}Connection: close\r\n\r\n");
            while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
        });
        assert_eq!(said, "the answer has more than 1048576 bytes");
        assert!(time < Duration::from_secs(20), "{time:?}");
    }
}
