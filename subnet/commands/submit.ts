import { access, constants, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errorText } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { SampleSource } from '../models/source.ts';
import { sourceOf } from '../models/sources.ts';
import { jobsClient, type JobsClient } from './jobs-client.ts';
import { isLoopback } from './node-call.ts';
import { resultJson } from './submit-result.ts';

export type SubmitOptions = {
  /** Where the node's HTTP server is. */
  url: string;
  token: string;
  /** Name of a catalogue model that understands files. */
  model: string;
  /** JSON file that is written, or replaced. */
  out: string;
  /** Files to read. */
  inputs: readonly string[];
  signal: AbortSignal;
  /** Progress and problems, a line each, for people. */
  log: (line: string) => void;
};

/** Every result is there; some are missing; nothing was tried. */
export const EXIT = { done: 0, incomplete: 1, usage: 2 } as const;

/** Enough to keep a handful of tabs busy, few enough that the inputs in flight stay under 50 MB. */
const AT_ONCE = 8;
/** A photo or minutes of audio; the model would refuse more anyway. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** How often a person is told what is being waited for. */
const STILL_WAITING_MS = 15_000;

/** One unit of a file: `part` counts from 0 where the file makes several. */
type Part = { file: string; part: number; inputs: Tensor[] };

/**
 * Has files run by the subnet and writes the checked results. Gives the exit code: 0 all done, 1 some failed or were
 * interrupted (what there is, is written), 2 the options or a file cannot be used and nothing was sent.
 */
export async function submitFiles(options: SubmitOptions): Promise<number> {
  const { log } = options;
  const prepared = await prepare(options);
  if (typeof prepared === 'string') {
    log(prepared);
    return EXIT.usage;
  }
  const { source, parts, url } = prepared;
  if (url.protocol === 'http:' && !isLoopback(url))
    log(`Warning: the admin token goes to ${url.host} unencrypted.`);
  log(`${parts.length} units of ${options.model} from ${options.inputs.length} files`);

  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const client = jobsClient(url, options.token, signal);
  const results: unknown[] = [];
  let done = 0;
  let failed = 0;
  let next = 0;
  const runNext = async (): Promise<void> => {
    for (let at = next++; at < parts.length && !signal.aborted; at = next++) {
      const part = parts[at];
      if (part === undefined) return;
      const name = `${part.file}${part.part === 0 ? '' : ` #${part.part}`}`;
      const outcome = await runPart(client, options.model, part, source);
      results[at] = { file: part.file, part: part.part, ...outcome.json };
      if (outcome.ok) done++;
      else failed++;
      log(`${done + failed}/${parts.length} ${name}: ${outcome.line}`);
      // Without the right token no other part would fare better.
      if (outcome.fatal) stop.abort();
    }
  };
  const still = setInterval(() => {
    log(`${done + failed}/${parts.length}: waiting for tabs. Results come while at least one is running.`);
  }, STILL_WAITING_MS);
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, parts.length) }, runNext));
  clearInterval(still);

  const missing = parts.length - done - failed;
  const document = {
    model: options.model,
    node: url.origin,
    done,
    failed,
    missing,
    results: results.filter((r) => r !== undefined),
  };
  try {
    await writeFile(`${options.out}.tmp`, `${JSON.stringify(document, null, 2)}\n`);
    await rename(`${options.out}.tmp`, options.out);
  } catch (error) {
    await rm(`${options.out}.tmp`, { force: true });
    log(`${options.out} cannot be written: ${errorText(error)}`);
    return EXIT.incomplete;
  }
  log(`${done} done, ${failed} failed${missing > 0 ? `, ${missing} not run` : ''}: ${options.out}`);
  return done === parts.length ? EXIT.done : EXIT.incomplete;
}

/** Everything that can be wrong before the first unit is sent; a string says what is. */
async function prepare(
  options: SubmitOptions,
): Promise<{ source: SampleSource; parts: Part[]; url: URL } | string> {
  const source = sourceOf(options.model);
  if (source === null) return `${options.model}: no model of that name takes files.`;
  if (options.inputs.length === 0) return 'No files were named.';
  const url = URL.parse(options.url.endsWith('/') ? options.url : `${options.url}/`);
  if (url === null || !/^https?:$/.test(url.protocol))
    return `${options.url}: expected an http: or https: address.`;
  try {
    await access(dirname(options.out), constants.W_OK);
  } catch {
    return `${options.out} cannot be written: its folder is missing or read-only.`;
  }
  const parts: Part[] = [];
  for (const file of options.inputs) {
    try {
      const { size } = await stat(file);
      if (size > MAX_FILE_BYTES) return `${file}: ${size} bytes are more than ${MAX_FILE_BYTES}.`;
      const units = await source.fromFile(await readFile(file), basename(file));
      if (!units.ok) return `${file}: ${units.message}`;
      parts.push(...units.value.map((inputs, part) => ({ file, part, inputs })));
    } catch (error) {
      return `${file} cannot be read: ${errorText(error)}`;
    }
  }
  return parts.length === 0 ? 'The files hold nothing to run.' : { source, parts, url };
}

/** For a line of the log: without rectangles. */
const brief = (means: unknown): string =>
  JSON.stringify(means, (key, value: unknown) => (key === 'boxes' ? undefined : value));

type PartOutcome = { ok: boolean; fatal: boolean; json: object; line: string };

async function runPart(
  client: JobsClient,
  model: string,
  part: Part,
  source: SampleSource,
): Promise<PartOutcome> {
  const id = await client.submit(model, part.inputs);
  const job = id.ok ? await client.wait(id.value) : id;
  if (!job.ok) {
    const fatal = job.code === 'UNAUTHORISED';
    return {
      ok: false,
      fatal,
      json: { problem: { code: job.code, message: job.message } },
      line: job.message,
    };
  }
  if (job.value.status === 'failed') {
    const { id: failedId, message } = job.value;
    return {
      ok: false,
      fatal: false,
      json: { job: failedId, problem: { code: 'FAILED', message } },
      line: message,
    };
  }
  const scales = await client.scales(model);
  // Without them the outputs are there all the same, and `means` says what is missing.
  const json = resultJson(job.value, source, scales.ok ? scales.value : []);
  const { receipt } = json.evidence;
  const line = `${brief(json.means)} by ${job.value.evidence.peer} on ${job.value.evidence.provider}`;
  if (receipt.holds) return { ok: true, fatal: false, json, line };
  return {
    ok: false,
    fatal: false,
    json,
    line: `${line}, but its receipt does not hold: ${receipt.problem ?? ''}`,
  };
}
