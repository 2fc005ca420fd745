// The real server, with a gallery in a folder of its own.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts the program named by `FACENET` on a free port; gives its address and how to stop it. */
export async function startServer() {
  const program = process.env.FACENET;
  if (!program) throw new Error("FACENET names no program; `.ci/page` builds and names it");
  const folder = mkdtempSync(join(tmpdir(), "facenet-page-"));
  const gallery = join(folder, "page.faces");
  execFileSync(program, ["gallery", "create", gallery, "--crops"], { stdio: "pipe" });
  const server = spawn(program, ["serve", "--listen", "127.0.0.1:0", "--gallery", gallery], { stdio: ["ignore", "pipe", "pipe"] });
  const gone = new Promise((done) => server.once("exit", done));
  const stop = async () => {
    server.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true });
  };
  let told = "";
  const address = await new Promise((ready, failed) => {
    const read = (text) => {
      told += text;
      const found = /listening on (http:\/\/[\d.:]+)/.exec(told);
      if (found) ready(`${found[1]}/`);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    gone.then((code) => failed(new Error(`the server ended with ${code}: ${told}`)));
  });
  return { address, folder, stop };
}
