//! The program itself on real engines: what it does when things break, race or are written wrongly.

mod adopt;
mod broken;
mod canary;
mod charts;
mod crash;
mod ecs;
mod evaluate;
mod exported;
mod ferry;
mod imported;
mod kubernetes;
mod lost;
mod managers;
mod marathon;
mod memory;
mod migrate;
mod race;
mod several;
mod stack;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// Trials wait for the platform most of the time.
const AT_ONCE: usize = 5;

fn main() -> ExitCode {
    if let Some(copied) = ferry::copy_until_killed() {
        return if copied.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let groups = [
        memory::trials(),
        stack::trials(),
        adopt::trials(),
        exported::trials(),
        charts::trials(),
        several::trials(),
        evaluate::trials(),
        broken::trials(),
        canary::trials(),
        race::trials(),
        lost::trials(),
        imported::trials(),
        crash::trials(),
        kubernetes::trials(),
        marathon::trials(),
        ecs::trials(),
        ferry::trials(),
        managers::trials(),
        migrate::trials(),
    ];
    let trials = groups.into_iter().flatten().collect();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    libtest_mimic::run(&arguments, trials).exit_code()
}
