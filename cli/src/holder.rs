//! Who this process is, and whether another one on this machine is still there.

use std::fs;

use rhumb_release::{Holder, Life, Liveness};

use crate::environment::Environment;

/// This process, as leases and records name it. `command` is the verb and the release, without any values.
pub(crate) fn this_process(environment: &Environment, command: String) -> Holder {
    let pid = std::process::id();
    Holder {
        host: read("/proc/sys/kernel/hostname")
            .or_else(|| environment.get("HOSTNAME").map(str::to_owned))
            .unwrap_or_default(),
        user: user(environment),
        command,
        since: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        pid,
        started: start_of(pid).unwrap_or_default(),
        boot: read("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
        pid_namespace: fs::read_link("/proc/self/ns/pid")
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}

fn user(environment: &Environment) -> String {
    ["SUDO_USER", "USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| environment.get(name))
        .map_or_else(|| "unknown".to_owned(), str::to_owned)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The start time of a process in clock ticks since the boot, the 22nd field of its `stat`.
///
/// None for a process that is gone, or dead and not yet waited for by its parent.
///
/// The second field is the program's name in parentheses and may hold anything, so fields are counted from its end.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X" | "x");
    fields.nth(18).filter(|_| !is_dead).map(str::to_owned)
}

/// Tells of the processes of this machine, as far as `/proc` shows them.
#[derive(Clone, Debug)]
pub(crate) struct ThisMachine {
    boot: String,
    pid_namespace: String,
}

impl ThisMachine {
    /// The machine that this process runs on.
    pub(crate) fn of(holder: &Holder) -> Self {
        Self { boot: holder.boot.clone(), pid_namespace: holder.pid_namespace.clone() }
    }
}

impl Liveness for ThisMachine {
    fn life(&self, holder: &Holder) -> Life {
        let is_here = !self.boot.is_empty()
            && !self.pid_namespace.is_empty()
            && holder.boot == self.boot
            && holder.pid_namespace == self.pid_namespace;
        if !is_here || holder.started.is_empty() || fs::metadata("/proc/self/stat").is_err() {
            return Life::Unknown;
        }
        match start_of(holder.pid) {
            Some(started) if started == holder.started => Life::Alive,
            _ => Life::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::read()
    }

    #[test]
    fn this_process_is_alive_and_another_with_its_number_is_not() {
        let holder = this_process(&environment(), "rhumb upgrade shop".to_owned());
        let machine = ThisMachine::of(&holder);
        assert_eq!(machine.life(&holder), Life::Alive);
        let earlier = Holder { started: "1".to_owned(), ..holder.clone() };
        assert_eq!(machine.life(&earlier), Life::Gone);
        let elsewhere = Holder { boot: "another".to_owned(), ..holder };
        assert_eq!(machine.life(&elsewhere), Life::Unknown);
    }

    #[test]
    fn a_killed_process_is_gone_although_nobody_waited_for_it() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let this = this_process(&environment(), "rhumb upgrade shop".to_owned());
        let machine = ThisMachine::of(&this);
        let holder = Holder { pid: child.id(), started: start_of(child.id()).unwrap(), ..this };
        assert_eq!(machine.life(&holder), Life::Alive);
        child.kill().unwrap();
        let is_gone = |_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            machine.life(&holder) == Life::Gone
        };
        assert!((0..200).any(is_gone));
        child.wait().unwrap();
    }
}
