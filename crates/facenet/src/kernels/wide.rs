//! Plain loops compiled for the wide vectors of the machine.

/// Runs `loops`, compiled for 256-bit vectors where the machine has them. The compiler then vectorises plain loops as
/// usual; products and sums stay apart, so the result is the same on every machine. What `loops` calls has to be
/// inlined into it.
#[inline]
pub fn wide<R>(loops: impl FnOnce() -> R) -> R {
    // `Arch` knows these vectors only with a feature of `pulp` that gemm is not built with.
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = pulp::x86::V3::try_new() {
        return pulp::Simd::vectorize(vectors, loops);
    }
    pulp::Arch::new().dispatch(loops)
}
