//! Claims of volumes, and templates of claims.

use std::collections::BTreeMap;

use rhumb_backend::Ownership;
use rhumb_spec::model::{Access, Kind, Nfs, Volume};
use serde_json::{Value, json};

use super::container::bytes;
use super::document::Document;
use super::labels;
use super::naming::{document_of, is_ours};
use super::world::World;
use rhumb_backend::fields::{Fields, text_map};

/// Names the documents of all claims that can be read, so that they are known before pods refer to them.
pub(super) fn name(documents: &[Document], world: &mut World) {
    let directories: BTreeMap<String, (String, Nfs)> = documents.iter().filter_map(directory).collect();
    for document in documents.iter().filter(|document| document.word == "persistentvolumeclaim") {
        let is_external = document.ownership == Ownership::External;
        if let Some(nfs) = bound_directory(document, &directories) {
            world.directories.insert(document.name.clone(), nfs.clone());
        }
        let is_directory = world.directories.contains_key(&document.name);
        if is_external || is_directory || readable(document) {
            let wanted = document_of(&document.whole, &document.name).to_owned();
            world.volumes.add(&document.name, &wanted);
        } else {
            world.native_claims.insert(document.name.clone());
        }
    }
}

/// The directory of an NFS server that a volume object is, with the claim that it is for, by the object's name. Where
/// the claim has no object, the volume is nobody's.
fn directory(document: &Document) -> Option<(String, (String, Nfs))> {
    let known = [
        "capacity",
        "accessModes",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "claimRef",
        "mountOptions",
        "nfs",
    ];
    let spec = document.whole.get("spec").and_then(Value::as_object)?;
    let is_plain = spec.keys().all(|key| known.contains(&key.as_str()))
        && document.word == "persistentvolume"
        && spec.get("persistentVolumeReclaimPolicy") == Some(&json!("Retain"));
    let nfs = text_map(spec.get("nfs")?).filter(|nfs| nfs.len() == 2 && is_plain)?;
    let options = rhumb_backend::fields::texts(spec.get("mountOptions")?)?.join(",");
    let nfs =
        Nfs { server: nfs.get("server")?.clone(), path: nfs.get("path")?.clone(), options: Some(options) };
    let claim = document.text_at("/spec/claimRef/name")?.to_owned();
    Some((document.name.clone(), (claim, nfs)))
}

/// The directory that a claim is bound to by name.
fn bound_directory<'d>(
    document: &Document,
    directories: &'d BTreeMap<String, (String, Nfs)>,
) -> Option<&'d Nfs> {
    let (claim, nfs) = directories.get(document.text_at("/spec/volumeName")?)?;
    let spec = document.whole.get("spec").and_then(Value::as_object)?;
    let known = ["accessModes", "storageClassName", "resources", "volumeName"];
    let is_plain = *claim == document.name
        && spec.keys().all(|key| known.contains(&key.as_str()))
        && spec.get("storageClassName") == Some(&json!(""))
        && spec.get("accessModes").and_then(access).is_some();
    is_plain.then_some(nfs)
}

/// Adds nothing for a volume object that a claim's volume stands for; gives back any other.
pub(super) fn object(mut document: Document, world: &mut World) -> Option<Document> {
    let claim = directory(&document).map(|(_, (claim, _))| claim);
    let Some(name) = claim.filter(|claim| world.directories.contains_key(claim)) else {
        return Some(document);
    };
    let name = world.volumes.get(&name).cloned().unwrap_or(name);
    document.take_head();
    let mut fields = document.fields();
    labels::of_object(&mut fields);
    fields.take_whole("spec");
    document.finish(Kind::Volume.path(&name), world);
    None
}

/// Whether a claim asks for nothing that a volume of the app cannot say.
fn readable(document: &Document) -> bool {
    let known = ["accessModes", "storageClassName", "resources", "volumeMode", "volumeName"];
    let spec = document.whole.get("spec").and_then(Value::as_object);
    let is_bound = document.text_at("/metadata/annotations/pv.kubernetes.io~1bind-completed").is_some();
    spec.is_some_and(|spec| {
        let mode = spec.get("volumeMode").and_then(Value::as_str);
        let storage = spec.get("resources").and_then(|resources| resources.pointer("/requests/storage"));
        spec.keys().all(|key| known.contains(&key.as_str()))
            && (is_bound || !spec.contains_key("volumeName"))
            && spec.get("accessModes").and_then(access).is_some()
            && spec.get("storageClassName").and_then(Value::as_str) != Some("")
            && storage.is_none_or(|storage| bytes(storage).is_some())
            && mode.is_none_or(|mode| mode == "Filesystem")
    })
}

fn access(value: &Value) -> Option<Access> {
    match value.as_array()?.as_slice() {
        [Value::String(mode)] if mode == "ReadWriteOnce" => Some(Access::Single),
        [Value::String(mode)] if mode == "ReadWriteMany" => Some(Access::Shared),
        _ => None,
    }
}

/// Adds the volume of a claim; gives back one that cannot be read.
pub(super) fn claim(mut document: Document, world: &mut World) -> Option<Document> {
    let Some(name) = world.volumes.get(&document.name).cloned() else { return Some(document) };
    let path = Kind::Volume.path(&name);
    if document.ownership == Ownership::External {
        world.app.volumes.insert(name, Volume { external: true, ..Volume::default() });
        document.take_head();
        document.finish(path, world);
        return None;
    }
    let document_name = document.name.clone();
    let is_unkept = is_ours(&document.whole) && document.ownership == Ownership::Owned;
    document.take_head();
    let mut fields = document.fields();
    let labels = labels::of_object(&mut fields);
    if let Some(mut annotations) =
        fields.below("metadata").as_mut().and_then(|metadata| metadata.below("annotations"))
    {
        annotations.take("helm.sh/resource-policy", |value| (value == "keep").then_some(()));
    }
    let nfs = world.directories.get(&document_name).cloned();
    if let (Some(mut spec), true) = (fields.below("spec"), nfs.is_some()) {
        spec.take_whole("storageClassName");
        spec.take_whole("volumeName");
    }
    let older = older_class(&mut fields);
    let mut volume = fields.below("spec").map(|mut spec| read(&mut spec)).unwrap_or_default();
    volume.class = volume.class.or(older);
    let keep = is_unkept.then_some(false);
    world.app.volumes.insert(name, Volume { labels, keep, nfs, ..volume });
    document.finish(path, world);
    None
}

/// The class as it was said before claims had a field for it.
///
/// Source: Kubernetes documentation, "Persistent Volumes", "Class": the annotation still works.
fn older_class(claim: &mut Fields<'_>) -> Option<String> {
    let has_class = claim.get("spec").is_some_and(|spec| spec.get("storageClassName").is_some());
    let mut annotations = claim.descended(&["metadata", "annotations"]).filter(|_| !has_class)?;
    annotations.take("volume.beta.kubernetes.io/storage-class", |class| {
        class.as_str().filter(|class| !class.is_empty()).map(str::to_owned)
    })
}

fn read(spec: &mut Fields<'_>) -> Volume {
    spec.default("volumeMode", &json!("Filesystem"));
    spec.own(&["volumeName"], "the server bound it");
    let access = spec.take("accessModes", access).unwrap_or_default();
    let class = spec.take("storageClassName", |value| {
        value.as_str().filter(|class| !class.is_empty()).map(str::to_owned)
    });
    let size = spec
        .below("resources")
        .as_mut()
        .and_then(|resources| resources.below("requests"))
        .and_then(|mut requests| requests.take("storage", bytes));
    Volume { size, access, class, ..Volume::default() }
}

/// Reads the templates of a stateful set's claims, and says which document each became, by the template's name.
///
/// A template is read as far as it can be; what is left of it stays in `volumeClaimTemplates`.
pub(super) fn templates(spec: &mut Fields<'_>, world: &mut World) -> Vec<(String, String)> {
    let unkept = spec.take("persistentVolumeClaimRetentionPolicy", |value| {
        let policy = value.as_object()?;
        let is = |key: &str, wanted: &str| policy.get(key).and_then(Value::as_str) == Some(wanted);
        let scaled = policy.get("whenScaled").is_none() || is("whenScaled", "Retain");
        (is("whenDeleted", "Delete") && scaled).then_some(())
    });
    let mappings =
        |value: &Value| value.as_array().filter(|items| items.iter().all(Value::is_object)).cloned();
    let Some(templates) = spec.take("volumeClaimTemplates", mappings) else { return Vec::new() };
    let path = spec.at("volumeClaimTemplates");
    let mut found = Vec::new();
    for mut template in templates {
        let fields = rhumb_backend::fields::leaves(&template);
        let Some(map) = template.as_object_mut() else { continue };
        let mut template = Fields::new(map, &path, spec.ledger());
        template.own(&["apiVersion", "kind", "status"], "the server writes it");
        let name = template.below("metadata").and_then(|mut metadata| metadata.text("name"));
        let Some(native) = name else {
            spec.lost("volumeClaimTemplates", fields, "a template of claims has a name");
            continue;
        };
        let older = older_class(&mut template);
        let mut volume = template.below("spec").map(|mut spec| read(&mut spec)).unwrap_or_default();
        volume.class = volume.class.or(older);
        volume.keep = unkept.map(|()| false);
        let document = own_name(&native, volume.clone(), world);
        if document != native {
            let why = format!("the claim is named {document} here, so that replicas begin with new ones");
            spec.lost(&format!("volumeClaimTemplates.{native}.metadata.name"), 1, &why);
        }
        rhumb_backend::fields::prune(map);
        for (key, value) in std::mem::take(map) {
            let fields = rhumb_backend::fields::leaves(&value);
            spec.lost(&format!("volumeClaimTemplates.{native}.{key}"), fields, "no neutral field is for it");
        }
        found.push((native, document));
    }
    found
}

/// Adds a volume under a name that is free.
fn own_name(wanted: &str, volume: Volume, world: &mut World) -> String {
    // The key is none that a claim can have: two sets may have templates of one name.
    let name = world.volumes.add(&format!("{wanted}\n{}", world.app.volumes.len()), wanted);
    world.app.volumes.insert(name.clone(), volume);
    name
}
