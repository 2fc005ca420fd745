// What the server answers; `/openapi.json` has the whole.
import type { Point } from "./sight";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Threshold {
  distance: number;
  false_accept_rate: number | null;
  data: string | null;
}

export interface Found {
  box: Box;
  score: number;
  quality: number;
  reasons: string[];
}

export interface Who {
  id: number;
  name: string | null;
  label: string;
}

export interface Near {
  person: Who;
  distance: number;
  cosine: number;
  face: number;
}

/** A face of a photo that was looked at; without a gallery nobody is known. */
export interface NamedFace extends Found {
  person?: Who | null;
  nearest?: Near[];
}

export interface Looked {
  width: number;
  height: number;
  threshold?: Threshold;
  faces: NamedFace[];
}

export interface Person extends Who {
  tags: string[];
  faces: number;
  cover: number | null;
}

export interface Face {
  id: number;
  photo: number;
  score: number;
  quality: number | null;
  person: number | null;
  by: "user" | "machine" | null;
  distance: number | null;
  doubtful: boolean;
  picture: string | null;
}

export interface Removed {
  people: number[];
  photos: number[];
  faces: number[];
  pieces: number;
  found_before: number;
  found_after: number;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Question {
  a: Face;
  b: Face;
  distance: number;
  why: string;
}

export interface Verdict {
  same: boolean;
  distance: number;
  cosine: number;
  probability: number | null;
  threshold: Threshold;
  left: Found;
  right: Found;
}

export interface Gallery {
  counts: { people: number; photos: number; faces: number; unassigned: number; older: number; corrections: number };
  upgrade: boolean;
  upgrading_from: string | null;
  keeps_crops: boolean;
  read_only: boolean;
  threshold: Threshold;
  folders: string[];
}

export interface MapOfFaces {
  method: string;
  faces: number;
  sampled: boolean;
  people: Who[];
  points: Point[];
}

export interface Run {
  id: number;
  name: string;
  state: "empty" | "running" | "quiet" | "finished";
  step: number | null;
  steps: number | null;
  updated: number | null;
  unreadable: number;
  page: boolean;
}

export interface Curve {
  kind: string;
  field: string;
  points: [number, number][];
}

export interface RunCurves extends Run {
  curves: Curve[];
}

export interface AddedPhoto {
  new: boolean;
  faces: Face[];
}

export interface Job {
  id: number;
  kind: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number | null;
  created: number;
  result: Record<string, unknown> | null;
  problem: { title: string; detail?: string | null; hint?: string | null } | null;
}
