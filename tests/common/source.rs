//! The files of `src` with what each of them imports, by their text alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Of a letter, digit or underscore.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A module's path: `["io", "csv", "number"]`; the library's own file has an empty one.
type Module = Vec<String>;

/// One file.
pub struct File {
    /// Path below `src`.
    pub name: String,
    /// Number of lines, comments and tests included.
    pub lines: usize,
    /// Whether this is a module's own file beside or in the folder of its parts.
    pub is_door: bool,
    module: Module,
    /// Without comments, contents of strings, and what is compiled for tests only.
    text: String,
}

impl File {
    /// The folder or file of `src` that this is in; the library's own file is in none.
    pub fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// Whether `word` stands in the code.
    pub fn has_word(&self, word: &str) -> bool {
        words(&self.text).any(|(_, w)| w == word)
    }
}

/// All files, by module.
pub struct House {
    files: BTreeMap<Module, File>,
    /// Files that are declared for tests only, with their numbers of lines: they import what they like.
    tests: BTreeMap<String, usize>,
}

impl House {
    /// The files of `src` as they are.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut texts = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                    texts.insert(name, std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut house = Self { files: BTreeMap::new(), tests: BTreeMap::new() };
        texts.iter().for_each(|(name, text)| house.insert(name, text));
        assert!(house.files.len() > 50, "src is found");
        house
    }

    /// As [`House::read`], with `text` added to the end of the file `name`.
    pub fn read_with(name: &str, text: &str) -> Self {
        let mut house = Self::read();
        house.plant(name, text);
        house
    }

    /// Adds `text` to the end of the file `name`, which need not be there.
    pub fn plant(&mut self, name: &str, text: &str) {
        if let Some(file) = self.files.values_mut().find(|file| file.name == name) {
            file.text += &code(text);
            file.lines += text.lines().count();
        } else {
            self.insert(name, text);
        }
    }

    fn insert(&mut self, name: &str, text: &str) {
        let mut module: Module = name.trim_end_matches(".rs").split('/').map(str::to_string).collect();
        let own = matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main"));
        if own {
            module.pop();
        }
        if module.iter().any(|part| part == "tests") {
            *self.tests.entry(name.to_string()).or_default() += text.lines().count();
            return;
        }
        let file = File {
            name: name.to_string(),
            lines: text.lines().count(),
            is_door: own,
            module: module.clone(),
            text: code(text),
        };
        self.files.insert(module, file);
        let parents: HashSet<Module> = self.files.keys().filter_map(|m| Some(m.split_last()?.1.to_vec())).collect();
        self.files.values_mut().for_each(|file| file.is_door |= parents.contains(&file.module));
    }

    /// The files but the library's own.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values().filter(|file| !file.module.is_empty())
    }

    /// Every file's name with its number of lines, those of tests among them.
    pub fn lengths(&self) -> impl Iterator<Item = (&str, usize)> {
        let tests = self.tests.iter().map(|(name, lines)| (name.as_str(), *lines));
        self.files.values().map(|file| (file.name.as_str(), file.lines)).chain(tests)
    }

    /// Every import: the file, the path as written, the file where what it names is defined.
    pub fn imports(&self) -> Vec<(&File, String, &File)> {
        let exports = self.exports();
        let mut out = Vec::new();
        for file in self.files() {
            for path in self.paths(file) {
                let target = self.absolute(&file.module, &path).and_then(|path| self.resolve(&exports, path, 0));
                if let Some(target) = target.filter(|target| target.name != file.name) {
                    out.push((file, path, target));
                }
            }
        }
        out
    }

    /// All paths of a file that may lead to another one.
    fn paths(&self, file: &File) -> Vec<String> {
        let uses = uses(&file.text);
        let mut paths: Vec<String> = uses.iter().map(|u| u.path.clone()).collect();
        // Modules that a `use` line brings into reach begin paths of their own.
        let modules: HashMap<&str, &str> = uses.iter().map(|u| (u.name.as_str(), u.path.as_str())).collect();
        let mut rest = file.text.as_str();
        while let Some((at, word)) = words(rest).next() {
            let before = rest[..at].trim_end();
            let (chain, after) = chain(&rest[at..]);
            let begins = !before.ends_with("::");
            if begins && chain.contains("::") {
                let (first, tail) = chain.split_once("::").unwrap();
                match modules.get(first) {
                    _ if matches!(first, "crate" | "super" | "catena") => paths.push(chain),
                    Some(module) => paths.push(format!("{module}::{tail}")),
                    None => {}
                }
            }
            // A `use` line was read above.
            rest = if word == "use" { after.find(';').map_or("", |end| &after[end..]) } else { after };
        }
        paths
    }

    /// A path from the crate's root.
    fn absolute(&self, module: &[String], path: &str) -> Option<Vec<String>> {
        let mut parts: Vec<String> = path.split("::").map(str::to_string).collect();
        let mut base = module.to_vec();
        match parts[0].as_str() {
            "catena" => Some(parts.split_off(1)),
            // The command is a crate of its own.
            "crate" if module.first().is_some_and(|room| room == "bin") => {
                Some(module[..2].iter().cloned().chain(parts.split_off(1)).collect())
            }
            "crate" => Some(parts.split_off(1)),
            "self" => Some(base.into_iter().chain(parts.split_off(1)).collect()),
            "super" => {
                while parts.first().is_some_and(|part| part == "super") {
                    parts.remove(0);
                    base.pop()?;
                }
                Some(base.into_iter().chain(parts).collect())
            }
            _ => {
                base.extend(parts.iter().cloned());
                (1..=parts.len()).any(|n| self.files.contains_key(&base[..module.len() + n])).then_some(base)
            }
        }
    }

    /// What each module has from elsewhere under which name (its parts reach it, public or not), `*` for everything.
    fn exports(&self) -> HashMap<(Module, String), Vec<Vec<String>>> {
        let mut out: HashMap<(Module, String), Vec<Vec<String>>> = HashMap::new();
        for file in self.files.values() {
            for found in uses(&file.text) {
                if let Some(path) = self.absolute(&file.module, &found.path) {
                    out.entry((file.module.clone(), found.name)).or_default().push(path);
                }
            }
        }
        out
    }

    /// The file where the thing at `path` is defined.
    fn resolve(
        &self,
        exports: &HashMap<(Module, String), Vec<Vec<String>>>,
        path: Vec<String>,
        hops: usize,
    ) -> Option<&File> {
        const MOST_HOPS: usize = 8;
        let depth = (1..=path.len()).rev().find(|n| self.files.contains_key(&path[..*n])).unwrap_or(0);
        let module = path[..depth].to_vec();
        let file = self.files.get(&module)?;
        let Some(name) = path.get(depth).filter(|_| hops < MOST_HOPS) else { return Some(file) };
        let named = exports.get(&(module.clone(), name.clone())).into_iter().flatten().cloned();
        if let Some(passed_on) = named.map(|to| [to, path[depth + 1..].to_vec()].concat()).find(|to| *to != path) {
            return self.resolve(exports, passed_on, hops + 1);
        }
        if !defines(&file.text, name) {
            for mut star in exports.get(&(module, "*".to_string())).into_iter().flatten().cloned() {
                star.pop();
                star.push(name.clone());
                let found = self.resolve(exports, star, hops + 1);
                if let Some(found) = found.filter(|found| defines(&found.text, name)) {
                    return Some(found);
                }
            }
        }
        Some(file)
    }
}

/// One name that a `use` line brings in.
struct Use {
    path: String,
    name: String,
}

fn uses(text: &str) -> Vec<Use> {
    let mut out = Vec::new();
    for (at, word) in words(text) {
        let rest = &text[at + word.len()..];
        if word != "use" || rest.trim_start().starts_with('<') {
            continue;
        }
        let tree = &rest[..rest.find(';').unwrap_or(rest.len())];
        for leaf in expand(tree) {
            let (path, alias) = match leaf.split_once(" as ") {
                Some((path, alias)) => (path.trim(), Some(alias.trim())),
                None => (leaf.as_str(), None),
            };
            let path: String = path.split_whitespace().collect();
            let path = path.strip_suffix("::self").unwrap_or(&path).to_string();
            let name = alias.unwrap_or(path.rsplit("::").next().unwrap_or(&path)).to_string();
            out.push(Use { path, name });
        }
    }
    out
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, inner)) = tree.split_once('{') else { return vec![tree.trim().to_string()] };
    let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
    let (mut out, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    out.extend(expand(part).into_iter().map(|leaf| format!("{}{leaf}", prefix.trim())));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    out
}

/// Whether the text has an item of this name.
fn defines(text: &str, name: &str) -> bool {
    const KINDS: [&str; 9] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod"];
    let mut last = "";
    words(text).any(|(_, word)| {
        let found = word == name && KINDS.contains(&last);
        last = word;
        found
    })
}

/// The words of a text with their places.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(is_word)?;
        let word = &text[at..];
        let word = &word[..word.find(|c| !is_word(c)).unwrap_or(word.len())];
        at += word.len();
        Some((at - word.len(), word))
    })
}

/// The path `a::b::c` that a text begins with, and what follows it.
fn chain(text: &str) -> (String, &str) {
    let mut path = String::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        path += &rest[..end];
        rest = &rest[end..];
        match rest.trim_start().strip_prefix("::").map(str::trim_start) {
            Some(next) if next.starts_with(is_word) => {
                path += "::";
                rest = next;
            }
            _ => return (path, rest),
        }
    }
}

/// A text without comments, contents of strings, and items for tests.
fn code(text: &str) -> String {
    without_tests(&bare(text))
}

/// Without comments and contents of strings and characters.
fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            end_of_comment(rest)
        } else if let Some(hashes) = raw_string(rest).filter(|_| !out.ends_with(is_word)) {
            let open = rest.find('"').unwrap() + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            end_of_quoted(rest, '"')
        } else if c == '\'' && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'')) {
            end_of_quoted(rest, '\'')
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[skipped..];
    }
    out
}

/// Number of hashes of a raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('b').or(text.strip_prefix('c')).unwrap_or(text).strip_prefix('r')?;
    let opening = rest.trim_start_matches('#');
    opening.starts_with('"').then_some(rest.len() - opening.len())
}

fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Comments nest.
fn end_of_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Without the items that `#[cfg(test)]` stands before.
fn without_tests(text: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let Some((before, rest)) = text.split_once(MARK) else { return text.to_string() };
    let mut depth = 0;
    let end = rest.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0 && matches!(c, ';' | '}')).then_some(at + 1)
    });
    before.to_string() + &without_tests(&rest[end.unwrap_or(rest.len())..])
}
