import { signal } from '@preact/signals';
import { render } from 'preact';
import type { AppActions, AppState } from '../../web/state/types.ts';
import { FIXTURE_NAMES, FIXTURE_NOW_MS, FIXTURES, type FixtureName } from '../../web/ui/fixtures.ts';
import { mount } from '../../web/ui/mount.tsx';

/**
 * Every state of the page to look at: `npx vite e2e/gallery --config e2e/gallery/vite.config.ts` and open the URL.
 * `?state=NAME` shows one, standing still, and `#NAME` after that turns it into another without a reload; without
 * `?state` there is a list. Actions show in the title.
 */
const log = (name: string) => (): void => {
  document.title = name;
};
const actions: AppActions = {
  start: log('start'),
  stop: log('stop'),
  pause: log('pause'),
  resume: log('resume'),
  exportAccount: log('exportAccount'),
  importAccount: log('importAccount'),
  exportReceipts: log('exportReceipts'),
  verify: log('verify'),
  showEvidence: log('showEvidence'),
  hideEvidence: log('hideEvidence'),
  dismissProblem: log('dismissProblem'),
};

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
const named = (name: string | null): FixtureName | undefined => FIXTURE_NAMES.find((n) => n === name);
const name = named(new URLSearchParams(location.search).get('state'));
if (name === undefined) {
  const links = FIXTURE_NAMES.map((n) => (
    <li key={n}>
      <a href={`?state=${n}`}>{n}</a>
    </li>
  ));
  render(<ul>{links}</ul>, root);
} else {
  const state = signal<AppState>(FIXTURES[name]);
  mount(root, state, actions, signal(FIXTURE_NOW_MS));
  addEventListener('hashchange', () => {
    const next = named(location.hash.slice(1));
    if (next !== undefined) state.value = FIXTURES[next];
  });
}
