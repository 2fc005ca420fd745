// A camera that shows a photo: chromium plays a film of uncompressed frames (YUV4MPEG2) in place of one.
import { readFile, writeFile } from "node:fs/promises";
import { startBrowser } from "./browser.mjs";

/** Writes the photo as a film of one frame at `film`; `page` only decodes it. */
async function filmOf(page, photo, film) {
  const base64 = (await readFile(photo)).toString("base64");
  const { width, height, pixels } = await page.evaluate(async (photo) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${photo}`)).blob());
    // Colours are kept for squares of two pixels.
    const [width, height] = [picture.width & ~1, picture.height & ~1];
    const brush = new OffscreenCanvas(width, height).getContext("2d");
    brush.drawImage(picture, 0, 0);
    return { width, height, pixels: [...brush.getImageData(0, 0, width, height).data] };
  }, base64);
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\nFRAME\n`);
  await writeFile(film, Buffer.concat([header, planes(width, height, pixels)]));
}

/** Red, green, blue, opacity as one plane of brightness and two of colour at half the size (BT.601). */
function planes(width, height, pixels) {
  const [bright, colour] = [width * height, (width * height) / 4];
  const out = Buffer.alloc(bright + 2 * colour);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g, b] = pixels.slice(4 * (y * width + x), 4 * (y * width + x) + 3);
      out[y * width + x] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
      if (x % 2 || y % 2) continue;
      const at = bright + (y / 2) * (width / 2) + x / 2;
      out[at] = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
      out[at + colour] = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
    }
  }
  return out;
}

/** A browser whose camera shows the photo; `film` is a file that it may write. */
export async function startBrowserWithCamera(browser, photo, film) {
  const context = await browser.newContext();
  await filmOf(await context.newPage(), photo, film);
  await context.close();
  return startBrowser(["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`]);
}
