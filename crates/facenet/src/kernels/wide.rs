//! Plain loops compiled for the wide vectors of the machine.

/// Runs `loops`, compiled for the widest vectors that the machine has. The compiler then vectorises plain loops as usual;
/// products and sums stay apart, so the result is the same on every machine. What `loops` calls has to be inlined into
/// it.
#[inline]
pub fn wide<R>(loops: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(loops)
}
