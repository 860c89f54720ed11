//! Records of releases, as parameters of Systems Manager.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, Tag};
use rhumb_backend::{ErrorKind, Result, Scope};
use rhumb_release::drivers::{Chained, CreateOnly};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::Ecs;
use crate::connect::Account;
use crate::error;

/// Where the records of all releases lie.
const FOLDER: &str = "/rhumb/records";
/// The tag that says what a parameter is a record of: `head`, `chunk`, `lease`. It is none of the tags of objects.
const RECORD: &str = "rhumb.dev/record";
/// The most bytes of a parameter of the standard tier, which costs nothing. Source: AWS Systems Manager user guide,
/// "Managing parameter tiers".
const TEXT_LIMIT: usize = 4096;
/// The most chunks of one release, so that a release leaves room for others among the 10 000 parameters of an account.
const CHUNKS: usize = 64;
/// The most names in one call. Source: AWS Systems Manager API reference, `DeleteParameters`.
const BATCH: usize = 10;

/// Records of releases, as parameters under `/rhumb/records/`.
///
/// Systems Manager creates a parameter only if it is not there, and changes one without a condition; [`Chained`] makes
/// do with the first.
#[derive(Debug)]
pub struct EcsStorage {
    chained: Chained<Parameters>,
}

impl EcsStorage {
    /// The storage of an account.
    pub fn new(ecs: &Ecs) -> Self {
        Self { chained: Chained::new(Parameters { account: Arc::clone(&ecs.account) }) }
    }
}

#[async_trait]
impl Storage for EcsStorage {
    fn value_limit(&self) -> usize {
        self.chained.value_limit()
    }

    fn release_limit(&self) -> Option<usize> {
        Some(CHUNKS * self.value_limit())
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.chained.create(key, meta, value).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        self.chained.read(key).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.chained.list(kind, filter).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.chained.update(key, meta, version).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.chained.delete(key).await
    }

    async fn sweep(&self, scope: &Scope) -> Result<()> {
        self.chained.sweep(scope).await
    }
}

/// The parameters of an account.
#[derive(Debug)]
struct Parameters {
    account: Arc<Account>,
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

#[async_trait]
impl CreateOnly for Parameters {
    fn text_limit(&self) -> usize {
        TEXT_LIMIT
    }

    async fn create(&self, name: &str, text: &str) -> Result<()> {
        let kind = name.split('/').next().unwrap_or_default();
        let tag = Tag::builder().key(RECORD).value(kind).build();
        let tag = tag.map_err(|error| {
            rhumb_backend::Error::new(ErrorKind::Invalid, "tag a record", error.to_string())
        })?;
        let call = self.account.ssm().await?.put_parameter().name(path(name)).value(text).tags(tag);
        let call = call.r#type(ParameterType::String).tier(ParameterTier::Standard).overwrite(false);
        call.send().await.map(drop).map_err(|error| error::sdk("ssm:PutParameter", &error))
    }

    async fn read(&self, name: &str) -> Result<Option<String>> {
        let answer = self.account.ssm().await?.get_parameter().name(path(name)).send().await;
        match answer.map_err(|error| error::sdk("ssm:GetParameter", &error)) {
            Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, String)>> {
        let call = self.account.ssm().await?.get_parameters_by_path().path(path(folder)).recursive(true);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| error::sdk("ssm:GetParametersByPath", &error))?;
            found.extend(page.parameters.unwrap_or_default().into_iter().filter_map(|parameter| {
                let name = parameter.name.as_deref()?.strip_prefix(FOLDER)?.strip_prefix('/')?;
                Some((name.to_owned(), parameter.value?))
            }));
        }
        Ok(found)
    }

    async fn delete(&self, names: &[String]) -> Result<()> {
        let client = self.account.ssm().await?;
        for batch in names.chunks(BATCH) {
            let batch = batch.iter().map(|name| path(name)).collect();
            let answer = client.delete_parameters().set_names(Some(batch)).send().await;
            answer.map_err(|error| error::sdk("ssm:DeleteParameters", &error))?;
        }
        Ok(())
    }
}
