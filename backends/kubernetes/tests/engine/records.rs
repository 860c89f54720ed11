//! Releases kept in the cluster.

use async_trait::async_trait;
use rhumb_backend::Result;
use rhumb_kubernetes::KubernetesStorage;
use rhumb_release::drivers::conformance;
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::lab::Lab;

/// The namespaces of the cases, which stand for those of this test. The cluster may hold others' records.
const STANDINS: [(&str, &str); 3] =
    [("default", "io-records"), ("prod", "io-records-b"), ("nobody", "io-records-none")];

/// A part of a cluster's storage, as if it were all.
#[derive(Debug)]
struct Own(KubernetesStorage);

fn theirs(namespace: &str) -> String {
    STANDINS.iter().find(|(ours, _)| *ours == namespace).unwrap().1.to_owned()
}

fn key(key: &Key) -> Key {
    Key { namespace: theirs(&key.namespace), ..key.clone() }
}

fn back(entry: Entry) -> Option<Entry> {
    let (ours, _) = STANDINS.iter().find(|(_, theirs)| *theirs == entry.key.namespace)?;
    Some(Entry { key: Key { namespace: (*ours).to_owned(), ..entry.key }, ..entry })
}

#[async_trait]
impl Storage for Own {
    fn value_limit(&self) -> usize {
        self.0.value_limit()
    }

    async fn create(&self, of: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.0.create(&key(of), meta, value).await
    }

    async fn read(&self, of: &Key) -> Result<Option<Entry>> {
        Ok(self.0.read(&key(of)).await?.and_then(back))
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let namespace = filter.namespace.as_deref().map(theirs);
        let listed = self.0.list(kind, &Filter { namespace, ..filter.clone() }).await?;
        Ok(listed.into_iter().filter_map(back).collect())
    }

    async fn update(&self, of: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.0.update(&key(of), meta, version).await
    }

    async fn delete(&self, of: &Key) -> Result<()> {
        self.0.delete(&key(of)).await
    }
}

#[tokio::test]
async fn secrets_are_a_storage() {
    let (Some(one), Some(other)) = (Lab::open("io-records").await, Lab::open("io-records-b").await) else {
        return;
    };
    conformance::check(&Own(KubernetesStorage::new(&one.kubernetes))).await;
    one.close();
    other.close();
}

#[tokio::test]
async fn the_server_picks_by_status_and_pages() {
    let Some(lab) = Lab::open("io-records-many").await else { return };
    let storage = KubernetesStorage::new(&lab.kubernetes);
    let head = |revision: usize| Key {
        kind: EntryKind::Head,
        namespace: lab.scope.namespace.clone(),
        release: "many".to_owned(),
        name: revision.to_string(),
    };
    let status = |text: &str| Meta::from([("status".to_owned(), text.to_owned())]);
    // More than one page.
    for batch in 0..6 {
        let made = (0..100).map(|at| {
            let key = head(batch * 100 + at);
            let (storage, meta) = (&storage, status("superseded"));
            async move { storage.create(&key, &meta, b"").await }
        });
        futures_util::future::try_join_all(made).await.unwrap();
    }
    let version = storage.create(&head(1000), &status("pending-upgrade"), b"x").await.unwrap();
    storage.update(&head(1000), &status("deployed"), &version).await.unwrap();
    let all = Filter { namespace: Some(lab.scope.namespace.clone()), ..Filter::default() };
    assert_eq!(storage.list(EntryKind::Head, &all).await.unwrap().len(), 601);
    let few = Filter { except: Some(("status", "superseded")), ..all };
    let listed = storage.list(EntryKind::Head, &few).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.key.name.as_str()).collect::<Vec<_>>(), ["1000"]);
    let label = "jsonpath={.items[*].metadata.labels.rhumb\\.dev/status}";
    let shown = lab.kubectl(&["get", "secrets", "-l", "rhumb.dev/status=deployed", "-o", label]);
    assert_eq!(shown, "deployed");
    lab.close();
}
