// Numbers as people read them.
import type { Run, Threshold } from "./shapes";

export const distance = (value: number): string => value.toFixed(3);

/** `1 face`, `2 faces`. */
export function counted(number: number, one: string, more: string): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : more}`;
}

/** A rate as people can picture it: `1 in 1,000`. */
export function oneIn(rate: number): string {
  return `1 in ${Math.max(1, Math.round(1 / rate)).toLocaleString("en")}`;
}

/** What the threshold means. */
export function meaning(threshold: Threshold): string {
  const { false_accept_rate: rate, data } = threshold;
  if (rate === null || rate === 0) return "The threshold was chosen by hand: how often strangers pass it is not known.";
  const where = data ? ` on ${data}` : "";
  return `With this threshold about ${oneIn(rate)} pairs of strangers pass as one person${where}. Relatives pass more often.`;
}

/** How sure a distance is, beside the threshold, in words. */
export function sureness(distance: number, threshold: number): string {
  const part = distance / threshold;
  if (part <= 0.6) return "clearly the same person";
  if (part <= 1) return "probably the same person";
  if (part <= 1.25) return "probably two people, but near the threshold";
  return "two people";
}

const REASONS: Record<string, string> = {
  "too-small": "too small",
  blurred: "blurred",
  "turned-away": "turned away",
  underexposed: "too dark",
  overexposed: "too bright",
  "cut-off": "cut off",
};

export const reasons = (codes: string[]): string => codes.map((code) => REASONS[code] ?? code).join(", ");

const WHY: Record<string, string> = {
  "some-alike": "Some pictures are alike, but the two groups as a whole are not: somebody who changed, or relatives.",
  "just-beyond": "They are a little less alike than the threshold asks for.",
  poor: "They are alike, but a picture is too poor to tell.",
};

export const why = (code: string): string => WHY[code] ?? code;

const STATES: Record<Run["state"], string> = {
  empty: "nothing was written yet",
  running: "training",
  quiet: "nothing new for more than ten minutes: it waits, or was interrupted",
  finished: "finished",
};

/** How far a run is. */
export function progress({ state, step, steps }: Pick<Run, "state" | "step" | "steps">): string {
  const at = step === null ? "" : `, step ${step.toLocaleString("en")}`;
  return `${STATES[state]}${at}${at && steps ? ` of ${steps.toLocaleString("en")}` : ""}`;
}

/** How long ago a second was, roughly. */
export function since(second: number, now = Date.now() / 1000): string {
  const gone = Math.max(0, now - second);
  if (gone < 90) return `${Math.round(gone)} s ago`;
  if (gone < 5400) return `${Math.round(gone / 60)} min ago`;
  if (gone < 48 * 3600) return `${Math.round(gone / 3600)} h ago`;
  return new Date(1000 * second).toLocaleDateString("en", { dateStyle: "medium" });
}
