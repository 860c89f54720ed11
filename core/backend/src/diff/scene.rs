//! Everything a plan is made of, indexed.

use std::collections::BTreeMap;

use rhumb_spec::Diagnostic;

use super::DiffOptions;
use crate::reference::{self, Outputs};
use crate::{Backend, Live, Object, ObjectId, Observed, Ownership};

/// An id and a generation.
pub(super) type Key<'a> = (&'a ObjectId, Option<&'a str>);

pub(super) fn key(object: &Object) -> Key<'_> {
    (&object.id, object.generation.as_deref())
}

pub(super) struct Scene<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) options: &'a DiffOptions,
    pub(super) last: BTreeMap<&'a ObjectId, &'a Object>,
    pub(super) want: BTreeMap<&'a ObjectId, &'a Object>,
    pub(super) live: BTreeMap<Key<'a>, &'a Live>,
    pub(super) natives: BTreeMap<&'a str, Vec<&'a Live>>,
    pub(super) unreadable: &'a BTreeMap<ObjectId, String>,
    twice: Vec<&'a ObjectId>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        backend: &'a dyn Backend,
        last: &'a [Object],
        observed: &'a Observed,
        want: &'a [Object],
        options: &'a DiffOptions,
    ) -> Self {
        let mut natives: BTreeMap<&str, Vec<&Live>> = BTreeMap::new();
        for live in &observed.objects {
            natives.entry(&live.native).or_default().push(live);
        }
        let mut by_id = BTreeMap::new();
        let twice =
            want.iter().filter(|object| by_id.insert(&object.id, *object).is_some()).map(|object| &object.id);
        Self {
            twice: twice.collect(),
            backend,
            options,
            last: last.iter().map(|object| (&object.id, object)).collect(),
            want: by_id,
            live: observed.objects.iter().map(|live| (key(&live.object), live)).collect(),
            natives,
            unreadable: &observed.unreadable,
        }
    }

    /// Every generation of an id that is there.
    pub(super) fn generations(&self, id: &'a ObjectId) -> impl Iterator<Item = &'a Live> {
        self.live.range((id, None)..).take_while(move |((of, _), _)| *of == id).map(|(_, live)| *live)
    }

    /// What is live of a wanted object.
    pub(super) fn live_of(&self, want: &'a Object) -> Option<&'a Live> {
        self.live.get(&key(want)).copied()
    }

    /// Whether what is there is wanted, in the generation that it has.
    pub(super) fn is_wanted(&self, live: &Live) -> bool {
        self.want.get(&live.object.id).is_some_and(|want| key(want) == key(&live.object))
    }

    /// Whether something is not the release's to change or to remove.
    pub(super) fn is_external(&self, live: &Live) -> bool {
        let says = |object: &&Object| object.ownership == Ownership::External;
        live.object.ownership == Ownership::External
            || self.want.get(&live.object.id).is_some_and(says)
            || self.last.get(&live.object.id).is_some_and(says)
    }

    /// Whether a wanted job has succeeded with the wanted content, as the record says.
    pub(super) fn is_done(&self, want: &Object) -> bool {
        want.once.is_some() && self.options.done.get(&want.id) == want.once.as_ref()
    }

    /// What may be referred to: of each id the generation that `objects` have, or the only one that is there.
    pub(super) fn outputs(&self, objects: &BTreeMap<&ObjectId, &Object>) -> Outputs {
        let mut outputs = Outputs::new();
        for (id, _) in self.live.keys() {
            let of_generation = match objects.get(id) {
                // What others made has no generation of ours.
                Some(object) if object.ownership == Ownership::External => self.generations(id).next(),
                Some(object) => self.live.get(&(id, object.generation.as_deref())).copied(),
                None => {
                    Some(self.generations(id)).and_then(|mut all| all.next().filter(|_| all.next().is_none()))
                }
            };
            if let Some(live) = of_generation {
                outputs.insert((*id).clone(), live.outputs.clone());
            }
        }
        outputs
    }

    /// What makes a plan impossible before anything is compared.
    pub(super) fn obstacles(&self) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = self.twice.iter().map(|id| wanted_twice(id)).collect();
        for (id, why) in self.unreadable {
            if self.want.contains_key(id) || self.last.contains_key(id) {
                found.push(unreadable(id, why));
            }
        }
        for want in self.want.values() {
            // What is there and the release's own, but not wanted, is about to go.
            let is_there = |id: &ObjectId| {
                self.want.contains_key(id)
                    || self.unreadable.contains_key(id)
                    || self
                        .live
                        .range((id, None)..)
                        .take_while(|((of, _), _)| *of == id)
                        .any(|(_, live)| live.foreign.is_some() || self.is_external(live))
            };
            let targets = reference::targets(&want.body).into_iter();
            let waited = want.after.iter().map(|after| after.id.clone());
            for target in targets.chain(waited).filter(|id| !is_there(id)) {
                found.push(dangling(&want.id, &target));
            }
        }
        found
    }
}

fn wanted_twice(id: &ObjectId) -> Diagnostic {
    Diagnostic::error(id.as_str(), format!("{id} is wanted twice"))
        .why("two documents of the app become the same object")
        .remedy("another name for one of them")
}

fn unreadable(id: &ObjectId, why: &str) -> Diagnostic {
    Diagnostic::error(id.as_str(), format!("{id} cannot be read"))
        .why(why)
        .remedy("the right to read it; what cannot be read is neither made nor removed")
}

fn dangling(id: &ObjectId, target: &ObjectId) -> Diagnostic {
    Diagnostic::error(id.as_str(), format!("{id} needs {target}, which is neither wanted nor there"))
        .remedy(format!("a document that becomes {target}, or no reference to it"))
}
