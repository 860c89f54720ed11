//! The platforms that are compared: targets as they are configured, and usual ones of each platform.

use rhumb_action::{Candidate, FactsFrom};

use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::session::{Session, no_such, with_members};

impl Session {
    /// The platforms of a comparison: those that are named, groups of them taken apart, each once; every platform but
    /// memory when none is named.
    pub(crate) fn candidates(&self, given: &[String], facts: FactsFrom) -> Result<Vec<Candidate>, Failure> {
        let config = self.config()?;
        let asked = if given.is_empty() { self.targets_of_this_line() } else { given };
        // A target of the environment is where things are deployed. It is asked, where one is, and compared with the others.
        let asked = if asked.is_empty() && facts == FactsFrom::Target { self.targets() } else { asked };
        let mut names = with_members(asked, &config);
        if names.is_empty() && facts == FactsFrom::Target {
            return Err(Failure::usage("--live asks targets, and none is named", "--targets NAME,…"));
        }
        if names.is_empty() {
            names.extend(registry::PLATFORMS.iter().map(|name| (*name).to_owned()));
        }
        names.iter().map(|name| self.candidate(&config, name, facts)).collect()
    }

    /// A target that is configured or to be asked, else a usual one of a platform.
    fn candidate(&self, config: &Config, name: &str, facts: FactsFrom) -> Result<Candidate, Failure> {
        let backend = if config.targets.contains_key(name) || facts == FactsFrom::Target {
            registry::open(name, &self.config_of(config, name)?, self.environment())?.target.backend
        } else {
            registry::unopened_platform(name)?.ok_or_else(|| no_such(config, name))?
        };
        Ok(Candidate { name: name.to_owned(), backend })
    }
}
