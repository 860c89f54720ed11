//! The program itself on real engines: what it does when things break, race or are written wrongly.

mod broken;
mod canary;
mod crash;
mod lost;
mod managers;
mod memory;
mod race;
mod stack;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let groups = [
        memory::trials(),
        stack::trials(),
        broken::trials(),
        canary::trials(),
        race::trials(),
        lost::trials(),
        crash::trials(),
        managers::trials(),
    ];
    let trials = groups.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
