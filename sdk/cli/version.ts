import { readFileSync } from "node:fs";

/** Set by the bundler of pkg/, where the manifest lies beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;

/** Version of this package. */
export function version(): string {
  const place = typeof AIOS_PACKAGED === "undefined" ? "../../package.json" : "./package.json";
  const manifest = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8"));
  return String(manifest.version);
}
