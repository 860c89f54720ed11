//! The revisions of releases in a storage.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use rhumb_backend::{Error, ErrorKind, Result, Scope};

use crate::encode::{self, Chunk, Manifest};
use crate::{Entry, EntryKind, Filter, Head, Key, Lease, Meta, Outcome, Record, Status, Storage, head};

/// Chunks that are read or written at one time.
const CONCURRENCY: usize = 8;

/// The revisions of releases in a storage.
///
/// Whoever changes a release holds its [`Lease`]. Nothing here checks that but [`Releases::prune`] and
/// [`Releases::delete_all`], which could take from another holder what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Releases<'a> {
    storage: &'a dyn Storage,
}

impl<'a> Releases<'a> {
    /// The releases in this storage.
    pub fn new(storage: &'a dyn Storage) -> Self {
        Self { storage }
    }

    /// Writes a revision: its chunks first, then its head, which commits it.
    ///
    /// # Errors
    /// `AlreadyExists` when somebody else has made a revision of this number; `LimitExceeded` when the storage will
    /// not hold it; what the storage answers.
    pub async fn create(&self, record: &Record) -> Result<Head> {
        let scope = record.scope();
        let within = |error: Error| about(error, &scope, record.revision);
        let packed = encode::pack(record, self.storage.value_limit()).map_err(within)?;
        let manifest = packed.manifest.to_bytes().map_err(within)?;
        self.make_room(&scope, &packed.chunks).await.map_err(within)?;
        self.write_chunks(&scope, packed.chunks).await.map_err(within)?;
        let mut head = Head::of(record);
        if !record.outcome.is_empty() {
            head.outcome = Some(self.write_outcome(&scope, &record.outcome).await.map_err(within)?);
        }
        head.version = self.commit(&head, &manifest).await.map_err(within)?;
        Ok(head)
    }

    /// Records a status, with a description for people and the time, and returns the head as it is now.
    ///
    /// # Errors
    /// `Conflict` when somebody else changed the head since it was read; what the storage answers.
    pub async fn set_status(
        &self,
        head: &Head,
        status: Status,
        description: &str,
        now: &str,
    ) -> Result<Head> {
        let mut changed = head.clone();
        changed.status = status;
        description.clone_into(&mut changed.description);
        now.clone_into(&mut changed.updated);
        self.change(changed).await
    }

    /// Records what came of applying a revision, in place of what was recorded of it before, together with the head's
    /// status, description and time, which the caller has set.
    ///
    /// # Errors
    /// As for [`Releases::set_status`].
    pub async fn set_outcome(&self, head: &Head, outcome: &Outcome) -> Result<Head> {
        let scope = head.scope();
        let name =
            self.write_outcome(&scope, outcome).await.map_err(|error| about(error, &scope, head.revision))?;
        self.change(Head { outcome: Some(name), ..head.clone() }).await
    }

    /// The heads that the filter takes, by namespace, release and revision. No chunk is read.
    pub async fn heads(&self, filter: &Filter) -> Result<Vec<Head>> {
        let entries = self.storage.list(EntryKind::Head, filter).await?;
        let mut heads: Vec<Head> = entries.into_iter().filter_map(Head::read).collect();
        heads.sort_by(|one, other| place(one).cmp(&place(other)));
        Ok(heads)
    }

    /// The heads of a release, the newest last.
    pub async fn history(&self, scope: &Scope) -> Result<Vec<Head>> {
        self.heads(&Filter::from(scope)).await
    }

    /// A revision.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` when it is there and cannot be read; what the storage answers.
    pub async fn get(&self, scope: &Scope, revision: u64) -> Result<Record> {
        self.read(scope, revision, Part::Whole).await
    }

    /// A revision without its chart's archive, which is most of it.
    ///
    /// # Errors
    /// As for [`Releases::get`].
    pub async fn get_without_source(&self, scope: &Scope, revision: u64) -> Result<Record> {
        self.read(scope, revision, Part::WithoutSource).await
    }

    async fn read(&self, scope: &Scope, revision: u64, part: Part) -> Result<Record> {
        let within = |error: Error| about(error, scope, revision);
        let entry = self.storage.read(&head::key(scope, revision)).await.map_err(within)?;
        let entry = entry.ok_or_else(|| {
            within(Error::new(ErrorKind::NotFound, "read a record", "there is no such revision"))
                .remedy("see `rhumb history` for those that are kept")
        })?;
        self.read_record(scope, entry, part).await.map_err(within)
    }

    /// The newest revision, whatever its status.
    pub async fn latest(&self, scope: &Scope) -> Result<Option<Record>> {
        match self.history(scope).await?.last() {
            Some(head) => self.get(scope, head.revision).await.map(Some),
            None => Ok(None),
        }
    }

    /// The newest revision that is deployed.
    pub async fn deployed(&self, scope: &Scope) -> Result<Option<Record>> {
        let heads = self.history(scope).await?;
        match heads.iter().rev().find(|head| head.status == Status::Deployed) {
            Some(head) => self.get(scope, head.revision).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes the oldest revisions until `max` are left, and the chunks that none of those needs; 0 keeps all.
    /// The newest revision and those that are deployed stay. Returns the revisions that were removed.
    ///
    /// # Errors
    /// `Locked` when the lease is lost; what the storage answers.
    pub async fn prune(&self, lease: &Lease, max: usize) -> Result<Vec<u64>> {
        let scope = lease.scope();
        let heads = self.history(scope).await?;
        let surplus = if max == 0 { 0 } else { heads.len().saturating_sub(max) };
        if surplus == 0 {
            return Ok(Vec::new());
        }
        let newest = heads.last().map(|head| head.revision);
        let may_go = |head: &&Head| head.status != Status::Deployed && Some(head.revision) != newest;
        let gone: Vec<u64> = heads.iter().filter(may_go).take(surplus).map(|head| head.revision).collect();
        lease.verify().await?;
        for revision in &gone {
            self.storage.delete(&head::key(scope, *revision)).await?;
        }
        let kept: Vec<Head> = heads.into_iter().filter(|head| !gone.contains(&head.revision)).collect();
        self.collect(lease, &kept).await?;
        Ok(gone)
    }

    /// Removes the chunks that no revision needs, such as an earlier outcome's.
    ///
    /// # Errors
    /// `Locked` when the lease is lost; what the storage answers.
    pub async fn tidy(&self, lease: &Lease) -> Result<()> {
        let heads = self.history(lease.scope()).await?;
        self.collect(lease, &heads).await
    }

    /// Removes every revision and chunk of a release. Heads go first, so that a release is never half there; the
    /// lease's own links stay until it is given back.
    ///
    /// # Errors
    /// `Locked` when the lease is lost; what the storage answers.
    pub async fn delete_all(&self, lease: &Lease) -> Result<()> {
        let scope = lease.scope();
        lease.verify().await?;
        // The newest goes last: after a crash, what is left still tells how far the release had come.
        for head in self.history(scope).await? {
            self.storage.delete(&head.key()).await?;
        }
        self.collect(lease, &[]).await
    }

    /// Removes the chunks that none of these heads needs.
    async fn collect(&self, lease: &Lease, kept: &[Head]) -> Result<()> {
        let scope = lease.scope();
        let mut needed = BTreeSet::new();
        for head in kept {
            match self.needs(scope, head).await {
                Ok(names) => needed.extend(names),
                // What a damaged revision needs is not known, so everything stays.
                Err(error) if error.kind == ErrorKind::Corrupt => {
                    tracing::warn!(%error, "chunks are not collected");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let chunks = self.storage.list(EntryKind::Chunk, &Filter::from(scope)).await?;
        lease.verify().await?;
        let unneeded = chunks.iter().filter(|chunk| !needed.contains(&chunk.key.name));
        stream::iter(unneeded.map(|chunk| self.storage.delete(&chunk.key)))
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// The names of the chunks that a head needs.
    async fn needs(&self, scope: &Scope, head: &Head) -> Result<Vec<String>> {
        let Some(entry) = self.storage.read(&head.key()).await? else { return Ok(Vec::new()) };
        let within = |error| about(error, scope, head.revision);
        let mut needed: Vec<String> =
            Manifest::parse(&entry.value).map_err(within)?.chunks().cloned().collect();
        if let Some(name) = &head.outcome {
            needed.extend(name.strip_prefix('@').map(str::to_owned));
            needed.extend(self.outcome_chunks(scope, name).await.map_err(within)?);
        }
        Ok(needed)
    }

    async fn read_record(&self, scope: &Scope, entry: Entry, part: Part) -> Result<Record> {
        let manifest = Manifest::parse(&entry.value)?;
        let mut record = encode::unpack(&self.read_chunks(scope, &manifest.body).await?)?;
        if let Some(names) = manifest.source.as_ref().filter(|_| part == Part::Whole) {
            record.source = Some(encode::unpack_source(&self.read_chunks(scope, names).await?)?);
        }
        let head =
            Head::read(entry).ok_or_else(|| Error::new(ErrorKind::Corrupt, "read a record", "its head"))?;
        if let Some(name) = &head.outcome {
            let names = self.outcome_chunks(scope, name).await?;
            record.outcome = encode::unpack_outcome(&self.read_chunks(scope, &names).await?)?;
        }
        record.status = head.status;
        record.updated = head.updated;
        record.description = head.description;
        Ok(record)
    }

    async fn write_outcome(&self, scope: &Scope, outcome: &Outcome) -> Result<String> {
        let limit = self.storage.value_limit();
        let chunks = encode::pack_outcome(outcome, limit)?;
        let names: Vec<String> = chunks.iter().map(|chunk| chunk.name.clone()).collect();
        self.make_room(scope, &chunks).await?;
        self.write_chunks(scope, chunks).await?;
        if let [name] = names.as_slice() {
            return Ok(name.clone());
        }
        let list = encode::chunk(names.join("\n").into_bytes());
        let name = format!("@{}", list.name);
        self.write_chunks(scope, vec![list]).await?;
        Ok(name)
    }

    async fn outcome_chunks(&self, scope: &Scope, name: &str) -> Result<Vec<String>> {
        let Some(list) = name.strip_prefix('@') else { return Ok(vec![name.to_owned()]) };
        let chunk = self.read_chunk(scope, list).await?;
        Ok(String::from_utf8_lossy(&chunk.bytes).lines().map(str::to_owned).collect())
    }

    async fn commit(&self, head: &Head, manifest: &[u8]) -> Result<String> {
        let key = head.key();
        let limit = self.storage.value_limit();
        if manifest.len() > limit {
            return Err(too_large(format!(
                "its list of chunks has {} bytes, of at most {limit}",
                manifest.len()
            )));
        }
        match self.storage.create(&key, &head.meta(), manifest).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                // It may be ours, made by an attempt whose answer was lost: a manifest names its attempt.
                let found = self.storage.read(&key).await?.filter(|entry| entry.value == manifest);
                found.map(|entry| entry.version).ok_or(error)
            }
            result => result,
        }
    }

    async fn change(&self, mut head: Head) -> Result<Head> {
        let (key, meta) = (head.key(), head.meta());
        head.version = match self.storage.update(&key, &meta, &head.version).await {
            Err(error) if error.kind == ErrorKind::Conflict => {
                // The change may be ours, made by an attempt whose answer was lost.
                let found = self.storage.read(&key).await?.filter(|entry| entry.meta == meta);
                found.map(|entry| entry.version).ok_or(error)
            }
            result => result,
        }
        .map_err(|error| about(error, &head.scope(), head.revision))?;
        Ok(head)
    }

    async fn write_chunks(&self, scope: &Scope, chunks: Vec<Chunk>) -> Result<()> {
        let write = |chunk: Chunk| async move {
            let meta = Meta::from([("size".to_owned(), chunk.bytes.len().to_string())]);
            match self.storage.create(&chunk_key(scope, &chunk.name), &meta, &chunk.bytes).await {
                // A chunk is named by its content, so this one is the same.
                Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(()),
                result => result.map(drop),
            }
        };
        stream::iter(chunks.into_iter().map(write)).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn read_chunks(&self, scope: &Scope, names: &[String]) -> Result<Vec<Chunk>> {
        stream::iter(names.iter().map(|name| self.read_chunk(scope, name)))
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn read_chunk(&self, scope: &Scope, name: &str) -> Result<Chunk> {
        let entry = self.storage.read(&chunk_key(scope, name)).await?;
        let missing = || Error::new(ErrorKind::Corrupt, "read a record", format!("its chunk {name} is gone"));
        Ok(Chunk { name: name.to_owned(), bytes: entry.ok_or_else(missing)?.value })
    }

    /// Refuses chunks that would take the release over its bound.
    async fn make_room(&self, scope: &Scope, chunks: &[Chunk]) -> Result<()> {
        let Some(limit) = self.storage.release_limit() else { return Ok(()) };
        let kept = self.storage.list(EntryKind::Chunk, &Filter::from(scope)).await?;
        let size =
            |entry: &Entry| entry.meta.get("size").and_then(|size| size.parse::<usize>().ok()).unwrap_or(0);
        let used: usize = kept.iter().map(size).sum();
        let known: BTreeSet<&str> = kept.iter().map(|entry| entry.key.name.as_str()).collect();
        let new = chunks.iter().filter(|chunk| !known.contains(chunk.name.as_str()));
        let new: usize = new.map(|chunk| chunk.bytes.len()).sum();
        if used + new <= limit {
            return Ok(());
        }
        Err(too_large(format!("it needs {new} bytes beside the {used} that are used, of at most {limit}")))
    }
}

/// How much of a record is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    WithoutSource,
}

fn place(head: &Head) -> (&str, &str, u64) {
    (&head.namespace, &head.release, head.revision)
}

fn chunk_key(scope: &Scope, name: &str) -> Key {
    Key {
        kind: EntryKind::Chunk,
        namespace: scope.namespace.clone(),
        release: scope.release.clone(),
        name: name.to_owned(),
    }
}

fn too_large(message: String) -> Error {
    Error::new(ErrorKind::LimitExceeded, "write a record", message).remedy(
        "keep fewer revisions with `--history-max`, or keep this target's releases elsewhere with its `storage:`",
    )
}

/// Says which revision an error is about, and what can be done when that cannot be read.
fn about(mut error: Error, scope: &Scope, revision: u64) -> Error {
    error.context.insert(0, ("release", format!("{}/{}", scope.namespace, scope.release)));
    error.context.insert(1, ("revision", revision.to_string()));
    if error.kind == ErrorKind::Corrupt && error.remedy.is_none() {
        error.remedy = Some(
            "the objects on the target are not touched by this; deploy the chart again with `rhumb upgrade`, or go \
             back to another revision with `rhumb rollback`"
                .to_owned(),
        );
    }
    error
}
