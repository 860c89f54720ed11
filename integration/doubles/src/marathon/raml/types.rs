//! RAML libraries of types.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::Value;

/// The types of a folder, by library.
#[derive(Debug)]
pub(in crate::marathon) struct Types {
    libraries: BTreeMap<String, Library>,
}

#[derive(Debug)]
struct Library {
    /// Names of other libraries, by the word that this one has for them.
    uses: BTreeMap<String, String>,
    types: BTreeMap<String, Value>,
}

/// A declaration of a type, and the library whose words it is written in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) library: &'a str,
    pub(super) name: &'a str,
    pub(super) declaration: &'a Value,
}

/// A property of an object.
#[derive(Debug)]
pub(super) struct Property<'a> {
    /// The name, or between slashes a pattern of names.
    pub(super) name: &'a str,
    pub(super) need: Need,
    pub(super) library: &'a str,
    pub(super) declaration: &'a Value,
}

/// Whether a property must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

impl Types {
    /// Reads every library of a folder.
    ///
    /// # Errors
    /// When a file cannot be read or is no YAML.
    pub(in crate::marathon) fn read(folder: &Path) -> io::Result<Self> {
        let mut libraries = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            if path.extension().is_none_or(|extension| extension != "raml") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            let document = rhumb_spec::yaml::value_from_str(&text)
                .map_err(|error| io::Error::other(format!("{}: {error:?}", path.display())))?;
            libraries.insert(name.to_owned(), Library::of(&document));
        }
        Ok(Self { libraries })
    }

    /// The type of a name, as a library calls it: `Pod` or `pod.Pod`.
    pub(super) fn find<'a>(&'a self, library: &'a str, name: &'a str) -> Option<Declared<'a>> {
        let (library, name) = match name.split_once('.') {
            Some((word, name)) => (self.libraries.get(library)?.uses.get(word)?.as_str(), name),
            None => (library, name),
        };
        let declaration = self.libraries.get(library)?.types.get(name)?;
        Some(Declared { library, name, declaration })
    }

    /// Of types that differ by a property's value, the one of this value.
    pub(super) fn variant<'a>(&'a self, of: Declared<'a>, value: &Value) -> Option<Declared<'a>> {
        let discriminator = of.declaration["discriminator"].as_str()?;
        let wanted = value[discriminator].as_str()?;
        let types = &self.libraries.get(of.library)?.types;
        let (name, declaration) = types.iter().find(|(_, other)| {
            other["type"].as_str() == Some(of.name) && other["discriminatorValue"].as_str() == Some(wanted)
        })?;
        Some(Declared { library: of.library, name, declaration })
    }

    /// The properties of an object's declaration and of what it builds on; none when it declares none.
    pub(super) fn properties<'a>(
        &'a self,
        library: &'a str,
        declaration: &'a Value,
    ) -> Option<Vec<Property<'a>>> {
        let mut all = Vec::new();
        let base = declaration["type"].as_str().or_else(|| declaration.as_str());
        if let Some(base) = base.and_then(|base| self.find(library, base)) {
            all.extend(self.properties(base.library, base.declaration).unwrap_or_default());
        }
        let own = declaration["properties"].as_object();
        for (name, declaration) in own.into_iter().flatten() {
            // What has a default need not be given, whatever its mark says.
            let is_optional = name.ends_with('?')
                || name.starts_with('/')
                || declaration.get("default").is_some()
                || declaration["required"] == Value::Bool(false);
            all.push(Property {
                name: if name.starts_with('/') { name } else { name.trim_end_matches('?') },
                need: if is_optional { Need::Optional } else { Need::Required },
                library,
                declaration,
            });
        }
        (!all.is_empty() || own.is_some()).then_some(all)
    }
}

impl Library {
    fn of(document: &Value) -> Self {
        let uses = document["uses"].as_object().into_iter().flatten().filter_map(|(word, file)| {
            Some((word.clone(), file.as_str()?.trim_end_matches(".raml").to_owned()))
        });
        let types = document["types"].as_object().into_iter().flatten();
        Self {
            uses: uses.collect(),
            types: types.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}
