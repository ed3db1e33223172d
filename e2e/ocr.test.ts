import type { Canvas } from '@napi-rs/canvas';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT, submitFiles } from '../subnet/commands/submit.ts';
import { KEY_FILES } from '../subnet/keys/keys.ts';
import { Random } from '../subnet/models/random.ts';
import { drawTextImage } from '../subnet/models/text-image.ts';
import { drawTextPage } from '../subnet/models/text-page.ts';
import { launch, openWatched } from './browser/launch.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';

/** The OCR chain in a real browser: a picture goes in as a file, and its lines come back, checked to the last bit. */
let subnet: Subnet;
let browser: Browser;
let folder: string;

/** What no audit looks at proves nothing here. */
const AUDIT_ALL = ['--audit-floor-ppm', '1000000'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtab-e2e-ocr-'));
  [subnet, browser] = await Promise.all([
    createSubnet({ flags: ['--catalogue', 'ocr', ...AUDIT_ALL] }),
    launch(),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Has a tab run `model` on a picture, and gives what came back. */
async function submitted(model: string, picture: Canvas): Promise<Record<string, unknown>[]> {
  const [file, out] = [join(folder, `${model}.png`), join(folder, `${model}.json`)];
  await writeFile(file, picture.toBuffer('image/png'));
  const said: string[] = [];
  const exit = await submitFiles({
    url: subnet.url,
    token: (await readFile(join(subnet.dataDir, 'keys', KEY_FILES.adminToken), 'utf8')).trim(),
    model,
    out,
    inputs: [file],
    signal: AbortSignal.timeout(200_000),
    log: (line) => said.push(line),
  });
  expect([exit, said.at(-1)]).toEqual([EXIT.done, `1 done, 0 failed: ${out}`]);
  return (JSON.parse(await readFile(out, 'utf8')) as { results: Record<string, unknown>[] }).results;
}

const audited = (model: string) => ({
  provider: 'wasm',
  checks: { method: 'equal', lane: 'exact', model },
  receipt: { holds: true, content: { kind: 'infer', drawn: true } },
});

it('finds the lines of a page and reads a line, submitted as files, audited by equality', async () => {
  // A software adapter would take a minute for what WebAssembly does in less than a second.
  const tab = await openWatched(browser, subnet.url, { query: 'provider=wasm' });
  await tab.start();
  const { canvas, lines } = drawTextPage(Random.from('a page for the browser'), 320);
  expect(await submitted('ppocr-det-exact', canvas)).toMatchObject([
    {
      outputs: [{ dtype: 'int32', dims: [1, 1, 320, 320] }],
      means: { label: `${lines} lines of text`, boxes: Array.from({ length: lines }, () => ({})) },
      evidence: audited('ppocr-det-exact'),
    },
  ]);
  const line = drawTextImage(Random.from(['line', 0]), { mayTurn: false, widest: 9 });
  expect(await submitted('ppocr-rec-exact', line.canvas)).toMatchObject([
    {
      outputs: [{ dtype: 'int32', dims: [1, 40, 6625] }],
      means: { label: line.text },
      evidence: audited('ppocr-rec-exact'),
    },
  ]);
  const { problems } = await tab.state();
  expect(problems.filter(({ code }) => code === 'KNOWN_ANSWER')).toEqual([]);
  expect(subnet.query("select code from tasks where state = 'rejected'")).toEqual([]);
  await tab.context.close();
});
