//! The verbs of rhumb, one file for each, and the loops that carry them out.
//!
//! Every verb takes a [`Context`] (where, who, who is told) and a request, and returns an outcome that serialises.
//! The road from a chart to a plan is in one place, `road`; what makes a plan come true is in `engine`.

mod carry;
mod context;
mod current;
mod deploy;
pub mod engine;
mod error;
mod hold;
mod inputs;
mod inventory;
mod jobs;
mod known;
mod material_check;
mod names;
mod one_off;
mod outcome;
mod planning;
mod progress;
mod proofs;
mod revision;
mod road;
mod roll;
mod running;
mod salt;
mod sealed_values;
mod secret_defaults;
mod take_back;
mod user_values;
mod wanted;

mod adopt;
mod check;
mod compare;
mod create;
mod diff;
mod dock;
mod evaluate;
mod exec;
mod explain;
mod export;
mod get;
mod history;
mod import;
mod install;
mod lint;
mod list;
mod logs;
pub mod migrate;
mod package;
mod port_forward;
mod ps;
mod restart;
mod rollback;
mod run;
mod scale;
mod several;
mod show;
mod status;
mod template;
mod test;
mod uninstall;
mod upgrade;

pub use adopt::{AdoptRequest, AdoptedRelease, Stay, adopt};
pub use check::{Baseline, Checked, Shortfall};
pub use compare::{
    BecomesObject, Candidate, Cell, CompareRequest, Comparison, Cost, CostLine, DiskRate, Fit, Group,
    Platform, PlatformPrices, Portability, PriceSource, Prices, Rate, Remark, Row, Verdict, compare,
};
pub use context::{Context, Target};
pub use create::{CreateRequest, Created, create};
pub use diff::{DiffAgainst, DiffRequest, Differences, diff};
pub use dock::{Dock, Docked, Shore, dock, undock};
pub use error::{ActionError, ActionResult, FailedDeployment, TakenBack};
pub use evaluate::{
    COLUMNS, EvaluateRequest, Evaluated, EvaluatedTarget, Evaluation, LoadCount, LoadRequest, LoadSummary,
    Machine, Measurement, Order, Outcome, Phase, PhaseSummary, Round, RoundKind, Spread, Subject, WarmUp,
    Way, evaluate, evaluation_name, raw_lines,
};
pub use exec::{ExecRequest, exec};
pub use explain::{ExplainedFeature, ExplainedField, ExplainedPlatform, Explanation, explain};
pub use export::{ExportRequest, ExportedChart, FileToFill, SecretFiles, export};
pub use get::{GetRequest, Recorded, get};
pub use history::{HistoryRequest, PastRevision, history};
pub use import::{
    Existing, Folders, ImportInput, ImportRequest, Imported, ImportedApp, ImportedObject, import_app,
    import_files, import_live, import_name,
};
pub use inputs::{
    ChartInputs, Conflicts, DEFAULT_HISTORY, DEFAULT_TIMEOUT, DeployOptions, Execution, Foreign,
    IfNoNamespace, OnFailure, ValueInput, ValueInputs, Wait,
};
pub use install::{InstallRequest, install};
pub use lint::{LintRequest, Linted, lint};
pub use list::{ListRequest, Listed, list};
pub use logs::{LogsRequest, logs};
pub use outcome::{Deployed, Left};
pub use package::{PackageRequest, Packaged, package};
pub use port_forward::{Forwarding, PortForwardRequest, PortPair, port_forward};
pub use progress::{Event, Progress, Silent};
pub use proofs::{Proof, Proofs};
pub use ps::{PsRequest, ps};
pub use restart::{RestartRequest, restart};
pub use rollback::{RollbackRequest, rollback};
pub use run::{AfterJob, JobResult, RunRequest, run};
pub use scale::{Rolled, ScaleRequest, scale};
pub use several::{Deployment, Fate, deploy_on_all, deploy_on_each, on_each};
pub use show::{Shown, show};
pub use status::{Drift, ReleaseStatus, StatusRequest, Unreadable, status};
pub use template::{FactsFrom, TemplateRequest, Templated, TemplatedDocument, template};
pub use test::{TestRequest, Tested, test};
pub use tokio_util::sync::CancellationToken;
pub use uninstall::{HistoryAfter, IgnoreAbsent, UninstallRequest, Uninstalled, uninstall};
pub use upgrade::{IfAbsent, UpgradeRequest, ValueReuse, upgrade};
