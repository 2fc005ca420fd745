//! Where a server keeps a gallery, as users write it.

use std::fmt;

/// The gallery of an address that names none.
const DEFAULT_GALLERY: &str = "faces";
/// PostgreSQL's names have at most 63 bytes, and Milvus's need room for what is behind them.
const LONGEST_NAME: usize = 48;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL with pgvector.
    Postgres,
    /// Milvus.
    Milvus,
}

/// A gallery's place on a server: `postgres://user@host:port/database?gallery=NAME`, or the same with `milvus`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    server: Server,
    gallery: String,
    host: String,
    database: String,
    user: String,
    password: Option<String>,
    /// Other settings, as they were written.
    rest: Vec<String>,
}

/// A text that is no address of a gallery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The host is missing.
    #[error("an address of a gallery needs a host: expected `{0}://user@host:port/database?gallery=NAME`")]
    NoHost(&'static str),
    /// Another kind of server, or none.
    #[error(
        "galleries are kept in files and on servers by `postgres://…` and `milvus://…`, found an address by `{0}://`"
    )]
    Scheme(String),
    /// The name of the gallery cannot be one.
    #[error(
        "`{0}` cannot be the name of a gallery on a server: expected up to {LONGEST_NAME} of a-z, 0-9 and _, a letter first"
    )]
    Name(String),
}

impl Server {
    fn scheme(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Milvus => "milvus",
        }
    }
}

impl Address {
    /// The address that `text` is; none when it is a path.
    ///
    /// # Errors
    /// When it begins as an address and is none of a kind of server that is known.
    pub fn parse(text: &str) -> Option<Result<Self, AddressError>> {
        let (scheme, rest) = text.split_once("://")?;
        let server = match scheme {
            "postgres" | "postgresql" => Server::Postgres,
            "milvus" => Server::Milvus,
            other => return Some(Err(AddressError::Scheme(other.into()))),
        };
        Some(Self::parse_rest(server, rest))
    }

    fn parse_rest(server: Server, text: &str) -> Result<Self, AddressError> {
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let (authority, database) = text.split_once('/').unwrap_or((text, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, mut password) = match user.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password))),
            None => (user, None),
        };
        if host.is_empty() {
            return Err(AddressError::NoHost(server.scheme()));
        }
        let (mut gallery, mut rest) = (DEFAULT_GALLERY.to_owned(), Vec::new());
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some(("gallery", name)) => gallery = decoded(name),
                Some(("password", secret)) => password = Some(decoded(secret)),
                _ => rest.push(setting.to_owned()),
            }
        }
        let is_name = gallery.starts_with(|c: char| c.is_ascii_lowercase())
            && gallery.len() <= LONGEST_NAME
            && !gallery.starts_with("pg_")
            && gallery.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_name {
            return Err(AddressError::Name(gallery));
        }
        Ok(Self {
            server,
            gallery,
            host: host.into(),
            database: database.into(),
            user: user.into(),
            password,
            rest,
        })
    }

    /// The kind of server.
    pub fn server(&self) -> Server {
        self.server
    }

    /// The name of the gallery, which distinguishes several in one database.
    pub fn gallery(&self) -> &str {
        &self.gallery
    }

    /// The host and its port, as they were written.
    #[cfg(feature = "milvus")]
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The database; empty for the server's own default.
    #[cfg(feature = "milvus")]
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The user, decoded; empty when none is named.
    #[cfg(feature = "milvus")]
    pub(crate) fn user(&self) -> String {
        decoded(&self.user)
    }

    /// The password, if the address holds one.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The address without the gallery and the password, for the server's own client.
    #[cfg(feature = "postgres")]
    pub(crate) fn without_secrets(&self) -> String {
        self.written(&self.rest)
    }

    fn written(&self, settings: &[String]) -> String {
        let at = if self.user.is_empty() { "" } else { "@" };
        let query = if settings.is_empty() { String::new() } else { format!("?{}", settings.join("&")) };
        format!("{}://{}{at}{}/{}{query}", self.server.scheme(), self.user, self.host, self.database)
    }
}

/// The address without its password, for messages.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = vec![format!("gallery={}", self.gallery)];
        settings.extend_from_slice(&self.rest);
        f.write_str(&self.written(&settings))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A part of an address with its `%41` as the characters that they are; as it is where that gives no text.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok()));
        let byte = digits.flatten().and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_path() {
        for path in ["family.faces", "/data/family.faces", "C:\\family", ""] {
            assert!(Address::parse(path).is_none(), "{path}");
        }
        assert_eq!(Address::parse("mysql://host/x").unwrap(), Err(AddressError::Scheme("mysql".into())));
        let address = Address::parse("postgres://ada@db:5433/people?gallery=visitors").unwrap().unwrap();
        assert_eq!((address.server(), address.gallery()), (Server::Postgres, "visitors"));
        assert_eq!(Address::parse("milvus://host").unwrap().unwrap().gallery(), "faces");
        assert_eq!(Address::parse("milvus:///x").unwrap(), Err(AddressError::NoHost("milvus")));
        for name in ["", "A", "1a", "a-b", "pg_x", "a%20b", &"a".repeat(49)] {
            let text = format!("postgres://h/d?gallery={name}");
            assert!(matches!(Address::parse(&text).unwrap(), Err(AddressError::Name(_))), "{name}");
        }
    }

    #[test]
    fn no_message_holds_the_password() {
        for text in [
            "postgres://ada:s3cr%21et@db/people?gallery=g&sslmode=disable",
            "postgres://ada@db/people?password=s3cr%21et&gallery=g&sslmode=disable",
        ] {
            let address = Address::parse(text).unwrap().unwrap();
            assert_eq!(address.password(), Some("s3cr!et"));
            let told = "postgres://ada@db/people?gallery=g&sslmode=disable";
            assert_eq!((address.to_string(), format!("{address:?}")), (told.into(), told.into()));
        }
        let odd = Address::parse("milvus://a:b@c@host/").unwrap().unwrap();
        assert_eq!(
            (odd.password(), odd.to_string().as_str()),
            (Some("b@c"), "milvus://a@host/?gallery=faces")
        );
    }
}
