//! Galleries that are encrypted on the disk.

use std::fmt;

use rusqlite::Connection;

use crate::store::error::StoreError;

/// The environment variable that the key comes from.
pub const KEY_VARIABLE: &str = "FACENET_GALLERY_KEY";

/// Fewer letters can be guessed.
const SHORTEST: usize = 12;

/// What a gallery is encrypted with: a passphrase, which is stretched by PBKDF2 (HMAC-SHA-512, 256,000 rounds) each time the
/// gallery is opened, or 64 hexadecimal digits, which are the key themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key that `text` is.
    ///
    /// # Errors
    /// When it is shorter than 12 letters.
    pub fn new(text: &str) -> Result<Self, StoreError> {
        if text.chars().count() < SHORTEST {
            return Err(StoreError::ShortKey { shortest: SHORTEST });
        }
        let is_raw = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        Ok(Self(if is_raw { format!("x'{text}'") } else { text.to_owned() }))
    }

    /// The key in the environment variable `FACENET_GALLERY_KEY`; none when it is not set or empty.
    ///
    /// # Errors
    /// When it is too short, or no text.
    pub fn from_environment() -> Result<Option<Self>, StoreError> {
        match std::env::var(KEY_VARIABLE) {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => Self::new(&text).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(StoreError::ShortKey { shortest: SHORTEST }),
        }
    }

    /// Gives the key to a connection that was just opened. Nothing is read before. Only for who [`CAN_ENCRYPT`]: without
    /// SQLCipher the key would be an unknown pragma, and nothing be encrypted.
    pub(super) fn unlock(&self, connection: &Connection) -> rusqlite::Result<()> {
        // A wrong key is told by us.
        connection.pragma_update(None, "cipher_log_level", "NONE")?;
        connection.pragma_update(None, "key", &self.0)
    }
}

/// Whether this program was built with SQLCipher.
pub(super) const CAN_ENCRYPT: bool = cfg!(feature = "encryption");
