//! The script that sends the requests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rhumb_backend::export::FILL_IN;
use rhumb_backend::{ObjectId, Scope};
use serde_json::Value;

use super::plain;
use crate::kind::Kind;

/// A call of the script.
pub(super) struct Call<'a> {
    /// The file with the request.
    pub(super) path: String,
    /// As botocore calls it: `ecs:CreateService`.
    pub(super) operation: &'static str,
    pub(super) body: &'a Value,
    /// Whether it makes the object, and not only sets something of it.
    pub(super) makes: bool,
}

/// The script, as far as it is written.
pub(super) struct Script {
    release: String,
    /// Which outputs of which objects are wanted later.
    wanted: BTreeMap<ObjectId, BTreeSet<String>>,
    calls: Vec<(String, String)>,
    steps: String,
    /// How it is awaited that an object is ready.
    waits: BTreeMap<ObjectId, String>,
    made: BTreeSet<ObjectId>,
    has_blanks: bool,
}

const HEAD: &str = r##"set -eu
cd "$(dirname "$0")"
touch .deployed
request=$(mktemp)
trap 'rm -f "$request"' EXIT

# note NAME VALUE: ${NAME} in the requests that follow is VALUE.
note() {
  printf '%s\n' "s|\\\${$1}|$2|g" >> .deployed
}

# value NAME: what was noted of it.
value() {
  sed -n "s/^s|[^{]*{$1}|\(.*\)|g\$/\1/p" .deployed
}

# call FILE SERVICE OPERATION [QUERY NAME]: sends a request once, and notes what QUERY finds in the answer.
call() {
  file=$1 service=$2 operation=$3
  shift 3
  if grep -qxF "# $file" .deployed; then
    return
  fi
  echo "$service $operation: $file"
  sed -f .deployed "$file" > "$request"
  answer=$(aws "$service" "$operation" --cli-input-json "file://$request" --query "${1:-keys(@)}" --output text)
  if [ $# -gt 0 ]; then
    note "$2" "$answer"
  fi
  echo "# $file" >> .deployed
}
"##;

const FINISHED: &str = r#"
# finished CLUSTER TASK...: waits until tasks have ended, and stops where one of them failed.
finished() {
  cluster=$1
  shift
  aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$@"
  failed=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$@" \
    --query "length(tasks[].containers[] | [?exitCode != \`0\`])" --output text)
  if [ "$failed" != 0 ]; then
    echo "failed: $*" >&2
    exit 1
  fi
}
"#;

const AVAILABLE: &str = r#"
# available ID: waits until an access point can be used.
available() {
  until [ "$(aws efs describe-access-points --access-point-id "$1" \
    --query 'AccessPoints[0].LifeCycleState' --output text)" = available ]; do
    sleep 2
  done
}
"#;

impl Script {
    pub(super) fn new(scope: &Scope, wanted: BTreeMap<ObjectId, BTreeSet<String>>) -> Self {
        Self {
            release: scope.release.clone(),
            wanted,
            calls: Vec::new(),
            steps: String::new(),
            waits: BTreeMap::new(),
            made: BTreeSet::new(),
            has_blanks: false,
        }
    }

    /// Adds a call.
    pub(super) fn call(&mut self, id: &ObjectId, call: &Call<'_>) {
        let (service, operation) = command(call.operation);
        let mut line = format!("call {} {service} {operation}", quoted(&call.path));
        if let Some(kind) = Kind::of(id).filter(|_| call.makes) {
            if let Some((output, query)) = self.output(kind, id) {
                let _ = write!(line, " {} {}", quoted(query), plain::name(id, &output));
            }
            self.remember(kind, id, call.body);
        }
        let _ = writeln!(self.steps, "{line}");
        if call.makes && Kind::of(id) == Some(Kind::AccessPoint) {
            let _ = writeln!(self.steps, "available \"$(value {})\"", plain::name(id, "id"));
        }
        self.calls.push((call.path.clone(), format!("aws {service} {operation}")));
        self.made.insert(id.clone());
    }

    /// The output that is noted: no object has two that others ask for.
    fn output(&self, kind: Kind, id: &ObjectId) -> Option<(String, &'static str)> {
        let wanted = self.wanted.get(id).into_iter().flatten().map(String::as_str);
        let mut all = wanted.chain(plain::own_outputs(kind).iter().copied());
        all.find_map(|output| Some((output.to_owned(), plain::query(kind, output)?)))
    }

    /// Notes how it is awaited that it is ready.
    fn remember(&mut self, kind: Kind, id: &ObjectId, body: &Value) {
        let cluster = quoted(&plain::cluster(body));
        let wait = match kind {
            Kind::Service => {
                let name = body.get("serviceName").and_then(Value::as_str).unwrap_or_default();
                format!("aws ecs wait services-stable --cluster {cluster} --services {}", quoted(name))
            }
            Kind::Task => format!(
                "# shellcheck disable=SC2046 # A run may be of several tasks.\nfinished {cluster} $(value {})",
                plain::name(id, "arn")
            ),
            _ => return,
        };
        self.waits.insert(id.clone(), wait);
    }

    /// Waits until an object is ready, once.
    pub(super) fn wait(&mut self, id: &ObjectId) {
        if let Some(wait) = self.waits.remove(id) {
            let _ = writeln!(self.steps, "{wait}");
        }
    }

    /// Some file is to be filled in before.
    pub(super) fn needs_filling(&mut self) {
        self.has_blanks = true;
    }

    /// The files and their calls, in order.
    pub(super) fn calls(&self) -> &[(String, String)] {
        &self.calls
    }

    /// The placeholders of what is not made here.
    pub(super) fn needed(&self) -> Vec<String> {
        let others = self.wanted.iter().filter(|(id, _)| !self.made.contains(*id));
        others.flat_map(|(id, outputs)| outputs.iter().map(|output| plain::name(id, output))).collect()
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "#!/bin/sh\n# Makes {} in Amazon ECS with the AWS CLI. What it made is noted in .deployed, from where it goes on.\n{HEAD}",
            self.release
        );
        if self.steps.contains("finished ") {
            text.push_str(FINISHED);
        }
        if self.steps.contains("available ") {
            text.push_str(AVAILABLE);
        }
        text.push('\n');
        if self.has_blanks {
            let _ = write!(
                text,
                "if grep -l '{FILL_IN}' secrets/*.json; then\n  echo 'fill in these files first' >&2\n  exit 1\nfi\n"
            );
        }
        for name in self.needed() {
            let _ = writeln!(text, "note {name} \"${{{name}:?it is not made here}}\"");
        }
        text.push_str(&self.steps);
        text
    }
}

/// The words of the AWS CLI for a call: `ecs`, `create-service`.
///
/// Source: botocore, `xform_name`, with dashes.
pub(super) fn command(operation: &'static str) -> (&'static str, String) {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.push(character.to_ascii_lowercase());
    }
    (service, words)
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
