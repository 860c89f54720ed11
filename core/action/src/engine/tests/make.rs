//! Secret material that is made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{ErrorKind, Live, Material, Materials, Object, ObjectId, Observed};
use rhumb_spec::model::{Charset, Generate, GenerateKind};

use crate::engine::RunMaterials;

type Nothing = BTreeMap<String, Material>;

fn made(how: &Generate) -> String {
    let nothing = Nothing::new();
    let materials = RunMaterials::new(&nothing, "2026-11-21T03:00:00Z".parse().unwrap());
    let material = materials.generated("secret/db/x", how, None).unwrap();
    String::from_utf8(material.expose().to_vec()).unwrap()
}

fn generate(kind: GenerateKind) -> Generate {
    Generate { kind, ..Generate::default() }
}

#[test]
fn passwords_have_their_length_and_characters() {
    let allowed = |charset| -> fn(char) -> bool {
        match charset {
            Charset::Alphanumeric => |c| c.is_ascii_alphanumeric(),
            Charset::Hex => |c| matches!(c, '0'..='9' | 'a'..='f'),
            Charset::Numeric => |c| c.is_ascii_digit(),
            Charset::Ascii => |c| c.is_ascii_alphanumeric() || "!#$%&*+-.:;<=>?@^_~".contains(c),
        }
    };
    for charset in [Charset::Alphanumeric, Charset::Hex, Charset::Numeric, Charset::Ascii] {
        let password = made(&Generate { charset, length: Some(2000), ..generate(GenerateKind::Password) });
        assert_eq!(password.len(), 2000);
        assert!(password.chars().all(allowed(charset)), "{charset:?}");
        let distinct: std::collections::BTreeSet<char> = password.chars().collect();
        let possible = (' '..='~').filter(|c| allowed(charset)(*c)).count();
        assert_eq!(distinct.len(), possible, "every character comes up: {charset:?}");
    }
    assert_eq!(made(&generate(GenerateKind::Password)).len(), 32);
    assert_ne!(made(&generate(GenerateKind::Password)), made(&generate(GenerateKind::Password)));
}

#[test]
fn keys_and_ids_have_their_forms() {
    let key = made(&Generate { length: Some(48), ..generate(GenerateKind::Key) });
    assert_eq!(key.len(), 64, "48 bytes in base64");
    let id = made(&generate(GenerateKind::Uuid));
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
}

#[test]
fn a_certificate_and_its_key_belong_together() {
    let nothing = Nothing::new();
    let materials = RunMaterials::new(&nothing, "2026-11-21T03:00:00Z".parse().unwrap());
    let hosts = vec!["shop.example".to_owned(), "10.0.0.1".to_owned()];
    let how =
        Generate { hosts, private_key: Some("tls.key".to_owned()), ..generate(GenerateKind::Certificate) };
    let text = |part| {
        let material = materials.generated("secret/tls/tls.crt", &how, part).unwrap();
        String::from_utf8(material.expose().to_vec()).unwrap()
    };
    let (certificate, key) = (text(None), text(Some("tls.key")));
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{certificate}");
    let pair = rcgen::KeyPair::from_pem(&key).unwrap();
    let der = der(&certificate);
    let has = |needle: &[u8]| der.windows(needle.len()).any(|window| window == needle);
    assert!(has(pair.public_key_raw()) && has(b"shop.example") && has(&[10, 0, 0, 1]));
    assert!(has(b"261120000000Z") && has(b"361118000000Z"), "valid from a day ago for ten years");
}

fn der(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(lines).unwrap()
}

#[test]
fn what_cannot_be_made_is_refused() {
    let nothing = Nothing::new();
    let materials = RunMaterials::new(&nothing, Timestamp::UNIX_EPOCH);
    let hosts = vec!["a".to_owned()];
    for how in [
        Generate { length: Some(0), ..generate(GenerateKind::Password) },
        Generate { length: Some(u32::MAX), ..generate(GenerateKind::Key) },
        generate(GenerateKind::Certificate),
        Generate { hosts: hosts.clone(), days: Some(u32::MAX), ..generate(GenerateKind::Certificate) },
        Generate { hosts: hosts.clone(), days: Some(4_000_000), ..generate(GenerateKind::Certificate) },
        Generate { hosts: vec!["ü".to_owned()], ..generate(GenerateKind::Certificate) },
    ] {
        let error = materials.generated("secret/a/b", &how, None).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{how:?}");
    }
    let password = generate(GenerateKind::Password);
    assert_eq!(
        materials.generated("secret/a/c", &password, Some("key")).unwrap_err().kind,
        ErrorKind::Invalid
    );
}

#[test]
fn one_name_has_one_material_in_one_run() {
    let nothing = Nothing::new();
    let materials = RunMaterials::new(&nothing, Timestamp::UNIX_EPOCH);
    let password = |of: &str| Demand::Generate { of: of.to_owned(), how: Generate::default(), part: None };
    let url = Demand::Template {
        text: "postgres://app:{password}@db".to_owned(),
        keys: [("password".to_owned(), password("secret/db/password"))].into(),
    };
    let bytes = |demand: &Demand| meet(demand, &materials).unwrap().expose().to_vec();
    let one = String::from_utf8(bytes(&password("secret/db/password"))).unwrap();
    assert_eq!(bytes(&url), format!("postgres://app:{one}@db").into_bytes());
    assert_ne!(bytes(&password("secret/other/password")), one.into_bytes());
}

#[test]
fn what_an_earlier_run_made_is_not_made_twice() {
    let nothing = Nothing::new();
    let demand = |of: &str, rotation: Option<&str>| Demand::Generate {
        of: of.to_owned(),
        how: Generate { rotation: rotation.map(str::to_owned), ..Generate::default() },
        part: None,
    };
    let object = |of: &str| {
        let body = serde_json::json!({ "Data": demand(of, None).to_value() });
        Object { generation: Some("g".to_owned()), ..Object::new(ObjectId::from(of), body) }
    };
    let there = Live {
        object: object("secret/db/password"),
        native: "n".to_owned(),
        version: None,
        outputs: BTreeMap::new(),
        holds: std::collections::BTreeSet::new(),
        foreign: None,
    };
    let user = Live {
        object: Object::new(ObjectId::from("service/db"), serde_json::json!({})),
        native: "s".to_owned(),
        holds: ["n".to_owned()].into(),
        ..there.clone()
    };
    let observed = Observed { objects: vec![there, user], ..Observed::default() };
    let last = [object("secret/db/password"), object("secret/db/gone")];
    let materials = RunMaterials::new(&nothing, Timestamp::UNIX_EPOCH).with_earlier(&last, &observed);
    let error = meet(&demand("secret/db/password", None), &materials).unwrap_err();
    assert_eq!(error.kind, ErrorKind::MaterialMissing);
    assert!(error.remedy.unwrap().contains("rotation"));
    meet(&demand("secret/db/password", Some("2")), &materials).unwrap();
    meet(&demand("secret/db/gone", None), &materials).unwrap();
}

#[test]
fn what_the_user_gave_is_handed_on_and_what_is_missing_is_named() {
    let given: Nothing = [("id".to_owned(), Material::new(b"canary".to_vec()))].into();
    let materials = RunMaterials::new(&given, Timestamp::UNIX_EPOCH);
    assert_eq!(materials.sealed("id").unwrap().expose(), b"canary");
    let error = materials.sealed("other").unwrap_err();
    assert_eq!(error.kind, ErrorKind::MaterialMissing);
    assert!(error.remedy.unwrap().starts_with("pass every secret value of the chart again"));
    assert!(!format!("{materials:?}").contains("canary"));
}
