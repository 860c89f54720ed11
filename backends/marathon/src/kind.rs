//! The kinds of objects that an app becomes, and what their bodies are.
//!
//! | kind | body | marks |
//! |---|---|---|
//! | `app` | the app as `PUT /v2/apps/{id}` takes it, `id` and `instances` in it | labels |
//! | `pod` | the pod as `PUT /v2/pods/{id}` takes it, `id` and `scaling` in it | labels |
//! | `job` | the job as Metronome's `POST /v1/jobs` takes it, and `schedules`: what `POST /v1/jobs/{id}/schedules` takes | labels; of a job that runs once, [`names::GENERATION`](crate::names::GENERATION) is its `once` |
//! | `chronos` | the job as `POST /v1/scheduler/iso8601` takes it | its name, [`names::job`](crate::names::job) |
//! | `secret` | `{"path": …, "value": …}`: [`names::secret`](crate::names::secret) and the demand for its material | its path |
//! | `config` | `{"path": …, "value": …}`: [`names::secret`](crate::names::secret) and the text, for a key that is a file | its path |
//!
//! What is external has a body of only `path`.

use rhumb_backend::ObjectId;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A key of a secret, in the DC/OS secret store. Named by its content. Its body has the `path` in the store and the
    /// `value`, which is a demand for material.
    Secret,
    /// A key of a config that is mounted as a file, in the DC/OS secret store, since that is where files of tasks come
    /// from. Named by its content. Its body has the `path` in the store and the `value`.
    Config,
    /// An app: `PUT /v2/apps/{id}`.
    App,
    /// A pod, for workloads of several containers: `PUT /v2/pods/{id}`.
    Pod,
    /// A job of Metronome: `POST /v1/jobs`. Its body has the job's `schedules` in it, as `embed=schedules` shows them; they
    /// are made by calls of their own. One that runs once is started when it was made.
    Job,
    /// A scheduled job of Chronos, where only that is there: `POST /v1/scheduler/iso8601`.
    Chronos,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Secret, Self::Config, Self::App, Self::Pod, Self::Job, Self::Chronos];

    /// The kind of an id.
    pub fn of(id: &ObjectId) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == id.kind())
    }

    /// The word in ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
            Self::App => "app",
            Self::Pod => "pod",
            Self::Job => "job",
            Self::Chronos => "chronos",
        }
    }

    /// The id of an object of this kind.
    pub fn id(self, name: &str) -> ObjectId {
        ObjectId::new(self.as_str(), name)
    }
}

impl Kind {
    /// Where Marathon has things of this kind.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Pod => "/v2/pods",
            _ => "/v2/apps",
        }
    }

    /// What reading one is called in errors.
    pub(crate) const fn reading(self) -> &'static str {
        match self {
            Self::Secret => "read the secret",
            Self::Config => "read the config's file",
            Self::App => "read the app",
            Self::Pod => "read the pod",
            Self::Job => "read the job",
            Self::Chronos => "read the scheduled job",
        }
    }

    /// What making or changing one is called in errors.
    pub(crate) const fn writing(self) -> &'static str {
        match self {
            Self::Secret => "write the secret",
            Self::Config => "write the config's file",
            Self::App => "write the app",
            Self::Pod => "write the pod",
            Self::Job => "write the job",
            Self::Chronos => "write the scheduled job",
        }
    }

    /// What removing one is called in errors.
    pub(crate) const fn removing(self) -> &'static str {
        match self {
            Self::Secret => "remove the secret",
            Self::Config => "remove the config's file",
            Self::App => "remove the app",
            Self::Pod => "remove the pod",
            Self::Job => "remove the job",
            Self::Chronos => "remove the scheduled job",
        }
    }
}
