//! What the fake entrance knows of models, settings and secrets.

use async_trait::async_trait;
use bottega_api::{
    ApiError, Check, CheckState, DoctorReport, NoticeView, SecretView, SettingView, SourceView,
};
use bottega_client::{Machine, ModelBench, ModelRemoved, Models};
use bottega_llm::{Hardware, LocalModel, PullProgress, PullStage, Recommendation};
use bottega_types::{Digest, Secret, Tokens};

use super::Fake;

fn local_model() -> LocalModel {
    LocalModel {
        name: "qwen2.5-coder-1.5b".into(),
        path: "/home/ada/.local/share/bottega/models/qwen2.5-coder-1.5b.gguf".into(),
        size: 1_117_320_768,
        digest: Digest::of(b"weights"),
        source: "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF".into(),
        architecture: "qwen2".into(),
        quantisation: "Q4_K_M".into(),
        parameters: 1_543_714_304,
        context_window: Tokens::new(32_768),
        licence: Some("Apache-2.0".into()),
    }
}

#[async_trait]
impl Models for Fake {
    async fn list(&self) -> Result<Vec<LocalModel>, ApiError> {
        Ok(vec![local_model()])
    }

    async fn catalogue(&self) -> Result<Vec<String>, ApiError> {
        Ok(vec!["qwen2.5-coder-1.5b".into(), "smollm2-135m".into()])
    }

    async fn show(&self, _name: &str) -> Result<LocalModel, ApiError> {
        Ok(local_model())
    }

    async fn pull(
        &self,
        source: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalModel, ApiError> {
        self.note(format!("pull {source}"));
        for done in [400_000_000, 700_000_000, 1_117_320_768] {
            let total = Some(1_117_320_768);
            progress(PullProgress { stage: PullStage::Downloading, done, total });
        }
        Ok(local_model())
    }

    async fn remove(&self, name: &str) -> Result<ModelRemoved, ApiError> {
        self.note(format!("remove {name}"));
        Ok(match (self.world.default_model, name) {
            (false, _) => ModelRemoved::Other,
            (true, "b") => {
                ModelRemoved::StillDefault { origin: "environment BOTTEGA_MODEL_DEFAULT".into() }
            }
            (true, _) => {
                ModelRemoved::WasDefault { file: "/home/ada/.config/bottega/config.toml".into() }
            }
        })
    }

    async fn use_default(&self, model: &str) -> Result<String, ApiError> {
        self.note(format!("use {model}"));
        Ok("/home/ada/.config/bottega/config.toml".into())
    }

    async fn recommend(&self) -> Result<Recommendation, ApiError> {
        let hardware = Hardware {
            cpu: "AMD EPYC 9B14".into(),
            free_cores: 1,
            cores: 2,
            free_memory: 21_474_836_480,
            free_disk: 107_374_182_400,
            accelerators: Vec::new(),
        };
        Ok(Recommendation {
            hardware,
            name: "qwen2.5-coder-1.5b".into(),
            quantisation: "Q4_K_M".into(),
            why: "the largest that answers at a readable speed here".into(),
        })
    }

    async fn bench(&self, name: &str) -> Result<ModelBench, ApiError> {
        Ok(ModelBench {
            model: name.into(),
            threads: 1,
            prompt_per_second: 89.5,
            decode_per_second: 21.2,
            bare: Some((90.0, 21.6)),
        })
    }
}

#[async_trait]
impl Machine for Fake {
    fn settings(&self) -> Result<Vec<SettingView>, ApiError> {
        let row = |path: &str, toml: &str, origin: &str| SettingView {
            path: path.into(),
            // These values read the same in both languages.
            value: serde_json::from_str(toml).unwrap(),
            toml: toml.into(),
            origin: origin.into(),
            doc: "…".into(),
        };
        Ok(vec![
            row("access.mode", "\"auto\"", "flag --access-mode"),
            row("limits.turns", "30", "/code/demo/.bottega/config.toml:4"),
            row("ui.cost", "true", "default"),
        ])
    }

    fn setting(&self, path: &str) -> Result<Vec<SettingView>, ApiError> {
        let mut rows = self.settings()?;
        rows.retain(|row| row.path.starts_with(path));
        Ok(rows)
    }

    fn set(&self, path: &str, value: &str, layer: &str) -> Result<String, ApiError> {
        self.note(format!("set {path} {value} {layer}"));
        Ok("/home/ada/.config/bottega/config.toml".into())
    }

    fn sources(&self) -> Result<Vec<SourceView>, ApiError> {
        let row = |layer: &str, path: &str, state: &str| SourceView {
            layer: layer.into(),
            path: path.into(),
            state: state.into(),
        };
        Ok(vec![
            row("user", "/home/ada/.config/bottega/config.toml", "read"),
            row("project", "/code/demo/.bottega/config.toml", "ignored: the folder is not trusted"),
        ])
    }

    fn notices(&self) -> Result<Vec<NoticeView>, ApiError> {
        Ok(self.world.notices.clone())
    }

    fn trust(&self) -> Result<String, ApiError> {
        Ok("/code/demo".into())
    }

    fn secrets(&self) -> Result<Vec<SecretView>, ApiError> {
        Ok(vec![SecretView { name: "SOME_KEY".into(), place: "keyring".into() }])
    }

    fn set_secret(&self, name: &str, value: Secret<String>) -> Result<String, ApiError> {
        self.left.lock().unwrap().secrets.push((name.into(), value.expose().clone()));
        Ok("the system's keyring".into())
    }

    fn remove_secret(&self, name: &str) -> Result<(), ApiError> {
        self.note(format!("forget {name}"));
        Ok(())
    }

    async fn doctor(&self, full: bool) -> Result<DoctorReport, ApiError> {
        let check = |name: &str, state, found: &str, next_step: &str| Check {
            name: name.into(),
            state,
            found: found.into(),
            next_step: next_step.into(),
        };
        let mut checks = vec![
            check(
                "journal",
                CheckState::Good,
                if full { "all whole" } else { "1,204 records" },
                "",
            ),
            check("sandbox", CheckState::Warning, "no Landlock here", "use a kernel from 5.13 on"),
            check("sandbox: the files of other programs", CheckState::Good, "mounts", ""),
        ];
        if self.world.broken {
            let next = "run `bottega model pull`";
            checks.push(check("model", CheckState::Bad, "nothing to ask", next));
        }
        Ok(DoctorReport { version: "0.1.0".into(), checks })
    }
}
