//! `facenet model show`: the contract of a model.

use anyhow::Result;
use facenet::network::{self, Graph};
use facenet_core::{Calibration, Contract, Harmonic, HarmonicMeasure, ThresholdInterval};
use serde::Serialize;

use crate::console::Console;
use crate::engine::ModelOptions;
use crate::loaded::Loaded;
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
    /// None of an imported model.
    #[serde(skip_serializing_if = "Option::is_none")]
    multiply_adds: Option<usize>,
    /// The terms that were stated when the model was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
}

/// What a model says beside its contract.
struct Costs {
    parameters: usize,
    multiply_adds: Option<usize>,
    licence: Option<String>,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let model = args.model.load()?;
    let contract = model.contract();
    let Costs { parameters, multiply_adds, licence } = costs(&model)?;
    let (id, origin) = (contract.id(), args.model.origin());
    let shown = Shown { id, origin, contract, parameters, multiply_adds, licence };
    if args.json {
        console.print_json(&shown)?;
    } else {
        print(&shown, console)?;
    }
    Ok(Outcome::Yes)
}

fn costs(model: &Loaded) -> Result<Costs> {
    match model {
        Loaded::Ours(model) => {
            let contract = model.contract();
            let graph = Graph::of(&network::table(&contract.network)?, contract.dimension);
            let (parameters, multiply_adds) = (graph.weights(), Some(graph.multiply_adds()));
            Ok(Costs { parameters, multiply_adds, licence: None })
        }
        #[cfg(feature = "onnx")]
        Loaded::Imported(model) => {
            let stated = Some(model.manifest().licence.clone()).filter(|text| !text.is_empty());
            let licence = Some(stated.unwrap_or_else(|| "none stated".into()));
            let parameters = model.files().iter().map(facenet_onnx::OnnxFile::parameters).sum();
            Ok(Costs { parameters, multiply_adds: None, licence })
        }
    }
}

fn print(shown: &Shown<'_>, console: &Console) -> Result<()> {
    let Contract { network, dimension, weights, preprocessing, mirrored, thresholds, calibration, harmonic } =
        shown.contract;
    let (edge_px, field, version) = (preprocessing.edge_px, preprocessing.field, preprocessing.version);
    console.print(format_args!("model          {}", shown.id))?;
    console.print(format_args!("origin         {}", shown.origin))?;
    console.print(format_args!(
        "network        {network}: {edge_px} x {edge_px} pixels to {dimension} numbers"
    ))?;
    console.print(format_args!("parameters     {}", grouped(shown.parameters)))?;
    if let Some(multiply_adds) = shown.multiply_adds {
        console.print(format_args!("multiply-adds  {} an image", grouped(multiply_adds)))?;
    }
    if let Some(licence) = &shown.licence {
        console.print(format_args!("licence        {licence}"))?;
    }
    console.print(format_args!("weights        sha256 {weights}"))?;
    console.print(format_args!("preprocessing  version {version}; the middle {field} of an aligned crop"))?;
    if *mirrored {
        console.print("embedding      of the face and its mirror image together")?;
    }
    for Harmonic { to, measured, .. } in harmonic {
        let how = match measured {
            Some(HarmonicMeasure { old, mixed, new, data }) => {
                format!("old {}, mixed {}, new {} on {data}", percent(*old), percent(*mixed), percent(*new))
            }
            None => "not measured yet; `facenet eval harmonic` does".into(),
        };
        console.print(format_args!("harmonic to    {to}: {how}"))?;
    }
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
