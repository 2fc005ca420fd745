//! Who asks, and what they may do.

use serde::{Deserialize, Serialize};

use crate::problem::ApiError;

/// What a key may do; each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look at images, search, and read the gallery.
    Read,
    /// Change the gallery, and delete from it.
    Write,
    /// Add folders of the server.
    Admin,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The key's identifier; none where no keys are needed.
    pub(crate) key: Option<String>,
    pub(crate) scope: Scope,
}

impl Scope {
    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl Caller {
    /// Who asks where no keys are needed: somebody on this machine.
    pub(crate) fn local() -> Self {
        Self { key: None, scope: Scope::Admin }
    }

    /// An error unless the caller may do this much.
    pub(crate) fn need(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scope >= scope { Ok(()) } else { Err(ApiError::Scope { has: self.scope, needs: scope }) }
    }
}
