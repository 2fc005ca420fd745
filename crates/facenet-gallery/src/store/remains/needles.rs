//! Many small pieces of bytes, looked for in files in one pass.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::PathBuf;

use fs_err::File;

/// Length of the pieces that longer bytes are cut into: 128 bits, which do not occur by chance. A piece that survives
/// shows, also where the rest was overwritten.
const PIECE: usize = 16;
/// A shorter name would be found by chance in any file of some megabytes.
const SHORTEST_TEXT: usize = 4;
/// The first bytes of a needle, by which it is looked up.
const KEY: usize = 8;
/// Bits of the table that answers most places at once: 128 KiB, which stay in a core's cache.
const TABLE_BITS: u32 = 20;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;

/// What a needle is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) enum Kind {
    Embedding,
    Crop,
    Digest,
    Text,
}

/// Pieces of bytes to look for.
#[derive(Debug, Default)]
pub(in crate::store) struct Needles {
    pieces: BTreeSet<(Kind, Vec<u8>)>,
}

impl Needles {
    /// Adds the pieces of an embedding or of a digest.
    pub(in crate::store) fn add_bytes(&mut self, kind: Kind, bytes: &[u8]) {
        let pieces = bytes.chunks_exact(PIECE).filter(|piece| is_telling(piece));
        self.pieces.extend(pieces.map(|piece| (kind, piece.to_vec())));
    }

    /// Adds the pieces of a JPEG, without the tables that all have.
    pub(in crate::store) fn add_jpeg(&mut self, bytes: &[u8]) {
        let scan = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).map_or(0, |start| start + PIECE);
        self.add_bytes(Kind::Crop, bytes.get(scan..).unwrap_or_default());
    }

    /// Adds a text as a whole, if it is long enough to be found by nothing but itself.
    pub(in crate::store) fn add_text(&mut self, text: &str) {
        if text.len() >= SHORTEST_TEXT {
            self.pieces.insert((Kind::Text, text.as_bytes().to_vec()));
        }
    }

    pub(in crate::store) fn extend(&mut self, other: Self) {
        self.pieces.extend(other.pieces);
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The needles that any of `files` holds; a file that is gone meanwhile holds none.
    pub(in crate::store) fn found_in(&self, files: &[PathBuf]) -> io::Result<Vec<(Kind, Vec<u8>)>> {
        let needles: Vec<&(Kind, Vec<u8>)> = self.pieces.iter().collect();
        let mut search = Search::new(needles.iter().map(|(_, piece)| piece.as_slice()).collect());
        for file in files {
            match File::open(file) {
                Ok(file) => search.read(file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(search.found.into_iter().map(|index| needles[index].clone()).collect())
    }
}

/// Whether a piece of an embedding or picture is not one that many have, such as zeros or a flat area.
fn is_telling(piece: &[u8]) -> bool {
    piece.iter().collect::<BTreeSet<_>>().len() >= 6
}

struct Search<'a> {
    needles: Vec<&'a [u8]>,
    /// By their first bytes.
    long: HashMap<[u8; KEY], Vec<usize>>,
    /// Shorter than a key.
    short: Vec<usize>,
    /// A bit for the key of each long needle.
    table: Vec<u64>,
    found: BTreeSet<usize>,
}

impl<'a> Search<'a> {
    fn new(needles: Vec<&'a [u8]>) -> Self {
        let mut search = Self {
            needles,
            long: HashMap::new(),
            short: Vec::new(),
            table: vec![0; 1 << (TABLE_BITS - 6)],
            found: BTreeSet::new(),
        };
        for (index, needle) in search.needles.iter().enumerate() {
            match needle.first_chunk() {
                Some(key) => {
                    let (word, bit) = place(key);
                    search.table[word] |= bit;
                    search.long.entry(*key).or_default().push(index);
                }
                None => search.short.push(index),
            }
        }
        search
    }

    fn read(&mut self, mut file: impl Read) -> io::Result<()> {
        let overlap = self.needles.iter().map(|needle| needle.len()).max().unwrap_or(1) - 1;
        let mut buffer = Vec::new();
        loop {
            let kept = buffer.len().min(overlap);
            buffer.drain(..buffer.len() - kept);
            if file.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)? == 0 {
                return Ok(());
            }
            self.look(&buffer);
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        for (start, key) in bytes.windows(KEY).enumerate() {
            let key: &[u8; KEY] = key.first_chunk().expect("a window of that length");
            let (word, bit) = place(key);
            if self.table[word] & bit == 0 {
                continue;
            }
            for &index in self.long.get(key).into_iter().flatten() {
                if bytes[start..].starts_with(self.needles[index]) {
                    self.found.insert(index);
                }
            }
        }
        for &index in &self.short {
            let needle = self.needles[index];
            if bytes.windows(needle.len()).any(|window| window == needle) {
                self.found.insert(index);
            }
        }
    }
}

/// The word and bit of a key in the table.
fn place(key: &[u8; KEY]) -> (usize, u64) {
    // Fibonacci hashing: the upper bits of a product with 2⁶⁴ / φ.
    let hash = u64::from_le_bytes(*key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - TABLE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(seed: u64, length: usize) -> Vec<u8> {
        let step =
            |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        std::iter::successors(Some(seed), step).skip(3).take(length).map(|x| (x >> 33) as u8).collect()
    }

    fn found(needles: &Needles, file: &[u8]) -> usize {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs_err::write(&path, file).unwrap();
        needles.found_in(&[path, dir.path().join("gone")]).unwrap().len()
    }

    #[test]
    fn a_piece_is_found_wherever_it_lies_and_only_there() {
        let mut needles = Needles::default();
        needles.add_bytes(Kind::Embedding, &bytes(1, 512));
        needles.add_text("Ada Lovelace");
        needles.add_text("Anna");
        needles.add_text("Bo"); // too short to tell
        assert_eq!(needles.len(), 32 + 2);
        // Around the borders of what is read at a time.
        for start in [0, 1, CHUNK - 40, CHUNK - 20, CHUNK - 13, CHUNK - 5, CHUNK - 1, CHUNK, 2 * CHUNK - 7] {
            let mut file = vec![0; 2 * CHUNK];
            assert_eq!(found(&needles, &file), 0);
            file.splice(start.., b"Ada Lovelace".iter().copied());
            assert_eq!(found(&needles, &file), 1, "{start}");
            file.splice(start.., bytes(1, 512)[48..64].iter().copied());
            assert_eq!(found(&needles, &file), 1, "{start}");
            file.splice(start.., b"xAnna".iter().copied());
            assert_eq!(found(&needles, &file), 1, "{start}");
        }
        assert_eq!(found(&needles, &bytes(2, CHUNK)), 0);
        assert_eq!(found(&needles, &bytes(1, 512)), 32);
        assert_eq!(found(&needles, b""), 0);
    }

    #[test]
    fn no_needle_is_found_in_anything() {
        assert_eq!(found(&Needles::default(), b"anything"), 0);
    }
}
