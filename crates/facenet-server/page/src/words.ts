// Numbers as people read them.
import type { Threshold } from "./shapes";

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
