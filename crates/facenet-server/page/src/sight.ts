// What part of a map is in sight, and what lies where. The map's own coordinates go from -1 to 1; the canvas counts pixels.

export interface Point {
  face: number;
  person: number | null;
  x: number;
  y: number;
}

export interface Sight {
  /** What is in the middle. */
  x: number;
  y: number;
  /** 1 shows all. */
  zoom: number;
}

export const WHOLE: Sight = { x: 0, y: 0, zoom: 1 };
const MOST = 60;

/** Pixels for one unit of the map. */
export const scale = (sight: Sight, width: number, height: number): number => (sight.zoom * Math.min(width, height)) / 2.15;

/** Where a place of the map is on the canvas. */
export function onCanvas(place: { x: number; y: number }, sight: Sight, width: number, height: number): [number, number] {
  const unit = scale(sight, width, height);
  return [width / 2 + (place.x - sight.x) * unit, height / 2 - (place.y - sight.y) * unit];
}

/** The sight nearer by `factor`, with what is at these pixels staying there. */
export function zoomed(sight: Sight, factor: number, at: [number, number], width: number, height: number): Sight {
  const zoom = Math.min(MOST, Math.max(1, sight.zoom * factor));
  const before = scale(sight, width, height);
  const after = scale({ ...sight, zoom }, width, height);
  const [right, up] = [at[0] - width / 2, height / 2 - at[1]];
  return within({ x: sight.x + right / before - right / after, y: sight.y + up / before - up / after, zoom });
}

/** The sight moved by pixels. */
export function moved(sight: Sight, dx: number, dy: number, width: number, height: number): Sight {
  const unit = scale(sight, width, height);
  return within({ ...sight, x: sight.x - dx / unit, y: sight.y + dy / unit });
}

/** The middle never leaves the map, so that nobody gets lost. */
function within(sight: Sight): Sight {
  const most = 1 - 1 / sight.zoom;
  const kept = (value: number) => Math.min(most, Math.max(-most, value));
  return { ...sight, x: kept(sight.x), y: kept(sight.y) };
}

/** The point nearest to these pixels, if one is within `reach` pixels. */
export function pointAt(points: Point[], at: [number, number], reach: number, sight: Sight, width: number, height: number): Point | null {
  let best: Point | null = null;
  let least = reach * reach;
  for (const point of points) {
    const [x, y] = onCanvas(point, sight, width, height);
    const away = (x - at[0]) ** 2 + (y - at[1]) ** 2;
    if (away <= least) [best, least] = [point, away];
  }
  return best;
}

/** The nearest point in a direction: one that lies more that way than aside. */
export function pointTowards(points: Point[], from: { x: number; y: number }, dx: number, dy: number): Point | null {
  let best: Point | null = null;
  let least = Infinity;
  for (const point of points) {
    const [x, y] = [point.x - from.x, point.y - from.y];
    const along = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 1e-9 || aside > along) continue;
    const away = along + 2 * aside;
    if (away < least) [best, least] = [point, away];
  }
  return best;
}

/** A colour for each person, far from those of the next identifiers; grey for nobody. */
export function colour(person: number | null, isDark: boolean): string {
  if (person === null) return isDark ? "#8d867d" : "#8a837a";
  const hue = (person * 137.508) % 360;
  return `hsl(${hue.toFixed(0)} 65% ${isDark ? 66 : 40}%)`;
}
