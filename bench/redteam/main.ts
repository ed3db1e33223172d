import { parseArgs } from 'node:util';
import { writeConsensusReport } from './consensus/report.ts';
import { runConsensusSuite } from './consensus/suite.ts';
import { runFairness } from './fairness/fairness.ts';
import { runRemote } from './remote.ts';
import { runRedTeam } from './red-team.ts';
import { freezeThresholds } from './thresholds.ts';
import { writeReport } from './report.ts';

/**
 * The red team: npm run -s redteam -- [--attackers a,b] [--units N] [--seed S] [--json] [--full] [--freeze]
 * [--transport webrtc] [--fairness]
 * The red team of the consensus: npm run -s redteam -- --suite consensus [--seed S] [--json] [--full]
 * Exits with 1 when something that must hold does not.
 */
const { values } = parseArgs({
  options: {
    attackers: { type: 'string' },
    units: { type: 'string' },
    seed: { type: 'string', default: 'gridtab' },
    json: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    transport: { type: 'string', default: 'memory' },
    fairness: { type: 'boolean', default: false },
    freeze: { type: 'boolean', default: false },
    suite: { type: 'string', default: 'tabs' },
  },
});

/** Their median rests on as many pairs. */
const FAIRNESS_REPETITIONS = 5;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
if (values.suite === 'consensus') {
  const { seed, full, json } = values;
  const consensus = await runConsensusSuite({ seed, full, say });
  await writeConsensusReport(consensus, { json, keep: full });
  process.exit(consensus.broken.length === 0 ? 0 : 1);
}
if (values.suite !== 'tabs') {
  say(`--suite ${values.suite}: there are \`tabs\` and \`consensus\``);
  process.exit(2);
}
if (values.freeze) {
  say(`frozen: ${await freezeThresholds()}`);
  process.exit(0);
}
if (values.fairness) {
  const fairness = await runFairness(values.seed, FAIRNESS_REPETITIONS, say);
  process.stdout.write(`${JSON.stringify(fairness, null, 2)}\n`);
  process.exit(fairness.broken.length === 0 ? 0 : 1);
}
if (values.transport === 'webrtc') {
  const remote = await runRemote(values.seed, say);
  process.stdout.write(`${JSON.stringify(remote, null, 2)}\n`);
  process.exit(remote.broken.length === 0 ? 0 : 1);
}
const report = await runRedTeam({
  full: values.full,
  seed: values.seed,
  say,
  ...(values.attackers === undefined ? {} : { attackers: values.attackers.split(',') }),
  ...(values.units === undefined ? {} : { units: Number(values.units) }),
});
await writeReport(report, { json: values.json, keep: values.full && values.attackers === undefined });
process.exit(report.broken.length === 0 ? 0 : 1);
