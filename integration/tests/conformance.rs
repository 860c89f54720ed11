//! The conformance suite on every backend, and the table of what it found.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use rhumb_action::Proofs;
use rhumb_ecs::LaunchType;
use rhumb_integration::conformance::{Case, Matrix, Proof, TestTarget, all, clean, run};
use rhumb_integration::{ecs, trial};
use rhumb_spec::Feature;

/// Cases wait for the platform most of the time.
const AT_ONCE: usize = 6;

type Shared = Arc<Mutex<Matrix>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let is_whole = arguments.filter.is_none() && !arguments.list;
    let matrix = Shared::default();
    let own = [("ecs", LaunchType::Fargate), ("ecs-ec2", LaunchType::Ec2)];
    let mut trials = Vec::new();
    for case in all() {
        let (memory, swarm, kubernetes) = (Arc::clone(&matrix), Arc::clone(&matrix), Arc::clone(&matrix));
        let marathon = Arc::clone(&matrix);
        trials.push(Trial::test(format!("memory::{}", case.feature), move || {
            carry_out(&case, &memory, "memory", || Ok(TestTarget::memory()))
        }));
        trials.push(trial::needs_swarm(&format!("swarm::{}", case.feature), move || {
            carry_out(&case, &swarm, "swarm", || TestTarget::swarm(trial::engine()?))
        }));
        trials.push(trial::needs_cluster(&format!("kubernetes::{}", case.feature), move || {
            carry_out(&case, &kubernetes, "kubernetes", || {
                TestTarget::kubernetes(trial::cluster()?, case.feature)
            })
        }));
        trials.push(Trial::test(format!("marathon::{}", case.feature), move || {
            carry_out(&case, &marathon, "marathon", TestTarget::marathon)
        }));
        for (column, launch_type) in own {
            let matrix = Arc::clone(&matrix);
            trials.push(trial::needs_ecs(&format!("{column}::{}", case.feature), move || {
                let _alone = alone_at_the_balancer(case.feature);
                carry_out(&case, &matrix, column, || TestTarget::ecs(double(launch_type)?, launch_type))
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(engine) = trial::engine_in_use() {
        clean(engine.docker()).expect("what was made for cases is removed");
    }
    let matrix = matrix.lock().unwrap_or_else(PoisonError::into_inner);
    if is_whole {
        show(&matrix);
    }
    match hold(&matrix.proofs()) {
        Ok(()) => conclusion.exit_code(),
        Err(why) => complain(&why),
    }
}

/// A double for each of the two ways in which tasks run, so that releases of the same name do not meet.
fn double(launch_type: LaunchType) -> Result<&'static ecs::Double, Failed> {
    static DOUBLES: [OnceLock<io::Result<ecs::Double>>; 2] = [OnceLock::new(), OnceLock::new()];
    let which = &DOUBLES[usize::from(launch_type == LaunchType::Ec2)];
    which.get_or_init(ecs::double).as_ref().map_err(Failed::from)
}

/// Holds back cases that make rules of one load balancer: two releases that choose a free priority at the same time may
/// choose the same one, and the second is then told to try again.
fn alone_at_the_balancer(feature: Feature) -> Option<MutexGuard<'static, ()>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let has_rules =
        matches!(feature, Feature::Route | Feature::RouteTls | Feature::BlueGreen | Feature::Canary);
    has_rules.then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner))
}

fn carry_out(
    case: &Case,
    matrix: &Shared,
    backend: &'static str,
    target: impl FnOnce() -> Result<TestTarget, Failed>,
) -> Result<(), Failed> {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Runtime::new().expect("a runtime"));
    let proven = target().and_then(|target| RUNTIME.block_on(run(case, &target)).map_err(Failed::from));
    let proof = proven.as_ref().copied().unwrap_or(Proof::Failed);
    matrix.lock().unwrap_or_else(PoisonError::into_inner).note(case.feature, backend, proof);
    proven.map(drop)
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn show(matrix: &Matrix) {
    let table = format!(
        "# Conformance\n\n{LEGEND}\n\n{}",
        matrix.to_markdown(&["memory", "swarm", "kubernetes", "ecs", "ecs-ec2", "marathon"])
    );
    println!("{table}");
    if let Some(path) = std::env::var_os("RHUMB_CONFORMANCE_MATRIX") {
        std::fs::write(path, table).expect("the table is written");
    }
}

/// The file by which the program knows how its mappings were proven.
const PROOFS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/action/data/proofs.json");

/// Holds that file to what was found this time. `RHUMB_BLESS=1` writes it: what was not tried stays as it was.
fn hold(found: &Proofs) -> Result<(), String> {
    let mut written: Proofs = std::fs::read_to_string(PROOFS)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .ok_or("core/action/data/proofs.json cannot be read")?;
    let wrong: Vec<String> = found
        .iter()
        .filter(|(variant, feature, proof)| written.get(variant, *feature) != Some(*proof))
        .map(|(variant, feature, proof)| format!("{variant}::{feature} is now {}", proof.as_str()))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    if std::env::var_os("RHUMB_BLESS").is_none() {
        let all = wrong.join("\n");
        return Err(format!("core/action/data/proofs.json is not current: run with RHUMB_BLESS=1\n{all}"));
    }
    found.iter().for_each(|(variant, feature, proof)| written.note(variant, feature, proof));
    let text = serde_json::to_string_pretty(&written).map_err(|error| error.to_string())?;
    std::fs::write(PROOFS, text + "\n").map_err(|error| error.to_string())
}

#[expect(clippy::print_stderr, reason = "it says why the run failed")]
fn complain(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

const LEGEND: &str = "*ran*: containers ran and showed it. *accepted*: the platform took it and it was read back; nothing
on the test machine can show it. *double*: a double of the platform, held to its published schema, took it, ran it and gave it back.
*refused*: not declared, and the check says so. In memory nothing runs, so whatever
it has is *accepted*.";
