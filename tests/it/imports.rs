//! There are no circular imports between files, not even indirect ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{UseTree, visit::Visit};

/// The path of a module from the root of the crate: `["pve", "api"]`.
type Module = Vec<String>;
/// The modules that each module imports from.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn module(root: &Path, file: &Path) -> Module {
    let place = file.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Module =
        place.components().map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// Every path that a file names, as written: `["crate", "pve", "Error"]`. Its tests are excluded.
struct Named(Vec<Module>);

impl Named {
    fn tree(&mut self, tree: &UseTree, before: &Module) {
        let mut path = before.clone();
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.tree(&part.tree, &path);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.0.push(path);
            }
            UseTree::Rename(name) => {
                path.push(name.ident.to_string());
                self.0.push(path);
            }
            UseTree::Glob(_) => self.0.push(path),
        }
    }
}

impl Visit<'_> for Named {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.tree(&item.tree, &Vec::new());
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.0.push(path.segments.iter().map(|part| part.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let is_test = |attribute: &syn::Attribute| attribute.path().is_ident("cfg");
        if !item.attrs.iter().any(is_test) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// The file that a path leads to. A path within the importing file's own folder leads to one of the file's own parts.
fn target(of: &Module, path: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let mut full = match path.first()?.as_str() {
        "crate" => path[1..].to_vec(),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            [&of[..of.len().checked_sub(ups)?], &path[ups..]].concat()
        }
        _ => return None,
    };
    while !full.is_empty() && !known.contains(&full) {
        full.pop();
    }
    (!full.is_empty() && full != *of && !of.starts_with(&full)).then_some(full)
}

fn imports(root: &Path) -> Imports {
    let mut all = Vec::new();
    files(root, &mut all);
    let known: BTreeSet<Module> = all.iter().map(|file| module(root, file)).collect();
    let of_file = |file: &PathBuf| {
        let mut named = Named(Vec::new());
        named.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
        let of = module(root, file);
        let targets = named.0.iter().filter_map(|path| target(&of, path, &known)).collect();
        (of, targets)
    };
    all.iter().map(of_file).collect()
}

/// The modules in circles: those that remain after repeatedly removing modules that import none of the remaining ones.
fn circles(mut imports: Imports) -> Imports {
    loop {
        let left: BTreeSet<Module> = imports.keys().cloned().collect();
        imports.values_mut().for_each(|targets| targets.retain(|target| left.contains(target)));
        let before = imports.len();
        imports.retain(|_, targets| !targets.is_empty());
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn no_files_import_from_each_other() {
    let imports = imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let count: usize = imports.values().map(BTreeSet::len).sum();
    assert!(800 < count, "{count} imports were found");
    // Modules that lead into a circle remain as well; the files in a circle import only from those that are shown.
    let circles = circles(imports);
    let shown: Vec<String> = circles
        .iter()
        .map(|(module, targets)| {
            let targets: Vec<String> = targets.iter().map(|target| target.join("::")).collect();
            format!("{} imports from {}", module.join("::"), targets.join(", "))
        })
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let one = |name: &str| vec![name.to_owned()];
    let of = |pairs: &[(&str, &[&str])]| -> Imports {
        pairs
            .iter()
            .map(|(module, targets)| (one(module), targets.iter().map(|target| one(target)).collect()))
            .collect()
    };
    let way = of(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert!(circles(way).is_empty());
    let round = of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &[])]);
    assert_eq!(circles(round).len(), 3);
}
