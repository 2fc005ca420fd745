//! The codec H.265, decoded in Rust by `heic-rs`.

use std::borrow::Cow;

use heic_rs::Error;
use heic_rs::hevc::{self, Frame};
use heic_rs::props::ItemProps;

use super::container::Codec;

/// H.265.
pub(super) struct Hevc;

impl Codec for Hevc {
    /// Of all sequences that the header describes, the largest counts: the picture chooses among them.
    fn pixels(&self, properties: &ItemProps<'_>) -> Result<u64, Error> {
        let header = properties.hvcc.as_ref().ok_or(Error::MissingBox("hvcC"))?;
        let sets = header.parameter_sets();
        let sequences =
            sets.into_iter().filter(|set| set.first().is_some_and(|first| first >> 1 & 0x3F == SEQUENCE));
        sequences.map(pixels_of_sequence).try_fold(0, |largest: u64, pixels| Ok(largest.max(pixels?)))
    }

    fn decode(&self, properties: &ItemProps<'_>, data: Cow<'_, [u8]>) -> Result<Frame, Error> {
        let header = properties.hvcc.as_ref().ok_or(Error::MissingBox("hvcC"))?;
        hevc::decode_still(&header.parameter_sets(), &header.split_nals(&data)?)
    }
}

/// The kind of unit that describes a sequence of pictures.
const SEQUENCE: u8 = 33;

/// The width times the height of a sequence's pictures (ITU-T H.265, 7.3.2.2), before margins are cut off: the library
/// tells it after that, and margins may be all but one pixel.
fn pixels_of_sequence(unit: &[u8]) -> Result<u64, Error> {
    let mut bits = Bits::of(unit);
    bits.take(16 + 4)?; // the unit's header, the number of a set above
    let layers = bits.take(3)?;
    bits.take(1)?;
    bits.skip(PROFILE_BITS + LEVEL_BITS);
    let told = if layers > 0 { bits.take(16)? } else { 0 };
    for layer in 0..layers {
        let is_told = |bit: u32| told >> (15 - 2 * layer - bit) & 1 == 1;
        bits.skip(if is_told(0) { PROFILE_BITS } else { 0 } + if is_told(1) { LEVEL_BITS } else { 0 });
    }
    bits.number()?; // which sequence it is
    if bits.number()? == WITHOUT_SUBSAMPLING {
        bits.take(1)?;
    }
    Ok(u64::from(bits.number()?) * u64::from(bits.number()?))
}

const PROFILE_BITS: usize = 88;
const LEVEL_BITS: usize = 8;
const WITHOUT_SUBSAMPLING: u32 = 3;

/// Reads a unit bit by bit.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    /// Two bytes of zero are followed by a three that is no data wherever they could be taken for a start.
    fn of(unit: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for &byte in unit {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn skip(&mut self, count: usize) {
        self.at += count;
    }

    fn take(&mut self, count: usize) -> Result<u32, Error> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8).ok_or(Error::Truncated("sequence parameter set"))?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Ok(value << 1 | u32::from(bit))
        })
    }

    /// A number after as many zeros as it has bits (Exp-Golomb).
    fn number(&mut self) -> Result<u32, Error> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        if zeros > 31 {
            return Err(Error::Malformed("a number of more than 32 bits"));
        }
        Ok((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of 64 x 64 pixels that are cut to 64 x 48, and the same with a profile for each of two layers.
    #[test]
    fn the_pixels_of_a_sequence_count_before_margins_are_cut_off() {
        let head = "0100001000000001 0000"; // unit 33; set 0
        let profile = "1".repeat(88);
        let level = "10101010";
        // Number 0, 4:2:0, 64, 64, a window.
        let rest = "1 010 0000001000001 0000001000001 1";
        let layered =
            format!("010 1 {profile} {level} 1101{} {profile} {level} {level} {rest}", "0".repeat(12));
        for bits in [format!("{head} 000 1 {profile} {level} {rest}"), format!("{head} {layered}")] {
            assert_eq!(pixels_of_sequence(&bytes(&bits)).unwrap(), 64 * 64, "{bits}");
        }
    }

    #[test]
    fn a_sequence_that_is_cut_off_is_an_error() {
        assert!(pixels_of_sequence(&[0x42, 1, 1, 1]).is_err());
        assert!(Bits::of(&[0; 8]).number().is_err());
        assert!(Bits::of(&[0, 0, 0, 0, 255, 255, 255, 255, 255]).number().is_err());
    }

    #[test]
    fn a_three_after_two_zeros_is_no_data() {
        assert_eq!(Bits::of(&[1, 0, 0, 3, 1, 3, 0, 3]).bytes, [1, 0, 0, 1, 3, 0, 3]);
    }

    fn bytes(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|eight| eight.iter().enumerate().map(|(at, bit)| bit << (7 - at)).sum()).collect()
    }
}
