//! Verification figures of pairs whose people are known, each pair counting as often as its people were drawn.
//!
//! They are computed by the very code of `verification`: with everybody drawn once they are exactly the figures of [`Roc`](crate::Roc), [`ValAtFar`](crate::ValAtFar) and
//! [`CrossValidation`](crate::CrossValidation); with multiplicities those of the pairs written out that often.

mod figures;
mod named;
mod pairs;

pub use self::figures::{Figure, Figures};
pub use self::named::{NamedPair, PeopleNumbers};
pub use self::pairs::{NotPersonPairs, PersonPair, PersonPairs};

#[cfg(test)]
pub(crate) use self::named::tests::named;
#[cfg(test)]
pub(crate) mod oracle;
