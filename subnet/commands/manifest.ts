import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest, subnetIdOf } from '../../protocol/manifest.ts';
import { jsonOption, printJson } from './options.ts';

export const manifestCommand = (): Command =>
  new Command('manifest')
    .description(
      'Fetch a subnet manifest, check it as a tab would, and show what it says. Exit 1 when it does not hold.',
    )
    .argument('[source]', 'URL or file of a subnet.json', 'http://localhost:8787/subnet.json')
    .addOption(jsonOption())
    .action(async (source: string, flags: { json: boolean }) => {
      const opened = openManifest(await load(source), { nowMs: Date.now(), version: PROTOCOL_VERSION });
      if (!opened.ok) throw new Error(`${opened.message} (${opened.code})`);
      const manifest = opened.value;
      if (flags.json) return printJson({ subnet: toHex(subnetIdOf(manifest)), ...manifest });
      const lines = [
        `${manifest.name}: signature, addresses and expiry hold`,
        `  subnet      ${toHex(subnetIdOf(manifest))}`,
        `  owner       ${manifest.owner}`,
        `  sequence    ${manifest.sequence}, until ${new Date(manifest.notAfterMs).toISOString()}`,
        `  epoch       ${manifest.policy.epochSlots} slots of ${manifest.policy.slotMs} ms`,
        ...manifest.validators.flatMap(({ peer, addresses }) => [
          `  validator   ${peer}`,
          ...addresses.map(({ address }) => `    ${address}`),
        ]),
        ...manifest.kinds.map(
          ({ kind, emissionPpm }) => `  kind        ${kind}, ${emissionPpm / 10_000} % of the emission`,
        ),
        ...manifest.models.map(
          ({ name, version, bytes, sha256 }) =>
            `  model       ${name} ${version}, ${bytes} bytes, sha256 ${sha256}`,
        ),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });

async function load(source: string): Promise<unknown> {
  if (!/^https?:/.test(source)) return JSON.parse(await readFile(source, 'utf8'));
  const response = await fetch(source, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);
  return await response.json();
}
