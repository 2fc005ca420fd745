// Requests to the server this page came from.

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
  }
}

const KEY = "facenet-key";
/** Asks the user for a key; `null` when none is given. The app says how. */
let askForKey: (refusal: string) => Promise<string | null> = async () => null;

export function onKeyNeeded(ask: typeof askForKey): void {
  askForKey = ask;
}

export function forgetKey(): void {
  sessionStorage.removeItem(KEY);
}

export function hasKey(): boolean {
  return sessionStorage.getItem(KEY) !== null;
}

export const get = <T>(path: string): Promise<T> => json<T>("GET", path);
export const post = <T>(path: string, body: unknown): Promise<T> => json<T>("POST", path, body);
export const patch = <T>(path: string, body: unknown): Promise<T> => json<T>("PATCH", path, body);
export const remove = <T>(path: string): Promise<T> => json<T>("DELETE", path);

/** Sends a photo as it is. */
export async function postPhoto<T>(path: string, photo: Blob): Promise<T> {
  const headers = { "content-type": photo.type || "application/octet-stream" };
  return (await answer("POST", path, photo, headers)).json() as Promise<T>;
}

/** Sends a form. */
export async function postForm<T>(path: string, form: FormData): Promise<T> {
  return (await answer("POST", path, form)).json() as Promise<T>;
}

/** A picture, which an `img` could not ask for: it sends no key. */
export async function picture(path: string): Promise<Blob> {
  return (await answer("GET", path)).blob();
}

/** A page, as text: nothing of it is run. */
export async function text(path: string): Promise<string> {
  return (await answer("GET", path)).text();
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const text = body === undefined ? undefined : JSON.stringify(body);
  return (await answer(method, path, text, headers)).json() as Promise<T>;
}

/** How often a request is sent again when the server is busy. */
const TRIES = 5;

async function answer(
  method: string,
  path: string,
  body?: BodyInit,
  headers: Record<string, string> = {},
): Promise<Response> {
  // A write that is sent twice, because an answer was lost, counts once.
  if (method === "POST") headers["idempotency-key"] = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  for (let tries = 1; ; tries++) {
    const key = sessionStorage.getItem(KEY);
    if (key) headers["authorization"] = `Bearer ${key}`;
    const response = await reach(path, { method, body, headers });
    if (response.ok) return response;
    const refused = await refusal(response);
    if (response.status === 401) {
      const given = await askForKey(refused.message);
      if (given === null) throw refused;
      sessionStorage.setItem(KEY, given);
    } else if ((response.status === 429 || response.status === 503) && tries < TRIES) {
      await wait(Number(response.headers.get("retry-after") ?? 1));
    } else {
      throw refused;
    }
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch {
    throw new Refused(0, "unreachable", "the server cannot be reached", "is it still running?");
  }
}

async function refusal(response: Response): Promise<Refused> {
  const problem = await response.json().catch(() => ({}));
  const text = problem.detail ?? problem.title ?? `the server answered ${response.status}`;
  return new Refused(response.status, problem.code ?? "unknown", text, problem.hint ?? null);
}

const wait = (seconds: number) => new Promise((done) => setTimeout(done, 1000 * Math.min(Math.max(seconds, 0.2), 30)));
