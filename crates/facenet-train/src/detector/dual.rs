//! Numbers that carry their derivatives along: the gradient of a formula without writing it twice.

use std::ops::{Add, Div, Mul, Sub};

/// A value and its derivatives by the four numbers of a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dual {
    pub(super) value: f32,
    pub(super) gradient: [f32; 4],
}

impl Dual {
    /// A number that depends on nothing.
    pub(super) fn constant(value: f32) -> Self {
        Self { value, gradient: [0.0; 4] }
    }

    /// The number that is the `index`-th of the four.
    pub(super) fn variable(value: f32, index: usize) -> Self {
        let mut gradient = [0.0; 4];
        gradient[index] = 1.0;
        Self { value, gradient }
    }

    /// The number with `value`, whose derivative by this one is `slope`.
    pub(super) fn chain(self, value: f32, slope: f32) -> Self {
        Self { value, gradient: self.gradient.map(|g| g * slope) }
    }

    /// The smaller; of equal ones the first.
    pub(super) fn min(self, other: Self) -> Self {
        if other.value < self.value { other } else { self }
    }

    /// The larger; of equal ones the first.
    pub(super) fn max(self, other: Self) -> Self {
        if other.value > self.value { other } else { self }
    }

    fn combine(self, other: Self, value: f32, (by_self, by_other): (f32, f32)) -> Self {
        let gradient = |i: usize| self.gradient[i] * by_self + other.gradient[i] * by_other;
        Self { value, gradient: std::array::from_fn(gradient) }
    }
}

impl Add for Dual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combine(other, self.value + other.value, (1.0, 1.0))
    }
}

impl Sub for Dual {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.combine(other, self.value - other.value, (1.0, -1.0))
    }
}

impl Mul for Dual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.combine(other, self.value * other.value, (other.value, self.value))
    }
}

impl Div for Dual {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        self.combine(other, quotient, (1.0 / other.value, -quotient / other.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_has_the_derivatives_of_calculus() {
        let [x, y] = [Dual::variable(3.0, 0), Dual::variable(2.0, 1)];
        // x² / y - y
        let found = x * x / y - y;
        assert_eq!((found.value, found.gradient), (2.5, [3.0, -3.25, 0.0, 0.0]));
        assert_eq!(x.min(y).gradient, [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(x.max(y) + Dual::constant(1.0), Dual { value: 4.0, gradient: [1.0, 0.0, 0.0, 0.0] });
        assert_eq!(x.chain(3f32.ln(), 1.0 / 3.0).gradient[0], 1.0 / 3.0);
    }
}
