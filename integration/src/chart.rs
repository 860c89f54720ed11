//! Charts for tests, made in temporary folders.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A chart in a temporary folder, which goes when the value is dropped.
#[derive(Debug)]
pub struct ChartFolder {
    folder: TempDir,
}

impl ChartFolder {
    /// A chart with one template.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn of(app: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let chart = Self { folder };
        chart.write("Chart.yaml", "name: test\nversion: 1.0.0\n");
        chart.write("values.yaml", "{}\n");
        chart.write("templates/app.yaml", app);
        chart
    }

    /// Writes a file, in the place of an earlier one.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).expect("a folder of the chart");
        }
        fs::write(file, text).expect("a file of the chart");
    }

    /// With a further file.
    #[must_use]
    pub fn with(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// The chart's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The chart's folder, as an argument.
    ///
    /// # Panics
    /// When the temporary folder's name is no text.
    pub fn argument(&self) -> &str {
        self.path().to_str().expect("a folder with a plain name")
    }
}
