//! From a line of rendered text back to the template's line.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use rhumb_spec::{Diagnostic, Place};

use crate::render::{Limits, RenderedFile, Unit, render_unit};
use crate::source::{Mark, read_marks};

/// Finds the template's line of rendered lines, by rendering once more with marks when it is asked for the first time.
pub(crate) struct Tracer {
    units: Vec<Unit>,
    limits: Limits,
    marked: OnceLock<HashMap<String, Traced>>,
}

/// Where the lines of a rendered file come from.
struct Traced {
    lines: Vec<Option<Mark>>,
    files: Arc<Vec<String>>,
}

impl Tracer {
    pub(crate) fn new(units: Vec<Unit>, limits: Limits) -> Self {
        Self { units, limits, marked: OnceLock::new() }
    }

    /// The template's line for a line of the text as Tera rendered it.
    ///
    /// None where that text has another number of lines than with marks: a template looked at what it had output.
    pub(crate) fn trace(&self, file: &str, line: u32, lines: u32) -> Option<Place> {
        let traced = self.marked.get_or_init(|| self.render()).get(file)?;
        if u32::try_from(traced.lines.len()).ok()? != lines {
            return None;
        }
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        // An error at the end of a text is found behind its last line.
        let mark = traced.lines.get(index).or_else(|| traced.lines.last())?.as_ref()?;
        Some(Place { file: traced.files.get(mark.file)?.clone(), line: mark.line, column: None })
    }

    fn render(&self) -> HashMap<String, Traced> {
        let files: Arc<Vec<String>> = Arc::new(
            self.units
                .iter()
                .flat_map(|unit| {
                    unit.templates.iter().chain(&unit.notes).map(|template| unit.shown(template))
                })
                .collect(),
        );
        // Marks are output, too, and shall not make a text too large that was not.
        let limits = Limits { output_bytes: self.limits.output_bytes.saturating_mul(4) };
        let mut traced = HashMap::new();
        for index in 0..self.units.len() {
            // What fails with marks has failed without, and was told.
            let (rendered, _) = render_unit(&self.units, index, limits, Some(&files));
            for file in rendered {
                let (_, lines) = read_marks(&file.text);
                traced.insert(file.file, Traced { lines, files: files.clone() });
            }
        }
        traced
    }
}

/// Puts the template's place into a diagnostic about rendered text.
pub(crate) fn locate(tracer: &Tracer, documents: &[RenderedFile], mut diagnostic: Diagnostic) -> Diagnostic {
    let Some(place) = &diagnostic.place else { return diagnostic };
    let document = documents.iter().find(|document| document.file == place.file);
    if let Some(traced) = document.and_then(|document| trace(tracer, document, place.line)) {
        diagnostic.place = Some(traced);
    }
    diagnostic
}

/// The template's line for a line of a document's text.
pub(crate) fn trace(tracer: &Tracer, document: &RenderedFile, line: u32) -> Option<Place> {
    tracer.trace(&document.file, document.line_before_sealing(line), document.raw_lines)
}
