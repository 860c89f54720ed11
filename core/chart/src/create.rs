//! The chart that a person begins with.

use crate::files::Files;
use crate::metadata::is_chart_name;

/// What stands for the chart's name in the files of the scaffold.
const NAME: &str = "__NAME__";

const SCAFFOLD: [(&str, &str); 7] = [
    (".rhumbignore", include_str!("../scaffold/.rhumbignore")),
    ("Chart.yaml", include_str!("../scaffold/Chart.yaml")),
    ("NOTES.txt", include_str!("../scaffold/NOTES.txt")),
    ("README.md", include_str!("../scaffold/README.md")),
    ("templates/web.yaml", include_str!("../scaffold/templates/web.yaml")),
    ("values.schema.json", include_str!("../scaffold/values.schema.json")),
    ("values.yaml", include_str!("../scaffold/values.yaml")),
];

/// The files of a new chart: an HTTP service with configuration, secrets and a route, each by choice.
///
/// It has no lint and installs as it is. `None` if the name cannot name a chart; see [`is_chart_name`].
pub fn create(name: &str) -> Option<Files> {
    if !is_chart_name(name) {
        return None;
    }
    let mut files = Files::new();
    for (path, text) in SCAFFOLD {
        files.insert(path, text.replace(NAME, name)).ok()?;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::lint::{lint, sample};
    use crate::values::UserValues;

    #[test]
    fn a_new_chart_has_no_lint() {
        let files = create("shop").unwrap();
        assert_eq!(lint(&files, UserValues::new(), &sample()), []);
        let mut everything = UserValues::new();
        let values = "env: {A: 1}\nsecretEnv: {B: canary}\nconfig: {a.conf: 'x: y'}\nroute: {host: h.example}\nready: /\n";
        everything.file("all.yaml", values).unwrap();
        assert_eq!(lint(&files, everything.clone(), &sample()), []);
        let chart = Chart::from_files(files).unwrap();
        let rendered = chart.render(&chart.values(everything).unwrap(), &sample()).unwrap();
        let app = rendered.parse().unwrap().app;
        assert_eq!(
            (app.workloads.len(), app.configs.len(), app.secrets.len(), app.routes.len()),
            (1, 1, 1, 1)
        );
        assert!(rendered.notes.unwrap().contains("h.example"));
    }

    fn check_cleared(name: &str, files: &Files, cleared: &str) {
        let mut values = UserValues::new();
        values.file("null.yaml", cleared).unwrap();
        let found = lint(files, values, &sample());
        assert!(crate::lint::is_sound(&found), "{name}: {found:?}");
    }

    #[test]
    fn maps_can_be_cleared() {
        check_cleared("new", &create("shop").unwrap(), "{env: null, secretEnv: null, config: null}");
        let charts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
        for (name, cleared) in [
            ("web", "{env: null, secretEnv: null, config: null, command: null, args: null}"),
            ("postgres", "{config: null}"),
        ] {
            check_cleared(name, &crate::load::load_files(&charts.join(name)).unwrap(), cleared);
        }
    }

    #[test]
    fn a_name_that_names_no_chart_makes_none() {
        assert_eq!(create("../evil"), None);
        assert_eq!(create("Shop"), None);
    }
}
