/**
 * Reads names of files from its input, a line each; has the words of all counted at once, by an agent of the image
 * "count" for each; and writes a report beside them. Its arguments: the image's name, the folder, the report's name.
 */
import { args, type Child, readFile, spawn, stdin, writeFile } from "aios";

const [image = "", folder = "", report = ""] = args;
const FAILED = 0xffffn;

async function countOf(counter: Child): Promise<string> {
  const { reason, code } = await counter.ended();
  return reason === "exited" && code !== FAILED ? String(code) : "not counted";
}

const names: string[] = [];
const counts: Promise<string>[] = [];
for await (const name of stdin.lines()) {
  // It may read the folder, and no more.
  const capabilities = [`FS_READ:${folder}`];
  const counter = spawn(image, { args: [`${folder}/${name}`], capabilities });
  names.push(name);
  counts.push(countOf(counter));
}
const lines = (await Promise.all(counts)).map((count, n) => `${names[n]}: ${count}\n`);
writeFile(`${folder}/${report}`, lines.join(""));
console.log(`${readFile(`${folder}/${report}`).length} bytes of report`);
