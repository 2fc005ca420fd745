//! Errors as clients get them: RFC 9457 problems, with a stable code and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use facenet_gallery::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

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
    #[error("others have been using the gallery for too long")]
    GalleryBusy,
    #[error("there is no word to take back")]
    NothingSaid,
    #[error("there is no job {0}")]
    NoJob(u64),
    #[error("there is no such folder, or it may not be read")]
    Folder,
    #[error("the job was cancelled")]
    Cancelled,
    #[error("another request was made with this `Idempotency-Key`")]
    OtherRequest,
    #[error("the request with this `Idempotency-Key` is still in work")]
    InProgress,
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

/// What is told about an error.
struct Told {
    status: StatusCode,
    /// Never changes.
    code: &'static str,
    title: &'static str,
    hint: Option<String>,
}

/// Why a request was not done, as RFC 9457 has it. `code` never changes and is meant for programs; `hint` says what to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:facenet:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of error it is, in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// A word for programs, such as `no-face`.
    code: &'static str,
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
    /// The only place that decides about status codes.
    fn told(&self) -> Told {
        use StatusCode as S;
        let told = |status, code, title, hint: &str| Told {
            status,
            code,
            title,
            hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()),
        };
        match self {
            Self::BadRequest(_) => told(
                S::BAD_REQUEST,
                "bad-request",
                "the request cannot be understood",
                "see /docs for what it takes",
            ),
            Self::BadValue(_) => told(
                S::UNPROCESSABLE_ENTITY,
                "bad-request",
                "a value cannot be used",
                "see /docs for what it takes",
            ),
            Self::NoImage => told(
                S::BAD_REQUEST,
                "no-image",
                "no image was sent",
                "send it as the body with its `image/…` type, as the multipart field `image`, or as JSON with base64 in `image`",
            ),
            Self::MediaType(_) => told(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "the body has another type than is taken",
                "images are sent as `image/…`, `multipart/form-data` or `application/json`; all else is `application/json`",
            ),
            Self::TooLarge(_) => told(
                S::PAYLOAD_TOO_LARGE,
                "too-large",
                "the body is too large",
                "send a smaller picture; faces need no more than a few hundred pixels",
            ),
            Self::SlowBody => told(
                S::REQUEST_TIMEOUT,
                "slow-body",
                "the body came too slowly",
                "send a smaller picture, or try again on a better network",
            ),
            Self::Image(NotLooked::NotAnImage { hint, .. }) => Told {
                hint: hint.clone().or(Some("send a JPEG, PNG, WebP, GIF, BMP or TIFF".into())),
                ..told(S::UNPROCESSABLE_ENTITY, "not-an-image", "the image cannot be used", "")
            },
            Self::Image(NotLooked::TooLarge { .. }) => told(
                S::PAYLOAD_TOO_LARGE,
                "too-many-pixels",
                "the image has too many pixels",
                "send a smaller picture; faces need no more than a few hundred pixels",
            ),
            Self::Image(NotLooked::Failed { .. }) | Self::Internal(_) => told(
                S::INTERNAL_SERVER_ERROR,
                "internal",
                "the service failed",
                "whoever runs the service finds the reason in its log",
            ),
            Self::NoFace(_) => told(
                S::UNPROCESSABLE_ENTITY,
                "no-face",
                "no face was found",
                "send a picture on which a face is upright, sharp and at least 24 pixels high",
            ),
            Self::NoThreshold(_) => told(
                S::UNPROCESSABLE_ENTITY,
                "no-threshold",
                "the model has no such threshold",
                "ask for one of those of /v1/model, or give a distance as `threshold`",
            ),
            Self::NoRoute => {
                told(S::NOT_FOUND, "not-found", "there is nothing here", "see /docs for what there is")
            }
            Self::Method => told(
                S::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "the method is not taken here",
                "see /docs for what is",
            ),
            Self::NoKey => told(
                S::UNAUTHORIZED,
                "no-key",
                "a key is needed",
                "send `Authorization: Bearer KEY`; `facenet serve keys add` makes one",
            ),
            Self::UnknownKey => told(
                S::UNAUTHORIZED,
                "unknown-key",
                "the key is not known",
                "ask whoever runs the service for another one",
            ),
            Self::Scope { .. } => told(
                S::FORBIDDEN,
                "scope",
                "the key may not do that",
                "ask whoever runs the service for a key with that scope",
            ),
            Self::Origin => told(
                S::FORBIDDEN,
                "foreign-origin",
                "another page may not write here",
                "programs leave out `Origin`; pages have to come from this service",
            ),
            Self::Host => told(
                S::MISDIRECTED_REQUEST,
                "foreign-host",
                "the service has another name",
                "use `localhost`, or start the service with `--host-name NAME`",
            ),
            Self::Rate { .. } => told(
                S::TOO_MANY_REQUESTS,
                "rate",
                "too many requests",
                "try again after the seconds in `Retry-After`",
            ),
            Self::NoGallery => told(
                S::NOT_FOUND,
                "no-gallery",
                "there is no gallery",
                "start the service with `--gallery FILE`; `facenet gallery create` makes one",
            ),
            Self::ReadOnly => told(S::FORBIDDEN, "read-only", "the gallery cannot be changed", ""),
            Self::GalleryBusy => {
                told(S::SERVICE_UNAVAILABLE, "gallery-busy", "the gallery is busy", "try again")
            }
            Self::NothingSaid => told(S::NOT_FOUND, "no-such", "there is nothing to take back", ""),
            Self::NoJob(_) => {
                told(S::NOT_FOUND, "no-such", "there is no such job", "see /v1/jobs for those there are")
            }
            Self::Folder => told(
                S::FORBIDDEN,
                "folder",
                "the folder may not be read",
                "start the service with `--allow-folder DIR`",
            ),
            Self::Cancelled => told(S::CONFLICT, "cancelled", "it was cancelled", ""),
            Self::OtherRequest => told(
                S::UNPROCESSABLE_ENTITY,
                "idempotency",
                "the key was used before",
                "use another `Idempotency-Key` for another request",
            ),
            Self::InProgress => {
                told(S::CONFLICT, "in-progress", "the request is in work", "try again in a moment")
            }
            Self::Overloaded => told(
                S::TOO_MANY_REQUESTS,
                "overloaded",
                "the service has as much to do as it takes",
                "try again after the seconds in `Retry-After`",
            ),
            Self::Deadline => told(
                S::GATEWAY_TIMEOUT,
                "deadline",
                "the answer took too long",
                "try again when the service has less to do",
            ),
            Self::Stopping => {
                told(S::SERVICE_UNAVAILABLE, "stopping", "the service is stopping", "try again in a moment")
            }
            Self::Store(error) => of_store(error),
        }
    }

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

fn of_store(error: &StoreError) -> Told {
    use StatusCode as S;
    let (status, code, title, hint) = match error {
        StoreError::NoSuch { .. } => (S::NOT_FOUND, "no-such", "there is no such person, photo or face", ""),
        StoreError::NameTaken { .. } => {
            (S::CONFLICT, "name-taken", "somebody has that name already", "if they are one, merge the two")
        }
        StoreError::NotAName { .. } => (
            S::UNPROCESSABLE_ENTITY,
            "not-a-name",
            "the name cannot be used",
            "give some text in one line that does not look like `person:3`",
        ),
        StoreError::ReadOnly { .. } | StoreError::Older { .. } => {
            (S::FORBIDDEN, "read-only", "the gallery cannot be changed", "")
        }
        StoreError::OtherContract { .. } | StoreError::Embedding { .. } => (
            S::CONFLICT,
            "other-model",
            "the gallery was made with another model",
            "run the service with the gallery's model",
        ),
        StoreError::Busy { .. } => {
            (S::SERVICE_UNAVAILABLE, "gallery-busy", "another program is changing the gallery", "try again")
        }
        StoreError::Full { .. } => (
            S::INSUFFICIENT_STORAGE,
            "disk-full",
            "the disk is full; nothing of this was kept",
            "make room, then try again",
        ),
        StoreError::Remains { .. } => (
            S::INTERNAL_SERVER_ERROR,
            "remains",
            "it is deleted, but traces of it remain",
            "close other programs that use the gallery, then run `facenet gallery compact`",
        ),
        StoreError::Missing { .. }
        | StoreError::Exists { .. }
        | StoreError::NotAGallery { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::NotAnEmbedding { .. }
        | StoreError::File { .. }
        | StoreError::Backend { .. } => (
            S::INTERNAL_SERVER_ERROR,
            "internal",
            "the gallery cannot be used",
            "whoever runs the service finds the reason in its log",
        ),
    };
    Told { status, code, title, hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()) }
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
            title: told.title,
            status: told.status.as_u16(),
            code: told.code,
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
