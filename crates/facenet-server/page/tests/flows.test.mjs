// The whole way with the real server and real photos: add, group, name, look, compare, correct, forget.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertAccessible, openPage, startBrowser } from "./browser.mjs";
import { startServer } from "./server.mjs";

const PHOTOS = fileURLToPath(new URL("../../../../examples/photos/", import.meta.url));
const photo = (name) => join(PHOTOS, `${name}.jpg`);
/** Where pictures for the documentation go, if they are wanted. */
const PICTURES = process.env.PICTURES;

let browser, server, page, faults;
before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer()]);
  ({ page, faults } = await openPage(browser, server.address, { viewport: { width: 1000, height: 760 } }));
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function picture(name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.jpg`), type: "jpeg", quality: 70 });
}

const go = (view) => page.getByRole("navigation").getByRole("link", { name: view, exact: true }).click();
const choose = (files, number = 0) => page.locator("input[type=file]").nth(number).setInputFiles(files.map(photo));

test("photos are added, and their faces grouped", async () => {
  await go("Add");
  await choose(["barack-obama-1", "barack-obama-2", "eileen-collins-1"]);
  await page.getByText("Added 3 photos with 3 faces.").waitFor();
  await choose(["barack-obama-1"]);
  await page.getByText("1 were there already").or(page.getByText("1 was there already")).waitFor();
  await go("Jobs");
  await page.getByRole("button", { name: "Group the faces" }).click();
  await page.getByRole("link", { name: "To the people" }).waitFor();
});

test("a photo of somebody is added with a name", async () => {
  await go("Add");
  await page.getByLabel("Whose photos are these?").fill("Joe");
  await choose(["joe-biden-1"]);
  await page.getByText("Added 1 photo with 1 face.").waitFor();
  await go("People");
  await page.getByRole("link", { name: /^Joe/ }).click();
  await page.getByRole("heading", { name: "Joe" }).waitFor();
  await page.getByRole("img", { name: /^face \d+$/ }).waitFor();
  await assertAccessible(page, "a person");
});

test("a face of a photo is found and named", async () => {
  await go("Look");
  await choose(["joe-biden-1"]);
  await page.getByRole("article").getByRole("link", { name: "Joe" }).waitFor();
  await page.getByText("1 Joe").waitFor();
  await assertAccessible(page, "a photo that was looked at");
  await picture("page-look");
});

test("two photos of one person, and of two, are compared", async () => {
  await go("Compare");
  await choose(["barack-obama-1"], 0);
  await choose(["eileen-collins-1"], 1);
  await page.getByRole("heading", { name: "Different people" }).waitFor();
  await choose(["barack-obama-1"], 1);
  await page.getByRole("heading", { name: "The same person", exact: true }).waitFor();
  await page.getByText("distance 0.000").waitFor();
  await assertAccessible(page, "a verdict");
});

test("what is deleted is proved to be gone", async () => {
  await go("People");
  await page.getByRole("link", { name: /^Joe/ }).click();
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByText("This would go for ever: 1 person, 1 face, 1 photo.").waitFor();
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.getByText("0 are there now").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("heading", { name: "People" }).waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(await page.getByRole("link", { name: /^Joe/ }).count(), 0);
});

test("nothing was asked of other hosts, and nothing failed", () => assert.deepEqual(faults, []));
