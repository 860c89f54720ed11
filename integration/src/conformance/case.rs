//! What a case is.

use rhumb_spec::Feature;

/// The smallest app that uses a feature, and how a platform shows that it has it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The feature.
    pub feature: Feature,
    /// The app's documents. `PLATFORM` stands for the backend's name, `PATCH` for a patch of a workload there, `DOCUMENT` for
    /// a document of its own, and `[revision]` for what an update changes.
    pub app: &'static str,
    /// What the swarm's own API must say afterwards.
    pub reads: &'static [Read],
    /// How containers show it.
    pub shows: Shows,
    /// What must be there beforehand.
    pub needs: &'static [Need],
}

/// A value that an independent client reads back.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// What is read.
    pub from: From,
    /// Where the value is, as a JSON pointer.
    pub at: &'static str,
    /// The value, as JSON.
    pub is: &'static str,
}

/// What is read.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// A service, by its name without the stack.
    Service(&'static str),
    /// A running container of such a service.
    Container(&'static str),
    /// A network, by its name without the stack.
    Network(&'static str),
    /// A volume, by its name without the stack.
    Volume(&'static str),
}

/// How containers show a feature.
#[derive(Clone, Copy, Debug)]
pub enum Shows {
    /// That the app becomes ready is the proof.
    Ready,
    /// A command in a container of a service prints this.
    Exec(&'static str, &'static [&'static str], &'static str),
    /// `[revision]` in the app changes, and the change becomes ready in turn.
    Update,
    /// A port of the node answers.
    Answers(u16),
    /// A volume of this name, without the stack, outlives the release.
    Kept(&'static str),
    /// Nothing on a test machine can show it, for this reason; the platform takes it and it becomes ready.
    Accepted(&'static str),
    /// Nothing on a test machine can even make it ready, for this reason; the platform takes it.
    Unready(&'static str),
}

/// What must be there before a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A config of this name that is not ours.
    Config(&'static str),
    /// An identity of this name, where the platform keeps them.
    Identity(&'static str),
    /// A service that looks like swarm-cronjob.
    SwarmCronjob,
    /// A service that looks like Traefik.
    Traefik,
}

impl Case {
    /// A case whose app becomes ready and shows thereby that the feature works.
    pub const fn new(feature: Feature, app: &'static str) -> Self {
        Self { feature, app, reads: &[], shows: Shows::Ready, needs: &[] }
    }

    /// With values that must be read back.
    pub const fn reads(mut self, reads: &'static [Read]) -> Self {
        self.reads = reads;
        self
    }

    /// With another way to show it.
    pub const fn shows(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }

    /// Shown by what a command prints in a container of a service.
    pub const fn prints(
        self,
        service: &'static str,
        command: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        self.shows(Shows::Exec(service, command, text))
    }

    /// With things that must be there beforehand.
    pub const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }
}

/// A value of a service that must be read back.
pub(super) const fn service(name: &'static str, at: &'static str, is: &'static str) -> Read {
    Read { from: From::Service(name), at, is }
}

/// A value of a container that must be read back.
pub(super) const fn container(name: &'static str, at: &'static str, is: &'static str) -> Read {
    Read { from: From::Container(name), at, is }
}
