//! Which status, which code and which hint each error has: the table that clients rely on.

use axum::http::StatusCode;
use facenet_gallery::StoreError;

use super::ApiError;
use crate::engine::NotLooked;

/// What is told about an error.
pub(super) struct Told {
    pub(super) status: StatusCode,
    /// Never changes.
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) hint: Option<String>,
}

impl ApiError {
    /// The only place that decides about status codes.
    pub(super) fn told(&self) -> Told {
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
            Self::UpgradeFirst => told(
                S::CONFLICT,
                "upgrade-first",
                "the gallery is another model's still",
                "bring it to this model: `POST /v1/jobs` with `{\"kind\":\"upgrade\"}`",
            ),
            Self::GalleryBusy => {
                told(S::SERVICE_UNAVAILABLE, "gallery-busy", "the gallery is busy", "try again")
            }
            Self::NothingSaid => told(S::NOT_FOUND, "no-such", "there is nothing to take back", ""),
            Self::NoJob(_) => {
                told(S::NOT_FOUND, "no-such", "there is no such job", "see /v1/jobs for those there are")
            }
            Self::NoRun(_) => {
                told(S::NOT_FOUND, "no-such", "there is no such run", "see /v1/runs for those there are")
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
            Self::Interrupted => told(
                S::CONFLICT,
                "interrupted",
                "it is not known whether the request was done",
                "look whether it was; if not, send it again with another `Idempotency-Key`",
            ),
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
        StoreError::OtherContract { .. }
        | StoreError::Embedding { .. }
        | StoreError::UnknownModel { .. }
        | StoreError::ModelChanged { .. } => (
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
        | StoreError::NoDirection { .. }
        | StoreError::SameModel { .. }
        | StoreError::NotHarmonic { .. }
        | StoreError::Upgrading { .. }
        | StoreError::NotUpgrading { .. }
        | StoreError::LeftBehind { .. }
        | StoreError::Unreachable { .. }
        | StoreError::Unsupported { .. }
        | StoreError::SeveralModels { .. }
        | StoreError::OtherKey { .. }
        | StoreError::NoEncryption { .. }
        | StoreError::ShortKey { .. }
        | StoreError::EncryptedIndex { .. }
        | StoreError::Index { .. }
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
