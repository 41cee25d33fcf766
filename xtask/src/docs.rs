// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks the documentation's links without building the book.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Every page of the book is in its summary; every relative link of book and README exists.
pub(crate) fn links(root: &Path) -> Result<()> {
    let source = root.join("docs/src");
    let mut pages = Vec::new();
    markdown(&source, &mut pages)?;
    let mut errors = Vec::new();
    let summary = source.join("SUMMARY.md");
    let listed = targets(&summary)?;
    for page in &pages {
        if *page != summary && !listed.contains(page) {
            errors.push(format!("{} is not in SUMMARY.md", page.display()));
        }
    }
    for name in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        pages.push(root.join(name));
    }
    for page in &pages {
        for target in targets(page)? {
            if !target.exists() {
                errors.push(format!("{}: no {}", page.display(), target.display()));
            }
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    bail!("{}", errors.join("\n      "))
}

fn markdown(dir: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            markdown(&path, out)?;
        } else if path.extension().is_some_and(|ext| ext == "md") {
            out.push(path);
        }
    }
    Ok(())
}

/// The files that a page's relative links name.
fn targets(page: &Path) -> Result<BTreeSet<PathBuf>> {
    let text =
        fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let dir = page.parent().context("a page has a folder")?;
    Ok(relative_links(&text)
        .into_iter()
        .map(|link| normal(&dir.join(link)))
        .collect())
}

/// Destinations of `](…)` outside code, without anchors and without other sites.
fn relative_links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let link = rest.split([')', '#', ' ']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:") {
                links.push(link);
            }
        }
    }
    links
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{normal, relative_links};
    use std::path::Path;

    #[test]
    fn finds_relative_links_only() {
        let text = "[a](b.md#c) [d](https://e) [f](#g)\n```\n[h](i.md)\n```\n![j](k.svg)";
        assert_eq!(relative_links(text), ["b.md", "k.svg"]);
    }

    #[test]
    fn paths_are_normal() {
        assert_eq!(normal(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
    }
}
