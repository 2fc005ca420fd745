//! Errors as clients get them: RFC 9457 problems, with a stable code and what to do.

mod told;

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use facenet_gallery::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::told::Told;
use crate::caller::Scope;
use crate::engine::NotLooked;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the request cannot be understood: {0}")]
    BadRequest(String),
    #[error("{0}")]
    BadValue(String),
    #[error("the request has no image")]
    NoImage,
    #[error("a body of the type `{0}` is not taken here")]
    MediaType(String),
    #[error("the body has more than the {0} bytes that are allowed")]
    TooLarge(usize),
    #[error("the body did not come in time")]
    SlowBody,
    #[error(transparent)]
    Image(#[from] NotLooked),
    #[error("no face was found in the image{0}")]
    NoFace(&'static str),
    #[error("the model has no threshold for a false accept rate of {0}")]
    NoThreshold(f64),
    #[error("there is nothing at this address")]
    NoRoute,
    #[error("this address does not take that method")]
    Method,
    #[error("a key is needed")]
    NoKey,
    #[error("the key is not known, or was removed")]
    UnknownKey,
    #[error("the key has the scope `{}`, but `{}` is needed", has.name(), needs.name())]
    Scope { has: Scope, needs: Scope },
    #[error("the request comes from a page of another origin")]
    Origin,
    #[error("the service is not known under that name")]
    Host,
    #[error("the caller makes more requests than it may")]
    Rate { seconds: u64 },
    #[error("the service was started without a gallery")]
    NoGallery,
    #[error("the gallery cannot be changed")]
    ReadOnly,
    #[error("the gallery is another model's still")]
    UpgradeFirst,
    #[error("others have been using the gallery for too long")]
    GalleryBusy,
    #[error("there is no word to take back")]
    NothingSaid,
    #[error("there is no job {0}")]
    NoJob(u64),
    #[error("there is no run {0}, or it has no such page")]
    NoRun(i64),
    #[error("there is no such folder, or it may not be read")]
    Folder,
    #[error("the job was cancelled")]
    Cancelled,
    #[error("another request was made with this `Idempotency-Key`")]
    OtherRequest,
    #[error("the request with this `Idempotency-Key` is still in work")]
    InProgress,
    #[error("the service ended while the request with this `Idempotency-Key` was in work")]
    Interrupted,
    #[error("as much is in work as may")]
    Overloaded,
    #[error("the answer took too long")]
    Deadline,
    #[error("the service is stopping")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Internal(String),
}

/// Why a request was not done, as RFC 9457 has it. `code` never changes and is meant for programs; `hint` says what to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:facenet:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of error it is, in words.
    #[schema(value_type = String)]
    title: Cow<'static, str>,
    /// The status of the answer.
    status: u16,
    /// A word for programs, such as `no-face`.
    #[schema(value_type = String)]
    code: Cow<'static, str>,
    /// What was wrong this time.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

/// The errors of all routes, for their description.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) enum Problems {
    /// The request cannot be done as it is.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Client(#[to_schema] Problem),
    /// The service cannot do it now.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Service(#[to_schema] Problem),
}

impl ApiError {
    /// How long a client should wait before it tries again, in seconds.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Overloaded | Self::Stopping | Self::InProgress => Some(1),
            Self::Rate { seconds } => Some(*seconds),
            Self::GalleryBusy | Self::Store(StoreError::Busy { .. }) => Some(5),
            _ => None,
        }
    }
}

/// What an error says, without the hints that are for the command line and without paths of the server.
fn detail(error: &ApiError, told: &Told) -> String {
    if told.code == "internal" {
        return told.title.into();
    }
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("hint: ")).collect();
    let text = lines.join(" ");
    match error {
        ApiError::Store(error) => without_place(&text, error),
        _ => text,
    }
}

fn without_place(text: &str, error: &StoreError) -> String {
    let place = match error {
        StoreError::NoSuch { place, .. }
        | StoreError::NameTaken { place, .. }
        | StoreError::ReadOnly { place }
        | StoreError::Older { place, .. }
        | StoreError::OtherContract { place, .. }
        | StoreError::Embedding { place, .. }
        | StoreError::Busy { place, .. }
        | StoreError::Full { place }
        | StoreError::Remains { place, .. } => place,
        _ => return text.to_owned(),
    };
    text.replace(&format!(" `{place}`"), "")
}

impl ApiError {
    /// As clients get it.
    pub(crate) fn problem(&self) -> Problem {
        let told = self.told();
        Problem {
            kind: format!("urn:facenet:{}", told.code),
            title: told.title.into(),
            status: told.status.as_u16(),
            code: told.code.into(),
            detail: detail(self, &told),
            hint: told.hint,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let told = self.told();
        let mut response = (told.status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if told.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if told.status.is_server_error() {
            // The reason is for whoever runs the service.
            response.extensions_mut().insert(Reason(reason(&self)));
        }
        response
    }
}

/// Why the service failed, for its log.
#[derive(Debug, Clone)]
pub(crate) struct Reason(pub(crate) String);

fn reason(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words += &format!(": {cause}");
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use facenet_gallery::{FaceId, Subject};

    use super::*;

    fn told(error: &ApiError) -> (u16, &'static str, String) {
        let told = error.told();
        (told.status.as_u16(), told.code, detail(error, &told))
    }

    #[test]
    fn an_error_of_the_gallery_names_no_path_and_no_command() {
        let place = || "/home/anna/family.faces".to_owned();
        let none = StoreError::NoSuch { place: place(), subject: Subject::Face(FaceId(9)) };
        assert_eq!(told(&none.into()), (404, "no-such", "the gallery has no face:9".into()));
        let full = StoreError::Full { place: place() };
        let words = "the disk of the gallery is full: nothing of this step was kept, all before it was";
        assert_eq!(told(&full.into()), (507, "disk-full", words.into()));
        let damaged = StoreError::Damaged { place: place(), what: "page 3".into() };
        assert_eq!(told(&damaged.into()), (500, "internal", "the gallery cannot be used".into()));
    }

    #[test]
    fn only_what_passes_by_itself_says_when_to_try_again() {
        let after = |error: ApiError| {
            error.into_response().headers().get(header::RETRY_AFTER).map(|v| v.to_str().unwrap().to_owned())
        };
        assert_eq!(after(ApiError::Overloaded).as_deref(), Some("1"));
        assert_eq!(after(ApiError::NoImage), None);
    }
}
