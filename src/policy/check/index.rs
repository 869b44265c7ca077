//! Which names a bundle defines, and where: packages, rules, functions, imports.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Module, Ref, Rule};
use serde_json::Value;

use super::super::problem::Problem;
use super::super::request::ModuleFile;
use super::syntax::{arity, chain, head};
use super::{AGGREGATOR, OWN};

/// A path beneath `data`.
pub(super) type Path = Vec<String>;

/// One module, with what its names mean.
pub(super) struct Parsed<'a> {
    /// The file it is.
    pub(super) file: &'a ModuleFile,
    /// Its syntax tree.
    pub(super) module: &'a Ref<Module>,
    /// Its package.
    pub(super) package: Path,
    /// Imported names, each with its full path from `data` or `input`.
    pub(super) aliases: BTreeMap<String, Path>,
}

/// All that is known of one rule, over all its definitions.
#[derive(Default)]
pub(super) struct Named {
    /// File and line of the first definition.
    pub(super) file: String,
    /// See `file`.
    pub(super) line: u32,
    /// Arities of its definitions; empty if it is no function.
    pub(super) arities: BTreeSet<usize>,
    /// Whether a definition is no function.
    pub(super) value: bool,
}

/// Every name of a bundle.
pub(super) struct Index<'a> {
    /// In the order of the files.
    pub(super) modules: Vec<Parsed<'a>>,
    /// Rules and functions by path.
    pub(super) rules: BTreeMap<Path, Named>,
    /// The data document.
    pub(super) data: &'a Value,
}

impl<'a> Index<'a> {
    /// Collects the names, and notes what is wrong with packages and imports.
    pub(super) fn build(
        files: &'a [ModuleFile],
        modules: &'a [Ref<Module>],
        data: &'a Value,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut index = Self { modules: Vec::new(), rules: BTreeMap::new(), data };
        for (file, module) in files.iter().zip(modules) {
            let package = package(file, module, problems);
            let aliases = aliases(file, module, problems);
            for rule in &module.policy {
                index.add(file, &package, rule);
            }
            index.modules.push(Parsed { file, module, package, aliases });
        }
        for (path, named) in &index.rules {
            if named.value && !named.arities.is_empty() {
                let message = format!("data.{} is a function and a rule", path.join("."));
                problems.push(Problem::new(&named.file, named.line, message));
            }
        }
        index
    }

    fn add(&mut self, file: &ModuleFile, package: &Path, rule: &Rule) {
        let head = head(rule);
        let chain = chain(head.name);
        let mut path = package.clone();
        path.extend(chain.variable().map(str::to_owned));
        path.extend(chain.known());
        let named = self.rules.entry(path).or_insert_with(|| Named {
            file: file.file.clone(),
            line: head.span.line,
            ..Named::default()
        });
        match arity(rule) {
            Some(arity) => {
                named.arities.insert(arity);
            }
            None => named.value = true,
        }
    }

    /// The rules that a reference to `path` may read: those on the way to it and those beneath it.
    pub(super) fn rules_at<'s>(&'s self, path: &'s [String]) -> impl Iterator<Item = &'s Path> {
        let above = (0..path.len()).filter_map(|length| path.get(..length));
        let above = above.filter_map(|prefix| Some(self.rules.get_key_value(prefix)?.0));
        let beneath = self.rules.range(path.to_vec()..).map(|(rule, _)| rule);
        above.chain(beneath.take_while(move |rule| rule.starts_with(path)))
    }

    /// Whether something stands at `path`: a rule, a package, or data.
    pub(super) fn exists(&self, path: &[String]) -> bool {
        self.rules_at(path).next().is_some()
            || self.modules.iter().any(|module| module.package.starts_with(path))
            || path.iter().try_fold(self.data, |at, name| at.get(name)).is_some()
    }
}

fn package(file: &ModuleFile, module: &Module, problems: &mut Vec<Problem>) -> Path {
    let chain = chain(&module.package.refr);
    let mut path: Path = chain.variable().map(str::to_owned).into_iter().collect();
    path.extend(chain.known());
    let mut wrong = |message: String, hint: &str| {
        problems.push(Problem::new(&file.file, module.package.span.line, message).hint(hint));
    };
    let plain = |part: &String| {
        part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    if !path.iter().all(plain) {
        wrong(format!("package {} has a part that is no plain name", path.join(".")), "");
    }
    let first = path.first().map_or("", String::as_str);
    if first == AGGREGATOR {
        wrong(format!("package {AGGREGATOR} is reserved"), "choose another name");
    }
    if first == OWN && !file.builtin {
        let hint = "choose another name; its rules can be read as data.countersign";
        wrong(format!("packages beneath {OWN} belong to the built-in bundle"), hint);
    }
    if module.target.is_some() {
        wrong("`__target__` is not a part of Rego".to_owned(), "remove it");
    }
    path
}

fn aliases(
    file: &ModuleFile,
    module: &Module,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Path> {
    let mut found = BTreeMap::new();
    for import in &module.imports {
        let chain = chain(&import.refr);
        let mut path: Path = chain.variable().map(str::to_owned).into_iter().collect();
        path.extend(chain.known());
        if !matches!(path.first().map(String::as_str), Some("data" | "input")) {
            continue;
        }
        let name = import.r#as.as_ref().map(|name| name.text().to_owned());
        let Some(name) = name.or_else(|| path.last().cloned()) else { continue };
        if path.len() < 2 && name == "data" {
            let message = "`import data` takes in everything; name a package";
            problems.push(Problem::new(&file.file, import.span.line, message));
        }
        found.insert(name, path);
    }
    found
}
