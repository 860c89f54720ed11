//! The double of ECS, driven by AWS's own client.

use std::process::{Command, Stdio};

use rhumb_doubles::{ecs, has_modules, python};

#[test]
fn boto3_finds_what_the_reference_says() {
    if !has_modules(&["boto3", "moto", "flask"]) {
        println!(
            "skipped: python3 has no moto; integration/harness/aws/python.sh install makes one that has"
        );
        return;
    }
    let double = ecs::Double::start(ecs::Options::default()).expect("a double");
    let mut settings = double.settings();
    settings["account"] = double.account().account.clone().into();
    settings["listener"] = double.account().listener.clone().into();
    settings["vpc"] = double.account().vpc.clone().into();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ecs_flows.py");
    let output = Command::new(python())
        .args(["-I", script, double.url(), &settings.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("python starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("violations:"), "the last flow did not run: {said}");
}
