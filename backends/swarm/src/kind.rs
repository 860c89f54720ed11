//! The kinds of objects that the Engine API keeps for a swarm.

use rhumb_backend::{ObjectId, Scope};

use crate::names;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something that runs.
    Service,
    /// An overlay network.
    Network,
    /// A file that all may read.
    Config,
    /// A file whose content is never given out.
    Secret,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [Self::Service, Self::Network, Self::Config, Self::Secret];

    /// The kind of an id, if it is one of a swarm.
    pub(crate) fn of(id: &ObjectId) -> Option<Self> {
        let kind = names::external_parts(id).map_or(id.kind(), |(kind, _)| kind);
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }

    /// The word in ids.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Network => "network",
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }

    /// Where the API keeps them: `/services`.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Service => "/services",
            Self::Network => "/networks",
            Self::Config => "/configs",
            Self::Secret => "/secrets",
        }
    }

    /// What listing them is called in errors.
    pub(crate) const fn listing(self) -> &'static str {
        match self {
            Self::Service => "list services",
            Self::Network => "list networks",
            Self::Config => "list configs",
            Self::Secret => "list secrets",
        }
    }

    /// What reading one is called in errors.
    pub(crate) const fn reading(self) -> &'static str {
        match self {
            Self::Service => "read the service",
            Self::Network => "read the network",
            Self::Config => "read the config",
            Self::Secret => "read the secret",
        }
    }

    /// What making one is called in errors.
    pub(crate) const fn creating(self) -> &'static str {
        match self {
            Self::Service => "create the service",
            Self::Network => "create the network",
            Self::Config => "create the config",
            Self::Secret => "create the secret",
        }
    }

    /// What changing one is called in errors.
    pub(crate) const fn updating(self) -> &'static str {
        match self {
            Self::Service => "update the service",
            Self::Network => "update the network",
            Self::Config => "update the config",
            Self::Secret => "update the secret",
        }
    }

    /// What removing one is called in errors.
    pub(crate) const fn removing(self) -> &'static str {
        match self {
            Self::Service => "remove the service",
            Self::Network => "remove the network",
            Self::Config => "remove the config",
            Self::Secret => "remove the secret",
        }
    }

    /// Where the document itself is in what the API returns: most kinds have it in `Spec`.
    pub(crate) const fn has_spec(self) -> bool {
        !matches!(self, Self::Network)
    }

    /// The name on the swarm that an id has whatever its content, where there is one.
    pub(crate) fn fixed_name(self, scope: &Scope, id: &ObjectId) -> Option<String> {
        if let Some((_, name)) = names::external_parts(id) {
            return Some(name.to_owned());
        }
        match self {
            Self::Service => Some(names::service_name(scope, id.name())),
            Self::Network => Some(names::network_name(scope, id.name())),
            Self::Config | Self::Secret => None,
        }
    }
}
