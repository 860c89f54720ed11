//! What a secret of Secrets Manager holds, once its material is known.
//!
//! In a body, `SecretString` is an object: by key what each key of a secret demands, or `$registry` and `config` for the
//! credentials of one registry out of a pull secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{Error, ErrorKind, Material, Materials, Result};
use serde_json::{Map, Value, json};

/// In a `SecretString`, the registry whose credentials are wanted.
pub const REGISTRY: &str = "$registry";
/// What a key ends in that holds the base64 of its sibling's bytes.
pub const BASE64: &str = ".b64";

/// How people and Docker's configuration call Docker Hub.
const HUB: &str = "docker.io";

/// The most bytes of a secret.
///
/// Source: Secrets Manager API reference, `CreateSecret.SecretString`.
const LIMIT: usize = 65_536;

const OPERATION: &str = "compose a secret";

/// The text of a secret out of a body's `SecretString`.
///
/// A secret's keys become a JSON object: `<key>` is the text as it is, where the bytes are text, and `<key>.b64` the base64
/// of the bytes, from which files are written. A pull secret becomes the `username` and `password` that ECS wants for a
/// registry.
///
/// # Errors
/// `MaterialMissing` when material is nowhere; `Invalid` when the secret is larger than 64 KiB, or a pull secret is of
/// another form or lacks the registry.
pub fn compose(body: &Value, materials: &dyn Materials) -> Result<Material> {
    let string = match body.get(REGISTRY).and_then(Value::as_str) {
        Some(registry) => credentials(registry, &meet(&demand(body.get("config"))?, materials)?)?,
        None => keys(body, materials)?,
    };
    let bytes = serde_json::to_vec(&string).unwrap_or_default();
    if bytes.len() > LIMIT {
        let message = format!("it is {} KiB, files and their base64 together", bytes.len().div_ceil(1024));
        return Err(Error::new(ErrorKind::Invalid, OPERATION, message)
            .remedy("several secrets: one of Secrets Manager holds 64 KiB"));
    }
    Ok(Material::new(bytes))
}

fn demand(value: Option<&Value>) -> Result<Demand> {
    value.and_then(Demand::parse).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, OPERATION, "the body demands no material where there should be some")
    })
}

fn keys(body: &Value, materials: &dyn Materials) -> Result<Value> {
    let mut found = Map::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        let material = meet(&demand(Some(value))?, materials)?;
        if let Ok(text) = std::str::from_utf8(material.expose()) {
            found.insert(key.clone(), text.into());
        }
        found.insert(format!("{key}{BASE64}"), STANDARD.encode(material.expose()).into());
    }
    Ok(found.into())
}

/// The registry of an image: what stands before its first slash where that is a host, else Docker Hub.
///
/// Source: distribution/reference, `splitDockerDomain`.
pub fn registry(image: &str) -> &str {
    let first = image.split_once('/').map(|(first, _)| first);
    let is_host = |part: &&str| part.contains(['.', ':']) || *part == "localhost";
    match first.filter(is_host) {
        None | Some("index.docker.io") => HUB,
        Some(host) => host,
    }
}

/// No message quotes the configuration: what it holds are credentials.
fn credentials(registry: &str, config: &Material) -> Result<Value> {
    let invalid = |message: String| {
        Error::new(ErrorKind::Invalid, "read the pull secret", message).remedy(
            "give it the form of Docker's config.json: {\"auths\": {\"registry.example.com\": {\"auth\": …}}}",
        )
    };
    let parsed: Value = serde_json::from_slice(config.expose()).map_err(|error| {
        invalid(format!("line {}, column {} is no valid JSON", error.line(), error.column()))
    })?;
    let auths = parsed.get("auths").and_then(Value::as_object);
    let auth = auths.into_iter().flatten().find(|(key, _)| host(key) == registry).map(|(_, auth)| auth);
    let auth = auth.ok_or_else(|| invalid(format!("it has no credentials for {registry}")))?;
    let text = |field: &str| auth.get(field).and_then(Value::as_str).map(str::to_owned);
    let packed = text("auth").and_then(|packed| STANDARD.decode(packed).ok());
    let packed = packed.and_then(|bytes| String::from_utf8(bytes).ok());
    let packed = packed.and_then(|pair| {
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    });
    let pair = text("username").zip(text("password")).or(packed);
    let (username, password) = pair
        .ok_or_else(|| invalid(format!("it has neither `auth` nor a user and a password for {registry}")))?;
    Ok(json!({ "username": username, "password": password }))
}

/// The host of a key in Docker's configuration, which may be written with a scheme and a path.
fn host(key: &str) -> &str {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    match bare.split('/').next().unwrap_or(bare) {
        "index.docker.io" => HUB,
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_spec::model::Generate;

    struct Given<'a>(&'a [(&'a str, &'a [u8])]);

    impl Materials for Given<'_> {
        fn sealed(&self, id: &str) -> Result<Material> {
            let found = self.0.iter().find(|(known, _)| *known == id);
            let missing = || Error::new(ErrorKind::MaterialMissing, OPERATION, id.to_owned());
            found.map(|(_, bytes)| Material::new(bytes.to_vec())).ok_or_else(missing)
        }

        fn generated(&self, of: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
            self.sealed(of)
        }
    }

    fn check(body: &Value, given: &[(&str, &[u8])]) -> Result<Value, String> {
        let material = compose(body, &Given(given)).map_err(|error| error.to_string())?;
        Ok(serde_json::from_slice(material.expose()).unwrap())
    }

    fn sealed(id: &str) -> Value {
        Demand::Sealed(id.to_owned()).to_value()
    }

    #[test]
    fn keys_are_text_and_base64() {
        let found = check(&json!({ "a": sealed("1"), "b": sealed("2") }), &[("1", b"x"), ("2", &[0xff])]);
        assert_eq!(found.unwrap(), json!({ "a": "x", "a.b64": "eA==", "b.b64": "/w==" }));
        assert!(check(&json!({ "a": sealed("1") }), &[]).is_err());
        assert!(check(&json!({ "a": "plain text" }), &[]).is_err());
    }

    #[test]
    fn a_pull_secret_becomes_a_user_and_a_password() {
        let of = |registry: &str| json!({ REGISTRY: registry, "config": sealed("1") });
        let config: &[(&str, &[u8])] = &[(
            "1",
            br#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2U6Y3JldA=="},"ghcr.io":{"username":"u","password":"canary"},"a.b":{}}}"#,
        )];
        assert_eq!(
            check(&of("docker.io"), config).unwrap(),
            json!({ "username": "me", "password": "se:cret" })
        );
        assert_eq!(check(&of("ghcr.io"), config).unwrap(), json!({ "username": "u", "password": "canary" }));
        for registry in ["a.b", "quay.io"] {
            let refused = check(&of(registry), config).unwrap_err();
            assert!(refused.contains(registry) && !refused.contains("canary"), "{refused}");
        }
        let refused = check(&of("ghcr.io"), &[("1", b"canary")]).unwrap_err();
        assert!(!refused.contains("canary"), "{refused}");
    }

    #[test]
    fn a_secret_holds_64_kib() {
        let large = vec![b'x'; 30_000];
        assert!(check(&json!({ "a": sealed("1") }), &[("1", &large)]).is_err());
        assert!(check(&json!({ "a": sealed("1") }), &[("1", &large[..20_000])]).is_ok());
    }

    #[test]
    fn images_name_their_registry() {
        for (image, expected) in [
            ("nginx:1", HUB),
            ("shop/web", HUB),
            ("docker.io/shop/web", HUB),
            ("ghcr.io/a/b:1", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("reg:5000/a", "reg:5000"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }
}
