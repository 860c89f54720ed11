//! What is copied, and what of it.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rhumb_ferry::Access;
use rhumb_ferry::{Reason, TreePath, Trust, compare, read_secrets, settle, sync};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use crate::place::{Place, options, pair, seen};

const MIB: usize = 1 << 20;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Bytes that no compressor and no luck makes equal.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| step()).collect()
}

fn file_of_all_sorts(root: &Path) {
    fs::create_dir_all(root.join("a/empty")).unwrap();
    fs::write(root.join("a/small"), "text").unwrap();
    fs::write(root.join("a/nothing"), "").unwrap();
    fs::write(root.join("large"), noise(3 * MIB + 17, 1)).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"odd \xff\n name")), "odd").unwrap();
    fs::hard_link(root.join("large"), root.join("a/large again")).unwrap();
    symlink("../../etc/passwd", root.join("a/out")).unwrap();
    symlink("small", root.join("a/dangling-not")).unwrap();
    mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o622), 0).unwrap();
    let holes = fs::File::create(root.join("holes")).unwrap();
    holes.set_len(6 * MIB as u64).unwrap();
    holes.write_all_at(b"in the middle", 3 * MIB as u64).unwrap();
    let _ = setxattr(root.join("a/small"), "user.colour", b"blue", XattrFlags::empty());
    fs::set_permissions(root.join("a/small"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o2570)).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    fs::File::open(root.join("a/nothing")).unwrap().set_modified(old).unwrap();
    if is_root() {
        chown(root.join("a/nothing"), Some(4242), Some(4343)).unwrap();
        std::os::unix::fs::lchown(root.join("a/out"), Some(999), Some(998)).unwrap();
        chown(root, Some(70), Some(70)).unwrap();
        mknodat(
            CWD,
            root.join("null"),
            FileType::CharacterDevice,
            Mode::from_raw_mode(0o666),
            rustix::fs::makedev(1, 3),
        )
        .unwrap();
    }
}

use std::os::unix::ffi::OsStrExt as _;

#[tokio::test]
async fn everything_arrives_as_it_was() {
    let (source, destination) = pair();
    file_of_all_sorts(&source.volume());
    let _listener = UnixListener::bind(source.volume().join("socket")).unwrap();
    fs::create_dir_all(destination.volume().join("stale/deep")).unwrap();
    fs::write(destination.volume().join("stale/deep/file"), "old").unwrap();
    let settled = settle(&source.end(), &destination.end(), &options()).await.unwrap();
    assert!(settled.comparison.is_equal(), "{:?}", settled.comparison.named);
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
    let [report] = &settled.reports[..] else { panic!("{:?}", settled.reports) };
    assert_eq!(report.left_out.iter().map(|left| left.path.to_string()).collect::<Vec<_>>(), ["socket"]);
    assert_eq!((report.removed, report.changed_while_read.len()), (3, 0));
    let blocks = fs::metadata(destination.volume().join("holes")).unwrap().blocks();
    assert!(blocks * 512 < 2 * MIB as u64, "the holes were filled: {blocks}");
    let mut colour = Vec::with_capacity(64);
    let buffer = rustix::buffer::spare_capacity(&mut colour);
    if rustix::fs::getxattr(source.volume().join("a/small"), "user.colour", buffer).is_ok() {
        let mut copied = Vec::with_capacity(64);
        let buffer = rustix::buffer::spare_capacity(&mut copied);
        rustix::fs::getxattr(destination.volume().join("a/small"), "user.colour", buffer).unwrap();
        assert_eq!(copied, colour);
    }
}

#[tokio::test]
async fn only_the_blocks_that_differ_are_sent() {
    let (source, destination) = pair();
    let path = source.volume().join("database");
    fs::write(&path, noise(5 * MIB, 7)).unwrap();
    let first = sync(&source.end(), &destination.end(), &options()).await.unwrap();
    assert_eq!((first.files, first.bytes), (1, 5 * MIB as u64));
    let idle = sync(&source.end(), &destination.end(), &options()).await.unwrap();
    assert_eq!((idle.files, idle.bytes), (0, 0));
    let inode = fs::metadata(destination.volume().join("database")).unwrap().ino();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"changed", 3 * MIB as u64 + 5).unwrap();
    file.set_len(5 * MIB as u64 - 3).unwrap();
    drop(file);
    let second = sync(&source.end(), &destination.end(), &options()).await.unwrap();
    assert_eq!((second.files, second.bytes), (1, 2 * MIB as u64 - 3));
    assert_eq!(fs::metadata(destination.volume().join("database")).unwrap().ino(), inode);
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
}

#[tokio::test]
async fn what_keeps_its_time_is_found_by_its_content() {
    let (source, destination) = pair();
    for (name, size) in [("small", 1000), ("large", 2 * MIB)] {
        let path = source.volume().join(name);
        fs::write(&path, noise(size, 3)).unwrap();
    }
    sync(&source.end(), &destination.end(), &options()).await.unwrap();
    for name in ["small", "large"] {
        let path = source.volume().join(name);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(b"!", 500).unwrap();
        file.set_modified(modified).unwrap();
    }
    let found = compare(&source.end(), &destination.end(), &options()).await.unwrap();
    assert_eq!((found.differences, found.named[0].what), (2, "the content"));
    let settled = settle(&source.end(), &destination.end(), &options()).await.unwrap();
    assert_eq!(settled.reports.len(), 2);
    assert!(settled.comparison.is_equal());
    assert_ne!(settled.comparison.digest, found.digest.map(|byte| !byte));
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
}

#[tokio::test]
async fn every_difference_is_seen() {
    let (source, destination) = pair();
    file_of_all_sorts(&source.volume());
    settle(&source.end(), &destination.end(), &options()).await.unwrap();
    let there = destination.volume();
    fs::set_permissions(there.join("a/small"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(there.join("a/out")).unwrap();
    fs::write(there.join("more"), "").unwrap();
    let large = fs::read(there.join("large")).unwrap();
    fs::remove_file(there.join("a/large again")).unwrap();
    fs::write(there.join("a/large again"), large).unwrap();
    fs::remove_dir(there.join("a/empty")).unwrap();
    fs::write(there.join("a/empty"), "").unwrap();
    let found = compare(&source.end(), &destination.end(), &options()).await.unwrap();
    let told: Vec<_> = found.named.iter().map(|difference| difference.path.to_string()).collect();
    for path in ["a/small", "a/out", "more", "a/large again", "a/empty"] {
        assert!(told.iter().any(|told| told == path), "{path} is not in {told:?}");
    }
    let by_content = rhumb_ferry::Options { trust: Trust::Nothing, ..options() };
    sync(&source.end(), &destination.end(), &by_content).await.unwrap();
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_change_meanwhile_are_told_and_settled_later() {
    let (source, destination) = pair();
    let path = source.volume().join("log");
    fs::write(&path, noise(4 * MIB, 9)).unwrap();
    fs::write(source.volume().join("still"), "still").unwrap();
    let writer = path.clone();
    let changing = std::sync::atomic::AtomicBool::new(true);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::OpenOptions::new().append(true).open(&writer).unwrap();
            while changing.load(std::sync::atomic::Ordering::Relaxed) {
                std::io::Write::write_all(&mut &file, b"one more line\n").unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        let options = options();
        let (from, to) = (source.end(), destination.end());
        let copied = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(sync(&from, &to, &options))
        });
        changing.store(false, std::sync::atomic::Ordering::Relaxed);
        copied.unwrap()
    });
    assert_eq!(report.changed_while_read, [TreePath::new("log").unwrap()]);
    let settled = settle(&source.end(), &destination.end(), &options()).await.unwrap();
    assert!(settled.comparison.is_equal());
    assert!(settled.reports[0].bytes < 3 * MIB as u64, "{:?}", settled.reports);
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
}

#[tokio::test]
async fn the_file_systems_own_folder_is_no_data() {
    let (source, destination) = pair();
    fs::create_dir(destination.volume().join("lost+found")).unwrap();
    fs::write(source.volume().join("x"), "x").unwrap();
    settle(&source.end(), &destination.end(), &options()).await.unwrap();
    assert!(destination.volume().join("lost+found").is_dir());
    fs::create_dir(source.volume().join("lost+found")).unwrap();
    fs::write(source.volume().join("lost+found/#12"), "found").unwrap();
    assert!(settle(&source.end(), &destination.end(), &options()).await.unwrap().comparison.is_equal());
    assert_eq!(fs::read(destination.volume().join("lost+found/#12")).unwrap(), b"found");
}

#[tokio::test]
async fn a_source_is_never_written_to() {
    let (source, destination) = pair();
    fs::write(source.volume().join("x"), "x").unwrap();
    let before = seen(&source.volume());
    let error = sync(&destination.end(), &source.end(), &options()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ReadOnly));
    assert_eq!(seen(&source.volume()), before);
}

#[tokio::test]
async fn secrets_are_read_and_never_written() {
    let place = Place::new(Access::ReadWrite);
    fs::write(place.secrets().join("password"), b"\x00canary\xff").unwrap();
    fs::write(place.secrets().join("key"), "").unwrap();
    let secrets = read_secrets(&place.end(), &options()).await.unwrap();
    let told: Vec<_> = secrets.iter().map(|(path, secret)| (path.to_string(), secret.to_vec())).collect();
    assert_eq!(told, [("key".to_owned(), vec![]), ("password".to_owned(), b"\x00canary\xff".to_vec())]);
}

#[tokio::test]
async fn a_volume_that_is_not_there_is_told() {
    let (source, destination) = pair();
    fs::remove_dir(source.volume()).unwrap();
    let error = sync(&source.end(), &destination.end(), &options()).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::NotFound));
}
