// Which figures of a run stand together, and how a chart is drawn of them.
import type { Curve } from "./shapes";

export interface Chart {
  title: string;
  lines: { name: string; points: [number, number][] }[];
}

/** Charts by title; each line is `kind/field` and its name. Figures that are named nowhere get a chart of their own. */
const CHARTS: [string, Record<string, string>][] = [
  ["Loss", { "step/loss": "loss" }],
  ["Accuracy on the validation pairs", { "validation/accuracy": "accuracy" }],
  ["Area under the ROC curve", { "validation/auc": "area" }],
  ["Share of pairs with a negative inside the margin", { "step/active": "active" }],
  ["Triplets in a batch", { "step/triplets": "triplets" }],
  ["Mean squared distances", { "step/positive_distance": "same person", "step/negative_distance": "different people" }],
  [
    "Loss and its parts",
    { "detector/loss": "all", "detector/score_loss": "scores", "detector/box_loss": "boxes", "detector/landmark_loss": "landmarks" },
  ],
  [
    "Average precision",
    {
      "detector-validation/average_precision.0": "all faces",
      "detector-validation/average_precision.1": "below 24 pixels",
      "detector-validation/average_precision.2": "24 to 64",
      "detector-validation/average_precision.3": "above 64",
    },
  ],
];
/** What is no measure of learning, and the spread that belongs to another figure. */
const LEFT_OUT = ["step/skipped", "validation/standard_error"];

export function charts(curves: Curve[]): Chart[] {
  const left = new Map(curves.map((curve) => [`${curve.kind}/${curve.field}`, curve.points]));
  LEFT_OUT.forEach((key) => left.delete(key));
  const found: Chart[] = [];
  for (const [title, names] of CHARTS) {
    const lines = Object.entries(names).flatMap(([key, name]) => {
      const points = left.get(key);
      left.delete(key);
      return points?.length ? [{ name, points }] : [];
    });
    if (lines.length) found.push({ title, lines });
  }
  for (const [key, points] of left) {
    const name = key.slice(key.indexOf("/") + 1).replaceAll("_", " ");
    if (points.length) found.push({ title: name[0]!.toUpperCase() + name.slice(1), lines: [{ name, points }] });
  }
  return found;
}

/** Round numbers that divide a range into about `count` parts. */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low || Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** A value with as many digits as tell it apart. */
export function told(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
}
