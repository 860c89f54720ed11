//! The page of `rhumb compare` in a real browser: it loads in silence, fits a phone, can be read in the light and in the
//! dark, and shows nothing of a chart as markup.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rhumb_integration::{ChartFolder, Rhumb, trial};
use serde_json::Value;
use tempfile::TempDir;

/// Measures the page in a frame, whose width is what the page takes for the screen's. A contrast is told by WCAG 2's formula, of
/// the worst text, against the nearest ground that is painted.
const PROBE: &str = include_str!("page/probe.html");

/// The least contrast of text to its ground. Source: WCAG 2.2, success criterion 1.4.3.
const CONTRAST: f64 = 4.5;

/// What the browser says of a page.
#[derive(Debug)]
struct Seen {
    measured: Value,
    said: String,
}

fn has_browser() -> bool {
    Command::new("chromium").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Loads a page at a width, by a scheme of colours.
fn look(page: &Path, width: u32, scheme: &str) -> Seen {
    let folder = TempDir::new().unwrap();
    let probe = folder.path().join("probe.html");
    let address = format!("file://{}", page.display());
    fs::write(&probe, PROBE.replace("PAGE", &address).replace("WIDTH", &width.to_string())).unwrap();
    // Blink's numbers: 0 is dark, 1 is light.
    let scheme = u8::from(scheme != "dark");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("file://{}", probe.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: Vec<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .map(str::to_owned)
        .collect();
    let measured = dom.split("<pre id=\"measured\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let measured = measured.unwrap_or_else(|| panic!("nothing was measured:\n{dom}"));
    let measured = measured.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
    let measured = serde_json::from_str(&measured).unwrap_or_else(|error| panic!("{error}: {measured}"));
    Seen { measured, said: said.join("\n") }
}

fn page_of(chart: &str, folder: &TempDir) -> std::path::PathBuf {
    let page = folder.path().join("page.html");
    Rhumb::memory().succeed(&["compare", chart, "--targets", ALL, "--out", page.to_str().unwrap()]).unwrap();
    page
}

const ALL: &str = "ecs,ecs-ec2,kubernetes,marathon,swarm";

fn sock_shop() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/sock-shop").to_string_lossy().into_owned()
}

/// A chart of which every text that reaches the page would be markup if it were taken for it.
fn hostile() -> ChartFolder {
    let app = "kind: Workload\nname: web\ncontainers:\n  web:\n    image: web\n    \
               mounts: { '/a\"><img src=x onerror=alert(1)>': { host: /x } }\n";
    let chart =
        "name: test\nversion: 1.0.0\ndescription: '<img src=x onerror=alert(1)><script>alert(2)</script>'\n";
    ChartFolder::of(app).with("Chart.yaml", chart)
}

#[test]
fn a_page_fits_and_can_be_read() {
    if !has_browser() {
        trial::skip("chromium is not installed").unwrap();
        return;
    }
    let folder = TempDir::new().unwrap();
    let page = page_of(&sock_shop(), &folder);
    for (width, scheme) in [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")] {
        let Seen { measured, said } = look(&page, width, scheme);
        let what = format!("{width} px, {scheme}: {measured}");
        assert_eq!(said, "", "{what}");
        assert_eq!(measured["isDark"], scheme == "dark", "{what}");
        assert!(measured["scrollWidth"].as_u64().unwrap() <= u64::from(width), "{what}");
        assert!(measured["texts"].as_u64().unwrap() > 200, "{what}");
        assert!(measured["contrast"].as_f64().unwrap() >= CONTRAST, "{what}");
    }
}

#[test]
fn the_probe_sees_what_is_wrong() {
    if !has_browser() {
        trial::skip("chromium is not installed").unwrap();
        return;
    }
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("bad.html");
    let bad = "<!doctype html><body style='background:#fff'><p style='color:#bbb;width:600px'>pale</p>\
               <script>console.error('bad')</script>";
    fs::write(&page, bad).unwrap();
    let Seen { measured, said } = look(&page, 390, "light");
    assert!(said.contains("bad"), "{said}");
    assert!(measured["scrollWidth"].as_u64().unwrap() >= 600, "{measured}");
    assert!(measured["contrast"].as_f64().unwrap() < 2.0, "{measured}");
}

#[test]
fn nothing_of_a_chart_is_markup() {
    let folder = TempDir::new().unwrap();
    let chart = hostile();
    let page = page_of(chart.argument(), &folder);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("&lt;script&gt;"), "the chart's texts are there");
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    if has_browser() {
        assert_eq!(look(&page, 390, "light").said, "");
    }
}
