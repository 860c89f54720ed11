//! Trees of all shapes.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rhumb_ferry::{settle, sync};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::place::{options, pair, seen};

#[derive(Clone, Debug)]
enum Deed {
    Folder(PathBuf, u32),
    File(PathBuf, usize, u8),
    Symlink(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Pipe(PathBuf),
    Remove(PathBuf),
}

impl Deed {
    /// What cannot be done there is left.
    fn apply(&self, root: &Path) {
        match self {
            Self::Folder(path, mode) => {
                let _ = fs::create_dir_all(root.join(path));
                let _ = fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode));
            }
            Self::File(path, size, byte) => {
                let path = root.join(path);
                let is_plain = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file());
                if is_plain || !path.exists() && fs::symlink_metadata(&path).is_err() {
                    let _ = fs::write(path, vec![*byte; *size]);
                }
            }
            Self::Symlink(path, target) => drop(symlink(target, root.join(path))),
            Self::Link(path, target) => drop(fs::hard_link(root.join(target), root.join(path))),
            Self::Pipe(path) => drop(mknodat(CWD, root.join(path), FileType::Fifo, Mode::RUSR, 0)),
            Self::Remove(path) => {
                let path = root.join(path);
                if fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir()) {
                    let _ = fs::remove_dir_all(path);
                } else {
                    let _ = fs::remove_file(path);
                }
            }
        }
    }
}

fn path() -> impl Strategy<Value = PathBuf> {
    let name = prop::sample::select(vec![&b"a"[..], b"b", b"a b", b"\xff", b"..a"]);
    prop::collection::vec(name, 1..4)
        .prop_map(|parts| parts.into_iter().map(std::ffi::OsStr::from_bytes).collect())
}

fn deed() -> impl Strategy<Value = Deed> {
    let mode = prop_oneof![Just(0o755), Just(0o1777), Just(0o700), Just(0o2750)];
    let size = prop_oneof![4 => 0_usize..2000, 1 => Just(1 << 20), 1 => Just((1 << 20) + 1)];
    prop_oneof![
        3 => (path(), mode).prop_map(|(path, mode)| Deed::Folder(path, mode)),
        5 => (path(), size, any::<u8>()).prop_map(|(path, size, byte)| Deed::File(path, size, byte)),
        1 => (path(), path()).prop_map(|(path, target)| Deed::Symlink(path, target)),
        2 => (path(), path()).prop_map(|(path, target)| Deed::Link(path, target)),
        1 => path().prop_map(Deed::Pipe),
        2 => path().prop_map(Deed::Remove),
    ]
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec(deed(), 0..30)
}

fn do_all(deeds: &[Deed], root: &Path) {
    for deed in deeds {
        deed.apply(root);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the destination held, and whatever becomes of the source afterwards.
    #[test]
    fn any_tree_is_mirrored_over_any_other(first in deeds(), there in deeds(), then in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (source, destination) = pair();
            do_all(&first, &source.volume());
            do_all(&there, &destination.volume());
            let settled = settle(&source.end(), &destination.end(), &options()).await.unwrap();
            prop_assert!(settled.comparison.is_equal(), "{:?}", settled.comparison.named);
            prop_assert_eq!(seen(&source.volume()), seen(&destination.volume()));
            do_all(&then, &source.volume());
            sync(&source.end(), &destination.end(), &options()).await.unwrap();
            prop_assert_eq!(seen(&source.volume()), seen(&destination.volume()));
            Ok(())
        })?;
    }
}
