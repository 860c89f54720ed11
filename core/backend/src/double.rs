//! A backend for tests: its answers are given beforehand, and bodies are compared by [`three_way`].

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::Value;

use crate::change::{ListKey, ListKeys, MergeRules, three_way};
use crate::legalize::Pass;
use crate::{
    Backend, Change, CheckedApp, Choices, Error, ErrorKind, Facts, Health, Lifted, Live, Lowered, Materials,
    Object, ObjectId, Observed, Receipt, Result, Scope, Step, Support, Survey,
};

pub(crate) const RULES: MergeRules = MergeRules {
    lists: ListKeys(&[("env", ListKey::Name), ("mounts", ListKey::Field("at")), ("set", ListKey::Whole)]),
    kept: &["replicas"],
    sensitive: &["password"],
};

/// Everything is native but what `support` says; `passes` run.
#[derive(Debug, Default)]
pub(crate) struct Double {
    pub(crate) support: BTreeMap<Feature, Support>,
    pub(crate) passes: &'static [Pass],
}

#[async_trait]
impl Backend for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn default_facts(&self) -> Facts {
        Facts::default()
    }

    async fn survey(&self, _: &Scope, _: &App, _: &Survey<'_>) -> Result<Facts> {
        Ok(Facts::default())
    }

    fn support(&self, feature: Feature, _: &Facts) -> Support {
        self.support.get(&feature).copied().unwrap_or(Support::Native)
    }

    fn passes(&self) -> &'static [Pass] {
        self.passes
    }

    fn lower(&self, _: &CheckedApp, _: &Scope, _: &Facts, _: &Choices) -> Result<Lowered, Vec<Diagnostic>> {
        Ok(Lowered::default())
    }

    fn lift(&self, _: &[Object]) -> Lifted {
        Lifted::default()
    }

    async fn observe(&self, _: &Scope, _: &[ObjectId]) -> Result<Observed> {
        Ok(Observed::default())
    }

    /// A field `fixed` cannot be changed in place.
    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        let merged = three_way(last.map(|last| &last.body), &live.object.body, &want.body, &RULES);
        let fixed = |body: &Value| body.get("fixed").cloned();
        if fixed(&live.object.body) != fixed(&want.body) {
            let (why, outage) = ("fixed: it is fixed".to_owned(), "it is down meanwhile".to_owned());
            return Change::Replace { why, outage, changes: merged.changes };
        }
        if merged.changes.is_empty() {
            return Change::None { kept: merged.kept };
        }
        Change::Update { body: merged.body, changes: merged.changes, kept: merged.kept }
    }

    fn again(&self, live: &Live, _: &Object) -> Option<Value> {
        let mut body = live.object.body.clone();
        let tries = body.get("tries")?.as_u64()?;
        body["tries"] = (tries + 1).into();
        Some(body)
    }

    fn claims(&self, object: &Object) -> BTreeSet<String> {
        object.body.get("port").map(Value::to_string).into_iter().collect()
    }

    async fn apply(&self, _: &Scope, _: &Step, _: &dyn Materials) -> Result<Receipt> {
        Err(Error::new(ErrorKind::Unsupported, "apply", "a double does nothing"))
    }

    async fn health(&self, _: &Scope, _: &[Receipt]) -> Result<Health> {
        Ok(Health::new())
    }
}
