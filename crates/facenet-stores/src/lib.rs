//! Galleries that are kept by database servers: PostgreSQL with pgvector, and Milvus; and how a gallery moves from one place
//! to another.
//!
//! ```no_run
//! use facenet_gallery::Store;
//! use facenet_stores::{Address, open};
//!
//! let address = Address::parse("postgres://ada@localhost/people?gallery=visitors").expect("it is no path")?;
//! let store = open(&address)?;
//! println!("{}: {} faces", store.place(), store.counts()?.faces);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod desk;
mod ledger;
mod meta;
mod migrate;
#[cfg(feature = "milvus")]
mod milvus;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;

pub use address::{Address, AddressError, Server};
use facenet_gallery::{Settings, Store, StoreError};
pub use migrate::{Difference, MigrateError, Migrated, Phase, Plan, migrate};

/// Opens the gallery at `address`.
///
/// # Errors
/// When the server cannot be reached, has no such gallery, or a newer one; [`StoreError::Unsupported`] when this program was
/// built without this kind of server.
pub fn open(address: &Address) -> Result<Box<dyn Store>, StoreError> {
    match address.server() {
        #[cfg(feature = "postgres")]
        Server::Postgres => Ok(Box::new(ledger::Ledger::open(postgres::Tables::open(address)?)?)),
        #[cfg(feature = "milvus")]
        Server::Milvus => Ok(Box::new(ledger::Ledger::open(milvus::Collections::open(address)?)?)),
        #[cfg(not(all(feature = "postgres", feature = "milvus")))]
        _ => Err(left_out(address)),
    }
}

/// Makes an empty gallery at `address`.
///
/// # Errors
/// [`StoreError::Exists`] when there is one; otherwise as [`open`].
pub fn create(address: &Address, settings: &Settings) -> Result<Box<dyn Store>, StoreError> {
    match address.server() {
        #[cfg(feature = "postgres")]
        Server::Postgres => Ok(Box::new(ledger::Ledger::open(postgres::Tables::create(address, settings)?)?)),
        #[cfg(feature = "milvus")]
        Server::Milvus => {
            Ok(Box::new(ledger::Ledger::open(milvus::Collections::create(address, settings)?)?))
        }
        #[cfg(not(all(feature = "postgres", feature = "milvus")))]
        _ => Err(left_out(address)),
    }
}

#[cfg(not(all(feature = "postgres", feature = "milvus")))]
fn left_out(address: &Address) -> StoreError {
    StoreError::Unsupported {
        place: address.to_string(),
        what:
            "this program was built without its kind of server\nhint: build with `--features postgres,milvus`"
                .into(),
    }
}
