/** A user's project in a temporary folder, in which nothing of this one is but the package. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "vite";

/** Makes a project with pkg/ as node_modules/aios and these files; returns its folder. */
export function projectWithPackage(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "aios-project-"));
  cpSync("pkg", join(folder, "node_modules/aios"), { recursive: true });
  const all = { "package.json": '{ "name": "project", "type": "module" }', ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Puts what the package wants beside it, as an installation would. */
export function installDependencies(folder: string): void {
  const { dependencies } = JSON.parse(readFileSync("pkg/package.json", "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies))
    symlinkSync(join(process.cwd(), "node_modules", name), join(folder, "node_modules", name));
}

/** Builds a web application, index.html and what it imports, with Vite into `folder`/dist. */
export async function bundleWithVite(folder: string): Promise<string> {
  await build({ root: folder, configFile: false, envFile: false, base: "./", logLevel: "error" });
  return join(folder, "dist");
}
