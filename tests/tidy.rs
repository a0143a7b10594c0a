//! The rules of the house that the compiler does not know: who depends on whom, what may not be called where, sizes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which workspace crates each crate may depend on. `ARCHITECTURE.md` says why.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("planted", &[]),
    ("schemas", &[]),
    ("domain", &["planted", "schemas"]),
    ("event-log", &["planted", "schemas"]),
    ("cql", &["schemas"]),
    ("read-model", &["planted", "schemas", "cql"]),
    ("keys", &["planted", "schemas", "cql"]),
    ("intake", &["planted", "schemas"]),
    ("edge", &["planted", "schemas", "intake"]),
    ("processor", &["planted", "schemas", "domain", "event-log"]),
    ("projector", &["planted", "schemas", "event-log", "read-model"]),
    ("consumer", &["schemas", "event-log", "read-model"]),
    ("payments", &["planted", "schemas", "event-log", "read-model", "consumer"]),
    ("fulfilment", &["planted", "schemas", "domain", "event-log", "read-model", "consumer", "keys"]),
    ("inbound", &["planted", "schemas", "event-log", "read-model", "consumer", "intake"]),
    ("notifier", &["schemas", "event-log", "read-model", "consumer", "keys"]),
    ("engines", &[]),
    ("crash", &["schemas", "domain", "event-log", "processor", "projector", "read-model", "keys"]),
    ("mutants", &["planted"]),
    ("command-api", &["planted", "schemas", "event-log", "read-model", "keys", "intake", "edge"]),
    ("query-api", &["planted", "schemas", "event-log", "read-model", "keys", "edge"]),
];

/// The crate that starts real servers, and those whose tests may ask it to. It is nobody's dependency otherwise.
const SERVERS_OF_TESTS: (&str, &[&str]) =
    ("engines", &["event-log", "read-model", "keys", "processor", "projector", "notifier", "stockfold", "tests"]);

/// Composes all of them, or tests all of them: may depend on anything, and nothing depends on it.
const TOP: [&str; 2] = ["stockfold", "tests"];

/// The crate that speaks to a library in C, and the one file of it that has unsafe code.
const SPEAKS_C: (&str, &str) = ("crash", "tests/crash/src/vfs.rs");

/// Words in sources, and the only places where they may stand (a prefix of the path each).
const CONFINED: &[(&str, &[&str])] = &[
    ("axum::", &["services/edge/", "services/command-api/", "services/query-api/", "services/stockfold/", "tests/"]),
    (
        "rusqlite::",
        &["services/event-log/src/sqlite", "services/read-model/src/sqlite", "services/keys/src/sqlite", "tests/"],
    ),
    ("rdkafka::", &["services/event-log/src/kafka"]),
    ("scylla::", &["services/cql/"]),
    ("Utc::now", &["services/stockfold/src/"]),
    ("SystemTime::now", &["services/stockfold/src/"]),
];

/// What the pure core may not mention at all.
const NOT_IN_DOMAIN: &[&str] =
    &["tokio", "tracing::", "std::time", "std::thread", "std::fs", "std::net", "rand", "new_v4", "now_v7", "println!"];

/// Names that say nothing about what is in the room.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager", "types"];

/// Files of more than 400 lines: each with the most it may have. Only ever lower a number.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions of more than 70 lines: each with the most it may have. Only ever lower a number.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Every Rust source of the workspace: path from the root, and text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    walk(&path, root, found);
                }
            } else if name.ends_with(".rs") {
                let inside = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
                found.push((inside, fs::read_to_string(&path).expect("a readable source")));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["schemas", "services", "tests"] {
        walk(&root().join(folder), &root(), &mut found);
    }
    assert!(found.len() > 50, "the walk found only {} sources", found.len());
    found.sort();
    found
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut folders: Vec<_> =
        ["schemas", "tests", "tests/crash", "tests/engines", "tests/mutants"].map(|folder| root().join(folder)).into();
    folders.extend(fs::read_dir(root().join("services")).expect("services").map(|entry| entry.expect("entry").path()));
    let manifests = folders.into_iter().map(|folder| {
        let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let table: toml::Table = text.parse().expect("TOML");
        (table["package"]["name"].as_str().expect("a name").to_owned(), table)
    });
    manifests.collect()
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("tests.rs")
        || path.contains("/test_support")
}

/// The text of a source up to its unit tests, without comments: what the rules about calls look at.
fn code(text: &str) -> String {
    // Tests in a file of their own are only named here, anywhere.
    let opens =
        |(at, mark): &(usize, &str)| text[at + mark.len()..].lines().next().is_some_and(|name| name.ends_with('{'));
    let end = text.match_indices("#[cfg(test)]\nmod ").find(opens).map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether the code mentions a word. One that ends in `::` is a crate: a module of ours may be called like it, and is not
/// meant where it stands inside of a path.
fn mentions(code: &str, word: &str) -> bool {
    let of_a_name = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let crate_begins = |before: &str| !of_a_name(before.strip_suffix("::").unwrap_or(before));
    code.match_indices(word).any(|(at, _)| !word.ends_with("::") || crate_begins(&code[..at]))
}

#[test]
fn crates_depend_only_on_what_the_table_allows() {
    let manifests = manifests();
    let names: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    let listed: BTreeSet<&str> = MAY_DEPEND_ON.iter().map(|(name, _)| *name).chain(TOP).collect();
    assert_eq!(names, listed, "a crate is missing from the table, or the table names one that is gone");
    for (name, allowed) in MAY_DEPEND_ON {
        let empty = toml::Table::new();
        let dependencies = manifests[*name].get("dependencies").and_then(toml::Value::as_table).unwrap_or(&empty);
        for dependency in dependencies.keys().filter(|key| names.contains(key.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not depend on {dependency}");
        }
    }
}

#[test]
fn only_tests_start_real_servers() {
    let (servers, users) = SERVERS_OF_TESTS;
    for (name, manifest) in manifests() {
        let takes = |kind: &str| manifest.get(kind).and_then(|table| table.get(servers)).is_some();
        assert!(!takes("dependencies") && !takes("build-dependencies"), "{name} may depend on {servers} in tests only");
        assert!(!takes("dev-dependencies") || users.contains(&name.as_str()), "{name} may not depend on {servers}");
    }
}

#[test]
fn planted_bugs_are_compiled_out() {
    let manifests = manifests();
    let default = manifests["planted"]["features"].get("default");
    assert!(default.is_none_or(|default| default.as_array().is_some_and(Vec::is_empty)), "`planted` is on by default");
    let workspace: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let shared = workspace["workspace"]["dependencies"].as_table().expect("shared versions");
    assert!(shared["planted"].get("features").is_none(), "the workspace enables features of `planted`");
    for (name, manifest) in &manifests {
        let on = |value: &toml::Value| value.to_string().contains("planted/");
        assert!(!manifest.get("features").is_some_and(on), "{name} has a feature that enables planted bugs");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let planted = manifest.get(kind).and_then(|table| table.get("planted"));
            assert!(planted.is_none_or(|planted| planted.get("features").is_none()), "{name} enables planted bugs");
        }
    }
}

#[test]
fn every_planted_bug_stands_somewhere() {
    let code: Vec<String> = sources().iter().map(|(_, text)| code(text)).collect();
    for bug in planted::ALL {
        let asked = format!("planted::bug!(\"{}\")", bug.name);
        assert!(
            code.iter().any(|code| code.contains(&asked)),
            "nothing asks for `{}`: it is planted nowhere",
            bug.name
        );
    }
}

#[test]
fn every_crate_follows_the_workspace_lints() {
    let workspace: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let mut with_c = workspace["workspace"]["lints"].as_table().expect("lints").clone();
    with_c["rust"]["unsafe_code"] = "deny".into();
    for (name, manifest) in manifests() {
        let lints = manifest.get("lints").and_then(toml::Value::as_table).expect("lints");
        if name == SPEAKS_C.0 {
            assert_eq!(*lints, with_c, "{name}/Cargo.toml has the workspace's lints, but for unsafe code");
        } else {
            let follows = lints.get("workspace").and_then(toml::Value::as_bool);
            assert_eq!(follows, Some(true), "{name}/Cargo.toml lacks `[lints] workspace = true`");
        }
    }
}

#[test]
fn one_file_speaks_c() {
    let allows = ["allow(uns", "afe_code)"].concat();
    let files: Vec<_> =
        sources().into_iter().filter(|(_, text)| text.contains(&allows)).map(|(path, _)| path).collect();
    assert_eq!(files, [SPEAKS_C.1]);
}

#[test]
fn libraries_and_clocks_stand_only_where_they_belong() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        for (word, places) in CONFINED {
            if !is_test(&path) && mentions(&code, word) && !places.iter().any(|place| path.starts_with(place)) {
                faults.push(format!("{path} mentions `{word}`; that stands only in {places:?}"));
            }
        }
        for word in NOT_IN_DOMAIN {
            if path.starts_with("services/domain/src") && !is_test(&path) && code.contains(word) {
                faults.push(format!("{path} mentions `{word}`: the domain is pure"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_crate_is_told_from_a_module_of_the_same_name() {
    for code in ["use scylla::x;", "(scylla::x)", "::scylla::x", "{scylla::x}"] {
        assert!(mentions(code, "scylla::"), "{code}");
    }
    for code in ["read_model::scylla::x", "self::scylla::x", "my_scylla::x"] {
        assert!(!mentions(code, "scylla::"), "{code}");
    }
    assert!(mentions("chrono::Utc::now()", "Utc::now"));
}

#[test]
fn nothing_is_left_half_done_or_skipped() {
    // Put together here, so that this file does not find itself.
    let marks = [["#[ig", "nore"], ["to", "do!("], ["unimple", "mented!("], ["FIX", "ME"], ["TO", "DO:"], ["X", "XX"]];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for mark in marks.map(|halves| halves.concat()) {
            if text.contains(&mark) {
                faults.push(format!("{path} contains `{mark}`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rooms_have_names_that_say_what_is_in_them() {
    for (path, _) in sources() {
        let stem = Path::new(&path).file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(!EMPTY_NAMES.contains(&stem.as_str()), "{path}: the name says nothing");
    }
}

#[test]
fn files_stay_small() {
    let mut faults = Vec::new();
    let allowed: BTreeMap<_, _> = LONG_FILES.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let most = allowed.get(path.as_str()).copied().unwrap_or(400);
        seen.insert(path.clone());
        if lines > most {
            faults.push(format!("{path} has {lines} lines, at most {most} are allowed: split it by what it does"));
        }
        if most > 400 && lines <= 400 {
            faults.push(format!("{path} has {lines} lines now: take it out of LONG_FILES"));
        }
    }
    faults.extend(allowed.keys().filter(|path| !seen.contains(**path)).map(|path| format!("{path} is gone")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The functions of a source with their lengths, by indentation: rustfmt closes a function where it began.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_fn = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "const fn ",
            "pub const fn ",
            "pub(super) async fn ",
            "pub(crate) async fn ",
        ];
        if !is_fn.iter().any(|start| trimmed.starts_with(start)) {
            continue;
        }
        let indent = line.len() - trimmed.len();
        let close = format!("{}}}", " ".repeat(indent));
        if let Some(end) = lines[at..].iter().position(|line| *line == close) {
            let name = trimmed.split("fn ").nth(1).unwrap_or("").split(['(', '<']).next().unwrap_or("").to_owned();
            found.push((name, end + 1));
        }
    }
    found
}

#[test]
fn functions_stay_short() {
    let allowed: BTreeMap<_, _> = LONG_FUNCTIONS.iter().copied().collect();
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for (name, lines) in functions(&text) {
            let most = allowed.get(format!("{path}::{name}").as_str()).copied().unwrap_or(70);
            if lines > most {
                faults.push(format!("{path}::{name} has {lines} lines, at most {most} are allowed"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_map_names_every_crate() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for name in manifests().keys() {
        assert!(map.contains(&format!("`{name}`")), "ARCHITECTURE.md says nothing of `{name}`");
    }
}
