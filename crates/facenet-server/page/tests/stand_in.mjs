// A server that answers like the real one, out of memory, and counts its people by thousands: for what is tedious to bring
// about with real photos. What it knows is in `state`, which tests look at and change.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const POLICY =
  "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; script-src 'self'; object-src 'none'";
const THRESHOLD = { distance: 0.9, false_accept_rate: 0.001, data: "drawn pairs" };
const FOUND = { box: { x: 10, y: 10, width: 30, height: 40 }, landmarks: null, score: 0.9, quality: 0.8, reasons: [] };

/** A state with so many people, of two faces each. */
export function madeUp(people) {
  const state = { people: new Map(), faces: new Map(), questions: [], corrections: [], jobs: [], runs: [], runPage: "", key: null, busy: 0, asked: [] };
  for (let id = 1; id <= people; id++) {
    state.people.set(id, { id, name: `Person ${id}`, tags: [] });
    for (const face of [2 * id - 1, 2 * id]) state.faces.set(face, { id: face, person: id, by: "machine" });
  }
  return state;
}

/** Starts it on a free port; gives its address and how to stop it. */
export async function startStandIn(state) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://here");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    state.asked.push(`${request.method} ${url.pathname}`);
    if (!url.pathname.startsWith("/v1/")) return file(url.pathname, response);
    const refuse = (status, code, detail, hint = null, headers = {}) => {
      response.writeHead(status, { "content-type": "application/problem+json", ...headers });
      response.end(JSON.stringify({ title: code, status, code, detail, hint }));
    };
    if (state.key && request.headers.authorization !== `Bearer ${state.key}`) {
      return refuse(401, request.headers.authorization ? "unknown-key" : "no-key", "a key is needed");
    }
    if (state.busy > 0 && request.method === "POST") {
      state.busy--;
      return refuse(429, "overloaded", "server busy", null, { "retry-after": "0" });
    }
    try {
      const answered = answer(state, request.method, url, body);
      if (typeof answered === "string") {
        response.writeHead(200, { "content-type": "text/html" });
        return response.end(answered);
      }
      if (answered instanceof Buffer) {
        response.writeHead(200, { "content-type": "image/svg+xml" });
        return response.end(answered);
      }
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(answered));
    } catch (error) {
      refuse(error.status ?? 500, error.code ?? "internal", error.message, error.hint);
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    stop: () => new Promise((done) => (server.closeAllConnections(), server.close(done))),
  };
}

async function file(path, response) {
  const name = extname(path) ? normalize(path) : "/index.html";
  try {
    const content = await readFile(join(DIST, name));
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "text/plain", "content-security-policy": POLICY });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

const refused = (status, code, message, hint) => Object.assign(new Error(message), { status, code, hint });

function answer(state, method, url, body) {
  const [, , kind, id, part] = url.pathname.split("/");
  const json = () => JSON.parse(body.toString());
  switch (`${method} ${kind}${id ? "/:id" : ""}${part ? `/${part}` : ""}`) {
    case "GET gallery":
      return {
        counts: { people: state.people.size, photos: state.faces.size, faces: state.faces.size, unassigned: 0, older: state.older ?? 0, corrections: 0 },
        upgrade: false,
        upgrading_from: null,
        keeps_crops: true,
        read_only: false,
        threshold: THRESHOLD,
        folders: ["/srv/photos"],
      };
    case "GET model":
      return { thresholds: [THRESHOLD, { ...THRESHOLD, distance: 1.1, false_accept_rate: 0.1 }] };
    case "GET map":
      return mapOf(state, url.searchParams.get("method"));
    case "GET runs":
      return { items: state.runs.map(({ curves, ...run }) => run) };
    case "GET runs/:id":
      return state.runs[id - 1];
    case "GET runs/:id/page":
      return state.runPage;
    case "GET people": {
      const wanted = (url.searchParams.get("q") ?? "").toLowerCase();
      const all = [...state.people.values()].filter(({ name }) => (name ?? "").toLowerCase().includes(wanted));
      const { items, next } = paged(all, url);
      const faces = grouped(state.faces.values());
      return { items: items.map(({ id }) => person(state, id, faces.get(id) ?? [])), next };
    }
    case "GET people/:id":
      return person(state, Number(id));
    case "PATCH people/:id":
      Object.assign(known(state, Number(id)), json());
      return person(state, Number(id));
    case "DELETE people/:id": {
      const faces = facesOf(state, Number(id)).map((face) => face.id);
      const dry = url.searchParams.get("dry_run") === "true";
      if (!dry) {
        state.people.delete(Number(id));
        faces.forEach((face) => state.faces.delete(face));
      }
      return { people: [Number(id)], photos: faces, faces, pieces: 66, found_before: dry ? 0 : 64, found_after: 0 };
    }
    case "GET people/:id/faces": {
      const all = facesOf(state, Number(id));
      return paged(all.map((face, number) => shape(face, number === all.length - 1)), url);
    }
    case "POST people/:id/merge": {
      facesOf(state, Number(id)).forEach((face) => (face.person = json().into));
      state.people.delete(Number(id));
      return person(state, json().into);
    }
    case "POST people/:id": {
      const { faces, name, into } = json();
      const to = into ?? Math.max(0, ...state.people.keys()) + 1;
      if (!into) state.people.set(to, { id: to, name, tags: [] });
      faces.forEach((face) => Object.assign(state.faces.get(face), { person: to, by: "user" }));
      return person(state, to);
    }
    case "GET faces/:id/picture":
      return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="${(id % 4) + 1}"/></svg>`);
    case "GET questions":
      return { items: state.questions };
    case "POST corrections": {
      const { faces, verdict } = json();
      const at = state.questions.findIndex(({ a, b }) => a.id === faces[0] && b.id === faces[1]);
      state.corrections.push({ faces, verdict, question: state.questions.splice(at, 1)[0] });
      return { id: state.corrections.length, faces, verdict, moved: null };
    }
    case "DELETE corrections/:id": {
      const last = state.corrections.pop();
      if (!last) throw refused(404, "no-such", "there is no word to take back");
      state.questions.unshift(last.question);
      return { faces: last.faces, verdict: last.verdict };
    }
    case "GET jobs":
      state.jobs.forEach((job) => job.state === "running" && ++job.done >= job.total && Object.assign(job, job.end));
      return { items: [...state.jobs].reverse() };
    case "POST jobs": {
      const end = { state: "done", result: { embedded: 7, without_image: 1, faces: 9, people: 4, new_people: 2, alone: 1, questions: 3 } };
      const job = { id: state.jobs.length + 1, kind: json().kind, state: "running", done: 0, total: 3, result: null, problem: null };
      state.jobs.push({ ...job, end });
      return job;
    }
    case "DELETE jobs/:id":
      return Object.assign(state.jobs[id - 1], { state: "cancelled" });
    case "POST identify":
      if (body.length < 20) throw refused(422, "not-an-image", "these bytes are no image", "send a JPEG");
      state.far = url.searchParams.get("far");
      return {
        width: 100,
        height: 100,
        threshold: THRESHOLD,
        faces: [{ ...FOUND, person: who(person(state, 1)), nearest: [{ person: who(person(state, 1)), distance: 0.4, cosine: 0.8, face: 1 }] }],
      };
    case "POST verify":
      return { same: true, distance: 0.7, cosine: 0.65, probability: 0.9, threshold: THRESHOLD, left: FOUND, right: FOUND };
    case "POST photos":
      if (body.length < 20) throw refused(422, "not-an-image", "these bytes are no image", "send a JPEG");
      return { photo: {}, new: true, faces: [state.faces.get(9)] };
    default:
      throw refused(404, "not-found", `no ${method} ${url.pathname}`);
  }
}

/** Faces in a ring, those of a person side by side. */
function mapOf(state, method) {
  const faces = [...state.faces.values()];
  const at = (index) => (2 * Math.PI * index) / faces.length;
  const points = faces.map(({ id, person }, index) => ({ face: id, person, x: Math.cos(at(index)), y: Math.sin(at(index)) }));
  const people = [...state.people.keys()].map((id) => who(person(state, id, [])));
  return { method, faces: faces.length, sampled: state.isSampled ?? false, people, points };
}

/** A run as the server tells it. */
export function madeUpRun(changes) {
  const curve = (kind, field, values) => ({ kind, field, points: values.map((value, index) => [100 * (index + 1), value]) });
  const curves = [
    curve("step", "loss", [0.2, 0.15, 0.12]),
    curve("step", "positive_distance", [1.2, 0.9, 0.8]),
    curve("step", "negative_distance", [2, 2, 2.1]),
    curve("step", "grain_of_salt", [1, 2, 3]),
    curve("validation", "accuracy", [0.8, 0.9]),
  ];
  const updated = Math.floor(Date.now() / 1000) - 5;
  return { id: 1, name: "mine", state: "running", step: 300, steps: 1000, updated, unreadable: 0, page: true, curves, ...changes };
}

function known(state, id) {
  const found = state.people.get(id);
  if (!found) throw refused(404, "no-such", `the gallery has no person:${id}`);
  return found;
}

const facesOf = (state, id) => [...state.faces.values()].filter((face) => face.person === id);

function grouped(faces) {
  const people = new Map();
  for (const face of faces) people.set(face.person, [...(people.get(face.person) ?? []), face]);
  return people;
}

const who = ({ id, name, label }) => ({ id, name, label });

function person(state, id, faces = facesOf(state, id)) {
  const { name, tags } = known(state, id);
  return { id, name, label: name ?? `person:${id}`, tags, faces: faces.length, cover: faces[0]?.id ?? null };
}

/** A face as the server tells it. */
export function shape(face, doubtful = false) {
  return { ...FOUND, ...face, photo: face.id, distance: doubtful ? 1.1 : 0.4, doubtful, picture: `/v1/faces/${face.id}/picture` };
}

function paged(all, url) {
  const begin = Number(url.searchParams.get("cursor") ?? 0);
  const end = begin + Number(url.searchParams.get("limit") ?? 100);
  return { items: all.slice(begin, end), next: end < all.length ? String(end) : null };
}
