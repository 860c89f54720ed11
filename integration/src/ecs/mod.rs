//! Amazon ECS, of which there is a double only, in front of moto for the services around it.

mod left;

use std::io;
use std::sync::OnceLock;

use rhumb_doubles::has_modules;
use serde_json::Value;

pub use left::{Item, items, require_nothing_of, stopped};
pub use rhumb_doubles::ecs::{Double, Fate, Fault, Options, Pace, Rule, Trouble};

use crate::Rhumb;

/// Whether a double can be started here: it needs a Python that has moto.
pub fn can_have() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| has_modules(&["boto3", "moto", "flask"]))
}

/// A double with an account of its own, whose cluster has Fargate and three container instances.
///
/// # Errors
/// When there is no Python that has moto.
pub fn double() -> io::Result<Double> {
    Double::start(Options { instances: 3, ..Options::default() })
}

/// The program, for the account of a double, with tasks on Fargate.
///
/// # Panics
/// When no temporary folder can be made.
pub fn rhumb(double: &Double) -> Rhumb {
    Rhumb::configured("ecs", &double.settings(), environment())
}

/// The program, with some settings of the target changed.
///
/// # Panics
/// When no temporary folder can be made.
pub fn rhumb_with(double: &Double, change: impl FnOnce(&mut Value)) -> Rhumb {
    let mut settings = double.settings();
    change(&mut settings);
    Rhumb::configured("ecs", &settings, environment())
}

/// The variables by which a client of AWS has credentials. Nobody checks them.
pub fn environment() -> Vec<(&'static str, String)> {
    vec![("AWS_ACCESS_KEY_ID", "AKIDOFTESTS".to_owned()), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned())]
}

/// The secret key of all tests, which must come out nowhere.
pub const SECRET_KEY: &str = "canary-in-the-secret-key-Wm6c";

/// All requests, and all of the double's own answers, fitted botocore's models.
///
/// # Errors
/// Those that did not.
pub fn require_no_violations(double: &Double) -> Result<(), String> {
    let found = double.violations();
    if found.is_empty() { Ok(()) } else { Err(format!("against AWS's own models:\n{}", found.join("\n"))) }
}
