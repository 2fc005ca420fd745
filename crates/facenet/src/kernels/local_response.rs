//! Local response normalisation across channels.

/// The constants of local response normalisation. The FaceNet paper gives none, so these are those of the networks
/// that it builds on (Krizhevsky et al. 2012; GoogLeNet): five channels, α = 1e-4, β = 3/4, k = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponse;

impl LocalResponse {
    /// Channels on either side that a channel is normalised with.
    pub const REACH: usize = 2;
    /// α divided by the number of channels in a full window.
    pub const WEIGHT: f32 = 1e-4 / 5.0;

    /// The channels that a channel is normalised with.
    pub fn neighbours(channel: usize, channels: usize) -> std::ops::Range<usize> {
        channel.saturating_sub(Self::REACH)..(channel + Self::REACH + 1).min(channels)
    }
}

/// `y = x / (1 + WEIGHT · Σ x²)^(3/4)`, the sum over the neighbouring channels, for values `[channels, positions]`.
///
/// # Panics
/// When `source` and `out` differ in length.
pub fn local_response_norm(source: &[f32], channels: usize, out: &mut [f32]) {
    assert_eq!(source.len(), out.len(), "values in and out of a normalisation");
    let positions = source.len() / channels;
    let mut sums = vec![0.0; positions];
    for (channel, line) in out.chunks_exact_mut(positions).enumerate() {
        sums.fill(0.0);
        for neighbour in LocalResponse::neighbours(channel, channels) {
            let values = &source[neighbour * positions..][..positions];
            sums.iter_mut().zip(values).for_each(|(sum, v)| *sum += v * v);
        }
        let values = &source[channel * positions..][..positions];
        for ((y, x), sum) in line.iter_mut().zip(values).zip(&sums) {
            let root = (1.0 + LocalResponse::WEIGHT * sum).sqrt();
            *y = x / (root * root.sqrt());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_divided_by_its_neighbourhood() {
        // Six channels of one position; the first sees three channels, the third five.
        let source = [100.0, 200.0, 300.0, 400.0, 500.0, 600.0];
        let mut out = [0.0; 6];
        local_response_norm(&source, 6, &mut out);
        let expected = |x: f32, squares: f32| x / (1.0 + 2e-5 * squares).powf(0.75);
        for (found, expected) in [
            (out[0], expected(100.0, 1e4 + 4e4 + 9e4)),
            (out[2], expected(300.0, 1e4 + 4e4 + 9e4 + 16e4 + 25e4)),
            (out[5], expected(600.0, 16e4 + 25e4 + 36e4)),
        ] {
            assert!((found - expected).abs() < expected * 1e-6, "{found} against {expected}");
        }
    }
}
