//! The template engine of one chart: its templates, and what charts around and inside it lend.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use globset::GlobBuilder;
use rhumb_spec::Diagnostic;
use tera::{Context, Error, ErrorKind, Kwargs, Map, State, Tera, TeraResult, Value};

use crate::fault::{self, Original, Sources};
use crate::files::Files;
use crate::functions;
use crate::render::Limits;
use crate::source::with_marks;
use crate::strict::Strict;

/// Deepest nesting of `include` and `tpl` in one another.
const MAX_DEPTH: usize = 12;

/// The most errors of syntax that are collected from one chart.
const MAX_ERRORS: usize = 20;

/// A template that an engine knows.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// How templates call it.
    pub(crate) name: String,
    /// The file, as people know it.
    pub(crate) shown: String,
    pub(crate) text: Arc<str>,
}

/// A chart's templates, ready to be rendered.
pub(crate) struct Engine {
    tera: Arc<Tera>,
    shared: Arc<Shared>,
    sources: Sources,
}

/// What the functions of templates share with the engine that they are called from.
struct Shared {
    tera: OnceLock<Weak<Tera>>,
    /// The context that every template begins with.
    root: Context,
    files: Arc<Files>,
    budget: Arc<Budget>,
    depth: AtomicUsize,
    /// The first error inside an `include` or `tpl`, which is nearer to its cause than what comes of it.
    inner: Mutex<Option<Error>>,
}

/// What all templates together may still output, in bytes.
pub(crate) struct Budget {
    left: AtomicU64,
    limit: u64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { left: AtomicU64::new(limits.output_bytes), limit: limits.output_bytes }
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let spent =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        spent.map(|_| ()).map_err(|_| {
            self.left.store(0, Ordering::Relaxed);
            io::Error::other("too much output")
        })
    }

    fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

struct Bounded<'b> {
    text: Vec<u8>,
    budget: &'b Budget,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.budget.spend(bytes.len())?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) templates: Vec<Named>,
    /// Folders in which a template is looked for that has no such name itself; the first one wins.
    pub(crate) search: Vec<String>,
    pub(crate) root: Context,
    pub(crate) files: Arc<Files>,
    pub(crate) budget: Arc<Budget>,
    /// Put marks into the output that say which line it comes from; files are numbered in this order.
    pub(crate) marks: Option<Vec<String>>,
}

impl Engine {
    /// Parses the templates.
    ///
    /// # Errors
    /// Every error of syntax, or else every name that is used and not defined.
    pub(crate) fn new(parts: Parts) -> Result<Self, Vec<Diagnostic>> {
        let marks = parts.marks.as_deref();
        let sources: Sources = parts.templates.iter().map(|named| original(named, marks)).collect();
        let shared = Arc::new(Shared {
            tera: OnceLock::new(),
            root: parts.root,
            files: parts.files,
            budget: parts.budget,
            depth: AtomicUsize::new(0),
            inner: Mutex::new(None),
        });
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        functions::register(&mut tera);
        register(&mut tera, &shared);
        tera.set_fallback_prefixes(parts.search).map_err(|error| fault::diagnose(&error, &sources))?;
        let texts = sources.iter().map(|(name, source)| (name.clone(), source.changed.text.clone()));
        let mut texts: Vec<(String, String)> = texts.collect();
        texts.sort_unstable();
        add_templates(&mut tera, texts, &sources)?;
        let tera = Arc::new(tera);
        // The cell is new, so it is empty.
        let _ = shared.tera.set(Arc::downgrade(&tera));
        Ok(Self { tera, shared, sources })
    }

    /// Renders a template.
    pub(crate) fn render(&self, name: &str) -> Result<String, Vec<Diagnostic>> {
        self.shared.render(&self.tera, name, &self.shared.root).map_err(|error| {
            if self.shared.budget.is_spent() {
                return vec![self.too_much(name)];
            }
            let inner = self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(inner) = inner else { return fault::diagnose(&error, &self.sources) };
            let mut problems = fault::diagnose(&inner, &self.sources);
            let outer = fault::diagnose(&error, &self.sources);
            if let (Some(problem), Some(place)) =
                (problems.first_mut(), outer.first().and_then(|outer| outer.place.clone()))
            {
                let why = problem.why.take().map_or_else(String::new, |why| format!("{why}\n"));
                problem.why = Some(format!("{why}called from {}:{}", place.file, place.line));
                if problem.place.is_none() {
                    problem.place = Some(place);
                }
            }
            problems
        })
    }

    fn too_much(&self, name: &str) -> Diagnostic {
        let limit = self.shared.budget.limit;
        let shown = self.sources.get(name).map_or(name, |source| &source.shown);
        Diagnostic::error("", format!("the templates render to more than {} MiB", limit >> 20))
            .why("a loop in a template may have no end, or a value may be far too large")
            .remedy("a bound for each `range(end=…)`, and values of the size that was meant")
            .at(shown, 1)
    }
}

/// A template as its author wrote it, or with marks.
fn original(named: &Named, marks: Option<&[String]>) -> (String, Original) {
    let file = marks.and_then(|files| files.iter().position(|file| *file == named.shown));
    let text: Arc<str> = file.map_or_else(|| named.text.clone(), |file| with_marks(&named.text, file).into());
    let changed = Strict::new(&text);
    (named.name.clone(), Original { shown: named.shown.clone(), text, changed })
}

/// Adds all templates; where one cannot be parsed, goes on with the others to find what is wrong with them.
fn add_templates(
    tera: &mut Tera,
    mut texts: Vec<(String, String)>,
    sources: &Sources,
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    while let Err(error) = tera.add_raw_templates(texts.iter().map(|(name, text)| (name, text))) {
        let broken = match error.kind() {
            ErrorKind::SyntaxError(report) => texts.iter().position(|(name, _)| name == report.filename()),
            // With templates missing, what the others refer to cannot be judged.
            _ if !problems.is_empty() => break,
            _ => None,
        };
        problems.extend(fault::diagnose(&error, sources));
        match broken {
            Some(index) if problems.len() < MAX_ERRORS => drop(texts.remove(index)),
            _ => break,
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

impl Shared {
    fn render(&self, tera: &Tera, name: &str, context: &Context) -> TeraResult<String> {
        let mut output = Bounded { text: Vec::new(), budget: &self.budget };
        tera.render_to(name, context, &mut output)?;
        Ok(String::from_utf8(output.text)?)
    }

    /// Renders something from inside a template.
    fn nested(
        &self,
        arguments: &Kwargs,
        render: impl FnOnce(&Tera, &Context, &mut Bounded<'_>) -> TeraResult<()>,
    ) -> TeraResult<Value> {
        let Some(tera) = self.tera.get().and_then(Weak::upgrade) else {
            return Err(Error::message("templates are not ready yet"));
        };
        let mut context = self.root.clone();
        for (key, value) in arguments.iter().filter(|(key, _)| key.as_str() != Some("name")) {
            context.insert_value(key.to_string(), value.clone());
        }
        if self.depth.fetch_add(1, Ordering::Relaxed) >= MAX_DEPTH {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::message(format!("`include` and `tpl` are nested more than {MAX_DEPTH} deep")));
        }
        let mut output = Bounded { text: Vec::new(), budget: &self.budget };
        let result = render(&tera, &context, &mut output);
        self.depth.fetch_sub(1, Ordering::Relaxed);
        match result {
            Ok(()) => Ok(String::from_utf8(output.text)?.into()),
            Err(error) => {
                self.inner.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                Err(Error::message("what is included failed"))
            }
        }
    }

    fn file(&self, function: &str, arguments: &Kwargs) -> TeraResult<&[u8]> {
        functions::check_arguments(function, &["path"], arguments)?;
        let path = arguments.must_get::<&str>("path")?;
        self.files.get(path).filter(|_| is_lent(path)).ok_or_else(|| {
            let near = rhumb_spec::suggest(
                path,
                self.files.iter().map(|(path, _)| path).filter(|path| is_lent(path)),
            );
            let hint = near.map_or_else(String::new, |near| format!("; there is `{near}`"));
            Error::message(format!("the chart has no file `{path}`{hint}"))
        })
    }
}

/// Whether templates may read a file: everything but the templates themselves and what makes a folder a chart.
pub(crate) fn is_lent(path: &str) -> bool {
    !path.starts_with("templates/")
        && !matches!(path, "Chart.yaml" | "values.yaml" | "values.schema.json" | "NOTES.txt" | ".rhumbignore")
}

fn register(tera: &mut Tera, shared: &Arc<Shared>) {
    let with = |shared: &Arc<Shared>| shared.clone();
    let here = with(shared);
    tera.register_function("include", move |arguments: Kwargs, _: &State<'_>| {
        let name = arguments.must_get::<&str>("name")?.to_owned();
        here.nested(&arguments, |tera, context, output| tera.render_to(&name, context, output))
    });
    let here = with(shared);
    tera.register_filter("tpl", move |template: Value, arguments: Kwargs, _: &State<'_>| {
        let Some(template) = template.as_str().map(|text| Strict::new(text).text) else {
            return Err(Error::message(format!("`tpl` takes text, and this is a {}", template.name())));
        };
        here.nested(&arguments, |tera, context, output| tera.render_str_to(&template, context, false, output))
    });
    let here = with(shared);
    tera.register_function("file", move |arguments: Kwargs, _: &State<'_>| {
        let text = std::str::from_utf8(here.file("file", &arguments)?);
        text.map(Value::from).map_err(|_| Error::message("the file is no text: use `file_base64`"))
    });
    let here = with(shared);
    tera.register_function("file_base64", move |arguments: Kwargs, _: &State<'_>| {
        Ok::<_, Error>(BASE64_STANDARD.encode(here.file("file_base64", &arguments)?))
    });
    let here = with(shared);
    tera.register_function("glob", move |arguments: Kwargs, _: &State<'_>| glob(&here.files, &arguments));
}

/// The text files whose paths match, by path.
fn glob(files: &Files, arguments: &Kwargs) -> TeraResult<Value> {
    functions::check_arguments("glob", &["pattern"], arguments)?;
    let pattern = arguments.must_get::<&str>("pattern")?;
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let matcher = glob
        .map_err(|error| Error::message(format!("`{pattern}` is no pattern: {error}")))?
        .compile_matcher();
    let mut found = Map::new();
    for (path, content) in files.iter().filter(|(path, _)| is_lent(path) && matcher.is_match(path)) {
        let text = std::str::from_utf8(content);
        let text = text.map_err(|_| Error::message(format!("`{path}` is no text: use `file_base64`")))?;
        found.insert(path.to_owned().into(), text.into());
    }
    Ok(found.into())
}
