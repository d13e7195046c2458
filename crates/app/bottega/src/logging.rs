//! Where log lines go: standard error, as the settings say.

use bottega_config::LogFormat;
use tracing_subscriber::EnvFilter;

use crate::app::App;

/// Starts writing the log. Without readable settings there is none: the command itself tells what is wrong with
/// them.
pub(crate) fn start(app: &App) {
    let Ok(config) = app.config() else { return };
    let log = &config.settings().log;
    // A filter that can't be read silences nobody: the usual level holds.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The one subscriber of the process; a second call would be a fault of this file alone.
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    drop(started);
}
