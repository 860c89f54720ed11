//! The pages of `rhumb compare` and `rhumb evaluate` in a real browser: they load in silence, fit a phone, can be read in the
//! light and in the dark, and show nothing of a chart as markup.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

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
    require_readable(&page_of(&sock_shop(), &folder), 200);
}

#[test]
fn a_page_with_plots_fits_and_can_be_read() {
    if !has_browser() {
        trial::skip("chromium is not installed").unwrap();
        return;
    }
    let folder = TempDir::new().unwrap();
    let url = forgetful();
    let page = measured_page(
        &sock_shop(),
        &folder,
        &["--rounds", "2", "--phases", "update,recovery", "--url", &url],
    );
    let text = fs::read_to_string(&page).unwrap();
    assert_eq!(text.matches("class=\"dot\"").count(), 1 + 3 * 2, "a dot for each round of what was done");
    assert!(text.contains("not possible here") && text.contains("Requests meanwhile"), "{text}");
    require_readable(&page, 80);
}

/// It fits phones and desks, and can be read on both in the light and in the dark.
fn require_readable(page: &Path, texts: u64) {
    for (width, scheme) in [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")] {
        let Seen { measured, said } = look(page, width, scheme);
        let what = format!("{width} px, {scheme}: {measured}");
        assert_eq!(said, "", "{what}");
        assert_eq!(measured["isDark"], scheme == "dark", "{what}");
        assert!(measured["scrollWidth"].as_u64().unwrap() <= u64::from(width), "{what}");
        assert!(measured["texts"].as_u64().unwrap() > texts, "{what}");
        assert!(measured["contrast"].as_f64().unwrap() >= CONTRAST, "{what}");
    }
}

/// The page of an evaluation on the memory target.
fn measured_page(chart: &str, folder: &TempDir, more: &[&str]) -> PathBuf {
    let out = folder.path().to_str().unwrap();
    let arguments = ["evaluate", chart, "--targets", "memory", "--out", out];
    Rhumb::memory().succeed(&[&arguments, more].concat()).unwrap();
    folder.path().join("report.html")
}

/// A server that forgets every seventh caller.
fn forgetful() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (turn, caller) in listener.incoming().flatten().enumerate() {
            let mut caller = caller;
            if turn % 7 != 6 && caller.read(&mut [0; 1024]).is_ok() {
                let _ =
                    caller.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        }
    });
    url
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
    let plots = measured_page(chart.argument(), &folder, &["--rounds", "1", "--rate", "0"]);
    for page in [page_of(chart.argument(), &folder), plots] {
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains("&lt;script&gt;"), "the chart's texts are there");
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        if has_browser() {
            assert_eq!(look(&page, 390, "light").said, "");
        }
    }
}
