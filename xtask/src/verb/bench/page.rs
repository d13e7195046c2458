//! The tables of `docs/benchmarks.md` and the plot, made from `bench/results/*.json` and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Results, figure, plot};

const BEGIN: &str = "<!-- results: written by `cargo xtask bench --plot` -->\n";
const END: &str = "<!-- end of results -->\n";

/// The files that are made, and what they should hold.
pub(super) fn made(root: &Path) -> Result<[(PathBuf, String); 2]> {
    let all = results(root)?;
    let page = root.join("docs/benchmarks.md");
    let text = fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    let marks = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = marks.with_context(|| {
        format!(
            "{} has no `{}` and `{}`; put them where the tables go",
            page.display(),
            BEGIN.trim(),
            END.trim()
        )
    })?;
    let page_text = format!("{before}{BEGIN}\n{}\n{END}{after}", tables(&all));
    Ok([(root.join("bench/results/peers.svg"), plot::svg(&all)), (page, page_text)])
}

/// Writes the plot and the page.
pub(super) fn write(root: &Path) -> Result<()> {
    for (path, text) in made(root)? {
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

/// All results that are kept, by name.
fn results(root: &Path) -> Result<Vec<Results>> {
    let folder = root.join("bench/results");
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut all = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "json") {
            let text = fs::read_to_string(&path)?;
            let results: Results = serde_json::from_str(&text)
                .with_context(|| format!("{} holds no results", path.display()))?;
            all.push(results);
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn tables(all: &[Results]) -> String {
    let mut text =
        "![How much better than its peer each figure is](../bench/results/peers.svg)\n".to_owned();
    // Writing to a string can't fail.
    for Results { name, commit, machine, rows } in all {
        let _ = write!(
            text,
            "\n### Results of `{name}`\n\nCommit `{commit}`; {}, {} cores, {} GiB, {}.\n\n\
             | figure | value | unit | peer | its value | ratio | goal | met |\n\
             | --- | ---: | --- | --- | ---: | ---: | --- | --- |\n",
            machine.cpu, machine.cores, machine.memory_gib, machine.system
        );
        for row in rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.metric,
                figure(row.value),
                row.unit,
                row.peer.as_deref().unwrap_or_default(),
                row.peer_value.map(figure).unwrap_or_default(),
                row.ratio.map(figure).unwrap_or_default(),
                row.goal.as_deref().unwrap_or_default(),
                row.met.map_or("", |met| if met { "yes" } else { "**no**" })
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_plot_are_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (path, expected) in made(&root).unwrap() {
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert!(found == expected, "{}: run `cargo xtask bench --plot`", path.display());
        }
    }
}
