//! Reaching the server, and making the tables.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use ::postgres::error::SqlState;
use ::postgres::{Client, Config, NoTls};
use facenet_gallery::{EventKind, Form, Settings, StoreError};

use super::faults::{WAIT_S, of_postgres};
use super::{MOST_COORDINATES, Tables};
use crate::address::Address;
use crate::desk::now;
use crate::meta::Meta;

/// Where PostgreSQL's own programs take the password from, too.
const PASSWORD: &str = "PGPASSWORD";
/// How long a server that does not answer is waited for.
const CONNECT: Duration = Duration::from_secs(10);

pub(super) fn open(address: &Address) -> Result<Tables, StoreError> {
    let place = address.to_string();
    let mut client = connect(address)?;
    let told = |error| of_postgres(&place, error);
    let table = format!("\"{}\".gallery", address.gallery());
    let sql = "SELECT to_regclass($1) IS NOT NULL, to_regnamespace($2) IS NOT NULL";
    let found = client.query_one(sql, &[&table, &format!("\"{}\"", address.gallery())]).map_err(told)?;
    match (found.get(0), found.get(1)) {
        (true, _) => {}
        (false, true) => {
            let found = format!("the schema `{}` of its database is another program's", address.gallery());
            return Err(StoreError::NotAGallery { place, found });
        }
        (false, false) => return Err(StoreError::Missing { place }),
    }
    prepare(&mut client, address.gallery()).map_err(told)?;
    let mut tables = Tables {
        client: RefCell::new(client),
        statements: RefCell::new(HashMap::new()),
        place,
        form: Form::Float,
        expansion: Cell::new(0),
    };
    tables.form = crate::rows::Rows::meta(&tables)?.form;
    Ok(tables)
}

pub(super) fn create(address: &Address, settings: &Settings) -> Result<Tables, StoreError> {
    let place = address.to_string();
    check_dimension(&place, settings.form, settings.contract.dimension)?;
    let mut client = connect(address)?;
    fill(&mut client, address.gallery(), settings).map_err(|error| match error.code() {
        Some(&SqlState::DUPLICATE_SCHEMA) => StoreError::Exists { place: place.clone() },
        Some(&SqlState::FEATURE_NOT_SUPPORTED | &SqlState::UNDEFINED_FILE) => StoreError::Unsupported {
            place: place.clone(),
            what: "its server lacks the extension `vector`\n\
                   hint: install pgvector on the server; packages are named `postgresql-18-pgvector` and the like"
                .into(),
        },
        _ => of_postgres(&place, error),
    })?;
    drop(client);
    open(address)
}

/// Checks that pgvector can index vectors of this dimension.
pub(super) fn check_dimension(place: &str, form: Form, dimension: usize) -> Result<(), StoreError> {
    let (float, half) = MOST_COORDINATES;
    let most = if form == Form::Byte { half } else { float };
    if dimension <= most {
        return Ok(());
    }
    let what = format!("pgvector indexes up to {most} coordinates, and the model gives {dimension}");
    Err(StoreError::Unsupported { place: place.into(), what })
}

fn connect(address: &Address) -> Result<Client, StoreError> {
    let place = address.to_string();
    let unreachable = |error: ::postgres::Error| match error.code() {
        Some(&SqlState::TOO_MANY_CONNECTIONS) => of_postgres(&place, error),
        _ => StoreError::Unreachable { place: place.clone(), source: error.into() },
    };
    let mut config: Config = address.without_secrets().parse().map_err(unreachable)?;
    let password = address.password().map(str::to_owned).or_else(|| std::env::var(PASSWORD).ok());
    if let Some(password) = password {
        config.password(password);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    config.application_name("facenet");
    config.connect(NoTls).map_err(unreachable)
}

/// What holds for each connection.
fn prepare(client: &mut Client, gallery: &str) -> Result<(), ::postgres::Error> {
    let sql = "SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE extname = 'vector'";
    let vector: Option<String> = client.query_opt(sql, &[])?.map(|row| row.get(0));
    let vector = vector.map_or(String::new(), |schema| format!(", {schema}"));
    client.batch_execute(&format!(
        "SET search_path TO \"{gallery}\"{vector};
         SET lock_timeout = '{WAIT_S}s';
         -- A commit is on the disk when it returns, whatever the server's default is.
         SET synchronous_commit = on;
         SET client_min_messages = warning"
    ))
}

fn fill(client: &mut Client, gallery: &str, settings: &Settings) -> Result<(), ::postgres::Error> {
    client.batch_execute("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS vector")?;
    client.batch_execute(&format!("BEGIN; CREATE SCHEMA \"{gallery}\""))?;
    prepare(client, gallery)?;
    let vector = if settings.form == Form::Byte { "halfvec" } else { "vector" };
    client.batch_execute(&include_str!("schema.sql").replace("EMBEDDING", vector))?;
    let mut meta = Meta::new(settings);
    meta.last.event = 1;
    client.execute("INSERT INTO gallery (one, meta) VALUES (true, $1)", &[&meta.written()])?;
    let event = "INSERT INTO events (id, at, kind, records) VALUES (1, $1, $2, 0)";
    client.execute(event, &[&now(), &EventKind::Create.name()])?;
    client.batch_execute("COMMIT")
}
