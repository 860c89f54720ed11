//! Connections that break.

use std::fs;

use rhumb_ferry::{Options, settle, sync};

use crate::place::{options, pair, seen};

fn fill(root: &std::path::Path) {
    fs::create_dir_all(root.join("many")).unwrap();
    for index in 0..40_u32 {
        fs::write(root.join(format!("many/{index}")), index.to_string().repeat(50)).unwrap();
    }
    let large: Vec<u8> =
        (0..3_500_000_u32).flat_map(|index| (index / 3).to_le_bytes()).take(3_500_000).collect();
    fs::write(root.join("large"), large).unwrap();
    fs::hard_link(root.join("large"), root.join("many/large")).unwrap();
}

/// Wherever it breaks, the same call made again goes on, and what broke left nothing half done.
#[tokio::test]
async fn a_copy_that_broke_is_made_again() {
    for bytes in [1, 9, 50, 600, 5_000, 20_000, 300_000, 1_000_000, 2_200_000, 3_400_000, 3_495_000] {
        for breaks_source in [true, false] {
            let (source, destination) = pair();
            fill(&source.volume());
            let once = Options { attempts: 1, ..options() };
            let (from, to) = if breaks_source {
                (source.fragile(bytes), destination.end())
            } else {
                (source.end(), destination.fragile(bytes))
            };
            let broken = sync(&from, &to, &once).await;
            assert!(broken.is_err_and(|error| error.is_lost()), "nothing broke at {bytes}");
            destination.rest().await;
            for (path, _) in seen(&destination.volume()) {
                let whole =
                    path.starts_with(rhumb_ferry::STAGING) || !destination.volume().join(&path).is_file();
                let same = || {
                    fs::read(source.volume().join(&path)).unwrap()
                        == fs::read(destination.volume().join(&path)).unwrap()
                };
                assert!(whole || same(), "half of {} is there after {bytes} bytes", path.display());
            }
            let again = sync(&source.end(), &destination.end(), &options()).await.unwrap();
            assert_eq!(seen(&source.volume()), seen(&destination.volume()), "{bytes}");
            if bytes == 2_200_000 {
                assert!(again.bytes < 3_000_000, "the large file was sent anew: {}", again.bytes);
            }
        }
    }
}

/// A connection that breaks while another can be had is no matter at all.
#[tokio::test]
async fn a_broken_connection_is_opened_anew() {
    for bytes in [60_000, 1_500_000, 3_000_000] {
        let (source, destination) = pair();
        fill(&source.volume());
        sync(&source.fragile(bytes), &destination.fragile(bytes), &options()).await.unwrap();
        assert!(settle(&source.end(), &destination.end(), &options()).await.unwrap().comparison.is_equal());
        assert_eq!(seen(&source.volume()), seen(&destination.volume()));
    }
}
