//! Calls to the server, one after another.

use std::cell::RefCell;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use facenet_gallery::StoreError;
use http::uri::PathAndQuery;
use prost::Message;
use tokio::runtime::{Builder, Runtime};
use tonic::client::Grpc;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use super::proto::Told;
use crate::address::Address;

/// Milvus's own port.
const PORT: u16 = 19530;
/// `USER:PASSWORD` or a token, so that neither has to stand in an address.
const TOKEN: &str = "FACENET_MILVUS_TOKEN";
/// How long a server that does not answer is waited for.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one question may take: a server that was just started answers the first ones late.
const QUESTION: Duration = Duration::from_secs(180);
/// How long one change may take; shorter than a flag holds after it was renewed.
const CHANGE: Duration = Duration::from_secs(20);
/// The largest answer: some ten thousand faces.
const LARGEST: usize = 256 << 20;

/// A connection.
pub(super) struct Client {
    runtime: Runtime,
    grpc: RefCell<Grpc<Channel>>,
    token: Option<AsciiMetadataValue>,
    pub(super) place: String,
    pub(super) database: String,
}

impl Client {
    pub(super) fn connect(address: &Address) -> Result<Self, StoreError> {
        let place = address.to_string();
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Unreachable {
            place: place.clone(),
            source,
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| StoreError::File { place: place.clone(), source })?;
        let host = address.host();
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let uri = if has_port { format!("http://{host}") } else { format!("http://{host}:{PORT}") };
        let endpoint = Endpoint::from_shared(uri).map_err(|error| unreachable(error.into()))?;
        let endpoint = endpoint.connect_timeout(CONNECT).timeout(QUESTION);
        let channel = runtime.block_on(endpoint.connect()).map_err(|error| unreachable(error.into()))?;
        let grpc = Grpc::new(channel).max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST);
        let token = match address.password() {
            Some(password) => Some(format!("{}:{password}", address.user())),
            None => std::env::var(TOKEN).ok(),
        };
        let token = token.map(|token| STANDARD.encode(token).parse().expect("Base64 is ASCII"));
        let database = match address.database() {
            "" => "default".to_owned(),
            name => name.to_owned(),
        };
        Ok(Self { runtime, grpc: RefCell::new(grpc), token, place, database })
    }

    /// Calls a method of Milvus's service.
    pub(super) fn call<Q, A>(&self, method: &str, question: Q) -> Result<A, StoreError>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + Told + 'static,
    {
        let path = format!("/milvus.proto.milvus.MilvusService/{method}");
        let path = PathAndQuery::try_from(path).expect("methods have plain names");
        let mut request = Request::new(question);
        if matches!(method, "Upsert" | "Delete") {
            request.set_timeout(CHANGE);
        }
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        let mut grpc = self.grpc.borrow_mut();
        let answer = self.runtime.block_on(async {
            grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
            let codec = tonic_prost::ProstCodec::<Q, A>::default();
            grpc.unary(request, path, codec).await
        });
        let answer = answer.map_err(|status| self.error(&status))?.into_inner();
        match answer.status() {
            Some(status) if status.error_code != 0 || status.code != 0 => {
                let source = format!("{method}: {}", status.reason).into();
                Err(StoreError::Backend { place: self.place.clone(), source })
            }
            _ => Ok(answer),
        }
    }

    fn error(&self, status: &tonic::Status) -> StoreError {
        let place = self.place.clone();
        match status.code() {
            Code::Unavailable | Code::Unauthenticated | Code::DeadlineExceeded | Code::Cancelled => {
                StoreError::Unreachable { place, source: status.message().into() }
            }
            Code::PermissionDenied => StoreError::ReadOnly { place },
            _ => StoreError::Backend { place, source: status.message().into() },
        }
    }
}
