//! The models that ship inside the program.

use std::fmt;
use std::str::FromStr;

use super::{Model, ModelError};

/// A model that ships inside the program; each has a card, `models/NAME.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shipped {
    /// The default: small and fast.
    #[default]
    Small,
    /// More exact, at several times the work.
    Base,
}

/// A name that no shipped model has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no model that ships is named `{0}`; there are `small` and `base`")]
pub struct NotShipped(pub String);

impl Shipped {
    /// All that ship.
    pub const ALL: [Self; 2] = [Self::Small, Self::Base];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Base => "base",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Small => include_bytes!("../../../../models/small.safetensors"),
            Self::Base => include_bytes!("../../../../models/base.safetensors"),
        }
    }
}

impl fmt::Display for Shipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shipped {
    type Err = NotShipped;

    fn from_str(name: &str) -> Result<Self, NotShipped> {
        let named = Self::ALL.into_iter().find(|shipped| shipped.name() == name);
        named.ok_or_else(|| NotShipped(name.into()))
    }
}

impl Model {
    /// A model that ships with the program.
    ///
    /// # Errors
    /// Never for a released program: its tests load all.
    pub fn shipped(which: Shipped) -> Result<Self, ModelError> {
        Self::from_bytes(which.bytes(), &format!("the model `{which}` that ships with the program"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_model_is_whole_and_calibrated() {
        for which in Shipped::ALL {
            assert_eq!(which.name().parse(), Ok(which));
            let model = Model::shipped(which).unwrap();
            for rate in [1e-1, 1e-2, 1e-3] {
                let threshold = model.contract().threshold_at(rate).unwrap();
                assert!(threshold.data.contains(which.name()), "{threshold:?}");
            }
        }
        assert_eq!("large".parse::<Shipped>(), Err(NotShipped("large".into())));
    }
}
