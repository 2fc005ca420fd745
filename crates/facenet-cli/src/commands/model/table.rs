//! `facenet model table`: a network row by row, as the papers print it, or all networks.

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use facenet::network::{self, Graph, Shape};
use serde::Serialize;

use crate::console::Console;
use crate::numbers::{grouped, short};
use crate::outcome::Outcome;

/// Print the layers of a network with their sizes and costs, as in the paper's tables; without a name, all networks.
///
/// Inputs and outputs are height x width x channels. Parameters are weights without biases and normalisation; multiply-adds (the paper's FLOPS) are for one image.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model table
  facenet model table nn2
  facenet model table lite --dimension 256 --json")]
pub(crate) struct Args {
    /// The network; without it, every network in a line.
    ///
    /// Those that end in `-bn` have batch normalisation, which the paper's networks predate.
    #[arg(value_parser = PossibleValuesParser::new(network::NAMES))]
    name: Option<String>,
    /// Numbers in an embedding.
    #[arg(long, value_name = "N", default_value = "128", value_parser = clap::value_parser!(u16).range(1..=4096))]
    dimension: u16,
    /// Print JSON, with exact numbers.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    network: String,
    dimension: u16,
    /// Height, width, channels.
    input: [usize; 3],
    rows: Vec<Row>,
    parameters: usize,
    multiply_adds: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    layer: &'static str,
    /// Height, width, channels.
    output: [usize; 3],
    parameters: usize,
    multiply_adds: usize,
}

/// A network in a line.
#[derive(Debug, Serialize)]
struct Line {
    network: &'static str,
    dimension: u16,
    /// Height, width, channels.
    input: [usize; 3],
    parameters: usize,
    multiply_adds: usize,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    match &args.name {
        Some(name) => one(name, args, console)?,
        None => all(args, console)?,
    }
    Ok(Outcome::Yes)
}

fn one(name: &str, args: &Args, console: &Console) -> Result<()> {
    let graph = Graph::of(&network::table(name)?, args.dimension.into());
    let row = |(layer, output): (&'static str, Shape)| Row {
        layer,
        output: sizes(output),
        parameters: graph.row_weights(layer),
        multiply_adds: graph.row_multiply_adds(layer),
    };
    let shown = Shown {
        network: name.into(),
        dimension: args.dimension,
        input: sizes(graph.input()),
        rows: graph.rows().map(row).collect(),
        parameters: graph.weights(),
        multiply_adds: graph.multiply_adds(),
    };
    if args.json { console.print_json(&shown) } else { print(&shown, console) }
}

fn all(args: &Args, console: &Console) -> Result<()> {
    let mut lines = Vec::new();
    for network in network::NAMES {
        let graph = Graph::of(&network::table(network)?, args.dimension.into());
        lines.push(Line {
            network,
            dimension: args.dimension,
            input: sizes(graph.input()),
            parameters: graph.weights(),
            multiply_adds: graph.multiply_adds(),
        });
    }
    if args.json {
        return console.print_json(&lines);
    }
    let print = |network: &str, input: &str, parameters: &str, multiply_adds: &str| {
        console.print(format_args!("{network:<16}{input:<14}{parameters:>12}{multiply_adds:>16}"))
    };
    print("network", "input", "parameters", "multiply-adds")?;
    for line in &lines {
        print(line.network, &size(line.input), &grouped(line.parameters), &grouped(line.multiply_adds))?;
    }
    Ok(())
}

fn sizes(Shape { channels, height, width }: Shape) -> [usize; 3] {
    [height, width, channels]
}

fn size([height, width, channels]: [usize; 3]) -> String {
    format!("{height}x{width}x{channels}")
}

fn print(shown: &Shown, console: &Console) -> Result<()> {
    let line = |layer: &str, output: &str, parameters: &str, multiply_adds: &str| {
        console.print(format_args!("{layer:<16}{output:<14}{parameters:>10}{multiply_adds:>15}"))
    };
    let count = |number| if number == 0 { "-".to_owned() } else { short(number) };

    line("layer", "output", "parameters", "multiply-adds")?;
    line("input", &size(shown.input), "-", "-")?;
    for row in &shown.rows {
        line(row.layer, &size(row.output), &count(row.parameters), &count(row.multiply_adds))?;
    }
    line("total", "", &count(shown.parameters), &count(shown.multiply_adds))
}
