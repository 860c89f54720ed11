//! Secrets that a platform only shows inside a container.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{End, Options};
use crate::message::BLOCK;
use crate::{Error, Kind, Result, Tree, TreePath};

/// The most secrets that a helper has.
const MOST: usize = 10_000;

/// Reads the secrets that a helper has mounted, each by the path of its file.
///
/// # Errors
/// As [`super::sync`]; `Limit` for one that is larger than any platform takes.
pub async fn read_secrets(end: &End, options: &Options) -> Result<BTreeMap<TreePath, Zeroizing<Vec<u8>>>> {
    let mut session = end.session(options).await?;
    let mut files = Vec::new();
    session
        .list(Tree::Secrets, |entry| {
            if let Kind::File { size } = entry.kind {
                files.push((entry.path, size));
            }
            if files.len() > MOST {
                Err("it lists more secrets than any service has".to_owned())
            } else {
                Ok(())
            }
        })
        .await?;
    let mut secrets = BTreeMap::new();
    for (path, size) in files {
        if size > BLOCK {
            return Err(Error::Limit {
                what: format!("the secret {path} has {size} bytes, and {BLOCK} are the most"),
            });
        }
        let (content, _, _) = session.read_whole(Tree::Secrets, &path).await?;
        secrets.insert(path, Zeroizing::new(content));
    }
    session.close().await;
    Ok(secrets)
}
