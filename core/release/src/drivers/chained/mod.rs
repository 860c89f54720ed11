//! Releases in what can create and delete, but not write conditionally.

mod names;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use rhumb_backend::{Error, ErrorKind, Result, Scope};

use crate::{Entry, EntryKind, Filter, Key, Meta, Storage};
use names::Place;
use text::{First, Link};

/// A store of texts under names, which can create what is not there, and cannot change conditionally.
///
/// Names are segments between slashes. A segment is of lowercase letters, digits and inner `-` and `.`, and is never
/// longer than what it stands for by more than three times. A text is one JSON document without `{{`, so that stores
/// that know templates leave it alone. A name may be the folder of other names, or hold a text, and is never both.
#[async_trait]
pub trait CreateOnly: fmt::Debug + Send + Sync {
    /// The most bytes that one text may have. At least 1024.
    fn text_limit(&self) -> usize;

    /// The most bytes of chunks that one release may have, where the platform sets a bound.
    fn release_limit(&self) -> Option<usize> {
        None
    }

    /// Makes a text.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is there, whatever it holds.
    async fn create(&self, name: &str, text: &str) -> Result<()>;

    /// Reads a text; none when it is not there.
    async fn read(&self, name: &str) -> Result<Option<String>>;

    /// Names below a folder, at any depth, with their texts. A folder that is not there has none.
    async fn list(&self, folder: &str) -> Result<Vec<(String, String)>>;

    /// Removes names, in any order. One that is not there is no error.
    async fn delete(&self, names: &[String]) -> Result<()>;
}

/// Releases in a store that can only create.
///
/// An entry is a folder, `<kind>/<namespace>/<release>/<name>`. Its text `entry` holds the value, a nonce that tells it
/// from an entry of the same key that was there before, and the meta that it was made with. A change of the meta
/// creates the link `<nonce>.<n + 1>` beside it: who creates it has changed the entry, and who finds it there comes too
/// late. The highest link's meta counts; the version is the nonce and that link's number. Lower links but the last are
/// removed by whoever makes a higher one, so a writer who is that late makes a link that is there no more; it looks
/// at the folder afterwards, finds a higher one, and takes its own back.
///
/// Meta that is too long for a text has its longest value cut: that is the description for people, and no release
/// may stay pending because of it.
#[derive(Debug)]
pub struct Chained<S> {
    store: S,
}

/// What a folder holds of one entry.
#[derive(Debug, Default)]
struct Folder {
    first: Option<First>,
    /// Links by nonce and number.
    links: BTreeMap<(String, u64), Link>,
    /// Every name in it.
    names: Vec<String>,
}

impl<S: CreateOnly> Chained<S> {
    /// Releases in this store.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// Creates a text, and looks whether it is there where the answer was lost.
    async fn make(&self, name: &str, text: &str) -> Result<()> {
        let Err(error) = self.store.create(name, text).await else { return Ok(()) };
        let is_unsure =
            matches!(error.kind, ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Platform);
        // Each text has an identity of its own, so an equal one is this one.
        if is_unsure && matches!(self.store.read(name).await, Ok(Some(found)) if found == text) {
            return Ok(());
        }
        Err(error)
    }

    async fn folder(&self, key: &Key) -> Result<Folder> {
        let mut folders = self.folders(&names::folder(key)).await?;
        Ok(folders.remove(key).unwrap_or_default())
    }

    async fn folders(&self, path: &str) -> Result<BTreeMap<Key, Folder>> {
        let mut folders: BTreeMap<Key, Folder> = BTreeMap::new();
        for (name, text) in self.store.list(path).await? {
            let Some((key, place)) = names::read(&name) else { continue };
            folders.entry(key).or_default().take(name, place, &text);
        }
        Ok(folders)
    }

    async fn remove(&self, names: &[String]) -> Result<()> {
        if names.is_empty() { Ok(()) } else { self.store.delete(names).await }
    }

    /// Removes what counts no more. What stays because of an error is removed by the next one who comes by.
    async fn tidy(&self, names: &[String]) {
        if let Err(error) = self.remove(names).await {
            tracing::debug!(%error, "links that count no more stay for now");
        }
    }
}

impl Folder {
    fn take(&mut self, name: String, place: Place, text: &str) {
        match place {
            Place::Entry => self.first = First::read(text),
            Place::Link { nonce, number } => {
                if let Some(link) = Link::read(text) {
                    self.links.insert((nonce, number), link);
                }
            }
        }
        self.names.push(name);
    }

    /// Names of links whose entry is gone, or was never made.
    ///
    /// A lease's links of number 0 stay: contenders make leases, too, and one may be about to make the entry.
    fn orphans(&self, key: &Key) -> Vec<String> {
        let ours = self.first.as_ref().map(|first| first.nonce.as_str());
        let gone = self.links.keys().filter(|(of, number)| {
            Some(of.as_str()) != ours && (*number > 0 || key.kind != EntryKind::Lease)
        });
        gone.map(|(of, number)| names::link(key, of, *number)).collect()
    }

    /// The number of the highest link of this nonce; 0 when there is none but the entry itself.
    fn highest(&self, nonce: &str) -> u64 {
        self.links.keys().filter(|(of, _)| of == nonce).map(|(_, number)| *number).max().unwrap_or_default()
    }

    /// The entry as it counts now; none when there is none.
    fn entry(self, key: &Key) -> Option<Entry> {
        let first = self.first.as_ref()?;
        let (nonce, number) = (first.nonce.clone(), self.highest(&first.nonce));
        let link = self.links.get(&(nonce.clone(), number)).map(|link| link.meta.clone());
        let meta = link.or_else(|| first.meta.clone()).unwrap_or_default();
        let value = self.first?.value;
        Some(Entry { key: key.clone(), meta, value, version: version(&nonce, number) })
    }
}

fn version(nonce: &str, number: u64) -> String {
    format!("{nonce}.{number}")
}

#[async_trait]
impl<S: CreateOnly> Storage for Chained<S> {
    fn value_limit(&self) -> usize {
        text::value_limit(self.store.text_limit())
    }

    fn release_limit(&self) -> Option<usize> {
        self.store.release_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        super::check_size(key, value, self.value_limit())?;
        let limit = self.store.text_limit();
        let nonce = names::nonce();
        let mut first = First { nonce: nonce.clone(), meta: Some(meta.clone()), value: value.to_vec() };
        let mut beside = None;
        if first.text().len() > limit {
            // The meta is there as a link before the entry is, which is what commits it.
            first.meta = None;
            let name = names::link(key, &nonce, 0);
            self.make(&name, &Link::new(meta).fitted(limit)).await?;
            beside = Some(name);
        }
        match self.make(&names::entry(key), &first.text()).await {
            Ok(()) => Ok(version(&nonce, 0)),
            Err(error) => {
                if error.kind == ErrorKind::AlreadyExists {
                    self.tidy(beside.as_slice()).await;
                    return Err(super::exists(key));
                }
                Err(about(error, key))
            }
        }
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        Ok(self.folder(key).await.map_err(|error| about(error, key))?.entry(key))
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let folders = self.folders(&names::path(kind, filter)).await?;
        let entries = folders.into_iter().filter(|(key, _)| key.kind == kind && filter.takes(key));
        let entries = entries.filter_map(|(key, folder)| folder.entry(&key));
        let entries = entries.filter(|entry| filter.takes_meta(&entry.meta));
        Ok(entries.map(|entry| Entry { value: Vec::new(), ..entry }).collect())
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let Some((nonce, number)) = names::version(version) else { return Err(super::changed(key)) };
        let next = number + 1;
        let ours = names::link(key, &nonce, next);
        let text = Link::new(meta).fitted(self.store.text_limit());
        let made = self.make(&ours, &text).await;
        if let Err(error) = made {
            if error.kind != ErrorKind::AlreadyExists {
                return Err(about(error, key));
            }
            let is_there = self.folder(key).await.map_err(|error| about(error, key))?.first.is_some();
            return Err(if is_there { super::changed(key) } else { super::gone(key) });
        }
        let folder = self.folder(key).await.map_err(|error| about(error, key))?;
        let refusal = match &folder.first {
            None => Some(super::gone(key)),
            Some(first) if first.nonce != nonce || folder.highest(&nonce) > next => Some(super::changed(key)),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            self.tidy(&[ours]).await;
            return Err(refusal);
        }
        // The link before ours stays, so that a writer who is one behind finds it taken at once.
        let old = folder.links.keys().filter(|(of, at)| *of != nonce || *at + 1 < next);
        let old: Vec<String> = old.map(|(of, at)| names::link(key, of, *at)).collect();
        self.tidy(&old).await;
        Ok(self::version(&nonce, next))
    }

    /// The entry goes before its links: without them it would be what it was at first.
    async fn delete(&self, key: &Key) -> Result<()> {
        let within = |error| about(error, key);
        let folder = self.folder(key).await.map_err(within)?;
        let entry = names::entry(key);
        let (entries, links): (Vec<_>, Vec<_>) = folder.names.into_iter().partition(|name| *name == entry);
        self.remove(&entries).await.map_err(within)?;
        self.remove(&links).await.map_err(within)
    }

    /// Links stay behind an entry where a deletion was cut short, and before one where a creation was.
    async fn sweep(&self, scope: &Scope) -> Result<()> {
        let filter = Filter::from(scope);
        for kind in [EntryKind::Head, EntryKind::Chunk, EntryKind::Lease] {
            let folders = self.folders(&names::path(kind, &filter)).await?;
            let takes = |key: &&Key| key.kind == kind && filter.takes(key);
            let orphans = folders.iter().filter(|(key, _)| takes(key));
            let orphans: Vec<String> = orphans.flat_map(|(key, folder)| folder.orphans(key)).collect();
            self.remove(&orphans).await?;
        }
        Ok(())
    }
}

fn about(error: Error, key: &Key) -> Error {
    error.with("key", key.to_string())
}

#[cfg(test)]
mod tests;
