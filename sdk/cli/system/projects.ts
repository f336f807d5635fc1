/** Projects: what they are to be by a document, and what they are. */
import { readFileSync } from "node:fs";
import { API, type Result } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import { readJson } from "../../oci/json.ts";
import { DOCUMENT_BYTES_MAX } from "../../oci/media.ts";
import { check } from "../../oci/schema.ts";
import { readInputFile } from "../image-file.ts";
import { eachOf } from "./complain.ts";
import { type Act, chosen, isNamed, named, nameIn, report, requireNames, show } from "./context.ts";
import type { Column } from "./table.ts";
import { bytes, span } from "./units.ts";

const STDIN = "-";
/** What other orchestrators' documents are. */
const YAML = /\.ya?ml$/i;
const CHANGES = ["created", "changed", "removed", "unchanged"] as const;

const apply: Act = async (context, _, given) => {
  const { file: files, dryRun = false } = given as { file: readonly string[]; dryRun?: boolean };
  const documents = files.map(readDocument);
  for (const document of documents) {
    const applied = await context.client.call("project.apply", { ...document, dryRun });
    const lines = CHANGES.flatMap((change) =>
      applied[change].map(
        (name) => `${applied.project}/${name} ${change}${dryRun ? " (dry run)" : ""}`,
      ),
    );
    report(context, applied, lines.join("\n") || `${applied.project} is empty`);
  }
  return undefined;
};

/** Held to its schema here as well: an error has the line in the file. @throws RequestError, OciError, FileError */
function readDocument(file: string): { project: string } {
  if (YAML.test(file))
    throw new RequestError("bad-request", `${file}: a document is JSON; YAML isn't read`);
  const text = file === STDIN ? readFileSync(0) : readInputFile(file, DOCUMENT_BYTES_MAX);
  const document = readJson(text, file === STDIN ? "standard input" : file, true);
  check(document, API["project.apply"].params);
  return document.value as { project: string };
}

type Project = Result<"project.list">[number];

const PROJECT_COLUMNS: readonly Column<Project>[] = [
  { title: "PROJECT", of: ({ name }) => name },
  { title: "AGENTS", of: ({ agents }) => String(agents), right: true },
  { title: "RUNNING", of: ({ running }) => String(running), right: true },
  { title: "RESERVED", of: ({ reserved }) => bytes(reserved), right: true },
  { title: "MEMORY", of: ({ memory }) => bytes(memory), right: true },
];

const projects: Act = async (context, names, given) => {
  const { client } = context;
  const { rm } = given as { rm?: boolean };
  if (rm) {
    requireNames(names, "project");
    return await eachOf(context, names, async (project) => {
      const { agents } = await client.call("project.remove", { project });
      report(context, { removed: project, agents }, project);
    });
  }
  const all = await client.call("project.list", {});
  const shown = chosen(all, names, "project", (it, name) => it.name === name);
  return show(context, shown, PROJECT_COLUMNS, ({ name }) => name);
};

type Job = Result<"job.list">[number];

const due = ({ next }: Job): string =>
  next === null ? "suspended" : `in ${span(next - Date.now() / 1000)}`;

const JOB_COLUMNS: readonly Column<Job>[] = [
  { title: "JOB", of: ({ name }) => name },
  { title: "PROJECT", of: ({ project }) => project },
  { title: "SCHEDULE", of: ({ spec }) => spec.cron ?? `every ${spec.every}s` },
  { title: "NEXT", of: due },
  { title: "RUNS", of: ({ runs }) => String(runs), right: true },
];

const jobs: Act = async (context, names, given) => {
  const { project } = context.options;
  const { cancel } = given as { cancel?: boolean };
  if (cancel) {
    requireNames(names, "job");
    return await eachOf(context, names, async (name) => {
      const job = await context.client.call("job.cancel", named(context, name));
      report(context, job, job.name);
    });
  }
  const all = await context.client.call("job.list", project ? { project } : {});
  const shown = chosen(all, names, "job", isNamed(context));
  return show(context, shown, JOB_COLUMNS, nameIn(context));
};

export const PROJECT_ACTS: Readonly<Record<string, Act>> = { apply, projects, jobs };
