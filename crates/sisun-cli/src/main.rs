//! The `sisun` command line: it only parses arguments and prints messages.

mod ablation;
mod analysis;
mod arguments;
mod base;
mod columns;
mod commands;
mod common;
mod earlier;
mod edit_args;
mod failure;
mod given_config;
mod given_text;
mod hints;
mod live_page;
mod model_source;
mod needs;
mod output;
mod pace;
mod pairs;
mod progress;
mod quotes;
mod run_report;
mod signals;
mod terminal;
mod train_commands;
mod units;
mod vocabulary;
mod waiting;
mod watching;
mod work;
mod wrap;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

// Large blocks are reused from step to step instead of being zeroed by the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The help of the program, which lists the commands by purpose.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

Train:
  init         Write a configuration for your text, or the first example
  train        Train a model from a configuration, or continue a run
  info         Count parameters and operations, and what training needs
  config       List every setting: meaning, range, default
  compare      Train variants of a model with several seeds, and compare them

Use:
  sample       Generate text with a trained model
  eval         Measure the loss on text: perplexity, bits per byte
  export       Write a model as a Hugging Face directory

Look inside:
  attend       Write the attention maps of a text
  heads        Measure what each attention head does
  explain      Work one query through, step by step
  lens         Show what the model would predict after each layer
  attribute    Show what each part adds to the logit of an answer
  circuits     Show what the weights of heads do: copying, composition
  embeddings   Show the nearest tokens of a token, and principal components
  positions    Show how positions are told apart: vectors, angles, biases
  senses       Show the same word in several texts, layer by layer
  neuron       Show what activates a neuron, and what it writes
  patch        Put activations of one text into another: which decide the answer
  page         Write a page that holds the model and computes
  live         Serve that page for models too large for it, and watch training

Text:
  data         Generate the corpora that come with Sisun, and synthetic tasks
  tokenizer    Train, apply and undo tokenizers

Housekeeping:
  runs         List run directories: progress, loss, size
  cache        List and clear token caches
  verify       Check on this machine what the tests promise
  bench        Measure how fast this machine trains and generates
  devices      List what can compute here
  completions  Print completions for a shell
  help         Print this, or the help of a command

Options:
{options}{after-help}";

/// Train a small transformer on your own text, sample from it, and look at every attention head.
///
/// Sisun (시선, gaze) runs on the machine you have: on its CPU, or on any GPU that wgpu reaches.
#[derive(Parser)]
#[command(
    name = "sisun",
    version,
    propagate_version = true,
    max_term_width = 100,
    help_template = HELP
)]
#[command(after_help = "\
A first run:
  sisun init --demo
  sisun train quickstart.toml
  sisun sample runs/quickstart --prompt \"Once upon a time\"
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// Each command is described at its arguments.
#[derive(Subcommand)]
enum Command {
    Init(commands::init::Args),
    Train(commands::train::Args),
    Sample(commands::sample::Args),
    Attend(commands::attend::Args),
    Heads(commands::heads::Args),
    Explain(commands::explain::Args),
    Lens(commands::lens::Args),
    Attribute(commands::attribute::Args),
    Circuits(commands::circuits::Args),
    Embeddings(commands::embeddings::Args),
    Positions(commands::positions::Args),
    Senses(commands::senses::Args),
    Neuron(commands::neuron::Args),
    Patch(commands::patch::Args),
    Page(commands::page::Args),
    Live(commands::live::Args),
    Compare(commands::compare::Args),
    Eval(commands::eval::Args),
    Info(commands::info::Args),
    Config(commands::config::Args),
    Export(commands::export::Args),
    Verify(commands::verify::Args),
    Tokenizer(commands::tokenizer::Args),
    Data(commands::data::Args),
    Runs(commands::runs::Args),
    Cache(commands::cache::Args),
    Bench(commands::bench::Args),
    Devices(commands::devices::Args),
    Completions(commands::completions::Args),
}

fn main() -> ExitCode {
    quiet_wayland();
    signals::keep_ignored();
    let (Cli { command }, quiet) = arguments::parse();
    waiting::begin(quiet);
    if let Err(error) = sisun_kernels::Level::requested() {
        return failure::exit_code(Err(error.into()));
    }
    if let Err(error) = sisun_kernels::start_threads() {
        return failure::exit_code(Err(error.into()));
    }
    // On a thread of the pool, so that sharing work with the others wakes no sleeping thread.
    let run = || match command {
        Command::Init(args) => commands::init::run(args),
        Command::Train(args) => commands::train::run(args),
        Command::Sample(args) => commands::sample::run(args),
        Command::Attend(args) => commands::attend::run(args),
        Command::Heads(args) => commands::heads::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Lens(args) => commands::lens::run(args),
        Command::Attribute(args) => commands::attribute::run(args),
        Command::Circuits(args) => commands::circuits::run(args),
        Command::Embeddings(args) => commands::embeddings::run(args),
        Command::Positions(args) => commands::positions::run(args),
        Command::Senses(args) => commands::senses::run(args),
        Command::Neuron(args) => commands::neuron::run(args),
        Command::Patch(args) => commands::patch::run(args),
        Command::Page(args) => commands::page::run(args),
        Command::Live(args) => commands::live::run(args),
        Command::Compare(args) => commands::compare::run_command(args),
        Command::Eval(args) => commands::eval::run(args),
        Command::Info(args) => commands::info::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Tokenizer(args) => commands::tokenizer::run(args),
        Command::Data(args) => commands::data::run(args),
        Command::Runs(args) => commands::runs::run(args),
        Command::Cache(args) => commands::cache::run(args),
        Command::Devices(args) => commands::devices::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Completions(args) => commands::completions::run::<Cli>(args),
    };
    let result = sisun_kernels::on_pool(|| failure::of_the_gpu(run));
    waiting::end();
    failure::exit_code(result)
}

/// Restart the program with `XDG_RUNTIME_DIR` if it is unset, as in containers: searching for a GPU
/// through OpenGL would otherwise make libwayland complain on stderr. Setting the variable in the
/// running process is not safe in Rust.
#[cfg(target_os = "linux")]
fn quiet_wayland() {
    use std::os::unix::process::CommandExt;
    const VARIABLE: &str = "XDG_RUNTIME_DIR";
    if std::env::var_os(VARIABLE).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        // Returns only on failure; then the only harm is the complaint.
        let _ = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(VARIABLE, std::env::temp_dir())
            .exec();
    }
}

#[cfg(not(target_os = "linux"))]
fn quiet_wayland() {}

#[cfg(test)]
mod tests {
    use super::{Cli, HELP};
    use clap::CommandFactory;

    #[test]
    fn the_help_lists_every_command_once() {
        let mut command = Cli::command();
        command.build();
        let lines: Vec<&str> = HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .collect();
        let mut listed: Vec<&str> = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap_or_default())
            .collect();
        listed.sort_unstable();
        let mut names: Vec<&str> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(clap::Command::get_name)
            .collect();
        names.sort_unstable();
        assert_eq!(listed, names);
        assert!(lines.iter().all(|line| line.chars().count() <= 78));
    }
}
