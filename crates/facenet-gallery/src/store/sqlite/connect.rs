//! Opening and making the file.

use std::path::Path;
use std::time::Duration;

use facenet_core::Contract;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::faults::of_sqlite;
use super::{APPLICATION_ID, SCHEMA, SqliteStore, WAIT};
use crate::store::embedding::Form;
use crate::store::error::StoreError;
use crate::store::record::{EventKind, Settings};

/// Makes the file beside its place, and moves it there when it is complete.
pub(super) fn create(path: &Path, settings: &Settings) -> Result<(), StoreError> {
    let place = path.display().to_string();
    let file_error = |source| StoreError::File { place: place.clone(), source };
    if path.exists() {
        return Err(StoreError::Exists { place });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Embeddings can recognise people: like every temporary file it is its owner's alone, and stays so.
    let new = tempfile::Builder::new().prefix(".facenet-").tempfile_in(folder).map_err(file_error)?;
    fill(new.path(), settings).map_err(|error| of_sqlite(&place, error, None, 0))?;
    new.as_file().sync_all().map_err(file_error)?;
    new.persist_noclobber(path).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Exists { place: place.clone() },
        _ => file_error(error.error),
    })?;
    Ok(())
}

fn fill(path: &Path, settings: &Settings) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    prepare(&connection, WAIT)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    let contract = keep_contract(&transaction, &settings.contract)?;
    for older in &settings.older {
        keep_contract(&transaction, older)?;
    }
    transaction.execute(
        "INSERT INTO settings (one, contract, form, keeps_paths, keeps_crops) VALUES (1, ?1, ?2, ?3, ?4)",
        (contract, settings.form.name(), settings.keeps_paths, settings.keeps_crops),
    )?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    super::write::note(&transaction, EventKind::Create, 0)?;
    transaction.commit()?;
    // The log is written into the file and deleted.
    connection.close().map_err(|(_, error)| error)
}

/// Writes a contract, in place of one with the same identifier, and gives the number of its row.
pub(super) fn keep_contract(connection: &Connection, contract: &Contract) -> rusqlite::Result<i64> {
    let json = serde_json::to_string(contract).expect("a contract is plain data");
    let sql = "INSERT INTO contracts (name, json) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET json = ?2 RETURNING id";
    connection.query_row(sql, (contract.id(), json), |row| row.get(0))
}

/// What holds for each connection and is not kept in the file.
fn prepare(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(wait)?;
    connection.set_prepared_statement_cache_capacity(64);
    for (name, value) in [
        ("foreign_keys", "ON"),
        ("secure_delete", "ON"),
        // A commit is on the disk when it returns, also if the machine loses power next.
        ("synchronous", "FULL"),
        // Nothing of a gallery lands in a temporary file.
        ("temp_store", "MEMORY"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(())
}

/// Opens the file as far as it may be, and brings an older schema up to date.
pub(super) fn open(path: &Path, wait: Duration) -> Result<SqliteStore, StoreError> {
    let place = path.display().to_string();
    let told = |error| of_sqlite(&place, error, None, wait.as_secs());
    let is_read_only = look(path, &place)?;
    let mut connection = connect(path, is_read_only).map_err(told)?;
    prepare(&connection, wait).map_err(told)?;

    let application: i64 = pragma(&connection, "application_id").map_err(told)?;
    let found: i64 = pragma(&connection, "user_version").map_err(told)?;
    if application != APPLICATION_ID {
        let found = "an SQLite database of another program".into();
        return Err(StoreError::NotAGallery { place, found });
    }
    if !(1..=SCHEMA).contains(&found) {
        return Err(StoreError::Newer { place, found, known: SCHEMA });
    }
    if found < SCHEMA {
        if is_read_only {
            return Err(StoreError::Older { place, found, known: SCHEMA });
        }
        upgrade(&mut connection).map_err(told)?;
    }
    let settings = settings(&connection)
        .map_err(|error| of_sqlite(&place, error, Some(&connection), wait.as_secs()))?
        .map_err(|error| StoreError::Damaged {
            place: place.clone(),
            what: format!("its contract cannot be read: {error}"),
        })?;
    let searching = Default::default();
    Ok(SqliteStore { connection, path: path.into(), place, settings, wait, is_read_only, searching })
}

/// Whether the file may not be written; an error when it cannot be a gallery.
fn look(path: &Path, place: &str) -> Result<bool, StoreError> {
    let place = || place.to_owned();
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::Missing { place: place() });
        }
        other => other.map_err(|source| StoreError::File { place: place(), source })?,
    };
    let not_a_gallery = |found: &str| StoreError::NotAGallery { place: place(), found: found.into() };
    if metadata.is_dir() {
        return Err(not_a_gallery("a folder"));
    }
    if metadata.len() == 0 {
        return Err(not_a_gallery("an empty file"));
    }
    // What is in it SQLite tells. Opening it here too would be dangerous: closing a file gives up all locks that this
    // process has on it, those of other connections too.
    Ok(metadata.permissions().readonly())
}

fn connect(path: &Path, is_read_only: bool) -> rusqlite::Result<Connection> {
    if !is_read_only {
        return Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        );
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Without a log, reading needs a place for one; a medium that cannot be written has none, and needs none.
    match pragma::<i64>(&connection, "user_version") {
        Ok(_) => Ok(connection),
        Err(_) => {
            let escaped: String = path
                .to_string_lossy()
                .chars()
                .map(|c| match c {
                    '%' | '?' | '#' => format!("%{:02X}", c as u32),
                    c => c.to_string(),
                })
                .collect();
            let uri = format!("file:{escaped}?immutable=1");
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
        }
    }
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Brings the schema up to date in one step: a program that is killed within leaves the old one.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another program may have done it meanwhile.
    let found: i64 = pragma(&transaction, "user_version")?;
    if found < SCHEMA {
        for (schema, sql) in [
            (1, include_str!("upgrade_1.sql")),
            (2, include_str!("upgrade_2.sql")),
            (3, include_str!("upgrade_3.sql")),
        ] {
            if found <= schema {
                transaction.execute_batch(sql)?;
            }
        }
        transaction.pragma_update(None, "user_version", SCHEMA)?;
        super::write::note(&transaction, EventKind::Upgrade, 0)?;
    }
    transaction.commit()
}

type ReadSettings = Result<Settings, serde_json::Error>;

/// What the file says of itself.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<ReadSettings> {
    let texts = |sql: &str| -> rusqlite::Result<Vec<String>> {
        let mut select = connection.prepare(sql)?;
        select.query_map([], |row| row.get(0))?.collect()
    };
    // The contract before an upgrade is an older one only while faces are of it.
    let older = texts(
        "SELECT json FROM contracts c, settings s WHERE c.id <> s.contract
            AND (s.before IS NULL OR c.id <> s.before OR EXISTS (SELECT 1 FROM faces WHERE contract = c.id))
            ORDER BY c.id",
    )?;
    let before = texts("SELECT json FROM contracts c, settings s WHERE c.id = s.before")?.pop();
    let sql =
        "SELECT json, form, keeps_paths, keeps_crops FROM settings JOIN contracts ON contracts.id = contract";
    connection.query_row(sql, [], |row| {
        let json: String = row.get(0)?;
        let form = if row.get_ref(1)?.as_str()? == "byte" { Form::Byte } else { Form::Float };
        let (keeps_paths, keeps_crops) = (row.get(2)?, row.get(3)?);
        let read = || {
            let contract = serde_json::from_str(&json)?;
            let older = older.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>()?;
            let upgrading_from = before.as_deref().map(serde_json::from_str).transpose()?;
            Ok(Settings { contract, form, keeps_paths, keeps_crops, older, upgrading_from })
        };
        Ok(read())
    })
}
