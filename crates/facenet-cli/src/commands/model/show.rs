//! `facenet model show`: the contract of a model.

use anyhow::Result;
use facenet::network::{self, Graph};
use facenet_core::{Calibration, Contract, ThresholdInterval};
use serde::Serialize;

use crate::console::Console;
use crate::engine::ModelOptions;
use crate::numbers::{grouped, percent};
use crate::outcome::Outcome;

/// Show what a model is: its network, its preprocessing and its calibrated thresholds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model show
  facenet model show --model runs/lite/model.safetensors --json")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: String,
    origin: String,
    #[serde(flatten)]
    contract: &'a Contract,
    parameters: usize,
    multiply_adds: usize,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let model = args.model.load()?;
    let contract = model.contract();
    let graph = Graph::of(&network::table(&contract.network)?, contract.dimension);
    let shown = Shown {
        id: contract.id(),
        origin: args.model.origin(),
        contract,
        parameters: graph.weights(),
        multiply_adds: graph.multiply_adds(),
    };
    if args.json {
        console.print_json(&shown)?;
    } else {
        print(&shown, console)?;
    }
    Ok(Outcome::Yes)
}

fn print(shown: &Shown<'_>, console: &Console) -> Result<()> {
    let Contract { network, dimension, weights, preprocessing, thresholds, calibration } = shown.contract;
    let (edge_px, field, version) = (preprocessing.edge_px, preprocessing.field, preprocessing.version);
    console.print(format_args!("model          {}", shown.id))?;
    console.print(format_args!("origin         {}", shown.origin))?;
    console.print(format_args!(
        "network        {network}: {edge_px} x {edge_px} pixels to {dimension} numbers"
    ))?;
    console.print(format_args!("parameters     {}", grouped(shown.parameters)))?;
    console.print(format_args!("multiply-adds  {} an image", grouped(shown.multiply_adds)))?;
    console.print(format_args!("weights        sha256 {weights}"))?;
    console.print(format_args!("preprocessing  version {version}; the middle {field} of an aligned crop"))?;
    if let Some(Calibration { midpoint, slope, data, .. }) = calibration {
        console.print(format_args!(
            "probability    1 / (1 + exp({slope:.3} · (distance − {midpoint:.4}))) at even odds, fitted on {data}"
        ))?;
    }
    if thresholds.is_empty() {
        return console.print("thresholds     none calibrated");
    }
    console.print("thresholds     distance  false accept rate  calibrated on")?;
    for threshold in thresholds {
        let (distance, far) = (threshold.distance.value(), percent(threshold.false_accept_rate));
        let interval = threshold.interval.map_or(String::new(), |ThresholdInterval { low, high, level }| {
            format!("; {} sure of {:.4} to {:.4}", percent(level), low.value(), high.value())
        });
        console
            .print(format_args!("               {distance:<8.4}  {far:<17}  {}{interval}", threshold.data))?;
    }
    Ok(())
}
