//! Records as bytes: compressed, and cut into chunks that are named by their content.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rhumb_backend::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Outcome, Record, Source};

/// The most bytes that a record, or the chart in it, may have before it is compressed. What claims to be larger is
/// not unpacked.
pub const MAX_RECORD: usize = 64 << 20;

/// The shape of manifests that this version writes. A later one may be unreadable to it.
const FORMAT: u32 = 1;

/// A piece of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The SHA-256 of its bytes, in hexadecimal.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a head's value holds: which chunks make up the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// Tells this attempt to write the head from every other.
    pub(crate) id: String,
    pub(crate) body: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Vec<String>>,
}

impl Manifest {
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &String> {
        self.body.iter().chain(self.source.iter().flatten())
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        if manifest.format == FORMAT {
            return Ok(manifest);
        }
        let found = manifest.format;
        Err(Error::new(
            ErrorKind::Unsupported,
            "read a record",
            format!("its format is {found}, not {FORMAT}"),
        )
        .remedy("use the version of rhumb that wrote it, or a later one"))
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| corrupt(error.to_string()))
    }
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) manifest: Manifest,
    pub(crate) chunks: Vec<Chunk>,
}

/// Packs a record into chunks of at most `limit` bytes. Equal charts make equal chunks.
pub(crate) fn pack(record: &Record, limit: usize) -> Result<Packed> {
    let mut chunks = to_chunks(record, limit)?;
    let body = names(&chunks);
    let mut source = None;
    if let Some(Source(bytes)) = &record.source {
        let more = cut(&compress(bytes)?, limit);
        source = Some(names(&more));
        chunks.extend(more);
    }
    let id = uuid::Uuid::now_v7().to_string();
    Ok(Packed { manifest: Manifest { format: FORMAT, id, body, source }, chunks })
}

/// Packs an outcome into chunks of at most `limit` bytes.
pub(crate) fn pack_outcome(outcome: &Outcome, limit: usize) -> Result<Vec<Chunk>> {
    to_chunks(outcome, limit)
}

/// Reads a record's body from its chunks, in order.
pub(crate) fn unpack(body: &[Chunk]) -> Result<Record> {
    from_chunks(body)
}

/// Reads an outcome from its chunks, in order.
pub(crate) fn unpack_outcome(chunks: &[Chunk]) -> Result<Outcome> {
    from_chunks(chunks)
}

/// Reads a chart's archive from its chunks, in order.
pub(crate) fn unpack_source(chunks: &[Chunk]) -> Result<Source> {
    decompress(&join(chunks)?).map(Source)
}

/// One chunk of these bytes, uncompressed.
pub(crate) fn chunk(bytes: Vec<u8>) -> Chunk {
    Chunk { name: digest(&bytes), bytes }
}

fn to_chunks(content: &impl Serialize, limit: usize) -> Result<Vec<Chunk>> {
    let json = serde_json::to_vec(content).map_err(|error| corrupt(error.to_string()))?;
    Ok(cut(&compress(&json)?, limit))
}

fn from_chunks<T: serde::de::DeserializeOwned>(chunks: &[Chunk]) -> Result<T> {
    let json = decompress(&join(chunks)?)?;
    serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))
}

fn names(chunks: &[Chunk]) -> Vec<String> {
    chunks.iter().map(|chunk| chunk.name.clone()).collect()
}

fn cut(bytes: &[u8], limit: usize) -> Vec<Chunk> {
    bytes.chunks(limit.max(1)).map(|piece| chunk(piece.to_vec())).collect()
}

fn join(chunks: &[Chunk]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(chunks.iter().map(|chunk| chunk.bytes.len()).sum());
    for chunk in chunks {
        if digest(&chunk.bytes) != chunk.name {
            return Err(corrupt(format!("chunk {} does not hold what its name says", chunk.name)));
        }
        bytes.extend_from_slice(&chunk.bytes);
    }
    Ok(bytes)
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.len() > MAX_RECORD {
        let message = format!("it has {} bytes; at most {MAX_RECORD} are kept", bytes.len());
        return Err(Error::new(ErrorKind::LimitExceeded, "write a record", message)
            .remedy("split the chart into several, or take large files out of it"));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| corrupt(error.to_string()))
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(bytes).take(MAX_RECORD as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(|error| corrupt(error.to_string()))?;
    if plain.len() > MAX_RECORD {
        return Err(corrupt(format!("it unpacks to more than {MAX_RECORD} bytes")));
    }
    Ok(plain)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, "read a record", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rhumb_backend::{Object, ObjectId};

    use super::*;

    fn record(values: &str, source: Option<Vec<u8>>) -> Record {
        Record {
            namespace: "default".to_owned(),
            release: "shop".to_owned(),
            revision: 3,
            values: serde_json::json!({ "text": values }),
            objects: vec![Object::new(ObjectId::new("service", "web"), serde_json::json!({ "Name": "web" }))],
            source: source.map(Source),
            ..Record::default()
        }
    }

    fn round_trip(record: &Record, limit: usize) -> Record {
        let packed = pack(record, limit).unwrap();
        assert!(packed.chunks.iter().all(|chunk| chunk.bytes.len() <= limit && !chunk.bytes.is_empty()));
        let manifest = Manifest::parse(&packed.manifest.to_bytes().unwrap()).unwrap();
        assert_eq!(manifest, packed.manifest);
        let find = |names: &[String]| -> Vec<Chunk> {
            let by_name =
                |name: &String| packed.chunks.iter().find(|chunk| chunk.name == *name).unwrap().clone();
            names.iter().map(by_name).collect()
        };
        let mut read = unpack(&find(&manifest.body)).unwrap();
        read.source = manifest.source.map(|names| unpack_source(&find(&names)).unwrap());
        read
    }

    /// Text that no compressor makes much smaller.
    fn noise(bytes: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        std::iter::repeat_with(next).take(bytes).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn records_survive_packing(
            text in ".{0,400}",
            size in prop::option::of(0_usize..3000),
            limit in 1_usize..700,
            seed in any::<u64>(),
        ) {
            let record = record(&text, size.map(|size| noise(size, seed)));
            prop_assert_eq!(round_trip(&record, limit), record);
        }
    }

    #[test]
    fn chunks_end_exactly_at_the_limit() {
        let record = record("limit", Some(noise(5000, 1)));
        let whole = pack(&record, usize::MAX).unwrap();
        for size in whole.chunks.iter().map(|chunk| chunk.bytes.len()) {
            for limit in [size - 1, size, size + 1, size.div_ceil(2)] {
                assert_eq!(round_trip(&record, limit), record, "limit {limit}");
            }
        }
        let size = whole.chunks[1].bytes.len();
        assert_eq!(pack(&record, size).unwrap().manifest.source.unwrap().len(), 1);
        assert_eq!(pack(&record, size - 1).unwrap().manifest.source.unwrap().len(), 2);
    }

    #[test]
    fn twenty_mebibytes_survive() {
        let record = record(&"a line of some values\n".repeat(400_000), Some(noise(12 << 20, 7)));
        assert_eq!(round_trip(&record, 500 << 10), record);
    }

    #[test]
    fn equal_charts_make_equal_chunks() {
        let one = pack(&record("one", Some(noise(5000, 3))), 1000).unwrap();
        let other = pack(&record("other", Some(noise(5000, 3))), 1000).unwrap();
        assert_eq!(one.manifest.source, other.manifest.source);
        assert_ne!(one.manifest.body, other.manifest.body);
    }

    #[test]
    fn damage_is_noticed() {
        let mut chunks = pack(&record("x", None), 100).unwrap().chunks;
        chunks[0].bytes[20] ^= 1;
        let error = unpack(&chunks).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.message.contains("does not hold what its name says"), "{error}");
        assert_eq!(unpack(&[]).unwrap_err().kind, ErrorKind::Corrupt);
        assert_eq!(unpack(&[chunk(b"no gzip".to_vec())]).unwrap_err().kind, ErrorKind::Corrupt);
    }

    #[test]
    fn bombs_are_not_unpacked() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeroes = vec![b' '; 1 << 20];
        for _ in 0..=(MAX_RECORD >> 20) {
            encoder.write_all(&zeroes).unwrap();
        }
        let bomb = chunk(encoder.finish().unwrap());
        let error = unpack_source(&[bomb]).unwrap_err();
        assert!(error.message.contains("unpacks to more than"), "{error}");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let error = pack(&record("", Some(vec![0; MAX_RECORD + 1])), 1 << 20).unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded);
    }

    #[test]
    fn later_formats_are_not_misread() {
        let error = Manifest::parse(br#"{"format": 2, "parts": []}"#).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }
}
