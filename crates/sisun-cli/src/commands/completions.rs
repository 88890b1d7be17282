//! `sisun completions`.

use crate::terminal::write_now;
use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  sisun completions bash > ~/.local/share/bash-completion/completions/sisun")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run<Cli: CommandFactory>(args: Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sisun", &mut script);
    write_now(&String::from_utf8_lossy(&script))
}
