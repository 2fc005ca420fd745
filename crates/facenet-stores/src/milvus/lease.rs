//! One writer at a time, without locks of the server's: who wants to write raises a flag, and then looks whether anybody else
//! has. All reads are strongly consistent, so of two who raise theirs at once at least one sees the other's, and takes its own
//! down. A flag ends by itself some time after its owner was last heard of.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use facenet_gallery::StoreError;

use super::Collections;
use super::table::{Kind, Row, primary};

/// How long a flag holds. The longest that others wait after its owner has died; clocks of the machines that write must agree
/// to some seconds.
const HOLDS: Duration = Duration::from_secs(30);
/// A flag is renewed when it has held for so long.
const RENEWED_AFTER: Duration = Duration::from_secs(10);
/// How long another writer is waited for: longer than the flag of one that died holds.
const WAIT: Duration = Duration::from_secs(40);
/// The first pause; the next are longer, by what differs between processes.
const PAUSE: Duration = Duration::from_millis(20);

/// The flag of this connection.
#[derive(Debug)]
pub(super) struct Lease {
    owner: String,
    raised: Option<Instant>,
}

impl Lease {
    pub(super) fn new() -> Self {
        Self { owner: format!("{:016x}{:016x}", drawn(0), drawn(1)), raised: None }
    }
}

/// A number that no other process draws: the standard library seeds each hasher by the operating system.
fn drawn(number: u64) -> u64 {
    RandomState::new().hash_one((number, std::process::id()))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Collections {
    /// Keeps others from writing.
    pub(super) fn raise_flag(&mut self) -> Result<(), StoreError> {
        let started = Instant::now();
        for round in 1.. {
            self.write_flag()?;
            let flags = self.rows(Kind::Flag, "number >= 0")?;
            let is_held = |flag: &&Row| flag.key != self.lease.owner && flag.number > now_ms();
            if !flags.iter().any(|flag| is_held(&flag)) {
                return Ok(());
            }
            self.lower_flag();
            if started.elapsed() > WAIT {
                break;
            }
            let share = 1 + drawn(round) % 8;
            std::thread::sleep(PAUSE * u32::try_from(share * round.min(8)).unwrap_or(1));
        }
        Err(StoreError::Busy { place: self.client.place.clone(), waited_s: WAIT.as_secs() })
    }

    /// Raises the flag, or renews it.
    fn write_flag(&mut self) -> Result<(), StoreError> {
        let until = now_ms().saturating_add(i64::try_from(HOLDS.as_millis()).unwrap_or(i64::MAX));
        let flag = Row { kind: Kind::Flag, number: until, key: self.lease.owner.clone(), text: "{}".into() };
        self.put_rows(&[flag])?;
        self.lease.raised = Some(Instant::now());
        Ok(())
    }

    /// Renews the flag within long work, before it ends by itself.
    pub(super) fn keep_flag(&mut self) -> Result<(), StoreError> {
        match self.lease.raised {
            Some(raised) if raised.elapsed() < RENEWED_AFTER => Ok(()),
            Some(raised) if raised.elapsed() < HOLDS => self.write_flag(),
            // Others may write by now. The journal holds the rest of this step, and they do it first.
            _ => Err(StoreError::Busy { place: self.client.place.clone(), waited_s: HOLDS.as_secs() }),
        }
    }

    /// Lets others write. A flag that cannot be taken down ends by itself.
    pub(super) fn lower_flag(&mut self) {
        if self.lease.raised.take().is_some() {
            let _ = self.delete_rows(&[primary(Kind::Flag, 0, &self.lease.owner)]);
        }
    }
}
