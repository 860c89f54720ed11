//! What `rhumb migrate` prints for people.

use std::fmt::Write as _;

use rhumb_action::migrate::{
    Aborted, CutOver, ExternalFate, Finished, MigrationPlan, MovingExternal, MovingVolume, MovingWorkload,
    Side, Stage, State, Verified,
};

use crate::output::{Paint, table, time};
use crate::page::text::count;
use crate::verbs::deploy::losses;

/// A plan.
pub(super) fn plan(plan: &MigrationPlan, paint: Paint) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "RELEASE:  {} (revision {}, {} {})",
        plan.release, plan.revision, plan.chart.name, plan.chart.version
    );
    let _ = writeln!(text, "FROM:     {}", side(&plan.from));
    let _ = writeln!(text, "TO:       {}", side(&plan.to));
    if let Some(stage) = plan.under_way {
        let _ = writeln!(text, "STAGE:    {stage}; `rhumb migrate status {}` tells more", plan.release);
    }
    if let Some(adopts) = &plan.adopts {
        let objects = count(adopts.objects.len(), "object", "objects");
        let replicas = count(adopts.replicas, "replica", "replicas");
        let run = if adopts.replicas == 1 { "runs" } else { "run" };
        let _ = writeln!(text, "ADOPTS:   {objects} first, as `rhumb adopt`; {replicas} {run} on");
    }
    moves(plan, &mut text);
    let _ = writeln!(text, "\nWhat is lost");
    match plan.losses.as_slice() {
        [] => text.push_str("  nothing\n"),
        all => text.push_str(&indented(&losses(all, paint))),
    }
    let _ = writeln!(text, "\nWhat is done");
    for (index, step) in plan.order.iter().enumerate() {
        let _ = writeln!(text, "  {}. {step}", index + 1);
    }
    let _ = writeln!(text, "\nDowntime: {}.", plan.downtime);
    if !plan.not_accepted.is_empty() {
        let features: Vec<&str> = plan.not_accepted.iter().map(|feature| feature.as_str()).collect();
        let _ = writeln!(text, "It does not start without --accept-loss {}.", features.join(","));
    }
    text
}

fn moves(plan: &MigrationPlan, text: &mut String) {
    let _ = writeln!(text, "\nWhat moves");
    text.push_str(&indented(&table(["WORKLOAD", "REPLICAS"], plan.workloads.iter().map(workload))));
    if !plan.volumes.is_empty() {
        text.push_str(&indented(&table(
            ["VOLUME", "SIZE", "BECOMES", "SIZE"],
            plan.volumes.iter().map(volume),
        )));
    }
    names(text, "configs", &plan.configs);
    names(text, "secrets", &plan.secrets);
    if !plan.external.is_empty() {
        text.push_str(&indented(&table(
            ["EXTERNAL", "IS", "BECOMES", ""],
            plan.external.iter().map(external),
        )));
    }
    names(text, "begins empty", &plan.empty);
}

fn side(side: &Side) -> String {
    format!("{} ({}, namespace {})", side.target, side.platform, side.namespace)
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| ["  ", line.trim_end(), "\n"].concat());
    lines.collect()
}

fn names(text: &mut String, what: &str, names: &[String]) {
    if !names.is_empty() {
        let _ = writeln!(text, "  {what}: {}", names.join(", "));
    }
}

fn workload(workload: &MovingWorkload) -> [String; 2] {
    let replicas = match workload.replicas {
        _ if workload.is_done => "done; it does not run again".to_owned(),
        Some(number) => number.to_string(),
        None => "-".to_owned(),
    };
    [workload.name.clone(), replicas]
}

fn external(external: &MovingExternal) -> [String; 4] {
    let fate = match &external.fate {
        ExternalFate::Copied => "copied".to_owned(),
        ExternalFate::Equal => "there already, and equal".to_owned(),
        ExternalFate::ComparedLater => "there already; start compares it".to_owned(),
        ExternalFate::Other => {
            format!("there already, and another value: it needs --keep-external {}", external.document)
        }
        ExternalFate::Kept => "there already, and stays as it is".to_owned(),
        ExternalFate::Unknown { why } => format!("there already, and not compared: {why}"),
        ExternalFate::Unreadable { why } => format!("has to be made first; it cannot be copied: {why}"),
    };
    let from = if external.from.is_empty() { "-".to_owned() } else { external.from.join(", ") };
    [external.document.clone(), from, external.to.clone(), fate]
}

fn volume(volume: &MovingVolume) -> [String; 4] {
    let size =
        |size: &Option<rhumb_spec::Bytes>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    [volume.from.clone(), size(&volume.size), volume.to.clone(), size(&volume.room)]
}

/// Where a migration stands.
pub(super) fn status(state: &State) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "RELEASE:   {}", state.release);
    let _ = writeln!(text, "FROM:      {} (revision {})", side(&state.from), state.revision);
    let _ = writeln!(text, "TO:        {}", side(&state.to));
    let _ = writeln!(text, "STAGE:     {}", state.stage.as_str());
    let _ = writeln!(text, "BEGAN:     {}", time(&state.began));
    let _ = writeln!(text, "UPDATED:   {}", time(&state.updated));
    if let Some(seconds) = state.downtime_seconds {
        let _ = writeln!(text, "DOWNTIME:  {seconds} s");
    } else if let Some(seconds) = state.expected_seconds {
        let _ = writeln!(text, "EXPECTED:  {seconds} s of the downtime for the comparison");
    }
    if !state.externals.is_empty() {
        let made: Vec<&str> = state.externals.iter().map(|one| one.native.as_str()).collect();
        let _ =
            writeln!(text, "ADDED:     {} on {}, not the release's own", made.join(", "), state.to.target);
    }
    if !state.volumes.is_empty() {
        text.push('\n');
        let headings = ["VOLUME", "BECOMES", "FIRST COPY", "LAST COPY", "EQUAL"];
        text.push_str(&table(headings, state.volumes.iter().map(passage)));
    }
    let _ = writeln!(text, "\n{}", next(state));
    text
}

fn passage(passage: &rhumb_action::migrate::Passage) -> [String; 5] {
    let copy = |copy: &Option<rhumb_action::migrate::Copied>| {
        copy.as_ref()
            .map_or_else(|| "-".to_owned(), |copy| format!("{} bytes in {} s", copy.bytes, copy.seconds))
    };
    let digest = passage.last.as_ref().and_then(|copy| copy.digest.as_deref());
    let equal = digest
        .map_or_else(|| "-".to_owned(), |digest| format!("sha256:{}", digest.get(..12).unwrap_or(digest)));
    [passage.from.native.clone(), passage.to.native.clone(), copy(&passage.first), copy(&passage.last), equal]
}

/// What comes next, in a sentence.
pub(super) fn next(state: &State) -> String {
    let (name, from, to) = (&state.release, &state.from.target, &state.to.target);
    match state.stage {
        Stage::Preparing => format!(
            "The source runs. `rhumb migrate start {name}` goes on; `rhumb migrate abort {name}` gives it up."
        ),
        Stage::Stopping | Stage::Copied | Stage::Waking => {
            format!(
                "Neither side may be in use. `rhumb migrate start {name}` goes on; `rhumb migrate abort {name}` gives it up."
            )
        }
        Stage::Started => format!(
            "{name} runs on {to} and rests on {from}. Next: `rhumb migrate verify {name}`, then `rhumb migrate cutover {name}`."
        ),
        Stage::CuttingOver => format!("`rhumb migrate cutover {name}` goes on with leading traffic to {to}."),
        Stage::CutOver => format!(
            "Traffic goes to {to}; {name} rests on {from}. `rhumb migrate finish {name}` removes it there; `rhumb migrate abort {name}` copies the data back."
        ),
        Stage::Finishing => format!("`rhumb migrate finish {name}` goes on with removing it from {from}."),
        Stage::Finished => format!("{name} has moved to {to}."),
        Stage::Aborting => format!("`rhumb migrate abort {name}` goes on with bringing it back on {from}."),
        Stage::Aborted => format!("{name} is back on {from}."),
    }
}

/// A migration that has started.
pub(super) fn started(state: &State) -> String {
    status(state)
}

/// A migration that was given up.
pub(super) fn aborted(aborted: &Aborted) -> String {
    let state = &aborted.state;
    let mut text = format!(
        "{} is back on {} as it was, and gone from {}.\n",
        state.release, state.from.target, state.to.target
    );
    if aborted.copied_back {
        let _ = writeln!(
            text,
            "What was written on {} was copied back, and both sides were equal.",
            state.to.target
        );
    }
    if aborted.discarded {
        let _ = writeln!(text, "What was written on {} since it ran there is gone.", state.to.target);
    }
    for left in &aborted.left {
        let _ = writeln!(text, "left: {left}");
    }
    text
}

/// A look at both sides.
pub(super) fn verified(verified: &Verified, paint: Paint) -> String {
    let state = &verified.state;
    let mut text = String::new();
    let source = match verified.source_running.as_slice() {
        [] => paint.good("rests"),
        running => format!("{}: {}", paint.bad("runs"), running.join(", ")),
    };
    let _ = writeln!(text, "{}: {source}", state.from.target);
    for one in &verified.health {
        let word = if one.state == rhumb_backend::State::Ready {
            paint.good("ready")
        } else {
            paint.bad("not ready")
        };
        let name = one.workload.as_deref().unwrap_or(one.id.as_str());
        let _ = writeln!(text, "{}: {name}: {word}, {} of {}", state.to.target, one.ready, one.wanted);
    }
    if verified.drift > 0 {
        let _ = writeln!(text, "{}: {} objects are not as recorded", state.to.target, verified.drift);
    }
    for check in &state.checks {
        let word = match check.exit_code {
            Some(0) => paint.good("holds"),
            Some(code) => format!("{} with {code}", paint.bad("failed")),
            None => paint.bad("could not be run"),
        };
        let _ = writeln!(text, "check `{}`: {word}", check.command);
    }
    let _ = writeln!(
        text,
        "{}",
        if verified.holds { "Both sides are in order." } else { "Not all is in order." }
    );
    text
}

/// Traffic that goes to the destination.
pub(super) fn cut_over(done: &CutOver) -> String {
    let to = &done.state.to.target;
    let mut text = String::new();
    if done.is_led {
        let _ = writeln!(text, "Traffic was led to {to} by your command.");
    } else if done.entrances.is_empty() {
        let _ = writeln!(
            text,
            "Nothing leads into {} from outside, so there is nothing to lead to {to}.",
            done.state.release
        );
    } else {
        let _ = writeln!(text, "Lead these to {to} now (DNS, load balancer), if you have not:");
        for entrance in &done.entrances {
            let _ = writeln!(text, "  {} ({})", entrance.name, entrance.kind);
        }
    }
    let _ = writeln!(text, "{}", next(&done.state));
    text
}

/// A migration that is finished.
pub(super) fn finished(finished: &Finished) -> String {
    let state = &finished.state;
    let mut text = format!(
        "{} has moved to {}, and is gone from {}.\n",
        state.release, state.to.target, state.from.target
    );
    if !finished.kept.is_empty() {
        let _ = writeln!(text, "kept on {}: {}", state.from.target, finished.kept.join(", "));
    }
    if !finished.external.is_empty() {
        let (from, external) = (&state.from.target, finished.external.join(", "));
        let _ = writeln!(text, "left on {from}, because not the release's own: {external}");
    }
    for left in &finished.left {
        let _ = writeln!(text, "left: {left}");
    }
    text
}
