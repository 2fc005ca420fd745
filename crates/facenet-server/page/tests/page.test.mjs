// The page in a real browser, against a stand-in for the server.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { assertAccessible, openPage, startBrowser } from "./browser.mjs";
import { madeUp, madeUpRun, shape, startStandIn } from "./stand_in.mjs";

let browser, state, server, opened;
before(async () => (browser = await startBrowser()));
after(() => browser.close());
beforeEach(async () => {
  state = madeUp(5);
  server = await startStandIn(state);
});
afterEach(async () => {
  await opened?.context.close();
  await server.stop();
});

async function visit(view, options) {
  opened = await openPage(browser, `${server.address}#/${view}`, options);
  return opened.page;
}

const photo = (name, bytes = 100) => ({ name, mimeType: "image/png", buffer: Buffer.alloc(bytes, 7) });
/** Refused requests are logged by the browser itself. */
const ownFaults = () => opened.faults.filter((fault) => !fault.includes("Failed to load resource"));

/** A PNG of one pixel, which the browser can show. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test("photos that are dropped get frames and names, and one that fails its reason", async () => {
  const page = await visit("look");
  const dropped = await page.evaluateHandle((bytes) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(bytes)], "good.png", { type: "image/png" }));
    files.items.add(new File([new Uint8Array(3)], "bad.png", { type: "image/png" }));
    return files;
  }, [...PIXEL]);
  await page.getByRole("group", { name: /Drop photos here/ }).dispatchEvent("drop", { dataTransfer: dropped });
  const good = page.getByRole("article", { name: "good.png" });
  await good.getByRole("link", { name: "Person 1" }).waitFor();
  await good.getByText("1 Person 1").waitFor();
  await good.getByText("distance 0.400, threshold 0.900").waitFor();
  await page.getByRole("article", { name: "bad.png" }).getByText("these bytes are no image").waitFor();
  await page.getByText("about 1 in 1,000 pairs of strangers pass as one person on drawn pairs").waitFor();
  await assertAccessible(page, "photos that were looked at");
  assert.deepEqual(ownFaults(), []);
});

test("two photos are compared as soon as both are there, in words too", async () => {
  const page = await visit("compare");
  const pixel = { name: "a.png", mimeType: "image/png", buffer: PIXEL };
  await page.locator("input[type=file]").first().setInputFiles(pixel);
  await page.locator("input[type=file]").last().setInputFiles(pixel);
  await page.getByRole("heading", { name: "The same person", exact: true }).waitFor();
  await page.getByText("This is probably the same person.").waitFor();
  await page.getByText("it is one person with 90.0 %").waitFor();
  await assertAccessible(page, "a verdict");
  assert.deepEqual(opened.faults, []);
});

test("ten thousand people are a wall of which only a part is in the page", async () => {
  Object.assign(state, madeUp(10_000));
  const page = await visit("people");
  await page.getByRole("link", { name: "Person 1 2 faces", exact: true }).waitFor();
  await page.waitForFunction(() => {
    scrollTo(0, document.body.scrollHeight);
    return [...document.querySelectorAll("li")].at(-1)?.getAttribute("aria-posinset") > 700;
  });
  const items = page.getByRole("listitem");
  assert.ok((await items.count()) < 150, `${await items.count()} in the page`);
  assert.ok(Number((await items.first().textContent()).match(/Person (\d+)/)[1]) > 500);
  assert.deepEqual(opened.faults, []);
});

test("a name finds a person", async () => {
  const page = await visit("people");
  await page.getByLabel("Name").fill("son 4");
  await page.getByText("Person 1").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("listitem").count(), 1);
  await page.getByLabel("Name").fill("nobody so");
  await page.getByText("Nobody is called so.").waitFor();
});

test("names are text, whatever they hold", async () => {
  const evil = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;
  state.people.get(1).name = evil;
  const page = await visit("people");
  await page.getByText(evil).waitFor();
  await page.getByText(evil).click();
  await page.getByRole("heading", { name: evil }).waitFor();
  assert.equal(await page.title(), "facenet");
  assert.deepEqual(opened.faults, []);
});

test("a person is renamed, and that is taken back", async () => {
  const page = await visit("people/2");
  await page.getByRole("textbox", { name: "Name" }).fill("Berta");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "Berta" }).waitFor();
  assert.equal(state.people.get(2).name, "Berta");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("heading", { name: "Person 2" }).waitFor();
  assert.equal(state.people.get(2).name, "Person 2");
});

test("doubtful faces come last, and go to a new person", async () => {
  const page = await visit("people/2");
  const faces = page.getByRole("list", { name: "Faces" }).getByRole("listitem");
  await faces.last().getByText("doubtful").waitFor();
  assert.equal(await faces.first().getByText("doubtful").count(), 0);
  await faces.last().getByRole("checkbox").check();
  await page.getByRole("button", { name: "These are …" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Caesar");
  await page.getByRole("button", { name: "New: Caesar" }).click();
  await page.getByText("1 face is now Caesar.").waitFor();
  assert.equal(state.faces.get(4).person, 6);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Taken back.").waitFor();
  assert.equal(state.faces.get(4).person, 2);
  assert.equal(state.people.size, 5);
});

test("two people become one", async () => {
  const page = await visit("people/2");
  await page.getByRole("button", { name: "Same as somebody else …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Person 3" }).click();
  await page.getByRole("heading", { name: "Person 3" }).waitFor();
  await page.getByText("4 faces", { exact: true }).waitFor();
  assert.equal(state.people.has(2), false);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("heading", { name: "Person 2" }).waitFor();
  await page.getByText("2 faces", { exact: true }).waitFor();
});

test("a face of a photo that is added is named by its user", async () => {
  const page = await visit("look");
  await page.locator("input[type=file]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: PIXEL });
  await page.getByRole("button", { name: "Add to the gallery" }).click();
  assert.equal(state.far, null);
  await page.getByLabel("Pairs of strangers that may pass").selectOption("1 in 10");
  await page.waitForResponse(/identify.*far=0.1/);
  await page.getByRole("button", { name: "This is …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Person 4" }).click();
  await page.getByRole("article").getByRole("link", { name: "Person 4" }).waitFor();
  assert.deepEqual(state.faces.get(9), { id: 9, person: 4, by: "user" });
});

test("a deletion says what will go, and proves that it went", async () => {
  const page = await visit("people/2");
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByText("This would go for ever: 1 person, 2 faces, 2 photos.").waitFor();
  assert.ok(state.people.has(2));
  await assertAccessible(page, "before deleting");
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("64 were there before, 0 are there now").waitFor();
  assert.equal(state.people.has(2), false);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("heading", { name: "People" }).waitFor();
  assert.equal(await page.getByText("Person 2", { exact: true }).count(), 0);
});

test("questions are answered by keys, and answers are taken back", async () => {
  const question = (a, b) => ({ a: shape(state.faces.get(a)), b: shape(state.faces.get(b)), distance: 1, why: "just-beyond" });
  state.questions = [question(1, 3), question(5, 7)];
  const page = await visit("questions");
  await page.getByText("2 questions").waitFor();
  await page.keyboard.press("s");
  assert.equal(state.corrections.length, 0, "letters count only within the question");
  await page.getByRole("button", { name: "The same (s)" }).focus();
  await page.keyboard.press("d");
  await page.getByText("1 question, 1 answered").waitFor();
  assert.deepEqual([state.corrections[0].faces, state.corrections[0].verdict], [[1, 3], "different"]);
  await page.getByRole("button", { name: "The same (s)" }).click();
  await page.getByText("All questions are answered.").waitFor();
  assert.equal(state.corrections[1].verdict, "same");
  await page.getByRole("button", { name: "Take the last answer back" }).click();
  await page.getByText("1 question, 1 answered").waitFor();
  assert.equal(state.corrections.length, 1);
});

test("a job shows how far it is, and what came of it", async () => {
  const page = await visit("jobs");
  await page.getByRole("button", { name: "Group the faces" }).click();
  await page.getByText("1 of 3").waitFor();
  await page.getByText("4 people, 2 of them new; 1 face alone; 3 questions").waitFor();
  await page.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("cancelled; what was done is kept").waitFor();
});

test("a gallery of an older model is brought to the new one", async () => {
  state.older = 8;
  const page = await visit("jobs");
  await page.getByText("8 faces are of the older model.").waitFor();
  await page.getByRole("button", { name: "Bring it" }).click();
  await page.getByText("7 faces embedded anew; 1 without an image any more").waitFor();
});

test("a face of the map is found by pointing, by touch and by keys, and all is there as a list", async () => {
  state.isSampled = true;
  const page = await visit("map");
  const map = page.getByRole("application", { name: "Map of 10 faces" });
  await page.getByText("10 of 10 faces, drawn evenly of 5 people").waitFor();
  const box = await map.boundingBox();
  // The first face lies at (1, 0).
  const unit = Math.min(box.width, box.height) / 2.15;
  await page.mouse.move(box.x + box.width / 2 + unit, box.y + box.height / 2);
  await page.getByText("face 1: Person 1").waitFor();
  await page.getByRole("application", { name: "Map of 10 faces, at face 1, Person 1" }).focus();
  await page.keyboard.press("ArrowUp");
  await page.getByText("face 2: Person 1").waitFor();
  await page.keyboard.press("+");
  await page.keyboard.press("ArrowLeft");
  await page.getByText("face 3: Person 2").waitFor();
  await page.getByRole("button", { name: "Whole" }).click();
  // A drag moves and does not choose.
  await page.mouse.move(box.x + 20, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 80, box.y + 120, { steps: 3 });
  await page.mouse.up();
  await page.getByText("face 3: Person 2").waitFor();
  await page.getByText("The same as a list").click();
  await page.getByRole("listitem").filter({ hasText: "Person 1, 2 faces; nearest to Person" }).waitFor();
  await page.getByLabel("Laid out so that").selectOption("along the two main directions");
  await page.waitForResponse(/map\?method=principal/);
  assert.deepEqual(opened.faults, []);
});

test("a run's curves grow while it trains, and its hardest triplets are shown without running its page", async () => {
  state.runs = [madeUpRun()];
  const pixel = `data:image/png;base64,${PIXEL.toString("base64")}`;
  const cell = (role) => `<td><figure><img src="${pixel}"><figcaption><bdi>${role} &lt;b&gt;</bdi></figcaption></figure></td>`;
  state.runPage = `<script>document.title='taken'</script><section aria-labelledby="hardest"><table><caption>Step 300</caption>
    <tbody><tr>${["Ann", "Ann", "Bea"].map(cell).join("")}</tr></tbody></table></section>`;
  const page = await visit("look");
  await page.getByRole("link", { name: "Runs" }).click();
  await page.getByText(/^training, step 300 of 1,000; last written \d+ s ago$/).waitFor();
  await page.getByRole("link", { name: "mine" }).click();
  await page.getByRole("img", { name: "loss: 0.12 at step 300, 0.2 at first" }).waitFor();
  await page.getByRole("img", { name: /same person: 0.8 .*; different people: 2.1 / }).waitFor();
  await page.getByRole("heading", { name: "Grain of salt" }).waitFor();
  await page.getByText("Bea <b>").waitFor();
  assert.equal(await page.title(), "facenet");
  await assertAccessible(page, "a run");
  state.runs[0].curves[0].points.push([400, 0.1]);
  Object.assign(state.runs[0], { step: 400, state: "finished" });
  await page.getByRole("img", { name: "loss: 0.1 at step 400, 0.2 at first" }).waitFor();
  await page.getByText("finished, step 400 of 1,000").waitFor();
  assert.deepEqual(opened.faults, []);
});

test("a camera that may not be used is told", async () => {
  const page = await visit("look");
  await page.getByRole("button", { name: "Use the camera" }).click();
  await page.getByRole("alert").getByText("the camera cannot be used: it is missing, taken, or not allowed").waitFor();
});

test("photos are added beside one that fails, also while the server is busy", async () => {
  state.busy = 2;
  const page = await visit("add");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose photos" }).click();
  await (await chooser).setFiles([photo("a.png"), photo("b.png"), photo("broken.png", 1)]);
  await page.getByText("Added 2 photos with 2 faces; 1 failed.").waitFor();
  await page.getByText("these bytes are no image").waitFor();
  assert.deepEqual(ownFaults(), []);
});

test("a server that asks for a key gets it once, and it is forgotten with the tab", async () => {
  state.key = "secret";
  const page = await visit("people");
  await page.getByRole("dialog").getByLabel("Key").fill("wrong");
  await page.getByRole("button", { name: "Use this key" }).click();
  await page.getByRole("dialog").getByLabel("Key").fill("secret");
  await assertAccessible(page, "the dialog of keys");
  await page.keyboard.press("Enter");
  await page.getByText("Person 1", { exact: true }).waitFor();
  await page.reload();
  await page.getByText("Person 1", { exact: true }).waitFor();
  const kept = await page.evaluate(() => [localStorage.length, document.cookie, sessionStorage.getItem("facenet-key")]);
  assert.deepEqual(kept, [0, "", "secret"]);
  await page.getByRole("button", { name: "Forget the key" }).click();
  await page.getByRole("dialog").getByLabel("Key").waitFor();
});

test("a server that went away is told, not swallowed", async () => {
  const page = await visit("people/2");
  await page.getByRole("heading", { name: "Person 2" }).waitFor();
  await server.stop();
  await page.getByRole("textbox", { name: "Name" }).fill("Berta");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("alert").getByText("the server cannot be reached").waitFor();
  server = await startStandIn(state);
});

test("all can be reached by the keyboard alone", async () => {
  const page = await visit("people");
  await page.getByText("Person 5", { exact: true }).waitFor();
  const seen = [];
  for (let press = 0; press < 20; press++) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id));
    if (seen.at(-1).startsWith("P Person 5") || seen.at(-1).includes("Person 5")) break;
  }
  assert.equal(seen[0], "To the content");
  assert.ok(seen.includes("Same person?") && seen.includes("wanted"), seen.join(" | "));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Person 5" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
});

/** What is there when all of a view is. */
const READY = {
  look: "Drop photos here",
  people: "Person 5",
  "people/1": "doubtful",
  questions: "too poor to tell",
  compare: "The other photo",
  add: "Drop photos here",
  jobs: "no. so",
  map: "drawn evenly",
  runs: "last written",
  "runs/1": "Mean squared distances",
  nowhere: "There is no such view",
};

for (const scheme of ["light", "dark"]) {
  for (const [size, width] of [["phone", 360], ["desktop", 1280]]) {
    test(`every view is accessible and fits: ${scheme}, ${size}`, async () => {
      state.questions = [{ a: shape(state.faces.get(1)), b: shape(state.faces.get(3)), distance: 1, why: "poor" }];
      state.jobs = [{ id: 1, kind: "cluster", state: "failed", done: 0, total: 1, problem: { title: "no", hint: "so" } }];
      Object.assign(state, { runs: [madeUpRun({ name: "long-name-".repeat(20) })], isSampled: true });
      state.people.get(1).name = "Annabella-Maximiliana".repeat(6);
      const page = await visit("look", { colorScheme: scheme, viewport: { width, height: 700 } });
      for (const view of ["look", "people", "people/1", "questions", "compare", "add", "jobs", "map", "runs", "runs/1", "nowhere"]) {
        await page.goto(`${server.address}#/${view}`);
        await page.getByText(READY[view], { exact: false }).first().waitFor();
        await assertAccessible(page, `${view}, ${scheme}, ${size}`);
      }
      assert.deepEqual(opened.faults, []);
    });
  }
}
