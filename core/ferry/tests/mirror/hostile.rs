//! Helpers that lie, and callers that do.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use async_trait::async_trait;
use rhumb_ferry::{Connection, Dial, End, Entry, Error, Kind, Metadata, Options, TreePath, sync};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::place::{Place, options, pair, seen};

/// Answers in the words of the protocol as they are on the wire, number by number, so that nothing of the copier's own
/// keeps it from lying.
#[derive(Clone)]
struct Liar(Vec<Vec<u8>>);

#[async_trait]
impl Dial for Liar {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let answers = self.0.clone();
        tokio::spawn(async move {
            for answer in answers {
                if question(&mut far).await.is_none() || far.write_all(&answer).await.is_err() {
                    return;
                }
            }
            while question(&mut far).await.is_some() {}
        });
        Ok(Box::new(near))
    }
}

async fn question(stream: &mut DuplexStream) -> Option<()> {
    let mut lengths = [0; 8];
    stream.read_exact(&mut lengths).await.ok()?;
    let length = |at: usize| u32::from_be_bytes(lengths[at..at + 4].try_into().unwrap());
    let mut rest = vec![0; (length(0) + length(4)) as usize];
    stream.read_exact(&mut rest).await.ok().map(drop)
}

fn frame(message: &impl Serialize, body: &[u8]) -> Vec<u8> {
    let message = postcard::to_stdvec(message).unwrap();
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    [&length(&message)[..], &length(body), &message, body].concat()
}

fn hello() -> Vec<u8> {
    frame(&(0_u8, 1_u32), &[])
}

fn entries(entries: &[Entry]) -> Vec<u8> {
    let end = frame(&(2_u8, Vec::<Vec<u8>>::new()), &[]);
    [frame(&(1_u8, entries), &[]), end].concat()
}

fn entry(path: &str, kind: Kind) -> Entry {
    let path = TreePath::new(path).unwrap();
    Entry { path, kind, metadata: Metadata::default(), inode: 0 }
}

/// The copier's error; the destination stays as it was.
async fn check(answers: Vec<Vec<u8>>) -> Error {
    let (_, destination) = pair();
    fs::write(destination.volume().join("kept"), "kept").unwrap();
    let liar = End::new("liar", "data", Arc::new(Liar(answers)));
    let once = Options { attempts: 1, patience: std::time::Duration::from_secs(2), ..options() };
    let error = sync(&liar, &destination.end(), &once).await.unwrap_err();
    assert_eq!(fs::read(destination.volume().join("kept")).unwrap(), b"kept", "{error}");
    error
}

#[tokio::test]
async fn impossible_lists_change_nothing() {
    let root = || entry("", Kind::Directory);
    let link = entry("a", Kind::Symlink { target: b"/etc".to_vec() });
    let lists = [
        vec![root(), link, entry("a/passwd", Kind::File { size: 1 })],
        vec![root(), entry("a/b", Kind::File { size: 1 })],
        vec![root(), entry("a", Kind::Fifo), entry("a", Kind::Fifo)],
        vec![root(), root()],
        vec![entry("", Kind::Fifo)],
        vec![entry("a", Kind::Directory)],
        vec![root(), entry("a", Kind::Symlink { target: vec![b'x'; 5000] })],
    ];
    for list in lists {
        let error = check(vec![hello(), entries(&list)]).await;
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    }
    assert!(matches!(check(vec![hello(), entries(&[])]).await, Error::Limit { .. }));
}

#[tokio::test]
async fn escaping_paths_and_absurd_sizes_are_refused() {
    // An entry whose path is `../x`, in the encoding of a list of one.
    let escape = frame(
        &(
            1_u8,
            vec![(b"../x".to_vec(), 1_u8, (0_u32, 0_u32, 0_u32, (0_i64, 0_u32), Vec::<u8>::new()), 0_u64)],
        ),
        &[],
    );
    let huge = [u32::MAX.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let huge_body = [1_u32.to_be_bytes(), u32::MAX.to_be_bytes()].concat();
    // A list that says it has 2⁶³ entries and has none.
    let endless =
        [&10_u32.to_be_bytes()[..], &0_u32.to_be_bytes(), &[1, 255, 255, 255, 255, 255, 255, 255, 255, 127]]
            .concat();
    let noise = [&4_u32.to_be_bytes()[..], &0_u32.to_be_bytes(), b"\xff\xff\xff\xff"].concat();
    for answer in [escape, huge, huge_body, endless, noise] {
        let error = check(vec![hello(), answer.clone()]).await;
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
        assert!(matches!(check(vec![answer]).await, Error::Protocol { .. }));
    }
    let error = check(vec![frame(&(0_u8, 2_u32), &[])]).await;
    assert!(error.to_string().contains("use the helper image that belongs to this program"), "{error}");
}

#[tokio::test]
async fn content_that_was_not_asked_for_is_refused() {
    let list = || entries(&[entry("", Kind::Directory), entry("x", Kind::File { size: 10 })]);
    let data = |offset: u64, length: usize| frame(&(3_u8, offset), &vec![7; length]);
    let zeros = |offset: u64, length: u64| frame(&(4_u8, offset, length), &[]);
    for content in [data(5, 3), data(0, 0), data(0, 300_000), zeros(0, u64::MAX), zeros(0, 0), hello()] {
        // The connection that lists and the one that copies are answered alike.
        let (_, destination) = pair();
        let dial = Arc::new(Choosing {
            first: Liar(vec![hello(), list()]),
            then: Liar(vec![hello(), content]),
            calls: std::sync::atomic::AtomicUsize::default(),
        });
        let once = Options { attempts: 1, patience: std::time::Duration::from_secs(2), ..options() };
        let error = sync(&End::new("liar", "data", dial), &destination.end(), &once).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
        assert!(!destination.volume().join("x").exists());
    }
}

struct Choosing {
    first: Liar,
    then: Liar,
    calls: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl Dial for Choosing {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let is_first = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if is_first { self.first.dial().await } else { self.then.dial().await }
    }
}

/// Links in a volume lead a helper nowhere, whoever asks.
#[tokio::test]
async fn links_lead_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "canary").unwrap();
    let place = Place::new(rhumb_ferry::Access::ReadWrite);
    symlink(outside.path(), place.volume().join("door")).unwrap();
    symlink(outside.path().join("secret"), place.volume().join("window")).unwrap();
    let before = seen(outside.path());
    let volume = || "data".to_owned();
    let metadata =
        || (0o777_u32, 0_u32, 0_u32, (0_i64, 0_u32), std::collections::BTreeMap::<Vec<u8>, Vec<u8>>::new());
    let path = |text: &str| text.as_bytes().to_vec();
    let questions = [
        // Read, Digest, Put, Begin, Link, Set, Remove; of a file behind the door.
        frame(&(2_u8, (0_u8, volume()), path("door/secret"), 0_u64, 10_u64), &[]),
        frame(&(2_u8, (0_u8, volume()), path("window"), 0_u64, 10_u64), &[]),
        frame(&(3_u8, (0_u8, volume()), path("door/secret"), 0_u64, 1_u32), &[]),
        frame(&(4_u8, volume(), (path("door/new"), (0_u8, 1_u64), metadata(), 0_u64)), b"x"),
        frame(&(5_u8, volume(), path("door/secret"), 1_u8), &[]),
        frame(&(11_u8, volume(), path("stolen"), path("door/secret")), &[]),
        frame(&(12_u8, volume(), path("door/secret"), metadata()), &[]),
        frame(&(4_u8, volume(), (path(".rhumb-ferry/x"), (0_u8, 1_u64), metadata(), 0_u64)), b"x"),
        frame(&(2_u8, (0_u8, "..".to_owned()), path("secrets"), 0_u64, 10_u64), &[]),
    ];
    for question in questions {
        let (mut near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(rhumb_ferry::server::converse(far, Arc::clone(&place.mounted)));
        near.write_all(&question).await.unwrap();
        let mut answer = [0; 9];
        near.read_exact(&mut answer).await.unwrap();
        // `Refused`, which has the number 9.
        assert_eq!(answer[8], 9, "{question:?}");
    }
    assert_eq!(seen(outside.path()), before);
    assert!(!place.volume().join("stolen").exists());
}

/// What is no question ends the connection, and the helper lives on.
#[tokio::test]
async fn nonsense_is_hung_up_on() {
    let place = Place::new(rhumb_ferry::Access::ReadWrite);
    for nonsense in [vec![255; 16], frame(&(200_u8, 1_u8), &[]), frame(&(7_u8, 0_u64), b"data for no file")] {
        let (mut near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(rhumb_ferry::server::converse(far, Arc::clone(&place.mounted)));
        near.write_all(&nonsense).await.unwrap();
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }
    fs::write(place.volume().join("x"), "x").unwrap();
    sync(&place.end(), &place.end(), &options()).await.unwrap();
}
