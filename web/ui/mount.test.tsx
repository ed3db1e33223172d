// @vitest-environment happy-dom
import { signal } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REFUSAL_CODES, REFUSALS } from '../../protocol/refusal.ts';
import type { AppActions, AppState, Phase } from '../state/types.ts';
import { t } from '../strings/strings.ts';
import type { FailureCode } from '../verify/report.ts';
import { FIXTURE_NAMES, FIXTURE_NOW_MS, FIXTURES, type FixtureName } from './fixtures.ts';
import { mount } from './mount.tsx';

const actions = {
  start: vi.fn<AppActions['start']>(),
  stop: vi.fn<AppActions['stop']>(),
  pause: vi.fn<AppActions['pause']>(),
  resume: vi.fn<AppActions['resume']>(),
  exportAccount: vi.fn<AppActions['exportAccount']>(),
  importAccount: vi.fn<AppActions['importAccount']>(),
  exportReceipts: vi.fn<AppActions['exportReceipts']>(),
  verify: vi.fn<AppActions['verify']>(),
  showEvidence: vi.fn<AppActions['showEvidence']>(),
  hideEvidence: vi.fn<AppActions['hideEvidence']>(),
  dismissProblem: vi.fn<AppActions['dismissProblem']>(),
} satisfies AppActions;

let root: HTMLElement;
let unmount: (() => void) | undefined;
beforeEach(() => {
  vi.clearAllMocks();
  root = document.createElement('div');
  document.body.append(root);
});
afterEach(() => {
  unmount?.();
  unmount = undefined;
  root.remove();
});

function show(state: AppState, nowMs = FIXTURE_NOW_MS) {
  const app = signal(state);
  const now = signal(nowMs);
  unmount = mount(root, app, actions, now);
  return { app, now };
}
const fixture = (name: FixtureName): AppState => FIXTURES[name];
const text = (selector = '*'): string => root.querySelector(selector)?.textContent ?? '';
const button = (label: string): HTMLButtonElement => {
  const found = [...root.querySelectorAll('button')].find(
    (b) => b.textContent.trim() === label || b.getAttribute('aria-label') === label,
  );
  if (found === undefined) throw new Error(`no button “${label}”`);
  return found;
};
const labels = (): string[] => [...root.querySelectorAll('button')].map((b) => b.textContent.trim());
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('every state', () => {
  it.each(FIXTURE_NAMES)(
    '%s has one heading of the first rank, and names for its regions and buttons',
    (name) => {
      show(fixture(name));
      expect(root.querySelectorAll('h1')).toHaveLength(1);
      for (const b of root.querySelectorAll('button'))
        expect(b.textContent + (b.getAttribute('aria-label') ?? '')).not.toBe('');
      for (const by of root.querySelectorAll('[aria-labelledby]')) {
        expect(root.querySelector(`#${by.getAttribute('aria-labelledby')}`)).not.toBeNull();
      }
    },
  );

  it('takes everything away again', () => {
    show(fixture('running'));
    unmount?.();
    unmount = undefined;
    expect(root.childElementCount).toBe(0);
  });
});

describe('controls', () => {
  const expected: Record<Phase, [FixtureName, string[]]> = {
    idle: ['idle', ['Start']],
    starting: ['starting', ['Stop']],
    running: ['running', ['Pause', 'Stop']],
    paused: ['paused', ['Resume', 'Stop']],
    stopping: ['stopping', ['Pause', 'Stopping…']],
    failed: ['failed', ['Try again']],
  };
  const known = new Set(Object.values(expected).flatMap(([, names]) => names));
  it.each(Object.entries(expected))('of %s', (phase, [name, names]) => {
    show(fixture(name));
    expect(labels().filter((l) => known.has(l))).toEqual(names);
    expect(document.title).toContain('Gridtab');
    expect(text('.page')).not.toBe('');
    expect(root.querySelector(`.page-${phase}`)).not.toBeNull();
  });

  it('do what they say', () => {
    show(fixture('idle'));
    button('Start').click();
    expect(actions.start).toHaveBeenCalledExactlyOnceWith();
    unmount?.();
    show(fixture('running'));
    button('Pause').click();
    button('Stop').click();
    expect([actions.pause.mock.calls.length, actions.stop.mock.calls.length]).toEqual([1, 1]);
    unmount?.();
    show(fixture('paused'));
    button('Resume').click();
    expect(actions.resume).toHaveBeenCalledOnce();
  });

  it('do nothing more once it is stopping', () => {
    show(fixture('stopping'));
    expect(button('Stopping…').disabled).toBe(true);
    expect(button('Pause').disabled).toBe(true);
  });
});

describe('before Start', () => {
  it('says what it does, uses and sends', () => {
    show(fixture('idle'));
    const page = text('main');
    for (const needed of [
      'IP address',
      'WebRTC',
      '27 MB',
      'power',
      'inputs',
      'No account, no wallet',
      'receipt',
    ]) {
      expect(page).toContain(needed);
    }
  });

  it('asks for trust in a foreign owner, and has no other way to start', () => {
    show(fixture('foreign'));
    expect(labels()).not.toContain('Start');
    expect(text('.foreign')).toContain(FIXTURES.foreign.foreign.owner);
    button('Trust this owner and start').click();
    expect(actions.start).toHaveBeenCalledExactlyOnceWith({ trust: true });
  });

  it('shows a returning person what was earned', () => {
    show(fixture('returning'));
    expect(text('.panel-receipts')).toContain('1,843');
  });
});

describe('what it runs on', () => {
  it('labels a software adapter as such, with the way out', () => {
    show(fixture('software'));
    expect(text('.adapter')).toContain('Software adapter');
    expect(text('.panel-machine')).toContain('chrome://gpu');
    expect(text('.panel-machine')).toContain('--enable-unsafe-webgpu');
  });
  it('labels no GPU as CPU, with the reason', () => {
    show(fixture('noGpu'));
    expect(text('.adapter')).toContain('CPU');
    expect(text('.panel-machine')).toContain('navigator.gpu is undefined');
  });
  it('has no such label on a GPU', () => {
    show(fixture('running'));
    expect(root.querySelector('.badge-striped')).toBeNull();
  });
});

describe('verdicts', () => {
  it.each(REFUSAL_CODES)('%s comes with its sentence', (code) => {
    show(fixture('refusals'));
    const said = [...root.querySelectorAll('.refusal')].find(
      (r) => r.querySelector('code')?.textContent === code,
    );
    expect(said?.textContent).toContain(REFUSALS[code][0]);
    expect(said?.textContent.length).toBeGreaterThan(code.length + REFUSALS[code][0].length + 5);
  });
  it('marks a receipt whose signature does not hold', () => {
    const [first] = FIXTURES.running.receipts.latest;
    if (first === undefined) throw new Error('the fixture has receipts');
    show({ ...fixture('running'), receipts: { total: 1, latest: [{ ...first, verified: false }] } });
    expect(text('.receipt-bad')).toContain('Does not match');
  });
});

describe('standing', () => {
  const standing = (name: FixtureName): string => {
    unmount?.();
    show(fixture(name));
    return text('.panel-standing');
  };

  it('says how often units are checked, what is held back, and why', () => {
    expect(standing('running')).toContain('1 in 67 units is checked');
    expect(text('.panel-standing')).toContain('200 of 200 units, 13.4\u00a0GH');
    expect(text('.panel-standing')).toContain('187 checks passed, none failed');
    expect(text('.panel-standing')).toContain('1.85\u00a0GH/s (1.74\u00a0GH/s to 1.97\u00a0GH/s)');
    expect(text('.panel-standing')).toContain('after 200 further units of its kind, or 20 epochs');
    expect(text('.readout-credits')).toContain('3.6182 of it held until it vests');
    expect(standing('newcomer')).toContain('New here: every unit is checked');
    expect(standing('suspect')).toContain('That proves nothing yet');
    const punished = standing('punished');
    expect(punished).toContain('earns nothing before epoch 1,294');
    expect(punished).toContain('2 of 3');
    expect(root.querySelector('.standing-punished')).not.toBeNull();
    expect(standing('firstSeconds')).toContain('once the tab has joined');
  });

  it('has as many lines before the validator has spoken as after', () => {
    standing('firstSeconds');
    const before = root.querySelectorAll('.panel-standing dt').length;
    standing('running');
    expect(root.querySelectorAll('.panel-standing dt')).toHaveLength(before);
  });

  it('says nothing of a punishment that is over', () => {
    const state = fixture('punished');
    if (state.standing === null) throw new Error('the fixture has a standing');
    show({ ...state, standing: { ...state.standing, epoch: state.standing.punishedUntilEpoch } });
    expect(root.querySelector('.standing-punished')).toBeNull();
  });
});

describe('verify my rewards', () => {
  const panel = (name: FixtureName): string => {
    unmount?.();
    show(fixture(name));
    return text('.panel-verify');
  };
  const lines = (): string[] => [...root.querySelectorAll('.check')].map((li) => li.className);

  it('says what it checks before it does, and starts on a press', () => {
    expect(panel('running')).toContain('It takes nobody’s word');
    expect(lines()).toEqual(Array.from({ length: 8 }, () => 'check check-idle'));
    button('Verify now').click();
    expect(actions.verify).toHaveBeenCalledOnce();
  });

  it('cannot without a connection, and says so', () => {
    expect(panel('reconnecting')).toContain('Not connected right now');
    expect(button('Verify now').disabled).toBe(true);
    expect(panel('returning')).toContain('Start first');
    expect(button('Verify again').disabled).toBe(true);
  });

  it('shows how far it is, and is not started twice', () => {
    expect(panel('verifying')).toContain('Places of my receipts: 1,216 of 1,843');
    expect(root.querySelector<HTMLProgressElement>('.panel-verify progress')?.value).toBe(1216);
    button('Verify now').click();
    expect(actions.verify).not.toHaveBeenCalled();
  });

  it('says what holds, with its numbers', () => {
    const said = panel('verified');
    expect(text('.verify-summary')).toBe('Everything holds, as of epoch 1,283.');
    expect(root.querySelector('.verify-summary')?.getAttribute('role')).toBe('status');
    expect(lines()).toEqual(Array.from({ length: 8 }, () => 'check check-passed'));
    for (const words of [
      'The owner’s key signed the list that the headers name: 3 validators.',
      'by 12 new headers',
      '2 of 3 validators, with 75.0\u00a0% of it',
      '1,283.7712 credits issued, of at most 21,000,000',
      '1,843 receipts, signed by validators with a seat',
      '1,809 receipts lie in their epochs’ trees',
      '34 receipts will be included when epoch 1,284 closes',
      '1,204.2513 credits, by 17 hashes up to the header of epoch 1,283',
      '17 hashes of at most 20',
      '12 checked, 1,272 by hash alone',
      'did not sign',
    ])
      expect(said).toContain(words);
    expect(said).not.toContain('has one validator');
  });

  it('says that the word of one validator is the only one', () => {
    expect(panel('verifiedAlone')).toContain('This subnet has one validator, so its word is the only one.');
    expect(text('.verify-limits')).toContain('2 receipts of other accounts');
  });

  it('says what does not hold, and what that means, in words and not by colour alone', () => {
    const said = panel('verifyFails');
    expect(text('.verify-summary')).toContain('2 checks do not hold');
    expect(said).toContain(
      '3 receipts left out of the ledger, the first for task 7c7c7c7c…7c7c of epoch 1,279',
    );
    expect(said).toContain('do not lead to the signed header of epoch 1,283');
    const failed = [...root.querySelectorAll('.check-failed .check-result')].map((each) => each.textContent);
    expect(failed).toEqual(['Does not hold', 'Does not hold']);
    expect(panel('verifyRewritten')).toContain('The ledger’s past was changed: epoch 1,271');
  });

  it('says what is newer than what is proven', () => {
    expect(panel('verifiedPartly')).toContain('The page shows 1,154.2513, proven are 1,204.2513.');
    expect(text('.verify-summary')).toContain('1 check is still open');
  });

  it.each(Object.keys(t.verify.failures) as FailureCode[])('%s has its sentence', (code) => {
    const state = fixture('verified');
    if (state.verification.status !== 'done') throw new Error('a report');
    const { report } = state.verification;
    const [first, ...others] = report.checks;
    if (first === undefined) throw new Error('a check');
    const found = { result: 'failed', code, epoch: 7, subject: 'ab'.repeat(32), count: 2 } as const;
    const checks = [{ id: first.id, ...found }, ...others];
    show({ ...state, verification: { status: 'done', report: { ...report, checks } } });
    expect(text('.check-failed p').length).toBeGreaterThan(30);
    expect(text('.check-failed p')).not.toMatch(/undefined|null|NaN/);
  });
});

describe('evidence', () => {
  it('is asked for on a verdict, and on nothing that has none', () => {
    show(fixture('running'));
    const rows = [...root.querySelectorAll('.unit')];
    const asked = rows.filter((row) => row.querySelector('.why') !== null);
    expect(asked.every((row) => row.matches('.unit-accepted, .unit-rejected'))).toBe(true);
    expect(asked).toHaveLength(root.querySelectorAll('.unit-accepted, .unit-rejected').length);
    root.querySelector<HTMLButtonElement>('.unit-rejected .why')?.click();
    const rejected = FIXTURES.running.units.find((u) => u.status === 'rejected');
    expect(actions.showEvidence).toHaveBeenCalledExactlyOnceWith(rejected?.taskId);
  });

  it('shows what was compared with what in words, then as it came', () => {
    show(fixture('suspect'));
    const shown = text('.evidence');
    expect(shown).toContain('differs by 8.4e-4 (relative L2); only 1.0e-4 is allowed');
    expect(shown).toContain('8.4 times the tolerance');
    expect(shown).toContain('OUT_OF_TOLERANCE');
    expect(text('.evidence pre')).toContain('"relativeL2": 0.00084');
    button('Close').click();
    expect(actions.hideEvidence).toHaveBeenCalledOnce();
  });

  it('says that a unit was taken back, and that one was spared', () => {
    show(fixture('punished'));
    expect(text('.evidence')).toContain('Taken back');
    unmount?.();
    show(fixture('spared'));
    expect(text('.evidence')).toContain('the audit coin spared it');
  });

  it('says that it waits, and why it cannot be had', async () => {
    const { app } = show({ ...fixture('running'), evidence: { taskId: 'a', status: 'asking' } });
    expect(text('.evidence')).toContain('Asking the validator');
    app.value = { ...app.value, evidence: { taskId: 'a', status: 'failed', message: 'gone' } };
    await settled();
    expect(text('.evidence')).toContain('could not be had: gone');
  });
});

describe('reasons', () => {
  it('says why it is paused, why there is no work, and that it is offline', () => {
    show(fixture('paused'));
    expect(text('h1')).toBe('Paused: you asked for it');
    unmount?.();
    show(fixture('noWork'));
    expect(text('h1')).toBe('No work right now: the queue is empty.');
    expect(text('.status-count')).toBe('asks again in 5\u00a0s');
    unmount?.();
    show(fixture('reconnecting'));
    expect(text('h1')).toContain('Not connected');
    expect(text('.panel-connection')).toContain('in 8\u00a0s');
  });

  it('shows a problem with its advice and code, and lets go of it', () => {
    show(fixture('failed'));
    expect(text('[role=alert]')).toContain('The validator cannot be reached');
    expect(text('[role=alert]')).toContain('no firewall');
    button('Dismiss: The validator cannot be reached').click();
    expect(actions.dismissProblem).toHaveBeenCalledExactlyOnceWith('VALIDATOR_UNREACHABLE');
  });
});

describe('what changes while it runs', () => {
  it('counts down to the settlement, outside of what is announced', async () => {
    const { now } = show(fixture('running'));
    expect(text('.readout-pending')).toContain('Settles in 13\u00a0s');
    now.value += 12_000;
    await settled();
    expect(text('.readout-pending')).toContain('Settles in 1\u00a0s');
    now.value += 1000;
    await settled();
    expect(text('.readout-pending')).toContain('Settling now');
    expect(text('[role=status]')).not.toContain('Settl');
  });

  it('shows every digit of the credits', () => {
    show(fixture('running'));
    expect(text('.readout-credits .readout-value')).toBe('1,204.251360274');
  });

  it('draws the units again only when they change', async () => {
    const { app } = show(fixture('running'));
    const seen: MutationRecord[] = [];
    const observer = new MutationObserver((records) => seen.push(...records));
    const watch = { subtree: true, childList: true, characterData: true, attributes: true };
    for (const part of ['.panel-units', '.wall']) observer.observe(root.querySelector(part) ?? root, watch);
    app.value = { ...app.value, rates: { hashesPerSecond: 5, inferencesPerMinute: 5 } };
    await settled();
    expect(text('.readout-hash .readout-value')).toBe('5.00 H/s');
    expect(seen).toEqual([]);
    app.value = { ...app.value, units: [] };
    await settled();
    observer.disconnect();
    expect(seen.length).toBeGreaterThan(0);
  });

  it('follows the phase in the title', async () => {
    const { app } = show(fixture('running'));
    expect(document.title).toBe('Working · Gridtab');
    app.value = { ...app.value, phase: 'paused' };
    await settled();
    expect(document.title).toBe('Paused · Gridtab');
  });
});

it('shows strings of peers as text, never as markup', () => {
  show(fixture('hostile'));
  expect(root.querySelector('img, script, iframe, a:not(.skip)')).toBeNull();
  expect(text('main')).toContain('<img src=x onerror=');
  expect(text('main')).not.toContain('\u202e');
  expect('pwned' in globalThis).toBe(false);
});

it('asks before an imported account replaces the present one', async () => {
  show(fixture('running'));
  const input = root.querySelector<HTMLInputElement>('input[type=file]');
  if (input === null) throw new Error('no file input');
  const file = new File(['{}'], 'account.json');
  Object.defineProperty(input, 'files', { value: [file] });
  input.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
  expect(actions.importAccount).not.toHaveBeenCalled();
  expect(text('[role=alertdialog]')).toContain('account.json');
  button('Replace account').click();
  expect(actions.importAccount).toHaveBeenCalledExactlyOnceWith(file);
});
