//! Models as people read them.

use bottega_client::ModelBench;
use bottega_llm::{LocalModel, Recommendation};

use crate::figures;
use crate::paint::Paint;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::visible;

pub(super) fn list(on_disk: &[LocalModel], catalogue: &[String], terminal: &Terminal) -> String {
    let mut text = String::new();
    if on_disk.is_empty() {
        text.push_str("no models on disk yet; `bottega model pull` fetches one\n");
    } else {
        let head = ["NAME", ">WEIGHTS", "QUANT", ">SIZE", ">WINDOW", "LICENCE"];
        let mut table = Table::new(&head);
        for model in on_disk {
            table.row(&[
                model.name.clone(),
                figures::weights(model.parameters),
                model.quantisation.clone(),
                figures::bytes(model.size),
                figures::grouped(model.context_window.get()),
                model.licence.clone().unwrap_or_default(),
            ]);
        }
        text.push_str(&table.render(terminal.out_columns(), terminal.out_paint()));
    }
    let here = |name: &String| on_disk.iter().any(|model| &model.name == name);
    let others: Vec<String> =
        catalogue.iter().filter(|name| !here(name)).map(|name| visible::first_line(name)).collect();
    if !others.is_empty() {
        text.push_str(&format!("\nto pull by name: {}\n", others.join(", ")));
    }
    text
}

pub(super) fn model(model: &LocalModel, paint: Paint) -> String {
    let rows = [
        ("source", model.source.clone()),
        ("file", model.path.display().to_string()),
        (
            "size",
            format!("{} ({} bytes)", figures::bytes(model.size), figures::grouped(model.size)),
        ),
        ("SHA-256", model.digest.to_string()),
        ("architecture", model.architecture.clone()),
        ("quantisation", model.quantisation.clone()),
        ("weights", figures::weights(model.parameters)),
        ("window", format!("{} tokens", figures::grouped(model.context_window.get()))),
        ("licence", model.licence.clone().unwrap_or_else(|| "not told".to_owned())),
    ];
    let mut text = format!("{}\n", paint.bold(&visible::first_line(&model.name)));
    for (name, value) in rows {
        text.push_str(&format!("  {name:<14}{}\n", visible::first_line(&value)));
    }
    text
}

pub(super) fn bench(bench: &ModelBench) -> String {
    let mut text = format!(
        "{} on {}\n",
        visible::first_line(&bench.model),
        figures::counted(bench.threads.into(), "thread", "threads")
    );
    let line = |name: &str, rate: f64, bare: Option<f64>| {
        let beside = bare.filter(|bare| *bare > 0.0).map_or_else(String::new, |bare| {
            format!(" · bare loop {bare:.1} · ratio {:.2}", rate / bare)
        });
        format!("  {name:<8}{rate:>8.1} tokens/s{beside}\n")
    };
    text.push_str(&line("prompt", bench.prompt_per_second, bench.bare.map(|bare| bare.0)));
    text.push_str(&line("decode", bench.decode_per_second, bench.bare.map(|bare| bare.1)));
    text
}

pub(super) fn bench_json(bench: &ModelBench) -> serde_json::Value {
    serde_json::json!({
        "model": bench.model,
        "threads": bench.threads,
        "prompt_per_second": bench.prompt_per_second,
        "decode_per_second": bench.decode_per_second,
        "bare_prompt_per_second": bench.bare.map(|bare| bare.0),
        "bare_decode_per_second": bench.bare.map(|bare| bare.1),
    })
}

pub(super) fn advice(advice: &Recommendation) -> String {
    let hardware = &advice.hardware;
    let accelerators = if hardware.accelerators.is_empty() {
        "none".to_owned()
    } else {
        visible::first_line(&hardware.accelerators.join(", "))
    };
    format!(
        "{} ({})\n{}\n\n  processor     {}, {} of {} cores free\n  memory free   {}\n  disk free     {}\n  \
         accelerators  {accelerators}\n\nfetch it with `bottega model pull {}`\n",
        visible::first_line(&advice.name),
        visible::first_line(&advice.quantisation),
        visible::first_line(&advice.why),
        visible::first_line(&hardware.cpu),
        hardware.free_cores,
        hardware.cores,
        figures::bytes(hardware.free_memory),
        figures::bytes(hardware.free_disk),
        visible::first_line(&advice.name),
    )
}
